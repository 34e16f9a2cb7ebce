//! A feature: what it is about, what it promotes, where it fires, and a text of one's own. Leaves the numbers to the engine.

use super::{
    ask::Purpose,
    card_here::{Here, InSession},
    card_parts::{Numbers, Try},
    erased::{click, memo, part, text},
    hosted_view::Hosted,
    strip,
    strip_view::largest,
    ui::Ui,
    words,
};
use crate::session::protocol::FeatureId;
use leptos::{ev, prelude::*};

/// The feature that is pointed at or chosen.
#[component]
pub(super) fn CardPanel(
    /// What is shown and what can be done.
    ui: Ui,
) -> impl IntoView {
    let feature = memo(move || ui.kept.read().lock.feature);
    let body = part(move || match feature.get() {
        None => view! { <p class="faint">{words::NO_CARD}</p> }.into_any(),
        Some(it) => view! { <Card ui feature=it/> }.into_any(),
    });
    view! {
        <section class="panel card" id="card" aria-labelledby="card-title" on:focusin=move |_| ui.focused.set("card")>
            <div class="head">
                <h2 id="card-title">{words::FEATURE}</h2>
                <button type="button" aria-label="Previous feature" on:click=click(move || ui.next_feature(-1))>"‹"</button>
                <button type="button" aria-label="Next feature" on:click=click(move || ui.next_feature(1))>"›"</button>
                <button type="button" class="large" aria-label="Make the card large or small" on:click=click(move || ui.maximise("card"))>"⤢"</button>
            </div>
            <Go ui/>
            {body}
        </section>
    }
}

/// The way to any feature, by its number.
#[component]
fn Go(
    /// What is shown and what can be done.
    ui: Ui,
) -> impl IntoView {
    let typed = RwSignal::new(String::new());
    let told = RwSignal::new(String::new());
    let submit = move |it: ev::SubmitEvent| {
        it.prevent_default();
        told.set(ui.go(&typed.get_untracked()).err().unwrap_or_default());
    };
    view! {
        <form class="go" on:submit=submit>
            <label for="go">{words::GO_TO}</label>
            <input id="go" autocomplete="off" placeholder=words::GO_HINT prop:value=text(move || typed.get())
                on:input=move |it| typed.set(event_target_value(&it))/>
            <button type="submit">{words::GO}</button>
            <span class="alarm" id="go-told" role="status">{text(move || told.get())}</span>
        </form>
    }
}

/// One feature.
#[component]
fn Card(
    /// What is shown and what can be done.
    ui: Ui,
    /// Which.
    feature: FeatureId,
) -> impl IntoView {
    let label = text(move || ui.label(feature).unwrap_or_else(|| words::NO_LABEL.into()));
    let figures = text(move || figures(ui, feature));
    let source = text(move || {
        let atlas = ui.atlas.read();
        match feature {
            it if atlas.own.contains_key(&it) => words::YOURS.into(),
            it if atlas.sent.contains_key(&it) => words::SENT.into(),
            _ => atlas.made.clone(),
        }
    });
    // Told only when it changes: what is being typed stays.
    let own = memo(move || {
        let atlas = ui.atlas.read();
        atlas.own.get(&feature).cloned().unwrap_or_default()
    });
    let edit = move |it: ev::Event| {
        let text = event_target_value(&it);
        ui.ask(|desk| desk.edit_label(feature, &text));
    };
    let pinned = move || ui.kept.read().pins.contains(&feature);
    let pin = click(move || ui.selection.update(|it| it.pin(feature)));
    let copy = click(move || ui.doings.copy.run(feature.to_string()));
    let card = memo(move || {
        ui.desk
            .read()
            .card
            .clone()
            .filter(|it| it.feature == feature)
    });
    let waits = text(move || waits(ui, feature));
    view! {
        <p class="card-name"><span class="id">{words::id(feature)}</span>" "<strong id="card-label">{label}</strong></p>
        <p class="faint" title=words::LABEL_CAUTION>{source}</p>
        <p id="card-figures">{figures}</p>
        <label class="own">{words::OWN_LABEL}<input id="own-label" autocomplete="off" maxlength="200" prop:value=text(move || own.get()) on:change=edit/></label>
        <div class="buttons">
            <button type="button" aria-pressed=text(move || pinned().to_string()) on:click=pin>{text(move || if pinned() { "Unpin" } else { "Pin" })}</button>
            <button type="button" on:click=copy>"Copy its number"</button>
        </div>
        <Here ui feature/>
        <InSession ui feature/>
        <p class="faint">{waits}</p>
        <p class="alarm">{text(move || ui.trouble("card"))}</p>
        {part(move || card.get().map(|it| view! { <Numbers ui it/> }))}
        <Hosted ui feature/>
        <Try ui feature/>
    }
}

/// What is waited for.
fn waits(ui: Ui, feature: FeatureId) -> &'static str {
    let is_live = ui.desk.read().opened.is_some();
    match ui.awaits(Purpose::Card(feature)) {
        true => "Computing …",
        false if is_live => "",
        false => "What it promotes is computed by the live model, which is not there yet.",
    }
}

/// Density, largest, activation here.
fn figures(ui: Ui, feature: FeatureId) -> String {
    let label = ui.atlas.read().labels.get(&feature).cloned();
    let mut out = Vec::new();
    match label.as_ref().and_then(|it| it.density) {
        Some(it) if it > 0.0 => out.push(format!("fires on {} of tokens", strip::percent(it))),
        Some(_) => out.push(words::DEAD.into()),
        None => out.push("how often it fires is not known".into()),
    }
    let reference = label.as_ref().and_then(|it| it.max);
    match reference {
        Some(it) => out.push(format!("largest {}", strip::number(it))),
        None => out.push(format!(
            "largest met in this session {}",
            strip::number(largest(ui, feature))
        )),
    }
    let here = ui.shown.get().map_or(0.0, |it| it.record.largest(feature));
    out.push(match here > 0.0 {
        true => format!("here {}", strip::number(here)),
        false => "silent in this prompt".into(),
    });
    out.join(" · ")
}
