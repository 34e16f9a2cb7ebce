//! What Neuronpedia's API says of a single feature of the transcoders of Gemma 2 2B, by a formula; its texts look like markup.
//!
//! Source: facts/ui.md a.3, "Feature JSON keys".

use super::{answer::Answer, ask::Ask, shared::Shared};
use axum::http::StatusCode;
use serde_json::{Value, json};

const MODEL: &str = "gemma-2-2b";
const SOURCE: &str = "gemmascope-transcoder-16k";
const N_LAYERS: u32 = 26;
const N_FEATURES: u32 = 16_384;
const JSON: &str = "application/json";

/// `/api/feature/{model}/{layer}-{source}/{index}`.
pub fn answer(shared: &Shared, ask: &Ask, names: [&str; 3]) -> Answer {
    match of(names) {
        Some((layer, index)) => text(layer, index, 0).bent(shared, ask),
        None => Answer::text(
            StatusCode::NOT_FOUND,
            JSON,
            r#"{"error":"Not Found"}"#.into(),
        ),
    }
}

/// The answer about the next feature.
pub fn another(names: [&str; 3]) -> Answer {
    let (layer, index) = of(names).unwrap_or_default();
    text(layer, (index + 1) % N_FEATURES, 0)
}

/// The right answer, with so many bytes of blanks in it.
pub fn padded(names: [&str; 3], by_bytes: u64) -> Answer {
    let (layer, index) = of(names).unwrap_or_default();
    text(layer, index, by_bytes as usize)
}

/// Layer and index of a feature that is there.
fn of([model, source, index]: [&str; 3]) -> Option<(u32, u32)> {
    let (layer, source) = source.split_once('-')?;
    let (layer, index) = (layer.parse().ok()?, index.parse().ok()?);
    let is_there = model == MODEL && source == SOURCE && layer < N_LAYERS && index < N_FEATURES;
    is_there.then_some((layer, index))
}

fn text(layer: u32, index: u32, n_blanks: usize) -> Answer {
    let body = value(layer, index).to_string() + &" ".repeat(n_blanks);
    Answer::text(StatusCode::OK, JSON, body)
}

fn value(layer: u32, index: u32) -> Value {
    let activation = |at: u32| {
        let strongest = (at + index) % 40;
        let token = |it: u32| match it == strongest {
            true => format!("▁<i>{at}</i>"),
            false => format!("▁word{it}"),
        };
        let most = 40.0 - f64::from(at);
        let value = |it: u32| if it == strongest { most } else { 0.0 };
        json!({
            "tokens": (0..40).map(token).collect::<Vec<_>>(),
            "values": (0..40).map(value).collect::<Vec<_>>(),
            "maxValue": most,
            "maxValueTokenIndex": strongest,
            "minValue": 0,
            "binMin": 0,
            "binMax": most,
        })
    };
    let said = format!("cities <b>of</b> {layer}/{index}");
    json!({
        "modelId": MODEL,
        "layer": format!("{layer}-{SOURCE}"),
        "index": index.to_string(),
        "frac_nonzero": 0.00125,
        "maxActApprox": 40.5,
        "pos_str": ["▁Texas"],
        "pos_values": [1.25],
        "neg_str": ["▁London"],
        "neg_values": [-0.75],
        "freq_hist_data_bar_heights": [1, 2],
        "freq_hist_data_bar_values": [0.5, 1.5],
        "explanations": [{ "description": said, "typeName": "np_max-act-logits", "explanationModelName": "a-model" }],
        "activations": (0..20).map(activation).collect::<Vec<_>>(),
        "topkCosSimIndices": [],
    })
}
