//! Events -> signals -> views. Knows the protocol only.
