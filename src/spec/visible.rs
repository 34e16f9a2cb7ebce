//! Text made visible: marks for characters that a reader can't see, so that views and terminals show tokens alike.

/// The text with a mark in place of every line break, tab, control character and invisible character.
///
/// Spaces stay. A joiner stays where it joins something, and is marked where it stands alone.
pub fn visible(text: &str) -> String {
    let alone = text.chars().all(|it| is_joiner(it) || is_invisible(it));
    let mut out = String::with_capacity(text.len());
    for it in text.chars() {
        match it {
            '\n' => out.push('↵'),
            '\t' => out.push('→'),
            '\u{0}'..='\u{1f}' => out.extend(char::from_u32(0x2400 + u32::from(it))),
            '\u{7f}' => out.push('␡'),
            _ if is_invisible(it) || (alone && is_joiner(it)) => {
                out.push_str(&format!("⟨U+{:04X}⟩", u32::from(it)));
            }
            _ => out.push(it),
        }
    }
    out
}

/// Joins its neighbours into one sign, and so belongs inside text.
fn is_joiner(it: char) -> bool {
    matches!(it, '\u{200c}' | '\u{200d}')
}

/// Has no sign of its own, or turns the direction of what follows.
fn is_invisible(it: char) -> bool {
    matches!(it,
        '\u{80}'..='\u{9f}' | '\u{ad}' | '\u{61c}' | '\u{200b}' | '\u{200e}' | '\u{200f}'
        | '\u{2028}'..='\u{202e}' | '\u{2060}'..='\u{206f}' | '\u{feff}')
}

#[cfg(test)]
mod tests {
    use super::visible;

    #[test]
    fn what_can_not_be_seen_gets_a_mark() {
        assert_eq!(visible(" a\n\tb"), " a↵→b");
        assert_eq!(visible("\r\0\u{7f}"), "␍␀␡");
        assert_eq!(visible("\u{200b}x\u{202e}"), "⟨U+200B⟩x⟨U+202E⟩");
    }

    #[test]
    fn a_joiner_is_marked_only_where_it_stands_alone() {
        assert_eq!(visible("\u{200d}"), "⟨U+200D⟩");
        assert_eq!(visible("👩\u{200d}👧"), "👩\u{200d}👧");
        assert_eq!(visible(""), "");
    }
}
