//! `Check`: what is open against figures that are known of it, which are data of this folder.

mod compare;
mod figures;
mod measured;
mod outcome;
mod randn;
