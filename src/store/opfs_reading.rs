//! A handle to read with, opened by the first large read and closed when none has followed for a while.
//!
//! Opening one takes as long as reading some MiB, and in some browsers an open one keeps every other tab from writing or removing.

use super::{
    opfs_file::Handle,
    opfs_js::{call, waited},
};
use js_sys::{Object, Reflect};
use std::{
    cell::{Cell, RefCell},
    rc::Rc,
};
use wasm_bindgen::{JsCast, JsValue};
use web_sys::FileSystemFileHandle;

/// How long a handle stays open without a read; whoever finds the file busy tries longer than this.
const IDLE_MILLIS: u32 = 150;

/// The handle of a reader, if it has one now; closed at the latest when this drops.
#[derive(Default)]
pub(super) struct Reading(Rc<Held>);

#[derive(Default)]
struct Held {
    handle: RefCell<Option<Rc<Handle>>>,
    n_reads: Cell<u64>,
}

impl Drop for Reading {
    fn drop(&mut self) {
        self.0.handle.take();
    }
}

impl Reading {
    /// A handle to read with; none while another one keeps us out.
    pub async fn handle(&self, file: &FileSystemFileHandle) -> Option<Rc<Handle>> {
        let open = self.0.handle.borrow().clone();
        let handle = match open {
            Some(it) => it,
            None => {
                let opened = Rc::new(opened(file).await.ok()?);
                self.0.handle.replace(Some(opened.clone()));
                opened
            }
        };
        self.close_when_idle();
        Some(handle)
    }

    fn close_when_idle(&self) {
        let held = self.0.clone();
        let n_reads = held.n_reads.get() + 1;
        held.n_reads.set(n_reads);
        wasm_bindgen_futures::spawn_local(async move {
            crate::sys::sleep_millis(IDLE_MILLIS).await;
            if held.n_reads.get() == n_reads {
                held.handle.take();
            }
        });
    }
}

/// Browsers that know the mode let others read too.
async fn opened(file: &FileSystemFileHandle) -> Result<Handle, JsValue> {
    let options = Object::new();
    Reflect::set(&options, &"mode".into(), &"read-only".into())?;
    let handle = call(file, "createSyncAccessHandle", &[options.into()])?;
    Ok(Handle(waited(handle).await?.unchecked_into()))
}
