//! The header of a safetensors file, with u64 offsets: where each tensor lies. Leaves which tensors should be there to `checkpoint`.
//!
//! The safetensors crate can't serve here: on wasm32 it reads offsets as 32-bit numbers, so every tensor above 512 MiB and
//! every file above 4 GiB is an error to it. What it accepts on 64-bit systems this parser accepts too, types aside; a test compares.

use super::WeightsError;
use crate::spec::DType;
use serde::{
    Deserialize, Deserializer, Serialize,
    de::{Error, MapAccess, Visitor},
};
use std::{collections::BTreeMap, fmt, ops::Range};

/// Bytes of the length that stands before the header. Source: safetensors, format.
pub const LENGTH_BYTES: u64 = 8;
/// Headers have at most so many bytes. Source: safetensors, `MAX_HEADER_SIZE`.
pub const MAX_HEADER_BYTES: u64 = 100_000_000;

/// What a file holds.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Header {
    /// Tensors by their names.
    pub tensors: BTreeMap<String, Entry>,
}

/// Where a tensor lies and what it is.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Entry {
    /// Type of its elements.
    pub dtype: DType,
    /// Its shape, outermost first.
    pub shape: Vec<u64>,
    /// Its bytes, counted from the start of the file.
    pub range: Range<u64>,
}

impl Header {
    /// Bytes of the header, length included, from the first 8 bytes of a file of `file_bytes`.
    ///
    /// Errors: [`WeightsError::HeaderLength`] when the file is too short, or the header above [`MAX_HEADER_BYTES`].
    pub fn extent(file: &str, first: &[u8], file_bytes: u64) -> Result<u64, WeightsError> {
        let length = first.first_chunk().map(|it| u64::from_le_bytes(*it));
        let extent = length
            .filter(|it| *it <= MAX_HEADER_BYTES)
            .map(|it| it + LENGTH_BYTES)
            .filter(|it| *it <= file_bytes);
        extent.ok_or_else(|| WeightsError::HeaderLength {
            file: file.into(),
            header_bytes: length.unwrap_or(0),
            file_bytes,
        })
    }

    /// Reads the header from `head`, the first bytes of a file of `file_bytes`, which may go on beyond the header.
    ///
    /// Errors: those of a file that is damaged, cut short or none of safetensors, naming the file and, where there is one, the tensor.
    pub fn parse(file: &str, head: &[u8], file_bytes: u64) -> Result<Self, WeightsError> {
        let extent = Self::extent(file, head, file_bytes)?;
        let json = usize::try_from(extent)
            .ok()
            .and_then(|it| head.get(LENGTH_BYTES as usize..it));
        let json = json.ok_or_else(|| WeightsError::HeaderLength {
            file: file.into(),
            header_bytes: extent - LENGTH_BYTES,
            file_bytes: head.len() as u64,
        })?;
        let json_error = |detail: String| WeightsError::HeaderJson {
            file: file.into(),
            detail,
        };
        if json.first() != Some(&b'{') {
            return Err(json_error("it does not begin with `{`".into()));
        }
        let raw: RawHeader =
            serde_json::from_slice(json).map_err(|it| json_error(it.to_string()))?;
        check_layout(file, &raw, extent, file_bytes)?;
        let mut tensors = BTreeMap::new();
        for (tensor, entry) in raw.0 {
            let entry = entry.into_entry(file, &tensor, extent)?;
            if tensors.contains_key(&tensor) {
                let file = file.into();
                return Err(WeightsError::Duplicate { file, tensor });
            }
            tensors.insert(tensor, entry);
        }
        Ok(Self { tensors })
    }
}

/// Tensors must follow each other without holes and end where the file ends.
fn check_layout(
    file: &str,
    raw: &RawHeader,
    extent: u64,
    file_bytes: u64,
) -> Result<(), WeightsError> {
    let mut order: Vec<&(String, RawEntry)> = raw.0.iter().collect();
    order.sort_unstable_by_key(|(_, it)| it.data_offsets);
    let mut expected = 0;
    for (tensor, entry) in order {
        let [begin, end] = entry.data_offsets;
        if begin != expected || end < begin {
            return Err(WeightsError::Offsets {
                file: file.into(),
                tensor: tensor.clone(),
                begin,
                end,
                expected,
            });
        }
        expected = end;
    }
    match extent.checked_add(expected) {
        Some(it) if it == file_bytes => Ok(()),
        it => Err(WeightsError::Extent {
            file: file.into(),
            expected_bytes: it.unwrap_or(u64::MAX),
            got_bytes: file_bytes,
        }),
    }
}

/// Entries as they stand in the file, double names included.
struct RawHeader(Vec<(String, RawEntry)>);

#[derive(Deserialize)]
struct RawEntry {
    dtype: String,
    shape: Vec<u64>,
    data_offsets: [u64; 2],
}

impl RawEntry {
    /// `check_layout` must have passed: offsets are in order and inside the file.
    fn into_entry(self, file: &str, tensor: &str, extent: u64) -> Result<Entry, WeightsError> {
        let Some(dtype) = DType::from_safetensors(&self.dtype) else {
            return Err(WeightsError::UnknownDType {
                file: file.into(),
                tensor: tensor.into(),
                dtype: self.dtype,
            });
        };
        let [begin, end] = self.data_offsets;
        let size_bytes = (self.shape.iter())
            .try_fold(1u64, |product, it| product.checked_mul(*it))
            .and_then(|it| it.checked_mul(dtype.size_bytes() as u64));
        if size_bytes != Some(end - begin) {
            return Err(WeightsError::Size {
                file: file.into(),
                tensor: tensor.into(),
                dtype,
                shape: self.shape,
                got_bytes: end - begin,
            });
        }
        Ok(Entry {
            dtype,
            shape: self.shape,
            range: extent + begin..extent + end,
        })
    }
}

impl<'de> Deserialize<'de> for RawHeader {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_map(Entries)
    }
}

struct Entries;

impl<'de> Visitor<'de> for Entries {
    type Value = RawHeader;

    fn expecting(&self, f: &mut fmt::Formatter) -> fmt::Result {
        f.write_str("an object of tensors")
    }

    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<RawHeader, A::Error> {
        let mut entries = Vec::new();
        while let Some(key) = map.next_key::<String>()? {
            if key == "__metadata__" {
                map.next_value::<Option<BTreeMap<String, String>>>()?;
                continue;
            }
            let entry = map.next_value::<RawEntry>();
            let entry = entry.map_err(|it| A::Error::custom(format!("`{key}`: {it}")))?;
            entries.push((key, entry));
        }
        Ok(RawHeader(entries))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn file(json: &str) -> Vec<u8> {
        let mut out = (json.len() as u64).to_le_bytes().to_vec();
        out.extend(json.as_bytes());
        out
    }

    #[test]
    fn offsets_above_4_gib_and_tensors_above_512_mib_are_numbers_like_others() {
        // The embedding of google/gemma-2-2b in f32, then enough to cross 4 GiB.
        let json = r#"{"__metadata__":{"format":"pt"},
            "embed":{"dtype":"F32","shape":[256000,2304],"data_offsets":[0,2359296000]},
            "more":{"dtype":"F32","shape":[256000,2304],"data_offsets":[2359296000,4718592000]},
            "last":{"dtype":"BF16","shape":[2304],"data_offsets":[4718592000,4718596608]}}"#;
        let head = file(json);
        let at = head.len() as u64;
        let header = Header::parse("x", &head, at + 4_718_596_608).unwrap();
        let last = &header.tensors["last"];
        assert_eq!(last.range, at + 4_718_592_000..at + 4_718_596_608);
        assert_eq!(
            (last.dtype, last.shape.as_slice()),
            (DType::BF16, &[2304u64][..])
        );
    }

    #[test]
    fn a_product_of_dimensions_that_overflows_is_an_error() {
        let json = r#"{"a":{"dtype":"F32","shape":[4294967296,4294967296],"data_offsets":[0,0]}}"#;
        let head = file(json);
        let got = Header::parse("x", &head, head.len() as u64);
        assert!(matches!(got, Err(WeightsError::Size { tensor, .. }) if tensor == "a"));
    }

    #[test]
    fn a_header_is_never_longer_than_its_file() {
        for (length, file_bytes) in [
            (9, 16),
            (u64::MAX, 1 << 40),
            (MAX_HEADER_BYTES + 1, 1 << 40),
        ] {
            let got = Header::extent("x", &u64::to_le_bytes(length), file_bytes);
            assert!(
                matches!(got, Err(WeightsError::HeaderLength { .. })),
                "{length}"
            );
        }
        assert!(Header::extent("x", &[0; 7], 7).is_err());
        assert!(matches!(
            Header::extent("x", &[8, 0, 0, 0, 0, 0, 0, 0], 16),
            Ok(16)
        ));
    }
}
