//! The short schedule of the test command: a download of a megabyte is killed three times, natively. The long ones are `cargo xtask faults`.

use std::process::Command;

#[test]
fn a_download_that_is_killed_goes_on_where_it_was() {
    let lab = Command::new(env!("CARGO_BIN_EXE_lab"))
        .args(["faults", "--small", "--kills", "3"])
        .status()
        .expect("the program `lab`");
    assert!(lab.success());
}
