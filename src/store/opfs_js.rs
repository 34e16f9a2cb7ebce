//! What the store asks of a browser beside files: is there storage, how much, may it stay; and what a browser's errors mean.

use super::{Keeping, StoreError};
use futures_util::future::{Either, select};
use js_sys::{Array, Function, Promise, Reflect};
use std::{io, pin::pin};
use wasm_bindgen::{JsCast, JsValue};
use wasm_bindgen_futures::JsFuture;

/// A property that is there.
pub(super) fn get(of: &JsValue, key: &str) -> Option<JsValue> {
    let value = Reflect::get(of, &key.into()).ok()?;
    (!value.is_undefined() && !value.is_null()).then_some(value)
}

/// Calls a method that a browser may not have.
pub(super) fn call(of: &JsValue, method: &str, args: &[JsValue]) -> Result<JsValue, JsValue> {
    let method: Function = Reflect::get(of, &method.into())?.dyn_into()?;
    method.apply(of, &args.iter().collect::<Array>())
}

/// Waits for what a call gave.
pub(super) async fn waited(promise: JsValue) -> Result<JsValue, JsValue> {
    JsFuture::from(Promise::resolve(&promise)).await
}

/// A part of `navigator`.
pub(super) fn of_navigator(key: &str) -> Option<JsValue> {
    get(&get(&js_sys::global(), "navigator")?, key)
}

/// `navigator.storage`, which insecure addresses have not.
pub(super) fn storage() -> Option<JsValue> {
    of_navigator("storage")
}

/// What the browser says is free.
pub(super) async fn room_bytes() -> Option<u64> {
    let estimate = waited(call(&storage()?, "estimate", &[]).ok()?)
        .await
        .ok()?;
    let number = |key| get(&estimate, key)?.as_f64();
    Some((number("quota")? - number("usage")?).max(0.0) as u64)
}

/// Asks that what is stored may stay. A worker may only ask whether it does; where a person is asked, the answer may never come.
pub(super) async fn keep(most_millis: u32) -> Keeping {
    let Some(storage) = storage() else {
        return Keeping::AtRisk;
    };
    let asked = call(&storage, "persist", &[]).or_else(|_| call(&storage, "persisted", &[]));
    let Ok(asked) = asked else {
        return Keeping::AtRisk;
    };
    let late = crate::sys::sleep_millis(most_millis);
    match select(pin!(waited(asked)), pin!(late)).await {
        Either::Left((Ok(it), _)) if it.is_truthy() => Keeping::Sure,
        Either::Left(_) => Keeping::AtRisk,
        Either::Right(_) => Keeping::Asked,
    }
}

/// What an error calls itself, and all that it says.
pub(super) fn told(error: &JsValue) -> (String, String) {
    let text = |key| get(error, key).and_then(|it| it.as_string());
    let name = text("name").unwrap_or_default();
    let message = text("message").unwrap_or_else(|| format!("{error:?}"));
    let detail = format!("{name}: {message}");
    (name, detail)
}

/// An error in our own terms.
pub(super) fn error(file: &str, place: &str, missing_bytes: u64, error: &JsValue) -> StoreError {
    let (name, detail) = told(error);
    let file = file.to_string();
    match name.as_str() {
        "NotFoundError" => StoreError::Missing {
            file,
            place: place.into(),
        },
        "NoModificationAllowedError" => StoreError::Busy { key: file },
        // Firefox throws its own codes from synchronous handles.
        "QuotaExceededError"
        | "NS_ERROR_FILE_NO_DEVICE_SPACE"
        | "NS_ERROR_DOM_QUOTA_EXCEEDED_ERR" => no_room(&file, missing_bytes),
        _ => StoreError::Io {
            file,
            source: io::Error::other(detail),
        },
    }
}

/// The end of the room.
pub(super) fn no_room(file: &str, missing_bytes: u64) -> StoreError {
    StoreError::NoRoom {
        file: file.into(),
        place: "this browser's storage".into(),
        missing_bytes,
    }
}
