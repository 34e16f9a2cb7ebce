//! Configs of checkpoints.
#![no_main]

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| {
    let _ = gemscope::spec::Config::from_json(bytes);
});
