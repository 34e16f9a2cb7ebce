//! Why a text is no link, or a view can't be one.

use super::notes::quoted;

/// Why a text is no link, or a view can't be one.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum LinkError {
    #[error("there is nothing to open")]
    Empty,
    #[error("{} is neither a link of this page nor a feature", quoted(text))]
    NoLink { text: String },
    #[error("this link has {n_bytes} bytes, and at most {most} are read")]
    TooLong { n_bytes: usize, most: usize },
    #[error("this link is damaged, or was cut short on its way")]
    Damaged,
    #[error("what this link holds is larger than any view is")]
    TooLarge,
    #[error("this view can't be a link. {what}")]
    Unfit { what: String },
    #[error(
        "{} is of Neuronpedia, but not of the transcoders that are shown here",
        quoted(text)
    )]
    OtherSource { text: String },
}

impl LinkError {
    /// What can be done about it, in the visitor's words.
    pub fn remedy(&self) -> &'static str {
        match self {
            Self::Empty | Self::NoLink { .. } => {
                "Paste a whole link with what follows its #, a feature such as 12/9377, or a feature or graph of Neuronpedia."
            }
            Self::TooLong { .. } | Self::TooLarge => {
                "Ask the sender for a snapshot file in its place."
            }
            Self::Damaged => {
                "Copy it again as a whole, up to its last letter; some programs cut long links."
            }
            Self::Unfit { .. } => "Leave that out, or keep the view as a snapshot file.",
            Self::OtherSource { .. } => {
                "Understood are features of gemma-2-2b, layers 0 to 25 of gemmascope-transcoder-16k, and graphs of gemma-2-2b made with them."
            }
        }
    }
}
