//! A test that never runs.
#[test]
#[ignore]
fn x() {}
