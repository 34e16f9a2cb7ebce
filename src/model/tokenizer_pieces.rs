//! How tokens are shown: the text that each stands for, with byte tokens joined into the character they make.

use super::tokenizer::Tokenizer;
use crate::spec::visible;

/// How a token is shown.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Piece {
    /// Its id.
    pub id: u32,
    /// The text that it stands for, a space being a space. Empty for a byte token whose character another one shows;
    /// `<0xE2>` for a byte that makes no character; `<id 999>` for an id that the tokenizer does not have.
    pub text: String,
    /// The same with marks for what can't be seen: `↵`, `→`.
    pub shown: String,
    /// Whether it is special: BOS, EOS, PAD and their like.
    pub special: bool,
}

/// A token alone.
pub(super) fn alone(tokenizer: &Tokenizer, id: u32) -> Piece {
    match byte_of(tokenizer, id) {
        Some(byte) => piece(tokenizer, id, text_of_bytes(&[byte]).swap_remove(0)),
        None => whole(tokenizer, id),
    }
}

/// Tokens in a row: the first byte token of a character shows it.
pub(super) fn in_a_row(tokenizer: &Tokenizer, ids: &[u32]) -> Vec<Piece> {
    let mut out = Vec::with_capacity(ids.len());
    let mut rest = ids;
    while let Some(id) = rest.first() {
        let run = run_of_bytes(tokenizer, rest.iter());
        if run.is_empty() {
            out.push(whole(tokenizer, *id));
            rest = &rest[1..];
            continue;
        }
        let texts = text_of_bytes(&run).into_iter();
        out.extend(
            rest.iter()
                .zip(texts)
                .map(|(id, text)| piece(tokenizer, *id, text)),
        );
        rest = &rest[run.len()..];
    }
    out
}

/// The last of tokens that come one by one: the last byte token of a character shows it.
///
/// A byte that may still become part of a character is empty, and stays so if none comes of it.
pub(super) fn as_it_comes(tokenizer: &Tokenizer, ids: &[u32]) -> Option<Piece> {
    let id = *ids.last()?;
    let mut run = run_of_bytes(tokenizer, ids.iter().rev());
    if run.is_empty() {
        return Some(whole(tokenizer, id));
    }
    run.reverse();
    let mut start = 0;
    while start < run.len() {
        let end = run.len().min(start + length_of_character(run[start]));
        match std::str::from_utf8(&run[start..end]) {
            Ok(text) if end == run.len() => return Some(piece(tokenizer, id, text.into())),
            Ok(_) => start = end,
            Err(it) if it.error_len().is_none() => {
                return Some(piece(tokenizer, id, String::new()));
            }
            Err(_) => start += 1,
        }
    }
    Some(piece(tokenizer, id, escape(run[run.len() - 1])))
}

/// A token that is no byte token.
fn whole(tokenizer: &Tokenizer, id: u32) -> Piece {
    let text = match tokenizer.raw(id) {
        Some(raw) => tokenizer.text_of(raw),
        None => format!("<id {id}>"),
    };
    piece(tokenizer, id, text)
}

fn piece(tokenizer: &Tokenizer, id: u32, text: String) -> Piece {
    Piece {
        id,
        shown: visible(&text),
        special: tokenizer.special(id),
        text,
    }
}

/// The bytes of the byte tokens that `ids` begin with.
fn run_of_bytes<'a>(tokenizer: &Tokenizer, ids: impl Iterator<Item = &'a u32>) -> Vec<u8> {
    ids.map_while(|id| byte_of(tokenizer, *id)).collect()
}

/// The byte of a token `<0xE2>`. Source: tokenizers 0.23, `decoders/byte_fallback.rs`.
fn byte_of(tokenizer: &Tokenizer, id: u32) -> Option<u8> {
    let raw = tokenizer.raw(id)?;
    let digits = raw.strip_prefix("<0x")?.strip_suffix('>')?;
    let is_byte = digits.len() == 2 && digits.bytes().all(|it| it.is_ascii_hexdigit());
    is_byte.then(|| u8::from_str_radix(digits, 16).ok())?
}

/// What each byte of a run shows: the first of a character that character, its others nothing, a stray one its number.
fn text_of_bytes(bytes: &[u8]) -> Vec<String> {
    let mut out = vec![String::new(); bytes.len()];
    let mut start = 0;
    while start < bytes.len() {
        let end = start + length_of_character(bytes[start]);
        let character = bytes.get(start..end).map(std::str::from_utf8);
        if let Some(Ok(text)) = character {
            out[start] = text.into();
            start = end;
        } else {
            out[start] = escape(bytes[start]);
            start += 1;
        }
    }
    out
}

/// Bytes of the character that begins with `byte`, if one does.
fn length_of_character(byte: u8) -> usize {
    match byte {
        0xf0.. => 4,
        0xe0.. => 3,
        0xc0.. => 2,
        _ => 1,
    }
}

fn escape(byte: u8) -> String {
    format!("<{byte:#04X}>")
}

#[cfg(test)]
mod tests {
    use super::text_of_bytes;

    #[test]
    fn bytes_become_the_character_they_make() {
        assert_eq!(text_of_bytes("a€".as_bytes()), ["a", "€", "", ""]);
        assert_eq!(text_of_bytes(&[0xe2, 0x82]), ["<0xE2>", "<0x82>"]);
        assert_eq!(
            text_of_bytes(&[0xe2, 0x41, 0xff]),
            ["<0xE2>", "A", "<0xFF>"]
        );
    }
}
