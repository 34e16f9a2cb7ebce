//! Tokenizer files.
#![no_main]

use gemscope::model::Tokenizer;

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| {
    let _ = Tokenizer::from_json(bytes);
});
