//! Who waits for what, and until when: notes that a progress line can show.

use std::{
    cell::{Cell, RefCell},
    fmt,
    rc::Rc,
};

/// A request that waits instead of receiving.
#[derive(Clone, Debug, PartialEq)]
pub struct Waiting {
    /// The file or repository.
    pub what: String,
    /// Why.
    pub reason: WaitReason,
    /// Until when, by the clock of [`super::Net`]; none where nobody knows.
    pub until_millis: Option<f64>,
}

/// Why a request waits.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum WaitReason {
    /// The machine has no network.
    Offline,
    /// The connection failed, broke or went silent.
    Network,
    /// The server asks to wait.
    Asked,
    /// The server is in trouble of its own.
    Busy,
}

impl fmt::Display for WaitReason {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Offline => "waiting for the network",
            Self::Network => "the connection failed, trying again",
            Self::Asked => "the server asks to wait",
            Self::Busy => "the server is busy, trying again",
        })
    }
}

/// All notes of those who wait; clones share them.
#[derive(Clone, Debug, Default)]
pub(super) struct Notes {
    notes: Rc<RefCell<Vec<(u64, Waiting)>>>,
    n_given: Rc<Cell<u64>>,
}

/// A note, which goes when this is dropped.
pub(super) struct Note {
    notes: Notes,
    id: u64,
}

impl Notes {
    /// Leaves a note.
    pub fn add(&self, waiting: Waiting) -> Note {
        let id = self.n_given.get();
        self.n_given.set(id + 1);
        self.notes.borrow_mut().push((id, waiting));
        let notes = self.clone();
        Note { notes, id }
    }

    /// All notes, the oldest first.
    pub fn all(&self) -> Vec<Waiting> {
        self.notes.borrow().iter().map(|it| it.1.clone()).collect()
    }
}

impl Drop for Note {
    fn drop(&mut self) {
        self.notes.notes.borrow_mut().retain(|it| it.0 != self.id);
    }
}
