//! An export of the library.
#[wasm_bindgen]
pub fn start() {}
