//! How tokens and numbers read: spaces, bytes, shades, percentages. Leaves placing them to the views.

use crate::session::protocol::Token;
use crate::spec::visible;

/// A token as it is shown.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Shown {
    /// What stands there; empty for bytes whose character a later token completes.
    pub text: String,
    /// Whether a line ends after it.
    pub breaks: bool,
    /// Whether it is one of several bytes of one character.
    pub joined: bool,
}

/// How each token reads; `raw` shows spaces and bytes as they are.
pub fn shown(tokens: &[Token], raw: bool) -> Vec<Shown> {
    let mut out: Vec<Shown> = tokens.iter().map(|it| one(it, raw)).collect();
    if !raw {
        join_bytes(tokens, &mut out);
    }
    out
}

fn one(token: &Token, raw: bool) -> Shown {
    let piece = &token.piece;
    let text = match (token.special, raw) {
        _ if piece.is_empty() => token.id.to_string(),
        (true, _) => format!("⟨{}⟩", piece.trim_matches(['<', '>'])),
        (_, true) => visible(piece).replace([' ', '▁'], "·"),
        (_, false) => visible(&piece.replace('▁', " ")),
    };
    Shown {
        text,
        breaks: piece.ends_with('\n'),
        joined: false,
    }
}

/// Bytes in a row that are a character together: the last one shows it.
fn join_bytes(tokens: &[Token], out: &mut [Shown]) {
    let mut at = 0;
    while at < tokens.len() {
        let bytes: Vec<u8> = tokens[at..]
            .iter()
            .map_while(|it| byte(&it.piece))
            .collect();
        let length = (2..=4.min(bytes.len()))
            .find(|n| std::str::from_utf8(&bytes[..*n]).is_ok_and(|it| it.chars().count() == 1));
        let Some(length) = length else {
            at += 1;
            continue;
        };
        let text = String::from_utf8_lossy(&bytes[..length]);
        for it in &mut out[at..at + length] {
            *it = Shown {
                joined: true,
                ..Shown::default()
            };
        }
        out[at + length - 1].text = visible(&text);
        at += length;
    }
}

/// The byte of `<0xE2>`.
fn byte(piece: &str) -> Option<u8> {
    let hex = piece.strip_prefix("<0x")?.strip_suffix('>')?;
    u8::from_str_radix(hex, 16).ok().filter(|_| hex.len() == 2)
}

/// A token by what it shows, or by its id without a tokenizer.
pub fn name(id: u32, piece: &str) -> String {
    match piece {
        "" => id.to_string(),
        _ => visible(&piece.replace('▁', " ")),
    }
}

/// How deep a token is shaded, 0 to 1: weak activations stay visible, silence is none.
///
/// Source: Neuronpedia's ramp, `0.05 + 0.95 log10(1 + 9 r)`.
pub fn fill(activation: f32, largest: f32) -> f32 {
    if activation.is_nan() || activation <= 0.0 {
        return 0.0;
    }
    let share = (activation / largest.max(f32::MIN_POSITIVE)).clamp(0.0, 1.0);
    0.05 + 0.95 * (1.0 + 9.0 * share).log10()
}

/// A probability or a share.
pub fn percent(it: f32) -> String {
    let it = 100.0 * it;
    match it {
        _ if it.is_nan() => "not a number".into(),
        _ if it >= 9.95 => format!("{it:.0} %"),
        _ if it >= 0.995 => format!("{it:.1} %"),
        _ if it >= 0.01 => format!("{it:.2} %"),
        _ if it > 0.0 => "< 0.01 %".into(),
        _ => "0 %".into(),
    }
}

/// A number of about four digits.
pub fn number(it: f32) -> String {
    let size = it.abs();
    let text = match size {
        _ if it.is_nan() => return "not a number".into(),
        _ if size.is_infinite() => "infinite".into(),
        _ if size >= 1000.0 => format!("{size:.0}"),
        _ if size >= 100.0 => format!("{size:.1}"),
        _ if size >= 1.0 => format!("{size:.2}"),
        _ if size >= 0.01 => format!("{size:.3}"),
        _ if size > 0.0 => format!("{size:.1e}"),
        _ => "0".into(),
    };
    match it < 0.0 {
        true => format!("−{text}"),
        false => text,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn token(piece: &str, special: bool) -> Token {
        Token {
            id: 7,
            piece: piece.into(),
            bytes: None,
            special,
        }
    }

    fn texts(pieces: &[&str], raw: bool) -> Vec<String> {
        let tokens: Vec<Token> = pieces.iter().map(|it| token(it, false)).collect();
        shown(&tokens, raw).into_iter().map(|it| it.text).collect()
    }

    #[test]
    fn spaces_lines_and_specials_read_as_one_expects() {
        assert_eq!(shown(&[token("<bos>", true)], false)[0].text, "⟨bos⟩");
        assert_eq!(texts(&[" the", "\t"], false), [" the", "→"]);
        assert_eq!(texts(&[" the", "▁a"], true), ["·the", "·a"]);
        let line = &shown(&[token("\n", false)], false)[0];
        assert_eq!((line.text.as_str(), line.breaks), ("↵", true));
        assert_eq!(texts(&[""], false), ["7"]);
        assert_eq!(texts(&["\u{202e}"], false), ["⟨U+202E⟩"]);
        assert_eq!(texts(&["\0"], false), ["␀"]);
    }

    #[test]
    fn bytes_of_one_character_show_it_once() {
        let pieces = ["<0xF0>", "<0x9F>", "<0x99>", "<0x82>", "<0xE2>", "a"];
        let tokens: Vec<Token> = pieces.iter().map(|it| token(it, false)).collect();
        let out = shown(&tokens, false);
        let texts: Vec<&str> = out.iter().map(|it| it.text.as_str()).collect();
        assert_eq!(texts, ["", "", "", "🙂", "<0xE2>", "a"]);
        assert_eq!(out.iter().filter(|it| it.joined).count(), 4);
        assert_eq!(shown(&tokens, true)[0].text, "<0xF0>");
    }

    #[test]
    fn shades_begin_above_nothing_and_end_at_one() {
        assert_eq!(fill(0.0, 1.0), 0.0);
        assert_eq!(fill(f32::NAN, 1.0), 0.0);
        assert!(fill(1e-6, 1.0) >= 0.05);
        assert!((fill(3.0, 2.0) - 1.0).abs() < 1e-6);
    }

    #[test]
    fn numbers_keep_about_four_digits() {
        for (it, text) in [
            (14.234, "14.23"),
            (0.0312, "0.031"),
            (1234.4, "1234"),
            (-0.52, "−0.520"),
        ] {
            assert_eq!(number(it), text);
        }
        for (it, text) in [
            (0.4132, "41 %"),
            (0.0932, "9.3 %"),
            (2.1e-4, "0.02 %"),
            (1e-6, "< 0.01 %"),
            (1.0, "100 %"),
        ] {
            assert_eq!(percent(it), text);
        }
    }
}
