//! Files made of a run: tables, arrays, text and pictures, each with where it comes from. Leaves computing to the requests.

mod charts;
mod drawing;
mod gather;
mod grid;
mod make;
mod map;
mod rows;
mod send;
mod sites;
mod summary;
mod table;
mod tensors;
mod trouble;

pub(super) use send::Parcel;
pub(super) use trouble::DocumentTrouble;
