//! Pictures beside the map: where bars and boxes lie, what is written on them, and odd numbers.

use super::*;
use crate::spec::{Histogram, Probability};

fn boxes(it: &Body) -> Vec<([f32; 4], Fill)> {
    let of = |it: &Mark| match it {
        Mark::Box(place, fill) => Some((*place, *fill)),
        _ => None,
    };
    it.marks.iter().filter_map(of).collect()
}

fn texts(it: &Body) -> Vec<&str> {
    let of = |it: &'_ Mark| matches!(it, Mark::Text(..));
    let texts = it.marks.iter().filter(|it| of(it));
    texts
        .map(|it| match it {
            Mark::Text(_, _, text) => text.as_str(),
            _ => "",
        })
        .collect()
}

fn names(all: &[&str]) -> Vec<String> {
    all.iter().map(|it| it.to_string()).collect()
}

#[test]
fn a_strip_goes_on_in_the_next_row_and_shades_by_activation() {
    let tokens = vec!["word".to_string(); 60];
    let mut activations = vec![0.0; 60];
    (activations[1], activations[2]) = (4.0, 2.0);
    let it = strip(&tokens, &activations, 4.0);
    let boxes = boxes(&it);
    assert_eq!(boxes.len(), 60);
    assert_eq!(
        (boxes[0].1, boxes[1].1),
        (Fill::Shade(0.0), Fill::Shade(1.0))
    );
    assert!(matches!(boxes[2].1, Fill::Shade(it) if it > 0.5 && it < 0.7));
    assert!(boxes[59].0[1] > boxes[0].0[1], "there is a second row");
    assert!(
        boxes
            .iter()
            .all(|it| it.0[0] + it.0[2] <= it.0[0].max(ROW_WIDTH))
    );
    assert_eq!(texts(&it).iter().filter(|it| **it == "4").count(), 1);
    let odd = strip(&names(&["a", "", "\n"]), &[f32::NAN, -1.0, 0.0], 0.0);
    assert!(
        super::tests::boxes(&odd)
            .iter()
            .all(|it| it.1 == Fill::Shade(0.0))
    );
    assert_eq!(texts(&odd), ["a", "", "↵"]);
}

#[test]
fn the_lens_has_its_last_layer_on_top() {
    let told = |piece: &str, probability| Distribution {
        pos: 0,
        log_sum_exp: 0.0,
        top: vec![Probability {
            id: 7,
            piece: piece.into(),
            logit: 0.0,
            probability,
        }],
        asked: vec![],
    };
    let it = lens(
        &names(&["a"]),
        &[(0, vec![told("low", 0.1)]), (1, vec![told("", 1.0)])],
    );
    assert_eq!(texts(&it), ["a", "L1", "7", "L0", "low"]);
    let boxes = boxes(&it);
    assert!(boxes[0].0[1] < boxes[1].0[1]);
    assert_eq!(boxes[0].1, Fill::Shade(1.0));
}

#[test]
fn figures_hang_from_a_line_and_what_is_not_known_has_no_bar() {
    let figure = |splice, fvu, delta_loss| SpliceMetrics {
        splice,
        n_pos: 3,
        n_targets: 2,
        l0: Some(60.5),
        fvu,
        ce_clean: 1.0,
        ce_spliced: 1.0,
        ce_zero_ablated: None,
        delta_loss,
        ce_loss_score: None,
        kl: 0.0,
    };
    let told = [
        figure(Splice::Layer(3), Some(0.25), 0.2),
        figure(Splice::Layer(4), Some(f64::NAN), -0.1),
        figure(Splice::All, None, 0.4),
    ];
    let it = figures(&told);
    let boxes = boxes(&it);
    assert_eq!(boxes.len(), 3 + 1 + 3);
    let [.., up, down, most] = boxes[..] else {
        panic!("bars")
    };
    let bottom = |it: ([f32; 4], Fill)| it.0[1] + it.0[3];
    assert!(
        (bottom(up) - down.0[1]).abs() < 0.01,
        "both begin at the line"
    );
    assert!((bottom(most) - bottom(up)).abs() < 0.01 && most.0[3] > up.0[3]);
    let texts = texts(&it);
    assert!(texts.contains(&"60.50") && texts.contains(&"L4") && texts.contains(&"all"));
    assert!(!texts.contains(&"NaN"));
    assert_eq!(super::tests::boxes(&figures(&[])).len(), 0);
}

#[test]
fn a_histogram_tells_both_ends() {
    let value = |piece: &str, value| TokenValue {
        id: 9,
        piece: piece.into(),
        value,
    };
    let it = spread(&TokenSpread {
        top: vec![value(" Texas", 2.5)],
        bottom: vec![value("", -1.5)],
        histogram: Histogram {
            low: -1.5,
            high: 2.5,
            counts: vec![1, 0, 99],
        },
    });
    let boxes = boxes(&it);
    assert_eq!(boxes.len(), 2);
    assert!((boxes[1].0[3] - HISTOGRAM.1).abs() < 0.01 && boxes[0].0[3] < HISTOGRAM.1 / 2.0);
    assert_eq!(
        texts(&it),
        [
            "-1.50",
            "2.50",
            "0",
            "promotes",
            "2.50  Texas",
            "suppresses",
            "-1.50 9"
        ]
    );
}
