//! Places in the network, named by their TransformerLens paths.

use serde::{Deserialize, Serialize};
use std::{fmt, str::FromStr};

/// A place whose activations can be read or written. `Display` is the TransformerLens path.
///
/// Shapes: `[n_pos, d_model]`, but `[n_heads, n_dst, n_src]` for [`Site::Pattern`] and `[n_pos, d_vocab]` for [`Site::Logits`].
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(into = "String", try_from = "String")]
pub enum Site {
    /// The scaled embedding: `hook_embed`.
    Embed,
    /// The stream before layer L.
    ResidPre(usize),
    /// What the attention heads look at, after the softmax.
    Pattern(usize),
    /// What attention adds to the stream, after `post_attention_layernorm`.
    AttnOut(usize),
    /// The stream between attention and MLP.
    ResidMid(usize),
    /// `resid_mid / rms(resid_mid)`, without the gain: what a transcoder reads.
    Ln2Normalized(usize),
    /// What the MLP adds to the stream, after `post_feedforward_layernorm`: what a transcoder predicts.
    MlpOut(usize),
    /// The stream after layer L.
    ResidPost(usize),
    /// Scores of the next token, after the softcap.
    Logits,
}

/// Why a text names no site.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum SiteError {
    /// The path is none of ours.
    Unknown {
        /// What was given.
        path: String,
    },
    /// The layer does not exist in this model.
    Layer {
        /// What was given.
        path: String,
        /// Layers of the model.
        n_layers: usize,
    },
}

impl Site {
    /// The sites of layer `layer`, in the order of the forward pass.
    pub fn of_layer(layer: usize) -> [Site; 7] {
        [
            Self::ResidPre(layer),
            Self::Pattern(layer),
            Self::AttnOut(layer),
            Self::ResidMid(layer),
            Self::Ln2Normalized(layer),
            Self::MlpOut(layer),
            Self::ResidPost(layer),
        ]
    }

    /// Every site of a model, in the order of the forward pass: the closed list that `gemscope sites` prints.
    pub fn all(n_layers: usize) -> Vec<Site> {
        let mut out = vec![Self::Embed];
        out.extend((0..n_layers).flat_map(Self::of_layer));
        out.push(Self::Logits);
        out
    }

    /// The layer that the site belongs to; none for the two ends.
    pub fn layer(self) -> Option<usize> {
        match self {
            Self::Embed | Self::Logits => None,
            Self::ResidPre(it)
            | Self::Pattern(it)
            | Self::AttnOut(it)
            | Self::ResidMid(it)
            | Self::Ln2Normalized(it)
            | Self::MlpOut(it)
            | Self::ResidPost(it) => Some(it),
        }
    }

    /// The site again, if a model of `n_layers` has it.
    ///
    /// Errors: [`SiteError::Layer`].
    pub fn within(self, n_layers: usize) -> Result<Self, SiteError> {
        match self.layer() {
            Some(layer) if layer >= n_layers => Err(SiteError::Layer {
                path: self.to_string(),
                n_layers,
            }),
            _ => Ok(self),
        }
    }

    /// Axes of its activations, in words.
    pub fn axes(self) -> &'static [&'static str] {
        match self {
            Self::Pattern(_) => &["n_heads", "n_dst", "n_src"],
            Self::Logits => &["n_pos", "d_vocab"],
            _ => &["n_pos", "d_model"],
        }
    }
}

impl fmt::Display for Site {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Embed => f.write_str("hook_embed"),
            Self::Logits => f.write_str("logits"),
            Self::ResidPre(l) => write!(f, "blocks.{l}.hook_resid_pre"),
            Self::Pattern(l) => write!(f, "blocks.{l}.attn.hook_pattern"),
            Self::AttnOut(l) => write!(f, "blocks.{l}.hook_attn_out"),
            Self::ResidMid(l) => write!(f, "blocks.{l}.hook_resid_mid"),
            Self::Ln2Normalized(l) => write!(f, "blocks.{l}.ln2.hook_normalized"),
            Self::MlpOut(l) => write!(f, "blocks.{l}.hook_mlp_out"),
            Self::ResidPost(l) => write!(f, "blocks.{l}.hook_resid_post"),
        }
    }
}

impl FromStr for Site {
    type Err = SiteError;

    fn from_str(path: &str) -> Result<Self, SiteError> {
        let unknown = || SiteError::Unknown { path: path.into() };
        match path {
            "hook_embed" => return Ok(Self::Embed),
            "logits" => return Ok(Self::Logits),
            _ => (),
        }
        let (layer, hook) = path
            .strip_prefix("blocks.")
            .and_then(|it| it.split_once('.'))
            .ok_or_else(unknown)?;
        let layer: usize = layer.parse().map_err(|_| unknown())?;
        Self::of_layer(layer)
            .into_iter()
            .find(|it| it.to_string().ends_with(&format!(".{layer}.{hook}")))
            .filter(|it| it.to_string() == path)
            .ok_or_else(unknown)
    }
}

impl From<Site> for String {
    fn from(it: Site) -> String {
        it.to_string()
    }
}

impl TryFrom<String> for Site {
    type Error = SiteError;

    fn try_from(path: String) -> Result<Self, SiteError> {
        path.parse()
    }
}

impl fmt::Display for SiteError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Unknown { path } => write!(f, "there is no site `{path}`"),
            Self::Layer { path, n_layers } => {
                write!(
                    f,
                    "`{path}`: the model has layers 0 to {}",
                    n_layers.saturating_sub(1)
                )
            }
        }
    }
}

impl std::error::Error for SiteError {}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn paths_come_back_as_sites() {
        for site in Site::all(26) {
            assert_eq!(site.to_string().parse(), Ok(site));
        }
    }

    #[test]
    fn other_paths_are_errors() {
        for path in [
            "",
            "blocks.0",
            "blocks.x.hook_mlp_out",
            "blocks.00.hook_mlp_out",
            "blocks.+1.hook_mlp_out",
            "hook_mlp_out",
            "blocks.0.hook_q",
        ] {
            assert!(path.parse::<Site>().is_err(), "{path}");
        }
        assert!(Site::MlpOut(4).within(4).is_err());
        assert!(Site::MlpOut(3).within(4).is_ok());
    }
}
