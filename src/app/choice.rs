//! What the visitor chooses on the model screen, as it is typed, and the request that it makes. Leaves drawing the form to its view.

use crate::{
    session::protocol::{Half, LinkModel, ModelRef, OpenRequest, TranscoderRef, TranscoderRequest},
    spec::{LinkTranscoders, Precision, RepoRef, gemma},
};

/// Layers of a model are numbered below this; a list that goes further is a slip of the hand.
const MAX_LAYERS: usize = 200;

/// Where model and transcoders come from.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Origin {
    /// The demo, which lies beside the page.
    #[default]
    Demo,
    /// Gemma 2 2B from a mirror that asks for no token.
    Mirror,
    /// Gemma 2 2B from its makers, with a token.
    Gated,
    /// Repositories that the visitor names.
    Other,
    /// Copies of repositories in a folder of this device.
    Disk,
}

impl Origin {
    /// All, as the menu has them.
    pub const ALL: [Self; 5] = [
        Self::Demo,
        Self::Mirror,
        Self::Gated,
        Self::Other,
        Self::Disk,
    ];

    /// Its name in the menu's values.
    pub fn name(self) -> &'static str {
        match self {
            Self::Demo => "demo",
            Self::Mirror => "mirror",
            Self::Gated => "gated",
            Self::Other => "other",
            Self::Disk => "disk",
        }
    }

    /// The one of a name; the demo for any other.
    pub fn of(name: &str) -> Self {
        let found = Self::ALL.into_iter().find(|it| it.name() == name);
        found.unwrap_or_default()
    }
}

/// The form.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Choice {
    /// Where from.
    pub origin: Origin,
    /// The model's repository, where the visitor names it.
    pub model: String,
    /// The transcoders'.
    pub transcoders: String,
    /// How weights are kept.
    pub precision: Precision,
    /// Layers whose transcoders are wanted: `all`, or `0-12, 20`.
    pub layers: String,
    /// Whether decoders are wanted: reconstructions, effects, what features promote.
    pub decoders: bool,
    /// Other variants than the usual, as `layer:L0`.
    pub variants: String,
    /// GPU memory at most, in MB; empty for no budget.
    pub budget: String,
}

impl Default for Choice {
    fn default() -> Self {
        Self {
            origin: Origin::Demo,
            model: gemma::MODEL_REPO.into(),
            transcoders: gemma::TRANSCODER_REPO.into(),
            precision: Precision::Reference,
            layers: "all".into(),
            decoders: true,
            variants: String::new(),
            budget: String::new(),
        }
    }
}

impl Choice {
    /// Another origin, with the repositories and the precision that belong to it.
    pub fn from(mut self, origin: Origin) -> Self {
        self.origin = origin;
        match origin {
            Origin::Demo => self.precision = Precision::Reference,
            Origin::Mirror => self.model = gemma::MODEL_REPO.into(),
            Origin::Gated => self.model = gemma::GATED_MODEL_REPO.into(),
            Origin::Other | Origin::Disk => (),
        }
        if matches!(origin, Origin::Mirror | Origin::Gated | Origin::Disk) {
            self.transcoders = gemma::TRANSCODER_REPO.into();
            self.precision = Precision::Precise;
        }
        self
    }

    /// The form for the model that a link names; what a link does not say is as it was where the model was the same.
    pub fn of_link(it: &LinkModel, last: &Self) -> Self {
        let linked = Self::of_name(it);
        match last.is_of(it) {
            true => Self {
                layers: last.layers.clone(),
                decoders: last.decoders,
                budget: last.budget.clone(),
                ..linked
            },
            false => linked,
        }
    }

    /// Whether it is a form for that model, at whatever precision.
    pub fn is_of(&self, it: &LinkModel) -> bool {
        let linked = Self::of_name(it);
        (linked.origin, &linked.model) == (self.origin, &self.model)
    }

    fn of_name(it: &LinkModel) -> Self {
        let Some(repo) = &it.repo else {
            return Self {
                precision: it.precision,
                ..Self::default()
            };
        };
        let name = repo.to_string();
        let origin = origin_of(&name);
        Self {
            model: name,
            origin,
            precision: it.precision,
            ..Self::default()
        }
        .with_transcoders(it.transcoders.as_deref())
    }

    fn with_transcoders(mut self, it: Option<&LinkTranscoders>) -> Self {
        if let Some(it) = it {
            self.transcoders = it.repo.to_string();
            self.variants = variant_words(&it.average_l0);
        }
        self
    }

    /// As a link names it; none where the form can't be read.
    pub fn linked(&self) -> Option<LinkModel> {
        self.request("").ok().as_ref().map(LinkModel::of)
    }

    /// The variants that are named: layer and L0.
    pub fn average_l0(&self) -> Vec<(usize, usize)> {
        variants(&self.variants).unwrap_or_default()
    }

    /// Whether it is the demo.
    pub fn is_demo(&self) -> bool {
        self.origin == Origin::Demo
    }

    /// As one text, for the next visit.
    pub fn text(&self) -> String {
        let decoders = if self.decoders { "decoders" } else { "" };
        let precision = self.precision.to_string();
        let all = [
            self.origin.name(),
            &self.model,
            &self.transcoders,
            &precision,
            &self.layers,
            decoders,
            &self.variants,
            &self.budget,
        ];
        all.join("\n")
    }

    /// From that text; the demo for any other.
    pub fn of_text(text: &str) -> Self {
        let all: Vec<&str> = text.split('\n').collect();
        let [
            origin,
            model,
            transcoders,
            precision,
            layers,
            decoders,
            variants,
            budget,
        ] = all[..]
        else {
            return Self::default();
        };
        Self {
            origin: Origin::of(origin),
            model: model.into(),
            transcoders: transcoders.into(),
            precision: precision.parse().unwrap_or_default(),
            layers: layers.into(),
            decoders: !decoders.is_empty(),
            variants: variants.into(),
            budget: budget.into(),
        }
    }

    /// The form of a request that was made.
    pub fn of(request: &OpenRequest) -> Self {
        let mut it = Self {
            precision: request.precision,
            budget: (request.max_gpu_bytes)
                .map_or_else(String::new, |it| (it / 1_000_000).to_string()),
            ..Self::default()
        };
        if let ModelRef::Hub { repo } = &request.model {
            it.model = repo.to_string();
            it.origin = origin_of(&it.model);
        }
        if request.transcoders.is_none() {
            it.layers = "none".into();
        }
        if let Some(of) = &request.transcoders {
            if let TranscoderRef::Hub { repo } = &of.place {
                it.transcoders = repo.to_string();
            }
            it.layers = of.layers.as_deref().map_or("all".into(), layer_words);
            it.decoders = of.halves.contains(&Half::Decoder);
            it.variants = variant_words(&of.average_l0);
        }
        it
    }

    /// The request. `base` is the address of the folder that the page lies in.
    ///
    /// Errors: what can't be read, in the visitor's words.
    pub fn request(&self, base: &str) -> Result<OpenRequest, String> {
        let (model, place) = match self.origin {
            Origin::Demo => (
                ModelRef::Folder {
                    path: format!("{base}/demo/model"),
                    tokenizer: None,
                },
                TranscoderRef::Folder {
                    path: format!("{base}/demo/transcoders"),
                },
            ),
            _ => (
                ModelRef::Hub {
                    repo: repo(&self.model)?,
                },
                TranscoderRef::Hub {
                    repo: repo(&self.transcoders)?,
                },
            ),
        };
        let halves = match self.decoders {
            true => vec![Half::Encoder, Half::Decoder],
            false => vec![Half::Encoder],
        };
        let layers = layers(&self.layers)?;
        let none = layers.as_ref().is_some_and(Vec::is_empty);
        let transcoders = TranscoderRequest {
            place,
            layers,
            halves,
            average_l0: variants(&self.variants)?,
        };
        Ok(OpenRequest {
            model,
            transcoders: (!none).then_some(transcoders),
            precision: self.precision,
            n_ctx: None,
            n_kept: None,
            max_gpu_bytes: budget(&self.budget)?,
        })
    }
}

fn origin_of(model: &str) -> Origin {
    match model {
        gemma::MODEL_REPO => Origin::Mirror,
        gemma::GATED_MODEL_REPO => Origin::Gated,
        _ => Origin::Other,
    }
}

fn repo(text: &str) -> Result<RepoRef, String> {
    let read: Result<RepoRef, _> = text.parse();
    read.map_err(|it| format!("{it}. {}", it.remedy()))
}

/// Bytes of a budget in MB.
fn budget(text: &str) -> Result<Option<u64>, String> {
    let text = text.trim();
    if text.is_empty() {
        return Ok(None);
    }
    let megabytes: Option<u32> = text.parse().ok();
    match megabytes {
        Some(it) if it > 0 => Ok(Some(u64::from(it) * 1_000_000)),
        _ => Err(format!(
            "“{text}” is no number of MB. Leave the budget empty for none."
        )),
    }
}

/// Layers as they are written: `all`, `none`, `3`, `0-12, 20`.
fn layers(text: &str) -> Result<Option<Vec<usize>>, String> {
    match text.trim() {
        "" | "all" => return Ok(None),
        "none" => return Ok(Some(vec![])),
        _ => (),
    }
    let wrong = |it: &str| {
        format!("“{it}” names no layers. Write all, none, or numbers and ranges as in 0-12, 20.")
    };
    let mut out = Vec::new();
    for piece in text.split(',').map(str::trim) {
        let (first, last) = piece.split_once('-').unwrap_or((piece, piece));
        let number = |it: &str| it.trim().parse::<usize>().ok();
        let range = number(first).zip(number(last));
        let Some((first, last)) = range.filter(|it| it.0 <= it.1 && it.1 < MAX_LAYERS) else {
            return Err(wrong(piece));
        };
        out.extend(first..=last);
    }
    out.sort_unstable();
    out.dedup();
    Ok(Some(out))
}

/// `12:80, 13:6` as pairs of layer and L0.
fn variants(text: &str) -> Result<Vec<(usize, usize)>, String> {
    let pieces = text.split(',').map(str::trim).filter(|it| !it.is_empty());
    let read = |piece: &str| {
        let pair = piece.split_once(':').and_then(|(layer, l0)| {
            let layer: usize = layer.trim().parse().ok()?;
            Some((layer, l0.trim().parse().ok()?))
        });
        pair.ok_or_else(|| format!("“{piece}” names no variant. Write layer and L0, as in 12:80."))
    };
    pieces.map(read).collect()
}

fn variant_words(of: &[(usize, usize)]) -> String {
    let pieces = of.iter().map(|it| format!("{}:{}", it.0, it.1));
    pieces.collect::<Vec<_>>().join(", ")
}

/// Layers as one writes them, ranges together.
pub(super) fn layer_words(layers: &[usize]) -> String {
    let mut pieces: Vec<(usize, usize)> = Vec::new();
    for &it in layers {
        match pieces.last_mut() {
            Some(piece) if piece.1 + 1 == it => piece.1 = it,
            _ => pieces.push((it, it)),
        }
    }
    if pieces.is_empty() {
        return "none".into();
    }
    let word = |it: &(usize, usize)| match it.0 == it.1 {
        true => it.0.to_string(),
        false => format!("{}-{}", it.0, it.1),
    };
    pieces.iter().map(word).collect::<Vec<_>>().join(", ")
}

#[cfg(test)]
#[path = "choice_tests.rs"]
mod tests;
