//! A line for whoever looks at a console; never a way to hand an error on.

/// Writes a warning to standard error, or to the browser's console.
pub fn warn(text: &str) {
    #[cfg(not(target_arch = "wasm32"))]
    eprintln!("gemscope: {text}");
    #[cfg(target_arch = "wasm32")]
    web_sys::console::warn_1(&text.into());
}
