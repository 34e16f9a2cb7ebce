//! Memory of this program where its size is its own to tell.

/// Bytes of the wasm heap, which only grows; 0 natively.
pub fn heap_bytes() -> u64 {
    #[cfg(target_arch = "wasm32")]
    return core::arch::wasm32::memory_size(0) as u64 * 65_536;
    #[cfg(not(target_arch = "wasm32"))]
    return 0;
}
