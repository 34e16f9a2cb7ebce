//! Does not parse.
fn x( {
