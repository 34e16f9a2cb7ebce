//! Texts of servers, made fit to stand in a message: one short line without markup.

/// Characters of a text at most.
const MOST_CHARS: usize = 200;

/// What a server said, in one line, without tags and control characters, shortened.
pub(super) fn one_line(text: &str) -> String {
    let mut words = String::new();
    let mut inside_tag = false;
    for it in text.chars() {
        match it {
            '<' => inside_tag = true,
            '>' if inside_tag => {
                inside_tag = false;
                words.push(' ');
            }
            _ if inside_tag => (),
            _ if is_invisible(it) => words.push(' '),
            _ => words.push(it),
        }
    }
    let words: Vec<&str> = words.split_whitespace().map(unsigned).collect();
    let line = words.join(" ");
    match line.char_indices().nth(MOST_CHARS) {
        Some((end, _)) => format!("{}…", &line[..end]),
        None if line.is_empty() => "nothing".into(),
        None => line,
    }
}

/// An address without what follows its `?`, where signatures stand; any other word as it is.
fn unsigned(word: &str) -> &str {
    match word.split_once('?') {
        Some((address, _)) if word.contains("://") => address,
        _ => word,
    }
}

/// Control characters, and marks that change the direction of what follows.
fn is_invisible(it: char) -> bool {
    it.is_control()
        || matches!(it, '\u{200b}'..='\u{200f}' | '\u{202a}'..='\u{202e}' | '\u{2060}'..='\u{206f}' | '\u{feff}')
}

#[cfg(test)]
mod tests {
    use super::one_line;

    #[test]
    fn markup_and_control_characters_go() {
        let text = "<?xml?><Error>\r\n<Code>AccessDenied</Code>\u{1b}[31m<Message>No\u{202e} way</Message>";
        assert_eq!(one_line(text), "AccessDenied [31m No way");
        assert_eq!(one_line(" \n"), "nothing");
    }

    #[test]
    fn addresses_lose_their_signatures() {
        let text = "no https://a.b/c?X-Sig=1&b or why?";
        assert_eq!(one_line(text), "no https://a.b/c or why?");
    }

    #[test]
    fn long_texts_are_cut_between_characters() {
        let got = one_line(&"ä".repeat(1000));
        assert_eq!(got.chars().count(), super::MOST_CHARS + 1);
    }
}
