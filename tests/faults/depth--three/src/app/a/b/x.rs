//! Three folders deep.
