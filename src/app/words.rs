//! Sentences and words of the page: those that explain, and those that the views share with the first picture. Leaves where they stand to
//! the views.

use super::{
    amounts::bytes,
    choice::Origin,
    options::{Group, Metric, Sort},
};
use crate::{
    session::protocol::{
        FeatureId, LabelsAbout, LabelsOwn, SnapshotAddress, TranscoderVariant, Verdict, View,
    },
    spec::{FetchPhase, Trust},
};

pub(super) const PITCH: &str = "See which features fire inside a language model, on your own GPU. Nothing you type leaves this page.";
pub(super) const STARTING: &str = "The engine is starting.";
pub(super) const THEME_SYSTEM: &str = "Theme: system";
pub(super) const PROMPT: &str = "Prompt";
pub(super) const RUN: &str = "Run";
pub(super) const STOP: &str = "Stop";
pub(super) const EXAMPLES: &str = "Examples";
pub(super) const HISTORY: &str = "History";
pub(super) const NEXT: &str = "Next";
pub(super) const CONTINUE: &str = "Continue";
pub(super) const NO_LEGEND: &str = "Choose a feature to see where it fires.";
pub(super) const MAP: &str = "Layers by tokens";
pub(super) const SHADE: &str = "Shade ";
pub(super) const LOG: &str = "log";
pub(super) const FEATURES: &str = "Features";
pub(super) const SORT: &str = "Sort ";
pub(super) const GROUP: &str = "Group ";
pub(super) const FILTER: &str = "Filter: label, 3/417, token";
pub(super) const SHOW: &str = "Show";
pub(super) const FEATURE: &str = "Feature";
pub(super) const GO_TO: &str = "Layer/feature";
pub(super) const GO: &str = "Go";
pub(super) const GO_HINT: &str = "3/120";
pub(super) const EXPLAIN: &str = "Logit lens, and how much is explained";
pub(super) const LETTERS: &str = "Single letters are commands";
pub(super) const MODEL: &str = "Model";
pub(super) const PALETTE: &str = "Find";
pub(super) const ABOUT: &str = "About";
pub(super) const COPY_REPORT: &str = "Copy report";
pub(super) const NOTHING_SELECTED: &str =
    "Every token but the first. Select a cell, a layer or a token in the map to look closer.";
pub(super) const NO_RECON: &str =
    "What the transcoders do not rebuild is computed when you ask for it, from a live run.";
pub(super) const NO_FEATURES_HERE: &str = "Nothing fires here.";
pub(super) const NO_CARD: &str = "Choose a feature in the list to see what it is about: what it promotes, what it suppresses, and where else it fires.";
pub(super) const NO_FEATURE: &str =
    "A feature is named by its layer and its number, as in 12/9377.";
pub(super) const STILL_RECORDED: &str = "You can still explore the recorded runs.";
pub(super) const NO_LABEL: &str =
    "No label yet. Look at what it promotes, or try a text of your own below.";
pub(super) const NO_EXAMPLES: &str = "There are no examples of this feature in the labels file.";
pub(super) const DEAD: &str = "It never fired on the reference data: it may be dead.";
pub(super) const TRY_HINT: &str = "Try your own text on this feature";
pub(super) const RECORDED: &str =
    "Recorded when this page was made, with the demo model at reference precision.";
pub(super) const LABEL_CAUTION: &str = "A label is a guess. These were made automatically.";
pub(super) const BOS_NOTE: &str = "The first token (⟨bos⟩) is there in every prompt; its activations are large and mean little, so nothing is scaled by them.";

pub(super) const NOTHING_STARTS: &str = "Nothing starts by itself. What is fetched comes from the server that is named here, to this browser's storage, and to nobody else.";
pub(super) const TERMS: &str = "Gemma is provided under and subject to the Gemma Terms of Use found at ai.google.dev/gemma/terms. The transcoders are Gemma Scope, by Google DeepMind, under CC-BY 4.0.";
pub(super) const TOKEN_HINT: &str = "only for gated repositories";
pub(super) const FOLDER: &str = "Choose the folder";
pub(super) const FOLDER_HINT: &str = "A folder that holds them as the hub does: config.json, tokenizer.json, model*.safetensors, layer_0/width_16k/… Nothing of it is sent anywhere.";
pub(super) const NO_FOLDER_YET: &str = "Choose the folder first; after a reload, choose it again.";
pub(super) const NO_TOKEN: &str =
    "A token has no spaces and no letters outside ASCII: copy it again.";
pub(super) const DECODERS: &str =
    "Decoders too: what features promote, how much is explained, interventions";
pub(super) const SURELY: &str = "Surely? Remove all";
pub(super) const REQUESTS: &str =
    "These and no others: the browser itself enforces the list. No request holds a prompt.";
pub(super) const KEEP_SITE: &str = "Keep the site for visits without a network";
pub(super) const KEPT_HERE: &str = "Also kept: settings, recent prompts, your labels, labels files, what Neuronpedia said, fetched weights. Nothing of it leaves this device.";
pub(super) const CLEAR_ALL: &str = "Remove everything kept here";
pub(super) const SURELY_ALL: &str = "Surely? Weights, labels and prompts too";
pub(super) const NEW_VERSION: &str = "New version: reload";
pub(super) const LICENCES: &str = "Gemscope: MIT or Apache 2.0, as you like. Its demo model was trained for it, from texts of its own.";
pub(super) const LINK: &str = "A link that opens this view";
pub(super) const FRAME: &str = "To show this view in another page, put this into it:";
pub(super) const TAKE: &str = "What of it ";
pub(super) const TAKE_NOTHING: &str = "Choose a feature first, in the list or on the map.";
pub(super) const WITHOUT_PROMPT: &str = "without the prompt";
pub(super) const OTHER_PRECISION: &str = "The tolerances were made for another precision: a figure that fails may only say how far this one is off.";
pub(super) const EXPORT: &str = "Export to a folder";
pub(super) const IMPORT: &str = "Import";
pub(super) const YOURS: &str = "Your own label.";
/// What lies over the page is a part of the program that is fetched when it is wanted.
pub(super) const PART_COMING: &str = "Coming …";
/// It did not come.
pub(super) const PART_FAILED: &str =
    "A part of the page could not be fetched. Nothing is lost; look at the network, and try again.";
/// Where one tries.
pub(super) const PART_REMEDY: &str = "“About” tries again, and so does loading the page anew.";
/// Of a label that came with a link.
pub(super) const SENT: &str = "The label of whoever made the link.";
pub(super) const OWN_LABEL: &str = "Your label ";
pub(super) const LABELS_FILE: &str = "Read a labels file";
pub(super) const LABELS_ADDRESS: &str = "or one at an address ";
pub(super) const READ: &str = "Read";
pub(super) const DROP_LABELS: &str = "Remove the file";
pub(super) const SAVE_LABELS: &str = "Save your labels";
pub(super) const MERGE_LABELS: &str = "Merge somebody's";
pub(super) const WHOLE: &str = "Open in Gemscope";
pub(super) const NEURONPEDIA: &str = "The same at Neuronpedia, whose dashboards of these transcoders were computed from another tensor";
pub(super) const NOT_FETCHED: &str = "No examples downloaded. Labels and examples come from Neuronpedia; fetching them sends the feature's number, not your prompt.";
pub(super) const FETCH: &str = "Fetch";
pub(super) const HOSTED: &str = "From Neuronpedia, made with other activations";
pub(super) const SNAPSHOT: &str = "One file with this run and its labels. It opens here without a model: choose it, or drop it on the page.";
pub(super) const SHARE: &str = "Share";
pub(super) const LONG_LINK: &str =
    "The prompt of this link is long: it is in the field, and runs when you say so.";
pub(super) const PALETTE_HINT: &str = "Command, label, 12/9377, prompt, link";
pub(super) const NOTHING_FOUND: &str = "Nothing of that name.";
pub(super) const PRECISIONS: [(&str, &str); 3] = [
    ("reference", "reference: bf16 model, f32 transcoders"),
    ("precise", "precise: bf16 model, f16 transcoders"),
    ("compact", "compact: 8 bit, both"),
];

impl Metric {
    /// In the menu.
    pub(super) fn words(self) -> &'static str {
        match self {
            Self::Count => "how many fire",
            Self::Largest => "largest activation",
            Self::Sum => "sum of activations",
            Self::Locked => "the chosen feature",
            Self::Pinned => "pinned features",
            Self::Error => "what is not rebuilt",
        }
    }
}

impl Sort {
    /// In the menu.
    pub(super) fn words(self) -> &'static str {
        match self {
            Self::Share => "share of its largest",
            Self::Activation => "activation",
            Self::Effect => "direct effect",
            Self::Rarity => "rarity",
            Self::Layer => "layer",
            Self::Label => "label",
        }
    }
}

impl Group {
    /// In the menu.
    pub(super) fn words(self) -> &'static str {
        match self {
            Self::None => "not grouped",
            Self::Token => "by token",
            Self::Layer => "by layer",
        }
    }
}

impl Origin {
    /// In the menu.
    pub(super) fn words(self) -> &'static str {
        match self {
            Self::Demo => "the demo, which is here already",
            Self::Mirror => "Gemma 2 2B, from a mirror without a token",
            Self::Gated => "Gemma 2 2B, from Google, with your token",
            Self::Other => "other repositories of Gemma 2",
            Self::Disk => "files on this device",
        }
    }
}

/// What a fetch is doing.
pub(super) fn phase(it: FetchPhase, from_disk: bool) -> &'static str {
    match it {
        FetchPhase::Downloading if from_disk => "reading",
        FetchPhase::Asking => "asking what there is",
        FetchPhase::Downloading => "downloading",
        FetchPhase::Converting => "converting what is here already",
        FetchPhase::Verifying => "comparing with what was published",
    }
}

/// What is done with bytes that are still to come.
pub(super) fn to_come(from_disk: bool) -> &'static str {
    if from_disk { "read" } else { "download" }
}

/// What something kept has been compared with.
pub(super) fn trust(it: Trust) -> &'static str {
    match it {
        Trust::Received => "as received",
        Trust::Manifest => "proven piece by piece",
        Trust::File => "proven against the hub's hash",
    }
}

/// Files that were chosen.
pub(super) fn picked(n: usize, size: &str) -> String {
    format!("{} chosen, {size}. ", count(n, "file"))
}

/// Which transcoders a repository has, a line for each layer.
pub(super) fn variants(all: &[TranscoderVariant]) -> String {
    let mut lines: Vec<(usize, String)> = Vec::new();
    for it in all {
        let l0 = it.average_l0.map_or("?".into(), |it| it.to_string());
        match lines.iter_mut().find(|line| line.0 == it.layer) {
            Some(line) => line.1.push_str(&format!(", {l0}")),
            None => lines.push((it.layer, format!("Layer {}: L0 {l0}", it.layer))),
        }
    }
    let lines: Vec<String> = lines.into_iter().map(|it| it.1).collect();
    lines.join("\n")
}

/// A feature as it is written on the page: `L12/9377`.
pub(super) fn id(it: FeatureId) -> String {
    format!("L{}/{}", it.layer, it.index)
}

/// The prompt of a link, where no prompt can be run.
pub(super) const NO_RUN: &str =
    "Its prompt can't be run in this browser: what was on the page stays.";

/// How the engine is where there is no WebGPU.
pub(super) const NO_WEBGPU: &str = "No WebGPU here: recorded runs and snapshots only.";

/// A prompt in tokens that another model counts otherwise.
pub(super) const OTHER_IDS: &str =
    "Its prompt is made of that model's tokens, which are others here: what was on the page stays.";

/// The model beside the page.
pub(super) const DEMO: &str = "the demo model";

/// A model that is not kept here; another is shown.
pub(super) fn not_here(model: &str, shown: &str) -> String {
    format!(
        "{model} is not on this device; {shown} is shown. The model screen can fetch it: nothing starts by itself."
    )
}

/// A model of which some is kept here; another is shown.
pub(super) fn not_whole(model: &str, shown: &str) -> String {
    format!(
        "Of {model} only a part is on this device; {shown} is shown. “Get it” on the model screen goes on from there."
    )
}

/// What a link holds that this page does not open.
pub(super) fn left_out(it: &View) -> Option<String> {
    let all = [
        (!it.interventions.is_empty(), "interventions"),
        (it.example.is_some(), "the name of an example"),
        (it.graph.is_some(), "a graph"),
    ];
    let held: Vec<&str> = all.into_iter().filter(|it| it.0).map(|it| it.1).collect();
    (!held.is_empty()).then(|| {
        format!(
            "The link also holds {}, which this page does not open.",
            held.join(", ")
        )
    })
}

/// A snapshot that a link names.
pub(super) fn offer(it: &SnapshotAddress, comes: bool) -> String {
    match comes {
        true => format!("Fetching {} …", it.name),
        false => format!(
            "This link names a snapshot: {}. To show it, this page would ask {}, which it has not done yet.",
            it.name, it.host
        ),
    }
}

/// Two models that are not the same.
pub(super) fn other_model(sent: &str, here: &str) -> String {
    format!(
        "This link was made with {sent}; here is {here}. Features of one are not those of the other."
    )
}

/// Whether a run said what the sender's did.
pub(super) fn verdict(it: &Verdict) -> String {
    let said = match it.reproduced {
        true => "Reproduced: the run here says what the sender's did.",
        false => "Not reproduced: the run here differs from the sender's.",
    };
    format!("{said} {}", it.differences.join(" "))
}

/// Who made labels, from what, when, and under which licence.
pub(super) fn made(it: &LabelsAbout) -> String {
    let more = [&it.made, &it.source, &it.date, &it.licence].map(|it| it.trim());
    let more: Vec<&str> = more.into_iter().filter(|it| !it.is_empty()).collect();
    more.join(", ")
}

/// What a labels file says of itself; nothing where there is none.
pub(super) fn labels(it: &LabelsAbout) -> String {
    if it.n_features == 0 {
        return String::new();
    }
    format!(
        "{} of {} have a label. {}",
        count(it.n_labels, "feature"),
        count(it.n_features, "feature"),
        made(it)
    )
}

/// How far something is.
pub(super) fn progress(phase: &str, (done, total): (u64, Option<u64>), unit: &str) -> String {
    let amount = |it: u64| match unit {
        "bytes" => bytes(it),
        _ => it.to_string(),
    };
    let of = total.map_or_else(String::new, |it| format!(" of {}", amount(it)));
    let unit = if unit == "bytes" { "" } else { unit };
    format!("{phase}: {}{of} {unit}", amount(done))
}

/// What came of a merge.
pub(super) fn merged(it: &LabelsOwn) -> String {
    let n = it.conflicts.len();
    let mut out = format!("{} new, {} the same.", it.n_added, it.n_same);
    if n > 0 {
        out.push_str(&format!(" {} kept as you call them:", count(n, "feature")));
    }
    for it in it.conflicts.iter().take(5) {
        out.push_str(&format!(
            " {}: “{}”, not “{}”.",
            id(it.feature),
            it.yours,
            it.theirs
        ));
    }
    out
}

/// What is hidden as common.
pub(super) fn hidden(n: usize) -> String {
    format!("{n} hidden: they fire on more than 1 % of text")
}

/// How much fires in a run.
pub(super) fn activations(n: usize, n_hidden: usize) -> String {
    let hidden = match n_hidden {
        0 => String::new(),
        it => format!(", {it} hidden as common here"),
    };
    format!(
        "{} over all tokens and layers{hidden}.",
        count(n, "activation")
    )
}

/// Which features there are.
pub(super) fn feature_range(n_layers: usize, n_features: usize) -> String {
    match (n_layers.checked_sub(1), n_features.checked_sub(1)) {
        (Some(layer), Some(index)) => format!("Layers are 0 to {layer}, features 0 to {index}."),
        _ => "There are no features here yet.".into(),
    }
}

/// "1 feature", "7 features".
pub(super) fn count(n: usize, one: &str) -> String {
    let digits = n.to_string();
    let mut out = String::new();
    for (at, it) in digits.chars().enumerate() {
        if at > 0 && (digits.len() - at).is_multiple_of(3) {
            out.push(',');
        }
        out.push(it);
    }
    match n {
        1 => format!("{out} {one}"),
        _ => format!("{out} {one}s"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_agree_with_their_nouns() {
        assert_eq!(count(1, "feature"), "1 feature");
        assert_eq!(count(0, "feature"), "0 features");
        assert_eq!(count(16384, "row"), "16,384 rows");
    }
}
