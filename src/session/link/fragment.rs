//! What stands after the # of an address: readable while that is short, packed when it is long.

use super::{bounds::bounded, error::LinkError, notes::Notes, packed, readable, route};
use crate::spec::View;

/// Characters of a fragment that are still readable.
const MAX_READABLE: usize = 300;
/// The version of the packed form.
const VERSION: char = '1';
/// What programs that find links in a text put after one.
const AFTER: [char; 9] = ['.', ',', ';', ':', ')', ']', '>', '"', '\''];
const NEWER: &str = "This link was made by a newer version of the page. Reload it.";

/// The fragment of a view, with its `#`.
///
/// Errors: [`LinkError::Unfit`] for a view that holds more than a link may.
pub fn write(view: &View) -> Result<String, LinkError> {
    let mut notes = Notes::default();
    let view = bounded(view.clone(), &mut notes);
    if let Some(it) = notes.first() {
        return Err(LinkError::Unfit { what: it.into() });
    }
    let readable = format!("#{}", readable::write(&view));
    Ok(match readable.len() <= MAX_READABLE {
        true => readable,
        false => packed_fragment(&view),
    })
}

/// The fragment of a view without what was typed. The witness tells of it too, so that it goes as well.
///
/// Errors: as [`write`].
pub fn write_without_prompt(view: &View) -> Result<String, LinkError> {
    write(&View {
        prompt: None,
        witness: view.witness.clone().filter(|_| view.prompt.is_none()),
        ..view.clone()
    })
}

/// The packed fragment of a view within bounds.
pub(super) fn packed_fragment(view: &View) -> String {
    format!(
        "#{}!{VERSION}{}",
        route::path(view.route),
        packed::write(view)
    )
}

/// The view of a fragment without its `#`.
///
/// Errors: what is no fragment of this page; [`LinkError::Damaged`], [`LinkError::TooLarge`] where nothing else can be read.
pub fn read(fragment: &str, notes: &mut Notes) -> Result<View, LinkError> {
    if !fragment.is_empty() && !fragment.starts_with(['/', '?', '!']) {
        return Err(LinkError::NoLink {
            text: format!("#{fragment}"),
        });
    }
    let (text, payload) = split(fragment);
    let mut view = View::default();
    let mut trouble = None;
    if let Some((version, payload)) = payload {
        match version {
            VERSION => match packed::read(payload, notes) {
                Ok(it) => view = it,
                Err(it) => trouble = Some(it),
            },
            _ => notes.add(NEWER),
        }
    }
    let any = readable::read(text, &mut view, notes);
    match trouble {
        Some(it) if !any => return Err(it),
        Some(it) => notes.add(format!("A part could not be read: {it}.")),
        None => (),
    }
    Ok(bounded(view, notes))
}

/// The readable part, and version and letters of the packed one.
fn split(fragment: &str) -> (&str, Option<(char, &str)>) {
    let whole = (fragment, None);
    let Some((text, rest)) = fragment.rsplit_once('!') else {
        return whole;
    };
    let rest = rest.trim_end_matches(AFTER);
    let mut chars = rest.chars();
    let Some(version) = chars.next().filter(char::is_ascii_digit) else {
        return whole;
    };
    let letters = chars.as_str();
    let is_letter = |it: u8| it.is_ascii_alphanumeric() || b"-_".contains(&it);
    // A prompt written by hand may hold the mark; a path does not.
    match letters.bytes().all(is_letter) || !text.contains('?') {
        true => (text, Some((version, letters))),
        false => whole,
    }
}
