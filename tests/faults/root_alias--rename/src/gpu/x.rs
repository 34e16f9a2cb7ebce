//! The root under another name.
use crate as house;
pub fn x() {
    house::ops::y();
}
