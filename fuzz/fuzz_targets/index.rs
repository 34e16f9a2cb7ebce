//! Indexes of sharded checkpoints.
#![no_main]

use gemscope::weights::Index;

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| {
    if let Ok(index) = Index::from_json("x", bytes) {
        assert!(index.shards().iter().all(|it| !it.contains('/')));
    }
});
