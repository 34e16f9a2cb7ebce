//! A run of bytes of a known length, put together from chunks as they come; on the web it is made in the JavaScript heap.

use crate::spec::Bytes;

/// Bytes that are still being put together.
pub(super) struct Piece {
    #[cfg(not(target_arch = "wasm32"))]
    bytes: Vec<u8>,
    #[cfg(target_arch = "wasm32")]
    bytes: js_sys::Uint8Array,
    #[cfg(target_arch = "wasm32")]
    n_here: usize,
    n_bytes: usize,
}

impl Piece {
    /// Room for so many bytes, or none where memory is refused.
    #[cfg(not(target_arch = "wasm32"))]
    pub fn new(n_bytes: usize) -> Option<Self> {
        let mut bytes = Vec::new();
        bytes.try_reserve_exact(n_bytes).ok()?;
        Some(Self { bytes, n_bytes })
    }

    /// Room for so many bytes, or none where memory is refused.
    #[cfg(target_arch = "wasm32")]
    pub fn new(n_bytes: usize) -> Option<Self> {
        use js_sys::{Array, Function, Reflect, Uint8Array};
        use wasm_bindgen::JsCast;
        // By way of Reflect, which hands a refusal on instead of throwing it through this program.
        let class: Function = Reflect::get(&js_sys::global(), &"Uint8Array".into())
            .ok()?
            .dyn_into()
            .ok()?;
        let made = Reflect::construct(&class, &Array::of1(&(n_bytes as f64).into())).ok()?;
        Some(Self {
            bytes: made.dyn_into::<Uint8Array>().ok()?,
            n_here: 0,
            n_bytes,
        })
    }

    /// Bytes that are not there yet.
    pub fn n_missing(&self) -> usize {
        self.n_bytes - self.n_here()
    }

    /// Takes what it needs of a chunk from `from` on; says how many bytes it took.
    pub fn take(&mut self, chunk: &Bytes, from: usize) -> usize {
        let n_taken = self.n_missing().min(chunk.len() - from);
        self.put(chunk, from, n_taken);
        n_taken
    }

    #[cfg(not(target_arch = "wasm32"))]
    fn n_here(&self) -> usize {
        self.bytes.len()
    }

    #[cfg(target_arch = "wasm32")]
    fn n_here(&self) -> usize {
        self.n_here
    }

    #[cfg(not(target_arch = "wasm32"))]
    fn put(&mut self, chunk: &Bytes, from: usize, n_bytes: usize) {
        let Bytes::Vec(chunk) = chunk;
        self.bytes.extend_from_slice(&chunk[from..from + n_bytes]);
    }

    #[cfg(target_arch = "wasm32")]
    fn put(&mut self, chunk: &Bytes, from: usize, n_bytes: usize) {
        let (start, end) = (from as u32, (from + n_bytes) as u32);
        match chunk {
            Bytes::Js(it) => self.bytes.set(&it.subarray(start, end), self.n_here as u32),
            Bytes::Vec(it) => {
                let place = self.n_here as u32..(self.n_here + n_bytes) as u32;
                let place = self.bytes.subarray(place.start, place.end);
                place.copy_from(&it[from..from + n_bytes]);
            }
        }
        self.n_here += n_bytes;
    }
}

impl From<Piece> for Bytes {
    #[cfg(not(target_arch = "wasm32"))]
    fn from(it: Piece) -> Bytes {
        Bytes::Vec(it.bytes)
    }

    #[cfg(target_arch = "wasm32")]
    fn from(it: Piece) -> Bytes {
        Bytes::Js(it.bytes)
    }
}
