//! How things are shown: metric of the map, order of the list, what is hidden. Remembered by the browser, so that it is text both ways.

use super::panels::Widths;

/// What a cell of the map tells.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Metric {
    /// How many features are active.
    #[default]
    Count,
    /// The largest activation.
    Largest,
    /// The sum of activations.
    Sum,
    /// The locked feature's activation.
    Locked,
    /// The largest activation among pinned features.
    Pinned,
    /// The share of the MLP's output that is not rebuilt.
    Error,
}

/// What orders the list.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Sort {
    /// Activation as a share of the feature's largest.
    #[default]
    Share,
    /// Activation.
    Activation,
    /// Direct effect on the chosen next token, largest size first.
    Effect,
    /// How seldom it fires in the reference data.
    Rarity,
    /// Layer, then index.
    Layer,
    /// Label.
    Label,
}

/// What groups the list.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Group {
    /// Nothing.
    #[default]
    None,
    /// The token at which each is strongest.
    Token,
    /// The layer.
    Layer,
}

/// Light or dark.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Theme {
    /// As the system.
    #[default]
    System,
    /// Light.
    Light,
    /// Dark.
    Dark,
}

/// How things are shown.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Options {
    /// Of the map.
    pub metric: Metric,
    /// Whether the map's shades are logarithmic.
    pub log: bool,
    /// Of the list.
    pub sort: Sort,
    /// Of the list.
    pub group: Group,
    /// What is typed into the filter.
    pub filter: String,
    /// Whether features that fire on much of the text are shown too.
    pub show_common: bool,
    /// Whether whitespace and bytes are shown as they are.
    pub raw: bool,
    /// Whether values stand under the tokens.
    pub values: bool,
    /// Light or dark.
    pub theme: Theme,
    /// Whether single letters do nothing.
    pub no_letters: bool,
    /// Of the panels.
    pub widths: Widths,
}

macro_rules! named {
    ($kind:ident: $($variant:ident $name:literal),*) => {
        impl $kind {
            /// All of them, in the order of the menu.
            pub const ALL: &[Self] = &[$(Self::$variant),*];

            /// Its name in stored settings.
            pub fn name(self) -> &'static str {
                match self {
                    $(Self::$variant => $name),*
                }
            }

            /// The one of this name, or the first.
            pub fn of(name: &str) -> Self {
                let found = Self::ALL.iter().find(|it| it.name() == name);
                found.copied().unwrap_or_default()
            }
        }
    };
}

named!(Metric: Count "count", Largest "largest", Sum "sum", Locked "locked", Pinned "pinned", Error "error");
named!(Sort: Share "share", Activation "activation", Effect "effect", Rarity "rarity", Layer "layer", Label "label");
named!(Group: None "none", Token "token", Layer "layer");
named!(Theme: System "system", Light "light", Dark "dark");

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_come_back_and_unknown_ones_are_the_first() {
        for it in Metric::ALL {
            assert_eq!(Metric::of(it.name()), *it);
        }
        for it in Sort::ALL {
            assert_eq!(Sort::of(it.name()), *it);
        }
        assert_eq!(Group::of("nonsense"), Group::None);
        assert_eq!(Theme::of("dark"), Theme::Dark);
    }
}
