//! A program.
use gemscope::session::protocol;
#[wasm_bindgen]
pub fn start(scope: web_sys::DedicatedWorkerGlobalScope) {}
fn main() {}
