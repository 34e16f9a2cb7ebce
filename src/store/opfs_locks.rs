//! Locks between tabs: `navigator.locks`, which a browser lets go when their tab dies.

use super::{
    LockGuard,
    opfs_js::{call, get, of_navigator, waited},
};
use crate::sys::{Stopwatch, sleep_millis};
use futures_channel::oneshot;
use futures_util::future::{Either, select};
use js_sys::{Array, Function, Object, Promise, Reflect};
use std::{cell::RefCell, collections::VecDeque, pin::pin};
use wasm_bindgen::{JsCast, JsValue, closure::Closure};

/// A lock that is let go is free only when the browser's other process has heard of it. Another tab may have let it go just now: it is
/// tried again for a moment. If this program did, and nobody else has it, it will be free: a busy machine takes its time.
const PATIENCE_MILLIS: f64 = 100.0;
const OWN_PATIENCE_MILLIS: f64 = 5000.0;
const PAUSE_MILLIS: u32 = 20;
/// Locks that this program let go are remembered for so many, the newest.
const REMEMBERED: usize = 64;

thread_local! {
    /// Paths of the locks that this program has let go, the newest last.
    static LET_GO: RefCell<VecDeque<String>> = const { RefCell::new(VecDeque::new()) };
}

/// Takes a lock, when no one holds it.
///
/// Errors: what the browser throws.
pub(super) async fn take(path: &str) -> Result<Option<LockGuard>, JsValue> {
    let was_ours = LET_GO.with_borrow(|it| it.iter().any(|it| it == path));
    let patience = match was_ours {
        true => OWN_PATIENCE_MILLIS,
        false => PATIENCE_MILLIS,
    };
    let watch = Stopwatch::start();
    loop {
        if let Some(it) = try_take(path).await? {
            LET_GO.with_borrow_mut(|all| all.retain(|it| it != path));
            return Ok(Some(it));
        }
        if watch.seconds() * 1000.0 > patience {
            // Somebody else has it; who asks again asks as a stranger.
            LET_GO.with_borrow_mut(|all| all.retain(|it| it != path));
            return Ok(None);
        }
        sleep_millis(PAUSE_MILLIS).await;
    }
}

fn let_go(path: String) {
    LET_GO.with_borrow_mut(|all| {
        all.push_back(path);
        if all.len() > REMEMBERED {
            all.pop_front();
        }
    });
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
    let path = path.to_string();
    Ok(release.map(|release| {
        LockGuard::new(move || {
            let_go(path);
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
