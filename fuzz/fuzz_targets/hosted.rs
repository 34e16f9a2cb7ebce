//! What a server says of a single feature.
#![no_main]

use gemscope::spec::FeatureId;

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| {
    let feature = FeatureId {
        layer: 12,
        index: 9377,
    };
    let _ = gemscope::scope::hosted_label(bytes, feature);
});
