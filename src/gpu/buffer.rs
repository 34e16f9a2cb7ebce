//! Buffers that count themselves, and views into them; a recording holds them with or without a device behind.

use super::{Ledger, Use};
use std::{
    rc::Rc,
    sync::atomic::{AtomicU64, Ordering},
};

/// A GPU buffer; clones share it, and the last one frees it.
#[derive(Clone, Debug)]
pub struct Buffer(Rc<Inner>);

/// A part of a buffer.
#[derive(Clone, Debug)]
pub struct View {
    /// The buffer.
    pub buffer: Buffer,
    /// Where the part starts.
    pub offset: u64,
    /// How long it is.
    pub bytes: u64,
}

#[derive(Debug)]
struct Inner {
    id: u64,
    label: String,
    bytes: u64,
    raw: Option<(wgpu::Buffer, Rc<Ledger>, Use)>,
}

impl Buffer {
    /// A buffer without a device, for recordings that are only looked at.
    pub fn detached(label: &str, bytes: u64) -> Self {
        Self::with(label, bytes, None)
    }

    pub(super) fn attached(raw: wgpu::Buffer, label: &str, ledger: Rc<Ledger>, usage: Use) -> Self {
        let bytes = raw.size();
        ledger.add(usage, bytes);
        Self::with(label, bytes, Some((raw, ledger, usage)))
    }

    fn with(label: &str, bytes: u64, raw: Option<(wgpu::Buffer, Rc<Ledger>, Use)>) -> Self {
        static NEXT: AtomicU64 = AtomicU64::new(1);
        Self(Rc::new(Inner {
            id: NEXT.fetch_add(1, Ordering::Relaxed),
            label: label.into(),
            bytes,
            raw,
        }))
    }

    /// A number that no other buffer of this process has.
    pub fn id(&self) -> u64 {
        self.0.id
    }

    /// What it is for.
    pub fn label(&self) -> &str {
        &self.0.label
    }

    /// Its size.
    pub fn bytes(&self) -> u64 {
        self.0.bytes
    }

    /// All of it.
    pub fn whole(&self) -> View {
        self.view(0, self.bytes())
    }

    /// A part of it, cut to its end.
    pub fn view(&self, offset: u64, bytes: u64) -> View {
        View {
            buffer: self.clone(),
            offset,
            bytes: bytes.min(self.bytes().saturating_sub(offset)),
        }
    }

    pub(super) fn raw(&self) -> Option<&wgpu::Buffer> {
        self.0.raw.as_ref().map(|it| &it.0)
    }
}

impl PartialEq for View {
    fn eq(&self, other: &Self) -> bool {
        (self.buffer.id(), self.offset, self.bytes)
            == (other.buffer.id(), other.offset, other.bytes)
    }
}

impl Drop for Inner {
    fn drop(&mut self) {
        if let Some((raw, ledger, usage)) = &self.raw {
            ledger.remove(*usage, self.bytes);
            // Safari does not free what JavaScript merely forgets.
            raw.destroy();
        }
    }
}
