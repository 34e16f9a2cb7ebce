//! What a command's message brings beside its JSON, in order: on the web folders, files and buffers, natively bytes. The command says
//! which it takes.

use super::trouble::Trouble;
use crate::{
    hub::Source,
    spec::{Bytes, HandedFile},
};
use std::rc::Rc;

/// One thing that was brought.
#[cfg(target_arch = "wasm32")]
pub type Attachment = wasm_bindgen::JsValue;
/// One thing that was brought.
#[cfg(not(target_arch = "wasm32"))]
pub type Attachment = Vec<u8>;

/// The bytes of one, if it has any; not copied on the web.
#[cfg(target_arch = "wasm32")]
pub(super) fn bytes(it: &Attachment) -> Option<Bytes> {
    use wasm_bindgen::JsCast;
    let buffer = it.dyn_ref::<js_sys::ArrayBuffer>()?;
    Some(Bytes::Js(js_sys::Uint8Array::new(buffer)))
}

/// The bytes of one.
#[cfg(not(target_arch = "wasm32"))]
pub(super) fn bytes(it: &Attachment) -> Option<Bytes> {
    Some(Bytes::Vec(it.clone()))
}

/// Files under their names.
///
/// Errors: [`Trouble::NothingBeside`] for a name without a file.
#[cfg(target_arch = "wasm32")]
pub(super) fn files(
    names: &[HandedFile],
    attached: &[Attachment],
) -> Result<Rc<dyn Source>, Trouble> {
    let mut files = crate::hub::Chosen::default();
    for (part, it) in names.iter().enumerate() {
        let taken = attached
            .get(part)
            .is_some_and(|of| files.take(&it.name, of));
        if !taken {
            return Err(Trouble::NothingBeside { part });
        }
    }
    Ok(Rc::new(files))
}

/// Files under their names; their bytes are at hand.
///
/// Errors: [`Trouble::NothingBeside`] for a name without a file.
#[cfg(not(target_arch = "wasm32"))]
pub(super) fn files(
    names: &[HandedFile],
    attached: &[Attachment],
) -> Result<Rc<dyn Source>, Trouble> {
    let mut files = crate::hub::Memory::default();
    for (part, it) in names.iter().enumerate() {
        let bytes = attached.get(part).ok_or(Trouble::NothingBeside { part })?;
        files.insert(&it.name, bytes.clone());
    }
    Ok(Rc::new(files))
}
