//! Files of transcoders: the directory and headers by themselves, then a whole file opened and read.
#![no_main]

use gemscope::{
    hub::Memory,
    spec::Packing,
    sys::block_on,
    weights::{DictionaryFile, npy::NpyHeader, zip},
};
use std::rc::Rc;

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| {
    let n_bytes = bytes.len() as u64;
    let _ = zip::find_end("x", bytes, n_bytes);
    let _ = zip::parse_end64("x", bytes, n_bytes);
    let directory = zip::Directory {
        range: n_bytes..2 * n_bytes,
        n_entries: 1,
    };
    let _ = zip::parse_directory("x", bytes, &directory);
    let _ = NpyHeader::parse("x", "y", bytes);
    let mut memory = Memory::default();
    memory.insert("x.npz", bytes);
    if let Ok(it) = block_on(DictionaryFile::open(Rc::new(memory), "x.npz", 0, 64)) {
        let n = it.dictionary().d_transcoder;
        let _ = block_on(it.encoder_stripe(0, 0..n, Packing::Q8));
        let _ = block_on(it.decoder_rows(0..n, Packing::F16));
    }
});
