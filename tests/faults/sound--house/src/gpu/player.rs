//! Uses what it may, in every way.
use super::{Player as Played, super::spec::{self, Site}};
use crate::{spec::DType as Type, sys};
#[wasm_bindgen(module = "/www/x.js")]
extern "C" {
    #[wasm_bindgen(js_name = now)]
    fn js_now() -> f64;
}
/// One flag, seven parameters, its own room by its full name.
pub fn play(a: bool, b: u8, c: u8, d: u8, e: u8, f: u8, g: wgpu::Device) -> u32 {
    let wgpu = crate::gpu::player::depth(self::super::start);
    log!("{}", crate::spec::Site::all(b).len(), store = wgpu);
    wgpu
}
mod tests {
    use super::*;
}
