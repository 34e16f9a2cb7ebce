//! Whatever a link holds: random views come back, and random text, letters and bytes break nothing.

use super::{
    fragment::packed_fragment,
    packed, read,
    tests::{stored, view_of},
    write,
};
use crate::spec::*;
use proptest::{collection::vec, option, prelude::*, sample};

fn features() -> impl Strategy<Value = FeatureId> {
    (0usize..26, 0usize..16384).prop_map(|(layer, index)| FeatureId { layer, index })
}

fn positions() -> impl Strategy<Value = Positions> {
    (0usize..400, 0usize..40, 0..3).prop_map(|(first, more, kind)| match kind {
        0 => Positions::All,
        1 => Positions::From(first),
        _ => Positions::Span(first, first + more),
    })
}

fn interventions() -> impl Strategy<Value = LinkedIntervention> {
    let operation = (-1e6f32..1e6, 0..4).prop_map(|(it, kind)| match kind {
        0 => Operation::Ablate,
        1 => Operation::Set(it),
        2 => Operation::Scale(it),
        _ => Operation::Add(it),
    });
    let all = (features(), positions(), operation, any::<bool>());
    all.prop_map(
        |(feature, positions, operation, paused)| LinkedIntervention {
            intervention: Intervention {
                feature,
                positions,
                operation,
            },
            paused,
        },
    )
}

fn prompts() -> impl Strategy<Value = Option<Input>> {
    let text = "\\PC{1,80}".prop_map(Input::Text);
    let any_text = any::<String>()
        .prop_filter("some", |it| !it.is_empty())
        .prop_map(Input::Text);
    let ids = vec(0u32..250_000, 1..40).prop_map(Input::Ids);
    option::of(prop_oneof![text, any_text, ids])
}

fn routes() -> impl Strategy<Value = Route> {
    (features(), 0..6).prop_map(|(it, kind)| match kind {
        0 => Route::Explore,
        1 => Route::Feature(it),
        2 => Route::Model,
        3 => Route::About,
        4 => Route::EmbedExplore,
        _ => Route::EmbedFeature(it),
    })
}

fn witnesses() -> impl Strategy<Value = Witness> {
    let all = (
        0u32..250_000,
        any::<u8>(),
        vec(features(), 0..=8),
        option::of("[ -~]{1,48}"),
    );
    all.prop_map(|(token, probability, features, adapter)| Witness {
        token,
        probability,
        features,
        adapter,
    })
}

fn places() -> impl Strategy<Value = (Option<usize>, Option<usize>, Option<FeatureId>)> {
    let (token, layer) = (option::of(0usize..900), option::of(0usize..26));
    (token, layer, option::of(features()))
}

fn pins() -> impl Strategy<Value = Vec<Pin>> {
    let all = (features(), option::of(0usize..900));
    vec(all.prop_map(|(feature, pos)| Pin { feature, pos }), 0..30)
}

fn labels() -> impl Strategy<Value = Vec<OwnLabel>> {
    let all = (features(), "\\PC{1,40}");
    vec(
        all.prop_map(|(feature, text)| OwnLabel { feature, text }),
        0..4,
    )
}

fn models() -> impl Strategy<Value = Option<LinkModel>> {
    let names = [
        "demo",
        "demo-compact",
        "g2b-precise",
        "google/gemma-2-2b-compact",
        "g2b-compact~a/b~3:80",
    ];
    let of = |it: Option<&str>| it.map(|it| it.parse().expect(it));
    option::of(sample::select(names.to_vec())).prop_map(of)
}

fn word() -> impl Strategy<Value = Option<String>> {
    option::of("[a-z]{1,8}")
}

fn map_words() -> impl Strategy<Value = MapWords> {
    (word(), word(), word()).prop_map(|(metric, sort, group)| MapWords {
        metric,
        sort,
        group,
    })
}

fn embeds() -> impl Strategy<Value = EmbedFlags> {
    any::<[bool; 4]>().prop_map(|[no_plots, no_examples, no_head, dark]| EmbedFlags {
        no_plots,
        no_examples,
        no_head,
        theme: dark.then(|| "dark".into()),
    })
}

fn views() -> impl Strategy<Value = View> {
    let shown = (routes(), prompts(), places(), models());
    let lists = (pins(), vec(interventions(), 0..5), labels());
    let rest = (map_words(), embeds(), option::of(witnesses()));
    (shown, lists, rest, word(), word()).prop_map(|(shown, lists, rest, example, graph)| {
        let (route, prompt, (token, layer, feature), model) = shown;
        let (pins, interventions, labels) = lists;
        let (map, embed, witness) = rest;
        View {
            route,
            prompt,
            example,
            source: feature.map(|it| format!("https://example.org/{it}")),
            token,
            layer,
            feature,
            pins,
            interventions,
            graph,
            labels,
            map,
            model,
            witness,
            embed,
        }
    })
}

proptest! {
    #![proptest_config(ProptestConfig { failure_persistence: None, ..ProptestConfig::with_cases(256) })]

    #[test]
    fn every_view_comes_back(view in views()) {
        let link = write(&view).expect("within bounds");
        prop_assert_eq!(view_of(&link), (view.clone(), vec![]), "{}", link);
        prop_assert_eq!(view_of(&packed_fragment(&view)).0, view);
    }

    #[test]
    fn random_text_breaks_nothing(text in any::<String>(), letters in "[A-Za-z0-9_-]{0,200}", keys in "[a-z]{1,3}=[0-9a-z.,@%:~*=-]{0,40}") {
        let _ = read(&text, None);
        let _ = read(&format!("#{text}"), None);
        let _ = read(&format!("#/x!1{letters}"), None);
        let _ = read(&format!("#/x?{keys}&{text}!1{letters}"), None);
        let _ = read(&format!("https://www.neuronpedia.org/gemma-2-2b/{text}"), None);
        let _ = read(&format!("neuronpedia.org/gemma-2-2b/graph?clerps={text}&pinnedIds={text}&{keys}"), None);
    }

    #[test]
    fn mutated_links_break_nothing(which: sample::Index, at: Vec<(sample::Index, char)>, cut: sample::Index) {
        let stored = stored();
        let mut text: Vec<char> = which.get(&stored).link.chars().collect();
        for (at, by) in at {
            let at = at.index(text.len());
            text[at] = by;
        }
        let whole: String = text.iter().collect();
        let half: String = text[..cut.index(text.len() + 1)].iter().collect();
        for text in [whole, half] {
            if let Ok((view, notes)) = read(&text, None) {
                prop_assert!(notes.len() <= 13 && notes.iter().all(|it| it.len() < 400));
                prop_assert!(write(&view).is_ok(), "what was read is within bounds: {}", text);
            }
        }
    }

    #[test]
    fn random_bytes_with_a_right_sum_break_nothing(bytes in vec(any::<u8>(), 0..200)) {
        for text in [packed::letters(&bytes), packed::letters_as_they_are(&bytes)] {
            if let Ok((view, _)) = read(&format!("#/x!1{text}"), None) {
                prop_assert!(write(&view).is_ok());
            }
        }
    }
}
