//! Neuronpedia's names for the transcoders of Gemma 2 2B, and the one address there that is ever asked. Leaves reading its answers to
//! `scope`, and links to its pages to `session`.
//!
//! Source: facts/ui.md a.3; its feature `gemma-2-2b/20-gemmascope-transcoder-16k/15589`.

use super::{Endpoint, FeatureId, Host, Serves, gemma};

/// The hosts of its pages; the first one answers.
pub const HOSTS: [&str; 2] = ["www.neuronpedia.org", "neuronpedia.org"];
/// The model.
pub const MODEL: &str = "gemma-2-2b";
/// What stands behind the number of a layer.
pub const SOURCE: &str = "gemmascope-transcoder-16k";
/// The set of all layers.
pub const SET: &str = "gemma-2-2b/gemmascope-transcoder-16k";
/// Below which its answers about features of this model stand.
pub const FEATURES: &str = "/api/feature/gemma-2-2b/";

/// A feature's name there, `12-gemmascope-transcoder-16k/9377`; none for what these transcoders do not have.
pub fn name_of(it: FeatureId) -> Option<String> {
    let is_there = it.layer < gemma::N_LAYERS && it.index < gemma::D_TRANSCODER;
    is_there.then(|| format!("{}-{SOURCE}/{}", it.layer, it.index))
}

/// Neuronpedia as a host of an installation: asked about single features, and for nothing else.
pub fn host() -> Host {
    let endpoint: Endpoint = format!("https://{}", HOSTS[0])
        .parse()
        .expect("HOSTS are hosts, a test parses them");
    Host {
        endpoint,
        also: vec![],
        serves: Serves::Features,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn its_names_agree() {
        assert_eq!(SET, format!("{MODEL}/{SOURCE}"));
        assert!(FEATURES.ends_with(&format!("/{MODEL}/")));
        assert_eq!(host().endpoint.host(), HOSTS[0]);
        let of = |layer, index| name_of(FeatureId { layer, index });
        let name = "12-gemmascope-transcoder-16k/9377";
        assert_eq!(of(12, 9377).as_deref(), Some(name));
        assert_eq!((of(26, 0), of(0, 16_384)), (None, None));
    }
}
