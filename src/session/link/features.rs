//! Features as people write them: `12/9377`, `L12 9377`, `12.9377`.

use crate::spec::FeatureId;

/// What may stand between layer and index.
const BETWEEN: [char; 4] = ['/', '.', ':', ' '];

/// The feature that a text names.
pub fn parse(text: &str) -> Option<FeatureId> {
    let text = text.trim().trim_start_matches(['L', 'l']).trim_start();
    let (layer, index) = text.split_once(BETWEEN)?;
    let (layer, index) = number(layer).zip(number(index.trim()))?;
    Some(FeatureId { layer, index })
}

/// A number in decimal digits only.
pub fn number(text: &str) -> Option<usize> {
    let plain = !text.is_empty() && text.bytes().all(|it| it.is_ascii_digit());
    plain.then(|| text.parse().ok()).flatten()
}
