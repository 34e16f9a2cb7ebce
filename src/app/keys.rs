//! Keys and what they do: one table, which the sheet under `?` shows too. Leaves doing it to `acting`.

/// What a key does.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Act {
    /// Runs the prompt, or stops what runs.
    Run,
    /// Goes back one level.
    Escape,
    /// To the filter of the list.
    Filter,
    /// The sheet of keys and words.
    Sheet,
    /// One layer up or down.
    Layer(isize),
    /// One token on or back.
    Token(isize),
    /// One feature of the list on or back.
    Feature(isize),
    /// The next feature that fires, by layer and number.
    NextFiring,
    /// Pins the chosen feature.
    Pin,
    /// Lets all pins go.
    ClearPins,
    /// Makes the panel with the focus large.
    Maximise,
    /// Numbers under the tokens.
    Values,
    /// Whitespace and bytes as they are.
    Raw,
    /// Light or dark.
    Theme,
    /// Back one change of the selection.
    Undo,
    /// And forward.
    Redo,
}

/// A key with what it is pressed together with.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Held {
    /// Ctrl or Cmd.
    pub ctrl: bool,
    /// Shift.
    pub shift: bool,
    /// Alt.
    pub alt: bool,
    /// The focus is where one types.
    pub typing: bool,
}

/// Keys as they are shown, and what they do.
pub const SHEET: &[(&str, &str)] = &[
    ("Ctrl/⌘ Enter", "run the prompt, or stop"),
    ("Esc", "let go: first the feature, then the place"),
    ("/", "filter the list"),
    ("← → ↑ ↓", "move in the map or the list that has the focus"),
    ("Enter", "choose what the focus is on; again lets it go"),
    ("Page Up, Page Down", "next layer up, next layer down"),
    ("Shift ← →", "previous or next token"),
    ("j, k", "next or previous feature of the list"),
    ("n", "next feature that fires in this prompt, by its number"),
    ("p, Shift P", "pin the chosen feature; let all pins go"),
    (
        "hold Shift",
        "keep what is under the pointer while it moves on",
    ),
    ("m", "make the panel with the focus large, and small again"),
    ("v", "numbers under the tokens"),
    ("w", "whitespace and bytes as they are"),
    ("d", "light or dark"),
    ("Ctrl/⌘ Z, Ctrl/⌘ Shift Z", "undo, redo"),
    ("?", "this sheet"),
];

/// What a key does here. Letters are taken by what they write, so that they are where they are on every keyboard.
pub fn act(key: &str, held: Held) -> Option<Act> {
    if held.ctrl {
        return match (key, held.shift) {
            ("Enter", _) => Some(Act::Run),
            ("z", false) if !held.typing => Some(Act::Undo),
            ("z" | "Z", true) if !held.typing => Some(Act::Redo),
            _ => None,
        };
    }
    if key == "Escape" {
        return Some(Act::Escape);
    }
    if held.typing || held.alt {
        return None;
    }
    match (key, held.shift) {
        ("/", _) => Some(Act::Filter),
        ("?", _) => Some(Act::Sheet),
        ("PageUp", _) => Some(Act::Layer(1)),
        ("PageDown", _) => Some(Act::Layer(-1)),
        ("ArrowLeft", true) => Some(Act::Token(-1)),
        ("ArrowRight", true) => Some(Act::Token(1)),
        ("j", false) => Some(Act::Feature(1)),
        ("k", false) => Some(Act::Feature(-1)),
        ("n", false) => Some(Act::NextFiring),
        ("p", false) => Some(Act::Pin),
        ("P", _) => Some(Act::ClearPins),
        ("m", false) => Some(Act::Maximise),
        ("v", false) => Some(Act::Values),
        ("w", false) => Some(Act::Raw),
        ("d", false) => Some(Act::Theme),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const TYPING: Held = Held {
        ctrl: false,
        shift: false,
        alt: false,
        typing: true,
    };

    #[test]
    fn letters_do_nothing_while_one_types_and_run_works_everywhere() {
        for key in ["p", "j", "/", "?", "m", "d"] {
            assert_eq!(act(key, TYPING), None, "{key}");
            assert!(act(key, Held::default()).is_some(), "{key}");
        }
        let ctrl = Held {
            ctrl: true,
            ..TYPING
        };
        assert_eq!(act("Enter", ctrl), Some(Act::Run));
        assert_eq!(act("z", ctrl), None, "undo of the text is the browser's");
        assert_eq!(act("Escape", TYPING), Some(Act::Escape));
    }

    #[test]
    fn what_the_system_does_with_alt_is_left_alone() {
        let alt = Held {
            alt: true,
            ..Held::default()
        };
        assert_eq!(act("p", alt), None);
    }
}
