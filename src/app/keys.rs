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
    /// The model screen.
    Model,
    /// Commands and features by name.
    Palette,
    /// Links and files to take along.
    Share,
    /// What the page is, whom it asks, what it keeps.
    About,
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
    /// Keys that write something do nothing: the visitor has switched them off.
    pub no_letters: bool,
}

/// Keys as they are shown, and what they do.
pub const SHEET: &[(&str, &str)] = &[
    ("Ctrl/⌘ Enter", "run the prompt, or stop"),
    ("Esc", "let go: first the feature, then the place"),
    ("/", "filter the list"),
    ("← → ↑ ↓", "move in the map or the list that has the focus"),
    ("Enter", "choose what the focus is on; again lets it go"),
    ("Shift and arrows, in the map", "select a region"),
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
    ("Shift M", "the model: which, where from, how far"),
    ("Ctrl/⌘ K", "commands, features by label, recent prompts"),
    ("y", "share, export"),
    ("?", "this sheet"),
];

/// Commands that can be asked for by name: their keys, what they do in words.
pub const COMMANDS: &[(&str, &str, Act)] = &[
    ("Ctrl/⌘ Enter", "Run the prompt, or stop", Act::Run),
    ("Shift M", "Choose a model", Act::Model),
    ("y", "Share, export", Act::Share),
    ("", "About: licences, requests, data kept here", Act::About),
    ("?", "Keys and words", Act::Sheet),
    ("/", "Filter the list", Act::Filter),
    ("n", "Next feature that fires", Act::NextFiring),
    ("p", "Pin the chosen feature", Act::Pin),
    ("Shift P", "Let all pins go", Act::ClearPins),
    (
        "m",
        "Make the panel with the focus large or small",
        Act::Maximise,
    ),
    ("v", "Numbers under the tokens", Act::Values),
    ("w", "Whitespace and bytes as they are", Act::Raw),
    ("d", "Light or dark", Act::Theme),
    ("Ctrl/⌘ Z", "Undo", Act::Undo),
    ("Ctrl/⌘ Shift Z", "Redo", Act::Redo),
];

/// What a key does here. Letters are taken by what they write, so that they are where they are on every keyboard.
pub fn act(key: &str, held: Held) -> Option<Act> {
    if held.ctrl {
        return match (key, held.shift) {
            ("Enter", _) => Some(Act::Run),
            ("k" | "K", false) => Some(Act::Palette),
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
    if held.no_letters && key.chars().count() == 1 {
        return None;
    }
    match (key, held.shift) {
        ("/", _) => Some(Act::Filter),
        ("?", _) => Some(Act::Sheet),
        ("y", false) => Some(Act::Share),
        ("M", _) => Some(Act::Model),
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
        no_letters: false,
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
    fn letters_can_be_switched_off_and_other_keys_stay() {
        let off = Held {
            no_letters: true,
            ..Held::default()
        };
        for it in SHEET
            .iter()
            .map(|it| it.0)
            .filter(|it| it.chars().count() == 1)
        {
            assert_eq!(act(it, off), None, "{it}");
        }
        assert_eq!(act("Escape", off), Some(Act::Escape));
        assert_eq!(act("PageUp", off), Some(Act::Layer(1)));
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
