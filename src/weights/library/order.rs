//! In which order parts come: what the first layer's features need, then the table of tokens, then layer by layer; and what is asked
//! for in between.

use crate::spec::Part;

/// Where a part stands in the usual order.
type Place = (u8, usize, usize);

/// Whether a part is needed for the features of layer 0 over the opening set; nothing else is requested before these.
pub(super) fn is_first(part: Part) -> bool {
    matches!(
        part,
        Part::Opening | Part::Attention(0) | Part::Vectors(0) | Part::Encoder(0)
    )
}

/// The usual order.
pub(super) fn usual(part: Part) -> Place {
    match part {
        Part::Opening => (0, 0, 0),
        Part::Attention(0) => (0, 0, 1),
        Part::Vectors(0) => (0, 0, 2),
        Part::Encoder(0) => (0, 0, 3),
        Part::Embedding(it) => (1, it, 0),
        Part::Attention(it) => (2, it, 0),
        Part::Vectors(it) => (2, it, 1),
        Part::Encoder(it) => (2, it, 2),
        Part::Mlp(it) => (2, it, 3),
        Part::Decoder(it) => (2, it, 4),
    }
}

/// The order when layers were asked for, the last one first: a layer's encoder, then the model up to its attention.
pub(super) fn asked(part: Part, layers: &[usize]) -> (usize, u8, Place) {
    let place = usual(part);
    for (n, &layer) in layers.iter().enumerate() {
        match part {
            Part::Vectors(it) | Part::Encoder(it) if it == layer => return (n, 0, place),
            Part::Attention(it) if it <= layer => return (n, 1, place),
            Part::Mlp(it) if it < layer => return (n, 1, place),
            _ => (),
        }
    }
    match is_first(part) && layers.is_empty() {
        true => (0, 0, place),
        false => (layers.len(), 2, place),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn sorted(layers: &[usize]) -> Vec<String> {
        let mut parts = vec![Part::Opening, Part::Embedding(0), Part::Embedding(1)];
        for it in 0..3 {
            parts.extend([
                Part::Attention(it),
                Part::Mlp(it),
                Part::Vectors(it),
                Part::Encoder(it),
                Part::Decoder(it),
            ]);
        }
        parts.sort_by_key(|it| asked(*it, layers));
        parts.iter().map(Part::to_string).collect()
    }

    #[test]
    fn the_first_features_come_first_then_layer_by_layer() {
        let got = sorted(&[]).join(" ");
        let expected = "opening attention.0 vectors.0 encoder.0 embedding.0 embedding.1 mlp.0 decoder.0 attention.1 vectors.1 \
                        encoder.1 mlp.1 decoder.1 attention.2 vectors.2 encoder.2 mlp.2 decoder.2";
        assert_eq!(got, expected);
    }

    #[test]
    fn a_layer_that_is_asked_for_jumps_ahead_with_the_model_below_it() {
        let got = sorted(&[2]).join(" ");
        let expected = "vectors.2 encoder.2 attention.0 mlp.0 attention.1 mlp.1 attention.2 opening vectors.0 encoder.0 \
                        embedding.0 embedding.1 decoder.0 vectors.1 encoder.1 decoder.1 mlp.2 decoder.2";
        assert_eq!(got, expected);
    }
}
