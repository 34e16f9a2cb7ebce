//! The site around the page: whether it is kept for visits without a network, whom it may ask. Leaves doing it to `www/start.js`.

use serde::Deserialize;

/// How the site is kept.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Keeping {
    /// It is not.
    #[default]
    Off,
    /// It is being kept.
    Installing,
    /// It is there without a network.
    Ready,
    /// So is a newer version, which is taken when the visitor says so.
    Update,
}

/// A request that the page can make.
#[derive(Clone, Debug, Default, PartialEq, Eq, Deserialize)]
pub struct Request {
    /// The server; `self` is the one that the page comes from.
    pub origin: String,
    /// Which files.
    pub path: Option<String>,
    /// How large they are, where that is known.
    pub bytes: Option<u64>,
    /// What for.
    pub why: String,
}

/// What is known of the site.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Site {
    /// How it is kept.
    pub keeping: Keeping,
    /// Every request that can be made.
    pub requests: Vec<Request>,
}

/// What can be done to it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum SiteDeed {
    /// Loads the newest version.
    Reload,
    /// Whether it may be kept.
    Keep(bool),
    /// Nothing of it is kept any longer, nor what the page has noted.
    Clear,
}

/// The list as `gemscopeSite.requests` has it; empty where there is none.
#[cfg(target_arch = "wasm32")]
pub fn requests(it: wasm_bindgen::JsValue) -> Vec<Request> {
    serde_wasm_bindgen::from_value(it).unwrap_or_default()
}

impl Keeping {
    /// By the name that `gemscopeSite.state()` gives it.
    pub fn of(name: &str) -> Self {
        match name {
            "installing" => Self::Installing,
            "ready" => Self::Ready,
            "update" => Self::Update,
            _ => Self::Off,
        }
    }

    /// In words.
    pub(super) fn words(self) -> &'static str {
        match self {
            Self::Off => "The site is not kept: without a network it does not open.",
            Self::Installing => "The site is being kept for visits without a network.",
            Self::Ready => "The site is kept: it opens without a network.",
            Self::Update => "A newer version is here; this one stays until you take it.",
        }
    }
}
