//! Locks between tabs: `navigator.locks`, which a browser lets go when their tab dies.

use super::{
    LockGuard,
    opfs_js::{call, get, of_navigator, waited},
};
use futures_channel::oneshot;
use futures_util::future::{Either, select};
use js_sys::{Array, Function, Object, Promise, Reflect};
use std::pin::pin;
use wasm_bindgen::{JsCast, JsValue, closure::Closure};

/// A lock that is let go is free only when the browser's other process has heard of it.
const TRIES: u32 = 6;
const PAUSE_MILLIS: u32 = 20;

/// Takes a lock, when no one holds it.
///
/// Errors: what the browser throws.
pub(super) async fn take(path: &str) -> Result<Option<LockGuard>, JsValue> {
    for n in 0..TRIES {
        if n > 0 {
            crate::sys::sleep_millis(PAUSE_MILLIS).await;
        }
        if let Some(it) = try_take(path).await? {
            return Ok(Some(it));
        }
    }
    Ok(None)
}

async fn try_take(path: &str) -> Result<Option<LockGuard>, JsValue> {
    let Some(locks) = of_navigator("locks") else {
        // Without locks, the one handle that may write a file still keeps others out.
        return Ok(Some(LockGuard::new(|| ())));
    };
    let options = Object::new();
    Reflect::set(&options, &"mode".into(), &"exclusive".into())?;
    Reflect::set(&options, &"ifAvailable".into(), &true.into())?;
    let (tell, told) = oneshot::channel();
    let callback = Closure::once_into_js(move |lock: JsValue| held(&lock, tell));
    let request = call(&locks, "request", &[full(path), options.into(), callback])?;
    // The request comes to its end when the lock is let go; before that, only when it fails.
    let release = match select(told, pin!(waited(request))).await {
        Either::Left((told, _)) => told.ok().flatten(),
        Either::Right((Ok(_), told)) => told.await.ok().flatten(),
        Either::Right((Err(it), _)) => return Err(it),
    };
    Ok(release.map(|release| {
        LockGuard::new(move || {
            // Resolving a promise throws nothing.
            let _ = release.call0(&JsValue::UNDEFINED);
        })
    }))
}

/// Whether anyone holds a lock.
///
/// Errors: what the browser throws.
pub(super) async fn is_held(path: &str) -> Result<bool, JsValue> {
    let Some(locks) = of_navigator("locks") else {
        return Ok(false);
    };
    let state = waited(call(&locks, "query", &[])?).await?;
    let held = get(&state, "held").and_then(|it| it.dyn_into::<Array>().ok());
    let name = full(path);
    let is_it = |it: JsValue| get(&it, "name").is_some_and(|it| it == name);
    Ok(held.is_some_and(|it| it.iter().any(is_it)))
}

/// Called with the lock or null: tells how to let it go, and gives the promise that holds it until then.
fn held(lock: &JsValue, tell: oneshot::Sender<Option<Function>>) -> JsValue {
    if lock.is_null() {
        let _ = tell.send(None); // whoever asked is gone
        return JsValue::UNDEFINED;
    }
    let mut release = None;
    let promise = Promise::new(&mut |resolve, _| release = Some(resolve.unchecked_into()));
    match tell.send(release) {
        Ok(()) => promise.into(),
        // Whoever asked is gone: nothing is held.
        Err(_) => JsValue::UNDEFINED,
    }
}

fn full(path: &str) -> JsValue {
    format!("gemscope-store/{path}").into()
}
