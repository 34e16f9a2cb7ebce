//! Everything that a link can hold, as plain data. Leaves writing and reading links to `session`, and whether the open model has such
//! layers and features to whoever opens it.

use super::{FeatureId, Input, LinkModel, Witness};
use serde::{Deserialize, Serialize};

/// Bytes of a prompt that a link may hold, as text; as many tokens as ids.
pub const MAX_LINK_PROMPT: usize = 8 << 10;
/// Pins that a link may hold, and own labels.
pub const MAX_LINK_PINS: usize = 200;
/// Interventions that a link may hold.
pub const MAX_LINK_INTERVENTIONS: usize = 64;

/// A larger snapshot is not even read.
pub const MAX_SNAPSHOT_BYTES: u32 = 64 << 20;

/// What the page shows, as far as a link can say it.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(default)]
pub struct View {
    /// The screen.
    pub route: Route,
    /// The prompt.
    pub prompt: Option<Input>,
    /// An example by its name.
    pub example: Option<String>,
    /// A snapshot at an https address, which nobody loads before the visitor has agreed.
    pub source: Option<String>,
    /// The position that is locked.
    pub token: Option<usize>,
    /// The layer that is locked.
    pub layer: Option<usize>,
    /// The feature that is locked.
    pub feature: Option<FeatureId>,
    /// Pins, in the order of their colours.
    pub pins: Vec<Pin>,
    /// Interventions, in their order.
    pub interventions: Vec<LinkedIntervention>,
    /// A graph of Neuronpedia by its name there, which the pins come from.
    pub graph: Option<String>,
    /// The sender's own labels.
    pub labels: Vec<OwnLabel>,
    /// How map and list are shown.
    pub map: MapWords,
    /// The model that the sender looked at.
    pub model: Option<LinkModel>,
    /// What the sender's run said.
    pub witness: Option<Witness>,
    /// What an embedded view leaves out.
    pub embed: EmbedFlags,
}

/// A view as addresses.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Links {
    /// The fragment, `#` included, to be put behind the page's address.
    pub fragment: String,
    /// The same without the prompt and what a run of it said.
    pub without_prompt: String,
    /// The same without the frame, to stand in another page.
    pub embed: String,
    /// The same feature or graph at Neuronpedia, where it is there.
    pub neuronpedia: Option<String>,
}

/// Where a snapshot lies, and what will be asked for it.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct SnapshotAddress {
    /// Of the file itself, where the link has that of a page about it.
    pub address: String,
    /// Whom it asks.
    pub host: String,
    /// Host and file, to be shown.
    pub name: String,
}

/// What a link says.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct LinkRead {
    /// The view, as far as it could be read.
    pub view: View,
    /// What was left out and why, and what else there is to say: a sentence each.
    pub notes: Vec<String>,
    /// Its feature or graph at Neuronpedia, where it is there.
    pub neuronpedia: Option<String>,
    /// Where its snapshot lies, if it names one. Nobody has asked for it yet.
    #[serde(default)]
    pub snapshot: Option<SnapshotAddress>,
}

/// A screen.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub enum Route {
    /// Strip, map, list and card: `/x`.
    #[default]
    Explore,
    /// A feature's own page: `/f/12/9377`.
    Feature(FeatureId),
    /// The choice of a model: `/m`.
    Model,
    /// Credits, licences, privacy: `/about`.
    About,
    /// Explore without a frame: `/embed/x`.
    EmbedExplore,
    /// A feature's page without a frame: `/embed/f/12/9377`.
    EmbedFeature(FeatureId),
}

/// A pinned feature.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Pin {
    /// The feature.
    pub feature: FeatureId,
    /// The position it was pinned at, if at one.
    #[serde(default)]
    pub pos: Option<usize>,
}

/// What a link says of an intervention.
#[cfg(feature = "engine")]
pub type Linked = super::Intervention;
/// What a link says of an intervention, as it is written: the page does not read the numbers in it, which would be a twentieth of its
/// program.
#[cfg(not(feature = "engine"))]
pub type Linked = String;

/// An intervention of the tray.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct LinkedIntervention {
    /// What is done.
    pub intervention: Linked,
    /// Whether it rests.
    #[serde(default)]
    pub paused: bool,
}

/// A label that the sender gave.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct OwnLabel {
    /// The feature.
    pub feature: FeatureId,
    /// The label; text, never markup.
    pub text: String,
}

/// How map and list are shown, by the page's own words; those that a page does not know are passed over.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct MapWords {
    /// What a cell of the map tells.
    pub metric: Option<String>,
    /// What orders the list.
    pub sort: Option<String>,
    /// What groups the list.
    pub group: Option<String>,
}

/// What an embedded view leaves out.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct EmbedFlags {
    /// Histograms and other plots.
    pub no_plots: bool,
    /// Sentences in which a feature fires.
    pub no_examples: bool,
    /// The line with the name and the link to the whole page.
    pub no_head: bool,
    /// `light` or `dark`; none is the system's.
    pub theme: Option<String>,
}

impl Route {
    /// The feature whose page it is.
    pub fn feature(self) -> Option<FeatureId> {
        match self {
            Self::Feature(it) | Self::EmbedFeature(it) => Some(it),
            Self::Explore | Self::Model | Self::About | Self::EmbedExplore => None,
        }
    }

    /// The screen in place of the page of a feature that is not there.
    pub fn without_feature(self) -> Self {
        match self {
            Self::Feature(_) => Self::Explore,
            Self::EmbedFeature(_) => Self::EmbedExplore,
            other => other,
        }
    }

    /// The same without a frame; screens that have none such become Explore.
    pub fn embedded(self) -> Self {
        match self {
            Self::Feature(it) | Self::EmbedFeature(it) => Self::EmbedFeature(it),
            Self::Explore | Self::Model | Self::About | Self::EmbedExplore => Self::EmbedExplore,
        }
    }

    /// Whether it is shown without a frame.
    pub fn is_embedded(self) -> bool {
        matches!(self, Self::EmbedExplore | Self::EmbedFeature(_))
    }
}
