//! Time that only goes forward, on host and wasm.

/// A moment to measure from.
#[derive(Clone, Copy, Debug)]
pub struct Stopwatch {
    #[cfg(not(target_arch = "wasm32"))]
    start: std::time::Instant,
    #[cfg(target_arch = "wasm32")]
    start_millis: f64,
}

impl Stopwatch {
    /// Starts now.
    pub fn start() -> Self {
        Self {
            #[cfg(not(target_arch = "wasm32"))]
            start: std::time::Instant::now(),
            #[cfg(target_arch = "wasm32")]
            start_millis: now_millis(),
        }
    }

    /// Seconds since the start.
    pub fn seconds(&self) -> f64 {
        #[cfg(not(target_arch = "wasm32"))]
        return self.start.elapsed().as_secs_f64();
        #[cfg(target_arch = "wasm32")]
        return (now_millis() - self.start_millis) / 1e3;
    }

    /// Milliseconds since the start.
    pub fn millis(&self) -> f64 {
        self.seconds() * 1e3
    }
}

#[cfg(target_arch = "wasm32")]
fn now_millis() -> f64 {
    use wasm_bindgen::JsCast;
    let performance = js_sys::Reflect::get(&js_sys::global(), &"performance".into());
    performance
        .ok()
        .and_then(|it| it.dyn_into::<web_sys::Performance>().ok())
        .map_or_else(js_sys::Date::now, |it| it.now())
}
