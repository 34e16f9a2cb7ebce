//! The library itself: a store, and the network that fills it. Leaves what is done with them to the files beside it.

use crate::{hub::Net, store::Store};
use std::rc::Rc;

/// Sets of hubs that are kept in a store. Clones are the same library.
#[derive(Clone)]
pub struct Library {
    store: Store,
    net: Rc<Net>,
}

impl Library {
    /// A library over a store and a network.
    pub fn new(store: Store, net: Rc<Net>) -> Self {
        Self { store, net }
    }

    /// Where it is kept.
    pub fn store(&self) -> &Store {
        &self.store
    }

    /// What it is fetched by.
    pub fn net(&self) -> &Rc<Net> {
        &self.net
    }
}
