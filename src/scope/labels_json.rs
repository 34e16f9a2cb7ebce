//! A labels file taken apart layer by layer, so that a large one is never held twice nor read in one go. Leaves what the parts mean to `labels`.

use std::ops::Range;

/// Objects and lists in one another at most; a labels file has eight.
const MOST_DEPTH: usize = 64;

/// Where the layers of a file are.
#[derive(Debug, PartialEq)]
pub(super) struct Parts {
    /// The list of layers, brackets included.
    pub layers: Range<usize>,
    /// Each of them.
    pub each: Vec<Range<usize>>,
}

/// The layers of a file; none where it is no object that has some, which its reader then says better.
pub(super) fn parts(text: &[u8]) -> Option<Parts> {
    let mut at = blank(text, 0);
    at = byte(text, at, b'{')?;
    let mut found = None;
    loop {
        let key = value(text, at)?;
        let name = &text[key.clone()];
        at = byte(text, key.end, b':')?;
        let range = value(text, at)?;
        if name == b"\"layers\"" {
            // Twice is left to the reader, which refuses it.
            found = found.xor(Some(range.clone()))
        }
        at = blank(text, range.end);
        match text.get(at)? {
            b',' => at = blank(text, at + 1),
            b'}' => break,
            _ => return None,
        }
    }
    let layers = found?;
    Some(Parts {
        each: elements(text, &layers)?,
        layers,
    })
}

fn elements(text: &[u8], list: &Range<usize>) -> Option<Vec<Range<usize>>> {
    let mut at = byte(text, list.start, b'[')?;
    let mut out = Vec::new();
    if text.get(at) == Some(&b']') {
        return Some(out);
    }
    loop {
        let range = value(text, at)?;
        at = blank(text, range.end);
        out.push(range);
        match text.get(at)? {
            b',' => at = blank(text, at + 1),
            b']' => return Some(out),
            _ => return None,
        }
    }
}

/// A value that begins at `from`: its brackets match, and nothing more is known of it.
fn value(text: &[u8], from: usize) -> Option<Range<usize>> {
    let mut depth = 0usize;
    let mut at = from;
    loop {
        match text.get(at)? {
            b'"' => at = string(text, at)?,
            b'{' | b'[' => {
                depth += 1;
                at += 1;
                if depth > MOST_DEPTH {
                    return None;
                }
            }
            b'}' | b']' => {
                depth = depth.checked_sub(1)?;
                at += 1;
            }
            _ if depth > 0 => at += 1,
            _ => {
                let ends =
                    |it: &u8| matches!(it, b',' | b'}' | b']' | b':') || it.is_ascii_whitespace();
                let n = text[at..].iter().position(ends)?;
                at += n.max(1);
            }
        }
        if depth == 0 {
            return Some(from..at);
        }
    }
}

/// Behind a string that begins at `from`.
fn string(text: &[u8], from: usize) -> Option<usize> {
    let mut at = from + 1;
    loop {
        match text.get(at)? {
            b'"' => return Some(at + 1),
            b'\\' => at += 2,
            _ => at += 1,
        }
    }
}

fn blank(text: &[u8], from: usize) -> usize {
    let rest = text.get(from..).unwrap_or_default();
    from + rest
        .iter()
        .take_while(|it| it.is_ascii_whitespace())
        .count()
}

/// Behind a byte and the blanks around it.
fn byte(text: &[u8], from: usize, wanted: u8) -> Option<usize> {
    let at = blank(text, from);
    (text.get(at) == Some(&wanted)).then(|| blank(text, at + 1))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn layers_are_found_wherever_they_stand() {
        let text =
            br#" { "made": "a \"layers\": [", "layers" : [ {"a": ["]", 1]} , 2 ], "z": {} } "#;
        let it = parts(text).expect("layers");
        let each: Vec<&[u8]> = it.each.iter().map(|it| &text[it.clone()]).collect();
        assert_eq!(each, [&br#"{"a": ["]", 1]}"#[..], b"2"]);
        assert!(text[it.layers].starts_with(b"[ {"));
        assert_eq!(parts(br#"{"layers":[]}"#).map(|it| it.each.len()), Some(0));
    }

    #[test]
    fn what_has_none_is_left_to_the_reader() {
        for text in [
            "",
            "{",
            "[]",
            r#"{"layers""#,
            r#"{"layers":[1"#,
            r#"{"layers":{}}"#,
            r#"{"a":"\"#,
            r#"{"layers":[],"layers":[]}"#,
        ] {
            assert_eq!(parts(text.as_bytes()), None, "{text}");
        }
        let deep = format!("{{\"layers\":{}", "[".repeat(100_000));
        assert_eq!(parts(deep.as_bytes()), None);
    }
}
