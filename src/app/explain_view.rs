//! What the model would say after each layer, and how much of its MLPs the transcoders rebuild. Leaves the numbers to the engine.

use super::{
    ask::Purpose,
    erased::{part, text},
    glossary, strip,
    ui::{Ui, effect},
    words,
};
use crate::session::protocol::{Distribution, Splice, SpliceMetrics};
use leptos::{ev, prelude::*};

/// Lens and figures, computed when they are opened.
#[component]
pub(super) fn ExplainPanel(
    /// What is shown and what can be done.
    ui: Ui,
) -> impl IntoView {
    let open = RwSignal::new(false);
    effect(move || {
        // Another run is explained too while this is open.
        if open.get() && ui.shown.get().is_some() {
            ui.ask(|desk| desk.explain());
        }
    });
    let toggled = move |_: ev::Event| open.update(|it| *it = !*it);
    let is_live = move || ui.shown.get().is_some_and(|it| it.key.is_some());
    let told = move || match (
        is_live(),
        ui.awaits(Purpose::Lens) || ui.awaits(Purpose::Metrics),
    ) {
        (false, _) => "This is computed from a live run.",
        (_, true) => "Computing …",
        _ => "",
    };
    view! {
        <section aria-label="How it is explained"><details class="explain" id="explain" on:toggle=toggled>
            <summary>{words::EXPLAIN}</summary>
            <p class="faint">{text(told)}</p>
            <p class="alarm">{text(move || ui.trouble("lens"))}{text(move || ui.trouble("metrics"))}</p>
            <div class="halves"><Lens ui/><Figures ui/></div>
        </details></section>
    }
}

/// The most probable token after each layer, at each position.
#[component]
fn Lens(
    /// What is shown and what can be done.
    ui: Ui,
) -> impl IntoView {
    let cell = |it: &Distribution| {
        it.top.first().map(|it| {
            let share = format!("{:.0}%", 60.0 * it.probability);
            view! { <td class="tokens" style=("--heat", share) title=strip::percent(it.probability)>{strip::name(it.id, &it.piece)}</td> }
        })
    };
    let table = move || {
        let record = ui.shown.get()?.record;
        if record.lens.is_empty() {
            return None;
        }
        let head = strip::shown(&record.tokens, false);
        let head = head
            .into_iter()
            .map(|it| view! { <th scope="col">{it.text}</th> })
            .collect_view();
        let row = |(layer, all): (&usize, &Vec<Distribution>)| {
            view! { <tr><th scope="row">{format!("L{layer}")}</th>{all.iter().map(cell).collect_view()}</tr> }
        };
        let rows = record.lens.iter().rev().map(row).collect_view();
        Some(view! {
            <div class="scroll" tabindex="0" role="region" aria-label="Logit lens">
                <table class="heat" id="lens"><thead><tr><th scope="col">"after"</th>{head}</tr></thead><tbody>{rows}</tbody></table>
            </div>
        })
    };
    view! { <section><h2>"Logit lens "<small class="faint">"approximate"</small></h2><p class="faint">{glossary::gloss("logit lens")}</p>{part(table)}</section> }
}

/// L0, FVU and delta loss, layer by layer and all together.
#[component]
fn Figures(
    /// What is shown and what can be done.
    ui: Ui,
) -> impl IntoView {
    let number = |it: Option<f64>| it.map_or_else(|| "—".into(), |it| strip::number(it as f32));
    let row = move |it: &SpliceMetrics| {
        let declared = match it.splice {
            Splice::Layer(it) => ui.desk.read().declared_l0.get(&it).copied(),
            Splice::All => None,
        };
        let declared = declared.map_or_else(|| "—".into(), |it| it.to_string());
        let name = match it.splice {
            Splice::Layer(it) => format!("L{it}"),
            Splice::All => "all".into(),
        };
        view! { <tr><th scope="row">{name}</th><td>{number(it.l0)}</td><td>{declared}</td><td>{number(it.fvu)}</td>
        <td>{number(Some(it.delta_loss))}</td></tr> }
    };
    let table = move || {
        let record = ui.shown.get()?.record;
        (!record.metrics.is_empty()).then(|| view! {
            <table id="figures"><thead><tr><th scope="col">"layer"</th><th scope="col">"L0"</th><th scope="col">"declared L0"</th><th scope="col">"FVU"</th>
                <th scope="col">"delta loss, nats"</th></tr></thead>
                <tbody>{record.metrics.iter().map(row).collect_view()}</tbody></table>
        })
    };
    let said = |it: &'static str| view! { <p class="faint"><strong>{it}</strong>": "{glossary::gloss(it)}</p> };
    view! { <section><h2>"How much is explained"</h2>{["L0", "declared L0", "FVU", "delta loss"].map(said).collect_view()}{part(table)}</section> }
}
