//! Where a feature fires: in the prompt, in this session. Leaves what it is about to `card_view`.

use super::{
    card_parts::Histogram,
    desk::Prompt,
    erased::{click, memo, part},
    histogram,
    record::Record,
    selection::Spot,
    strip,
    ui::Ui,
};
use crate::session::protocol::FeatureId;
use leptos::{ev, prelude::*};
use std::sync::Arc;

const N_BARS: usize = 24;

/// Where it fires in the prompt, and how that compares with everything met in this session.
#[component]
pub(super) fn Here(
    /// What is shown and what can be done.
    ui: Ui,
    /// Which feature.
    feature: FeatureId,
) -> impl IntoView {
    let row = memo(move || {
        ui.shown
            .get()
            .map(|it| it.record.row(feature))
            .unwrap_or_default()
    });
    let bars = move || bars(ui, feature, &row.read());
    let places = move || {
        let shown = ui.shown.get()?;
        let row = row.get();
        let mut at: Vec<usize> = (1..row.len()).filter(|it| row[*it] > 0.0).collect();
        at.sort_unstable_by(|a, b| row[*b].total_cmp(&row[*a]));
        let place = |pos: usize| {
            let click = move |_| {
                ui.selection
                    .update(|it| it.lock_place(Some(feature.layer), Some(pos)))
            };
            let enter = move |_: ev::PointerEvent| {
                ui.point(Spot {
                    layer: Some(feature.layer),
                    pos: Some(pos),
                    feature: Some(feature),
                });
            };
            let piece = strip::name(shown.record.tokens[pos].id, &shown.record.tokens[pos].piece);
            view! { <button type="button" class="token" on:click=click on:pointerenter=enter>
            {piece}" "<small>{strip::number(row[pos])}</small></button> }
        };
        (!at.is_empty())
            .then(|| view! { <p>"Fires at "{at.into_iter().map(place).collect_view()}</p> })
    };
    view! { <div id="card-here">{part(places)}{part(bars)}</div> }
}

/// How strongly it fires here and in the examples, with a marker at the token that is looked at.
fn bars(ui: Ui, feature: FeatureId, row: &[f32]) -> impl IntoView + use<> {
    let here = row.iter().copied().skip(1).filter(|it| *it > 0.0);
    let pos = ui.hover.read().pos.or(ui.kept.read().lock.pos);
    let marker = pos.and_then(|it| row.get(it).copied());
    let marker = marker.filter(|it| *it > 0.0);
    let desk = ui.desk.read();
    let card = desk.card.iter().filter(|it| it.feature == feature);
    let examples = card.flat_map(|it| &it.examples).map(|it| it.value);
    let all: Vec<f32> = here.chain(examples).collect();
    (!all.is_empty()).then(|| {
        view! { <Histogram bars=histogram::of_values(&all, N_BARS, marker)
        title="Activations: this prompt and the examples below" unit="activation"/> }
    })
}

/// Prompts of this session in which it fires; a click runs one again.
#[component]
pub(super) fn InSession(
    /// What is shown and what can be done.
    ui: Ui,
    /// Which feature.
    feature: FeatureId,
) -> impl IntoView {
    let session = Memo::new_with_compare(
        move |_| ui.desk.read().session.clone(),
        |old, new| {
            old.map(|it| it.last().map(Arc::as_ptr)) != new.map(|it| it.last().map(Arc::as_ptr))
        },
    );
    let line = move |record: &Arc<Record>| {
        let prompt = record.prompt.clone();
        let most = strip::number(record.largest(feature));
        let again = click({
            let prompt = Prompt {
                text: prompt.clone(),
                ids: Some(record.ids()),
            };
            move || {
                ui.draft.set(prompt.text.clone());
                ui.run(prompt.clone());
            }
        });
        view! { <li><button type="button" class="feature" dir="auto" on:click=again><span class="label">{prompt}</span></button>
        <span class="number">{most}</span></li> }
    };
    let body = move || {
        let session = session.get();
        let fires: Vec<_> = session
            .iter()
            .rev()
            .filter(|it| it.largest(feature) > 0.0)
            .map(line)
            .collect();
        let none = fires
            .is_empty()
            .then_some("It has never fired in this session.");
        view! { <ul class="near">{fires.into_iter().collect_view()}</ul><p class="faint">{none}</p> }
    };
    view! { <div id="card-session"><h3>"Prompts of this session in which it fires"</h3>{part(body)}</div> }
}
