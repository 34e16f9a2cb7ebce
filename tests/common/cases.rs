//! Interventions of the goldens, as circuit-tracer was given them.

use gemscope::spec::{FeatureId, Intervention, Mode, Operation, Positions};

/// The interventions of a case and their mode.
pub fn read(case: &serde_json::Value) -> (Vec<Intervention>, Mode) {
    let list = case["interventions"].as_array().expect("a list");
    let mode = match (&case["freeze_attention"], &case["constrained_layers"]) {
        (_, all) if all == "all" => Mode::Direct,
        (frozen, _) if frozen == true => Mode::Frozen,
        _ => Mode::Free,
    };
    (list.iter().map(intervention).collect(), mode)
}

fn intervention(it: &serde_json::Value) -> Intervention {
    let number = |key: &str| it[key].as_u64().expect(key) as usize;
    let pos = number("pos");
    Intervention {
        feature: FeatureId {
            layer: number("layer"),
            index: number("feature"),
        },
        positions: Positions::Span(pos, pos),
        operation: Operation::Set(it["value"].as_f64().expect("value") as f32),
    }
}
