//! Waiting without blocking the thread on the web, where messages only arrive between tasks.

/// Lets other tasks and messages have their turn.
///
/// On the web a message to ourselves: a timer would be held back to 4 ms. Natively whatever is polled beside the caller.
pub async fn yield_now() {
    #[cfg(not(target_arch = "wasm32"))]
    {
        let mut yielded = false;
        std::future::poll_fn(|context| match std::mem::replace(&mut yielded, true) {
            true => std::task::Poll::Ready(()),
            false => {
                context.waker().wake_by_ref();
                std::task::Poll::Pending
            }
        })
        .await;
    }
    #[cfg(target_arch = "wasm32")]
    web::next_task().await;
}

/// Waits without blocking the thread; dropping it takes the timer away.
pub async fn sleep_millis(millis: u32) {
    #[cfg(not(target_arch = "wasm32"))]
    futures_timer::Delay::new(std::time::Duration::from_millis(millis.into())).await;
    #[cfg(target_arch = "wasm32")]
    web::timer(millis).await;
}

/// Runs a future to its end on this thread.
#[cfg(not(target_arch = "wasm32"))]
pub fn block_on<F: Future>(future: F) -> F::Output {
    struct Unpark(std::thread::Thread);
    impl std::task::Wake for Unpark {
        fn wake(self: std::sync::Arc<Self>) {
            self.0.unpark();
        }
    }
    let waker = std::sync::Arc::new(Unpark(std::thread::current())).into();
    let mut context = std::task::Context::from_waker(&waker);
    let mut future = std::pin::pin!(future);
    loop {
        match future.as_mut().poll(&mut context) {
            std::task::Poll::Ready(it) => return it,
            std::task::Poll::Pending => std::thread::park(),
        }
    }
}

#[cfg(target_arch = "wasm32")]
mod web {
    use wasm_bindgen::{JsCast, JsValue, closure::Closure};

    pub async fn next_task() {
        let Ok(channel) = web_sys::MessageChannel::new() else {
            return;
        };
        let promise = js_sys::Promise::new(&mut |resolve, _| {
            let done = Closure::once_into_js(move |_: JsValue| {
                let _ = resolve.call0(&JsValue::NULL);
            });
            channel.port1().set_onmessage(Some(done.unchecked_ref()));
            let _ = channel.port2().post_message(&JsValue::NULL);
        });
        let _ = wasm_bindgen_futures::JsFuture::from(promise).await;
        channel.port1().close();
    }

    pub async fn timer(millis: u32) {
        // Beyond this a browser's timer wraps around and fires at once.
        const MOST_MILLIS: u32 = i32::MAX as u32;
        let global = js_sys::global();
        let mut id = JsValue::UNDEFINED;
        let promise = js_sys::Promise::new(&mut |resolve, _| {
            if let Ok(set) = js_sys::Reflect::get(&global, &"setTimeout".into()) {
                let set: js_sys::Function = set.unchecked_into();
                let millis = millis.min(MOST_MILLIS);
                id = set
                    .call2(&global, &resolve, &millis.into())
                    .unwrap_or_default();
            }
        });
        // Stalls are watched by a timer per chunk: those that are not needed must not pile up.
        let _timer = Timer(id);
        let _ = wasm_bindgen_futures::JsFuture::from(promise).await;
    }

    /// A timer of the browser, taken away when dropped.
    struct Timer(JsValue);

    impl Drop for Timer {
        fn drop(&mut self) {
            let global = js_sys::global();
            if let Ok(clear) = js_sys::Reflect::get(&global, &"clearTimeout".into()) {
                let clear: js_sys::Function = clear.unchecked_into();
                let _ = clear.call1(&global, &self.0);
            }
        }
    }
}
