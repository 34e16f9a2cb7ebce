//! Data alone.
use crate::spec::Site;
use serde::{Deserialize, Serialize};
use std::fmt;
pub use Body::Done;
#[derive(Serialize, Deserialize)]
pub struct Command {
    site: Site,
    body: Body,
}
pub enum Body {
    Done,
}
impl Body {
    fn done() -> Self {
        Body::Done
    }
}
