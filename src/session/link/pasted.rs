//! Whatever may be pasted where a link is expected: a whole address, a fragment, a feature in words, something of Neuronpedia.

use super::{
    bounds::bounded,
    error::LinkError,
    features,
    fit::{Limits, fitted},
    fragment, neuronpedia,
    notes::Notes,
};
use crate::spec::{Route, View};

/// Bytes of a text that is looked at: a packed view of the largest size, and some.
const MAX_TEXT: usize = 1 << 20;

/// The view that a text means, and what there is to say about it; `open` is what the open model has, if one is open.
///
/// Errors: [`LinkError`] where it means none.
pub fn read(text: &str, open: Option<&Limits>) -> Result<(View, Vec<String>), LinkError> {
    if text.len() > MAX_TEXT {
        let (n_bytes, most) = (text.len(), MAX_TEXT);
        return Err(LinkError::TooLong { n_bytes, most });
    }
    let text = text.trim();
    let mut notes = Notes::default();
    let view = view(text, &mut notes)?;
    let view = fitted(bounded(view, &mut notes), open, &mut notes);
    Ok((view, notes.into_vec()))
}

fn view(text: &str, notes: &mut Notes) -> Result<View, LinkError> {
    if text.is_empty() {
        return Err(LinkError::Empty);
    }
    let (before, after) = match text.split_once('#') {
        Some((before, after)) => (before, Some(after)),
        None => (text, None),
    };
    if let Some(it) = neuronpedia::path(before) {
        return neuronpedia::read(it, notes);
    }
    if let Some(it) = after {
        return fragment::read(it, notes);
    }
    if text.starts_with('/') {
        return fragment::read(text, notes);
    }
    if let Some(it) = neuronpedia::id(text) {
        return it.map(neuronpedia::of_feature);
    }
    let feature = features::parse(text).ok_or_else(|| LinkError::NoLink { text: text.into() })?;
    Ok(View {
        route: Route::Feature(feature),
        ..View::default()
    })
}
