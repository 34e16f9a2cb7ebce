//! The arrays that come beside an event, as they were sent: bytes. Leaves what they mean to whoever folds the event.

use crate::session::protocol::Array;

/// The buffers of one event, in order.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Parts(pub Vec<Vec<u8>>);

impl Parts {
    /// An array of f32; empty when it is not there.
    pub fn f32s(&self, array: &Array) -> Vec<f32> {
        self.words(array).map(f32::from_le_bytes).collect()
    }

    /// An array of u32; empty when it is not there.
    pub fn u32s(&self, array: &Array) -> Vec<u32> {
        self.words(array).map(u32::from_le_bytes).collect()
    }

    fn words(&self, array: &Array) -> impl Iterator<Item = [u8; 4]> {
        let bytes = self.0.get(array.part).map_or(&[][..], Vec::as_slice);
        let (words, _) = bytes.as_chunks();
        words.iter().copied()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::spec::DType;

    #[test]
    fn arrays_are_found_by_their_part() {
        let array = |part| Array {
            dtype: DType::F32,
            shape: vec![1],
            part,
        };
        let parts = Parts(vec![
            1.5f32.to_le_bytes().to_vec(),
            7u32.to_le_bytes().to_vec(),
        ]);
        assert_eq!(parts.f32s(&array(0)), [1.5]);
        assert_eq!(parts.u32s(&array(1)), [7]);
        assert!(parts.f32s(&array(2)).is_empty());
    }
}
