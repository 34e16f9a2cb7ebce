//! What Neuronpedia says of a feature, on its card: apart from all else, with what to think of it. Leaves asking to the engine.

use super::{
    ask::Purpose,
    card_parts::ExampleLine,
    erased::{click, flag, memo, part, text},
    glossary, strip,
    ui::Ui,
    words,
};
use crate::session::protocol::{FeatureId, HostedLabel};
use crate::spec::neuronpedia;
use leptos::prelude::*;

/// What was fetched, or the button that fetches it where something is missing.
#[component]
pub(super) fn Hosted(
    /// What is shown and what can be done.
    ui: Ui,
    /// Which feature.
    feature: FeatureId,
) -> impl IntoView {
    let known = memo(move || {
        let desk = ui.desk.read();
        let it = desk.labelling.hosted.get(&feature).cloned();
        // Another model's features have the same numbers.
        it.filter(|_| desk.is_hosted(feature))
    });
    let offered = memo(move || is_offered(ui, feature));
    let waits = move || ui.awaits(Purpose::Hosted(feature));
    let body = part(move || match known.get() {
        Some(it) => view! { <Said it/> }.into_any(),
        None if offered.get() => {
            let fetch = click(move || ui.ask(|desk| desk.fetch_hosted(feature)));
            view! {
                <p class="faint">{words::NOT_FETCHED}" "
                    <button type="button" id="hosted-fetch" disabled=flag(waits) on:click=fetch>{words::FETCH}</button></p>
            }
            .into_any()
        }
        None => ().into_any(),
    });
    view! {
        <section id="hosted" aria-label="From Neuronpedia" aria-live="polite">{body}</section>
        <p class="alarm" id="hosted-trouble" role="status">{text(move || ui.trouble("hosted"))}</p>
    }
}

/// Whether label or examples are missing, and this installation may ask for them.
fn is_offered(ui: Ui, feature: FeatureId) -> bool {
    let desk = ui.desk.read();
    let label = desk.atlas.labels.get(&feature);
    let has_label = label.is_some_and(|it| it.label.is_some());
    let card = desk.card.as_ref().filter(|it| it.feature == feature);
    let has_examples = card.is_some_and(|it| !it.examples.is_empty());
    let path = |it: &str| it == neuronpedia::FEATURES;
    let may_ask =
        || (ui.site.read().requests.iter()).any(|it| it.path.as_deref().is_some_and(path));
    desk.is_hosted(feature) && !(has_label && has_examples) && may_ask()
}

/// What was said.
#[component]
fn Said(
    /// Of a feature.
    it: HostedLabel,
) -> impl IntoView {
    let said = said(&it);
    let examples = it.examples.into_iter();
    let examples = examples
        .map(|it| view! { <ExampleLine it/> })
        .collect_view();
    view! {
        <h3>{words::HOSTED}</h3>
        <p class="faint" id="hosted-caution">{glossary::gloss("other activations")}</p>
        <p><strong id="hosted-label">{it.label.label}</strong>" "<small class="faint" id="hosted-said">{said}</small></p>
        <ol class="examples" id="hosted-examples">{examples}</ol>
    }
}

/// Who says something of a feature, since when it is known here, and the figures.
fn said(it: &HostedLabel) -> String {
    let mut out = format!("{}, {}", it.source, it.date);
    if let Some(it) = it.label.density {
        out.push_str(&format!(" · fires on {} of tokens", strip::percent(it)));
    }
    if let Some(it) = it.label.max {
        out.push_str(&format!(" · largest {}", strip::number(it)));
    }
    out
}
