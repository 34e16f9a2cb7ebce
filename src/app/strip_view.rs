//! The prompt as tokens, each with what fires there, and what comes next. Leaves how a token reads to `strip`.

use super::{
    desk::Prompt,
    erased::{click, flag, memo, part, text},
    selection::{N_PIN_COLOURS, Spot},
    strip,
    ui::Ui,
    words,
};
use crate::session::protocol::{FeatureId, Probability};
use leptos::{ev, prelude::*};

/// Candidates shown after the last token.
const N_CANDIDATES: usize = 5;

/// Tokens and candidates.
#[component]
pub(super) fn StripPanel(
    /// What is shown and what can be done.
    ui: Ui,
) -> impl IntoView {
    let shown = memo(move || {
        let shown = ui.shown.get()?;
        Some(strip::shown(&shown.record.tokens, ui.options.read().raw))
    });
    let tokens = move || {
        let all = shown.get().unwrap_or_default();
        let token = |(pos, it): (usize, strip::Shown)| view! { <TokenSpan ui pos it/> };
        all.into_iter().enumerate().map(token).collect_view()
    };
    let leave = move |_| ui.point(Spot::default());
    let legend = move || match ui.feature.get() {
        Some(it) => format!(
            "Shaded by {}{}: the deepest shade is its largest known activation.",
            words::id(it),
            ui.label(it)
                .map_or_else(String::new, |it| format!(" “{it}”"))
        ),
        None => words::NO_LEGEND.into(),
    };
    view! {
        <section class="strip" aria-labelledby="strip-title" on:pointerleave=leave>
            <h2 id="strip-title" class="unseen">"Tokens"</h2>
            <div id="tokens" class="tokens" dir="auto">{part(tokens)}</div>
            <Candidates ui/>
            <p class="faint legend" id="legend">{text(legend)}</p>
        </section>
    }
}

/// One token: shaded by the feature, underlined by pins, ringed when it is chosen.
#[component]
fn TokenSpan(
    /// What is shown and what can be done.
    ui: Ui,
    /// Its position.
    pos: usize,
    /// How it reads.
    it: strip::Shown,
) -> impl IntoView {
    let value = memo(move || {
        let feature = ui.feature.get()?;
        Some(activation(ui, feature, pos))
    });
    let fill = move || {
        let feature = ui.feature.get();
        let largest = feature.map_or(0.0, |it| largest(ui, it));
        let alpha = value.get().map_or(0.0, |it| strip::fill(it, largest));
        format!("{alpha:.2}")
    };
    let is_locked = move || ui.kept.read().lock.pos == Some(pos);
    let is_hovered = move || ui.hovered_pos.with_value(|it| it.selected(&Some(pos)));
    let marks = move || {
        let value = value
            .get()
            .filter(|it| *it > 0.0 && ui.options.read().values);
        let value = value.map(|it| view! { <small class="value">{strip::number(it)}</small> });
        view! { {value}{pins_at(ui, pos)} }
    };
    let enter = move |_: ev::PointerEvent| {
        let feature = ui.selection.read_untracked().hover.feature;
        ui.point(Spot {
            layer: None,
            pos: Some(pos),
            feature,
        });
    };
    let choose = click(move || {
        ui.focused.set("strip");
        ui.selection.update(|it| it.lock_place(None, Some(pos)));
    });
    view! {
        <button type="button" class="token" class:joined=it.joined class:locked=flag(is_locked) class:hovered=flag(is_hovered)
            class:bos=pos == 0 aria-pressed=text(move || is_locked().to_string()) title=text(move || hint(ui, pos))
            style=("--fill", text(fill)) on:pointerenter=enter on:click=choose>{it.text.clone()}{part(marks)}</button>
        {it.breaks.then(|| view! { <br/> })}
    }
}

/// A feature's activation at a position of the run on the page.
fn activation(ui: Ui, feature: FeatureId, pos: usize) -> f32 {
    let shown = ui.shown.read();
    let Some(record) = shown.as_ref().map(|it| &it.record) else {
        return 0.0;
    };
    let cell = &record.firings[record.cell(feature.layer, pos)];
    let found = cell.iter().find(|it| it.feature() == feature);
    found.map_or(0.0, |it| it.activation)
}

/// The largest activation known of a feature: in the reference data, or met in this session.
pub(super) fn largest(ui: Ui, feature: FeatureId) -> f32 {
    let atlas = ui.atlas.read();
    let known = atlas.labels.get(&feature).and_then(|it| it.max);
    let met = atlas.met.get(&feature).copied().unwrap_or_default();
    known.unwrap_or(met).max(met)
}

/// Marks of the pinned features that fire at a position.
fn pins_at(ui: Ui, pos: usize) -> impl IntoView + use<> {
    let pins = ui.kept.read().pins.clone();
    let fires = pins
        .into_iter()
        .enumerate()
        .filter(|it| activation(ui, it.1, pos) > 0.0);
    let mark = |(n, _): (usize, FeatureId)| {
        let class = format!("pin pin-{}", n % N_PIN_COLOURS);
        view! { <small class=class>{n + 1}</small> }
    };
    fires.map(mark).collect_view()
}

/// What a token says when it is pointed at.
fn hint(ui: Ui, pos: usize) -> String {
    let shown = ui.shown.read();
    let Some(record) = shown.as_ref().map(|it| &it.record) else {
        return String::new();
    };
    let Some(token) = record.tokens.get(pos) else {
        return String::new();
    };
    let mut out = format!("token {pos}, id {}", token.id);
    if pos == 0 {
        out.push_str(&format!("\n{}", words::BOS_NOTE));
    }
    if let Some(next) = record.next.get(&pos) {
        out.push_str("\nnext:");
        for it in next.top.iter().take(N_CANDIDATES) {
            out.push_str(&format!(
                "\n{} {}",
                it.piece.trim(),
                strip::percent(it.probability)
            ));
        }
    }
    out
}

/// The most probable next tokens; a click adds one and runs.
#[component]
fn Candidates(
    /// What is shown and what can be done.
    ui: Ui,
) -> impl IntoView {
    let top = move || {
        let shown = ui.shown.get()?;
        let pos = ui.kept.read().lock.pos;
        let pos = pos
            .filter(|it| *it < shown.record.last())
            .unwrap_or(shown.record.last());
        let top = shown.record.next.get(&pos)?.top.clone();
        Some((pos, pos == shown.record.last(), top))
    };
    let chips = move || {
        top().map(|(pos, is_last, all)| {
            let chip = move |it: Probability| view! { <Candidate ui it is_last/> };
            let title = if is_last {
                words::NEXT.to_string()
            } else {
                format!("After token {pos}")
            };
            view! {
                <span class="faint">{title}</span>
                {all.into_iter().take(N_CANDIDATES).map(chip).collect_view()}
            }
        })
    };
    let is_live = move || ui.shown.get().is_some_and(|it| it.key.is_some());
    let go_on = click(move || ui.ask(|desk| desk.go_on()));
    let continued = move || {
        let tokens = ui.desk.read().continued.clone();
        tokens
            .iter()
            .map(|it| it.piece.as_str())
            .collect::<String>()
    };
    view! {
        <div class="next" id="next" role="group" aria-label="What comes next">
            {part(chips)}
            <button type="button" id="continue" disabled=flag(move || !is_live() || ui.desk.read().is_running())
                on:click=go_on>{words::CONTINUE}</button>
            <span class="tokens" id="continued" aria-live="polite">{text(continued)}</span>
        </div>
    }
}

/// One candidate.
#[component]
fn Candidate(
    /// What is shown and what can be done.
    ui: Ui,
    /// The token.
    it: Probability,
    /// Whether it follows the last token, so that it can be added.
    is_last: bool,
) -> impl IntoView {
    let name = strip::name(it.id, &it.piece);
    let add = {
        let it = it.clone();
        move |_| {
            let prompt = ui.desk.read_untracked().with_token(it.id, &it.piece);
            if let Some(it) = prompt {
                add(ui, it);
            }
        }
    };
    let is_aim = memo(move || ui.desk.read().target == Some(it.id));
    let aims = is_last.then(|| {
        let aim = click(move || ui.ask(|desk| desk.aim(it.id)));
        view! {
            <button type="button" class="aim" title="Show direct effects on this token"
                aria-label=format!("Direct effects on {name}") aria-pressed=text(move || is_aim.get().to_string()) on:click=aim>"◎"</button>
        }
    });
    view! {
        <span class="candidate" class:aimed=flag(move || is_aim.get())>
            <button type="button" class="token" disabled=!is_last title="Add it and run" on:click=add>{name.clone()}</button>
            <span class="share">{strip::percent(it.probability)}</span>
            {aims}
        </span>
    }
}

fn add(ui: Ui, prompt: Prompt) {
    ui.draft.set(prompt.text.clone());
    ui.run(prompt);
}
