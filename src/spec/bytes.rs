//! Bytes that travel from a source to the GPU without being looked at; on the web they may stay in the JavaScript heap.

/// A run of bytes: a `Vec` natively, on the web either a `Vec` or a `Uint8Array` that is never copied into the wasm heap.
#[derive(Clone, Debug)]
pub enum Bytes {
    /// Bytes in this program's own memory.
    Vec(Vec<u8>),
    /// Bytes in the JavaScript heap.
    #[cfg(target_arch = "wasm32")]
    Js(js_sys::Uint8Array),
}

impl Bytes {
    /// How many bytes these are.
    pub fn len(&self) -> usize {
        match self {
            Self::Vec(it) => it.len(),
            #[cfg(target_arch = "wasm32")]
            Self::Js(it) => it.length() as usize,
        }
    }

    /// Whether there are none.
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// The bytes in this program's own memory; copies on the web when they are not there yet.
    pub fn into_vec(self) -> Vec<u8> {
        match self {
            Self::Vec(it) => it,
            #[cfg(target_arch = "wasm32")]
            Self::Js(it) => it.to_vec(),
        }
    }
}

impl From<Vec<u8>> for Bytes {
    fn from(it: Vec<u8>) -> Self {
        Self::Vec(it)
    }
}
