//! What went wrong and what can be done about it, in the visitor's words.

use super::{protocol::Failure, trouble::Trouble};
use crate::{gpu::GpuError, hub::HubError, model::ModelError, scope::ScopeError, spec::Part};
use std::error::Error;

const SMALLER: &str = "Choose the precision `compact`, plan for a shorter context, or give the model a budget of GPU memory, \
                       so that layers are paged in.";
const RELOAD: &str = "Reload the page, so that page and engine are of the same build.";
const FIGURES: &str =
    "Open Gemma 2 2B or the demo model, with their transcoders: figures are known of these.";
const ELSEWHERE: &str = "Give the model by its repository too (`--model hub:OWNER/NAME`), or the transcoders by their folder.";
const BEING_FETCHED: &str =
    "Wait until it is there, or cancel the other fetch and start again; nothing is lost.";
/// Whoever reads these has the page before him, or the command line.
const IS_PAGE: bool = cfg!(target_arch = "wasm32");
const NOT_KEPT: &str = if IS_PAGE {
    "Get it first, on the model screen; opening it asks the network for nothing."
} else {
    "Fetch it first (`gemscope fetch`); opening it asks the network for nothing."
};
const NOT_PLANNED: &str = if IS_PAGE {
    "Get it on the model screen: its own plan is told before the first byte of weights."
} else {
    "Fetch it: a fetch tells its own plan before the first byte of weights (`gemscope fetch --plan`)."
};
const LABELS: &str = "Give a labels.json of version 1, as it lies in the demo model's folder.";
const OTHER_ANSWER: &str =
    "The server does not answer as it used to: try again later, or read a labels file.";
const SNAPSHOT_ADDRESS: &str = "Give an address that begins with https:// and names a file.";
const NO_TOKENIZER: &str = "Give a tokenizer.json with the model, or the prompt as token ids.";
const OTHER_GPU: &str = "Try another adapter or a newer driver, and report the detail below.";

impl Trouble {
    /// The failure that the visitor reads.
    pub fn failure(&self) -> Failure {
        Failure {
            what: sentence(&self.to_string()),
            remedy: self.remedy(),
            detail: causes(self),
        }
    }

    fn remedy(&self) -> String {
        match self {
            Self::Gpu(it) => of_gpu(it).into(),
            Self::Model(it) => of_model(it),
            Self::Scope(it) => of_scope(it),
            Self::Weights(it) => it.remedy().into(),
            Self::Hub(it) => it.remedy().into(),
            Self::Tokenizer(_) => {
                "Use the tokenizer.json that belongs to the model, or give the prompt as token ids."
                    .into()
            }
            Self::LabelsFile { .. }
            | Self::Labels { .. }
            | Self::NoLabelSet
            | Self::NotHosted { .. }
            | Self::Hosted { .. }
            | Self::HostedAnswer { .. } => of_labels(self).into(),
            Self::Snapshot { source, .. } => of_snapshot(source).into(),
            Self::NoSnapshotAddress { .. } => SNAPSHOT_ADDRESS.into(),
            Self::NothingBeside { .. } => "Choose the file again.".into(),
            Self::Site(_) => "`gemscope sites` lists the sites of a model.".into(),
            Self::Positions(_) => {
                "Positions count from 0, which is BOS; give some of the prompt's own.".into()
            }
            Self::NothingOpen => "Open a model first.".into(),
            Self::NoTokenizer => NO_TOKENIZER.into(),
            Self::UnknownRun { .. } => {
                "Run the prompt again; runs not used for long are forgotten.".into()
            }
            Self::NotClean { .. } => {
                "Run the prompt without writes and interventions, and ask about that run.".into()
            }
            Self::Layer { .. } => "Ask for layers that the model has.".into(),
            Self::NoChange => "Name an intervention or a splice.".into(),
            Self::Preset { .. } => "There are nano, wide and full.".into(),
            Self::Protocol { .. } | Self::NotInTurn => RELOAD.into(),
            Self::NotGreeted => "Say Hello first, with the protocol's version.".into(),
            Self::Store(it) => it.remedy().into(),
            #[cfg(not(target_arch = "wasm32"))]
            Self::NoCacheFolder => {
                "Name one with `--store DIR`, or in the variable GEMSCOPE_STORE.".into()
            }
            Self::BeingFetched => BEING_FETCHED.into(),
            Self::InUse { .. } => "Close the model first, or leave its parts out.".into(),
            Self::ModelElsewhere => ELSEWHERE.into(),
            Self::NotKept { .. } => NOT_KEPT.into(),
            Self::NotPlanned { .. } => NOT_PLANNED.into(),
            #[cfg(target_arch = "wasm32")]
            Self::NoFolder | Self::NoFiles => of_handed(self).into(),
            Self::NoDisk { .. } => "Use the gemscope program for it.".into(),
            Self::Document(it) => it.remedy(),
            Self::Link(it) => it.remedy().into(),
            Self::NoFigures { .. } => FIGURES.into(),
            Self::LostAgain { .. } => {
                format!("Close other programs that use the GPU, then try again. {SMALLER}")
            }
            Self::Stopped => "Start it again when you like; nothing is half-done.".into(),
        }
    }
}

fn of_gpu(it: &GpuError) -> &'static str {
    match it {
        GpuError::NoAdapter { wanted: Some(_) } => {
            "Name another adapter, or none for the best there is."
        }
        GpuError::NoAdapter { wanted: None } => {
            "Use a browser with WebGPU (Chrome, Edge, Firefox 141 or Safari 26, or newer) and switch graphics \
             acceleration on; natively, install a Vulkan, Metal or Direct3D 12 driver."
        }
        GpuError::Lost { .. } => "Try again: a new device is taken.",
        GpuError::OutOfMemory { .. } => {
            "The model was closed. Choose the precision `compact`, plan for a shorter context, or give the model a \
             budget of GPU memory, so that layers are paged in; closing other programs helps too."
        }
        GpuError::Shader { .. } | GpuError::Device { .. } => OTHER_GPU,
        GpuError::Stopped => "Start it again when you like; nothing is half-done.",
    }
}

#[cfg(target_arch = "wasm32")]
fn of_handed(it: &Trouble) -> &'static str {
    match it {
        Trouble::NoFolder => {
            "Choose a folder, which Chrome and Edge let a page do. In other browsers fetch with the gemscope program and use \
             `gemscope store export DIR`; a page can import what that leaves."
        }
        _ => "Choose all files that an export left, or their folder.",
    }
}

fn of_model(it: &ModelError) -> String {
    match it {
        ModelError::EmptyPrompt => "Give at least one token; BOS alone (2) will do.".into(),
        ModelError::Id { d_vocab, .. } => {
            format!("Give ids from 0 to {}.", d_vocab.saturating_sub(1))
        }
        ModelError::TooLong { .. } => {
            "Shorten the prompt, or open the model again with a longer context.".into()
        }
        ModelError::Memory { .. } => SMALLER.into(),
        ModelError::Keep { .. } => if IS_PAGE {
            "Shorten the prompt."
        } else {
            "Open the model with more positions kept (`--keep`), or shorten the prompt."
        }
        .into(),
        ModelError::Config(_) => "Use a checkpoint of Gemma 2, as its publisher made it.".into(),
        ModelError::Binding { .. } => {
            "Use an adapter with larger bindings, or set no smaller limit.".into()
        }
        ModelError::TooMany { most, .. } => format!("Ask for at most {most} at a time."),
        ModelError::NoRun => "Run the prompt again.".into(),
        ModelError::Site { .. } => "`gemscope sites` lists the sites of a model.".into(),
        ModelError::Positions { .. } => {
            "Positions count from 0, which is BOS; give some of the prompt's own.".into()
        }
        ModelError::Write { .. } => {
            "Give as many numbers as the site has at those positions.".into()
        }
        ModelError::Sampling { .. } => {
            "Temperature is 0 or more, top-p above 0 and at most 1; temperature 0 is greedy.".into()
        }
        ModelError::Awaited { part, .. } => of_awaited(*part),
        ModelError::Stopped | ModelError::Gpu(_) | ModelError::Weights(_) => OTHER_GPU.into(),
    }
}

fn of_scope(it: &ScopeError) -> String {
    match it {
        ScopeError::NoDictionaries => if IS_PAGE {
            "Open the model with layers whose features are wanted, on the model screen."
        } else {
            "Open the model with transcoders (`--transcoders DIR`)."
        }
        .into(),
        ScopeError::NotLoaded { half, .. } => {
            format!(
                "Open the model with the {half} of that layer, or ask about a layer that is there."
            )
        }
        ScopeError::Awaited { part, .. } => of_awaited(*part),
        ScopeError::NoFeature { n_features, .. } => {
            format!(
                "Features are numbered from 0 to {}.",
                n_features.saturating_sub(1)
            )
        }
        ScopeError::Contradiction { .. } => "Keep one of the two.".into(),
        ScopeError::NotFinite { .. } => "Give a finite number.".into(),
        ScopeError::Norm { .. } => format!(
            "If an intervention sets a number far larger than activations are, set a smaller one. Otherwise: {OTHER_GPU}"
        ),
        ScopeError::TooShort { .. } => "Give a prompt of at least two tokens besides BOS.".into(),
        ScopeError::Model(it) => of_model(it),
        ScopeError::Weights(it) => it.remedy().into(),
        ScopeError::Positions(_) => {
            "Positions count from 0, which is BOS; give some of the prompt's own.".into()
        }
    }
}

fn of_labels(it: &Trouble) -> &'static str {
    match it {
        Trouble::LabelsFile { source, .. } => of_labels_file(source),
        Trouble::NotHosted { .. } => "Layers are 0 to 25 and features 0 to 16,383 there.",
        Trouble::Hosted { source, .. } => of_hosted(source),
        Trouble::HostedAnswer { .. } => OTHER_ANSWER,
        Trouble::NoLabelSet => {
            "Load labels first, with the name of the set that they are of (`LabelsLoad`)."
        }
        _ => LABELS,
    }
}

fn of_labels_file(it: &HubError) -> &'static str {
    match it {
        HubError::NotFound { .. } | HubError::NoFolder { .. } => {
            "Check the path or address of the labels file."
        }
        HubError::OffTable { .. } => {
            "Give an address of a server that this page may ask (see About), or read the file from your disk."
        }
        it => it.remedy(),
    }
}

fn of_hosted(it: &HubError) -> &'static str {
    match it {
        HubError::NotFound { .. } => "Nobody has described it there; try a text of your own on it.",
        HubError::RateLimited { .. } => {
            "Wait as long as it asks for, then fetch it again. Everything else works meanwhile."
        }
        HubError::GaveUp { .. } | HubError::Network { .. } => {
            "Check the connection, then fetch it again. Everything else works without it."
        }
        HubError::TooLong { .. } | HubError::Redirects { .. } | HubError::Status { .. } => {
            OTHER_ANSWER
        }
        it => it.remedy(),
    }
}

fn of_snapshot(it: &HubError) -> &'static str {
    match it {
        HubError::OffTable { .. } => {
            "Download the file yourself, then drop it on the page: the page asks no server that is not on its list (see About)."
        }
        HubError::NotFound { .. } => {
            "It may have been moved or taken away: ask whoever sent the link."
        }
        HubError::TooLong { .. } => "No snapshot is as large: check that the link means one.",
        HubError::NotData { .. } => {
            "That is the address of a page: give the address of the file itself."
        }
        it => it.remedy(),
    }
}

fn of_awaited(part: Part) -> String {
    match part.layer() {
        Some(layer) => format!(
            "Wait until it has been fetched, or fetch layer {layer} first (`Prioritise`); what is there can be asked meanwhile."
        ),
        None => "Wait until it has been fetched; the prompts of the opening set can be run before."
            .into(),
    }
}

/// The chain of causes, each in its own line, the first being the error itself.
fn causes(error: &dyn Error) -> String {
    let mut lines = vec![format!("{error:?}")];
    let mut cause = error.source();
    while let Some(it) = cause {
        lines.push(it.to_string());
        cause = it.source();
    }
    lines.join("\n")
}

/// With a capital, unless it starts with a name, and a full stop.
fn sentence(text: &str) -> String {
    let mut chars = text.chars();
    let first: String = chars
        .next()
        .map(|it| it.to_uppercase().collect())
        .unwrap_or_default();
    let stop = if text.ends_with(['.', '!', '?']) {
        ""
    } else {
        "."
    };
    // Names of files, repositories and servers stay as they are.
    let word = text.split(' ').next().unwrap_or_default();
    let named = word.contains('/') || ["config.json", "tokenizer.json"].contains(&word);
    match named {
        true => format!("{text}{stop}"),
        false => format!("{first}{}{stop}", chars.as_str()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn refused_memory_names_buffer_bytes_and_remedy() {
        let refused = GpuError::OutOfMemory {
            label: "weights of layer 3".into(),
            bytes: 4096,
        };
        let failure = Trouble::from(refused).failure();
        assert!(failure.what.contains("weights of layer 3") && failure.what.contains("4096"));
        assert!(failure.remedy.contains("compact"));
    }

    #[test]
    fn sentences() {
        assert_eq!(sentence("no model is open"), "No model is open.");
        assert_eq!(sentence("config.json is bad"), "config.json is bad.");
    }
}
