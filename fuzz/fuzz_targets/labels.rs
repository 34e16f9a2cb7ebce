//! Labels of features.
#![no_main]

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| {
    let _ = gemscope::scope::Labels::parse(bytes);
});
