//! Bytes that travel from a source to the GPU without being looked at; on the web they may stay in the JavaScript heap.

use std::ops::Range;

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

    /// Some of the bytes; on the web a view of the same memory where they are in the JavaScript heap, else a copy.
    ///
    /// Errors: none for a range beyond the end.
    pub fn slice(&self, range: Range<usize>) -> Option<Self> {
        match self {
            Self::Vec(it) => it.get(range).map(|it| Self::Vec(it.to_vec())),
            #[cfg(target_arch = "wasm32")]
            Self::Js(it) => (range.start <= range.end && range.end <= it.length() as usize)
                .then(|| Self::Js(it.subarray(range.start as u32, range.end as u32))),
        }
    }

    /// Bytes one after the other; a single run is handed on as it is.
    pub fn concat(mut runs: Vec<Self>) -> Self {
        match runs.len() {
            1 => runs.remove(0),
            _ => {
                let runs = runs.into_iter().map(Self::into_vec);
                Self::Vec(runs.collect::<Vec<_>>().concat())
            }
        }
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
