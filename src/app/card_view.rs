//! A feature: what it is about, what it promotes, where it fires, and a text of one's own. Leaves the numbers to the engine.

use super::{
    ask::Purpose,
    erased::{click, flag, part, text},
    histogram::{self, Bars},
    selection::Spot,
    strip,
    strip_view::largest,
    ui::Ui,
    words,
};
use crate::session::protocol::{FeatureCard, FeatureId};
use crate::spec::{Example, TokenValue};
use leptos::{ev, prelude::*};

const N_BARS: usize = 24;
/// Tokens shown on either side of the strongest one.
const N_AROUND: usize = 8;

/// The feature that is pointed at or chosen.
#[component]
pub(super) fn CardPanel(
    /// What is shown and what can be done.
    ui: Ui,
) -> impl IntoView {
    let feature = Memo::new(move |_| ui.kept.read().lock.feature);
    let body = part(move || match feature.get() {
        None => view! { <p class="faint">{words::NO_CARD}</p> }.into_any(),
        Some(it) => view! { <Card ui feature=it/> }.into_any(),
    });
    view! {
        <section class="panel card" id="card" aria-labelledby="card-title" on:focusin=move |_| ui.focused.set("card")>
            <div class="head">
                <h2 id="card-title">"Feature"</h2>
                <button type="button" aria-label="Previous feature" on:click=click(move || ui.next_feature(-1))>"‹"</button>
                <button type="button" aria-label="Next feature" on:click=click(move || ui.next_feature(1))>"›"</button>
                <button type="button" class="large" aria-label="Make the card large or small" on:click=click(move || ui.maximise("card"))>"⤢"</button>
            </div>
            {body}
        </section>
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
    let source = text(move || ui.atlas.read().made.clone());
    let pinned = move || ui.kept.read().pins.contains(&feature);
    let pin = click(move || ui.selection.update(|it| it.pin(feature)));
    let copy = click(move || ui.doings.copy.run(feature.to_string()));
    let card = Memo::new(move |_| {
        ui.desk
            .read()
            .card
            .clone()
            .filter(|it| it.feature == feature)
    });
    let waits = text(move || {
        let is_live = ui.desk.read().opened.is_some();
        match ui.awaits(Purpose::Card(feature)) {
            true => "Computing …",
            false if is_live => "",
            false => "What it promotes is computed by the live model, which is not there yet.",
        }
    });
    view! {
        <p class="card-name"><span class="id">{format!("L{}/{}", feature.layer, feature.index)}</span>" "<strong id="card-label">{label}</strong></p>
        <p class="faint" title=words::LABEL_CAUTION>{source}</p>
        <p id="card-figures">{figures}</p>
        <div class="buttons">
            <button type="button" aria-pressed=text(move || pinned().to_string()) on:click=pin>{text(move || if pinned() { "Unpin" } else { "Pin" })}</button>
            <button type="button" on:click=copy>"Copy its number"</button>
        </div>
        <Here ui feature/>
        <p class="faint">{waits}</p>
        <p class="alarm">{text(move || ui.trouble("card"))}</p>
        {part(move || card.get().map(|it| view! { <Numbers ui it/> }))}
        <Try ui feature/>
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

/// Where it fires in the prompt, and how that compares with everything met in this session.
#[component]
fn Here(
    /// What is shown and what can be done.
    ui: Ui,
    /// Which feature.
    feature: FeatureId,
) -> impl IntoView {
    let row = Memo::new(move |_| {
        ui.shown
            .get()
            .map(|it| it.record.row(feature))
            .unwrap_or_default()
    });
    let bars = move || {
        let values: Vec<f32> = row
            .get()
            .into_iter()
            .skip(1)
            .filter(|it| *it > 0.0)
            .collect();
        let pos = ui.hover.read().pos.or(ui.kept.read().lock.pos);
        let marker = pos
            .and_then(|it| row.get().get(it).copied())
            .filter(|it| *it > 0.0);
        let from_examples = ui
            .desk
            .read()
            .card
            .clone()
            .filter(|it| it.feature == feature);
        let examples = from_examples
            .iter()
            .flat_map(|it| &it.examples)
            .map(|it| it.value);
        let all: Vec<f32> = values.iter().copied().chain(examples).collect();
        (!all.is_empty()).then(|| {
            view! { <Histogram bars=histogram::of_values(&all, N_BARS, marker)
            title="Activations: this prompt and the examples below" unit="activation"/> }
        })
    };
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

/// A histogram of logarithmic bars, with a marker.
#[component]
fn Histogram(
    /// Its bars.
    bars: Bars,
    /// What it shows.
    title: &'static str,
    /// What the axis counts.
    unit: &'static str,
) -> impl IntoView {
    let bar = |it: &f32| view! { <span style=("--share", format!("{:.1}%", 100.0 * it))></span> };
    let marker = bars
        .marker
        .map(|it| view! { <i style=("left", format!("{:.1}%", 100.0 * it))></i> });
    let said = format!(
        "{title}: from {} to {} ({unit})",
        strip::number(bars.low),
        strip::number(bars.high)
    );
    let name = said.clone();
    view! {
        <figure class="histogram" role="img" aria-label=name>
            <div>{bars.heights.iter().map(bar).collect_view()}{marker}</div>
            <figcaption class="faint">{said}</figcaption>
        </figure>
    }
}

/// What the engine says of it.
#[component]
fn Numbers(
    /// What is shown and what can be done.
    ui: Ui,
    /// The numbers.
    it: FeatureCard,
) -> impl IntoView {
    let norms = norms(&it);
    let tables = it.logits.map(|it| {
        let counts = histogram::of_counts(
            &it.histogram.counts,
            it.histogram.low,
            it.histogram.high,
            None,
        );
        view! {
            <div class="pair">
                <Effects title="Promotes" tokens=it.top/>
                <Effects title="Suppresses" tokens=it.bottom/>
            </div>
            <Histogram bars=counts title="Effect on the logits of all tokens" unit="logit"/>
        }
    });
    let near = it.nearest.into_iter().map(|it| {
        let label = text(move || ui.label(it.feature).unwrap_or_else(|| "—".into()));
        let show = click(move || ui.show(it.feature));
        view! { <li><button type="button" class="feature" on:click=show>
            <span class="id">{format!("L{}/{}", it.feature.layer, it.feature.index)}</span>" "<span class="label">{label}</span>
            </button><span class="number">{format!("{:.2}", it.cosine)}</span></li> }
    });
    let near = near.collect_view();
    let none = it.examples.is_empty().then_some(words::NO_EXAMPLES);
    let examples = it
        .examples
        .into_iter()
        .map(|it| view! { <ExampleLine it/> })
        .collect_view();
    view! {
        <p class="faint" id="card-norms">{norms}</p>
        {tables}
        <h3>"Nearest in its layer"</h3><ul class="near">{near}</ul>
        <h3>"Where it fires most"</h3><p class="faint">{none}</p><ol class="examples" id="card-examples">{examples}</ol>
    }
}

fn norms(it: &FeatureCard) -> String {
    let mut out = vec![
        format!("threshold {}", strip::number(it.threshold)),
        format!("bias {}", strip::number(it.b_enc)),
    ];
    if let Some(it) = it.encoder_norm {
        out.push(format!("encoder length {}", strip::number(it)));
    }
    if let Some(it) = it.decoder_norm {
        out.push(format!("decoder length {}", strip::number(it)));
    }
    if let Some(it) = it.cosine {
        out.push(format!("cosine between them {it:.2}"));
    }
    out.join(" · ")
}

/// Tokens and how much their logits move.
#[component]
fn Effects(
    /// Its heading.
    title: &'static str,
    /// The tokens.
    tokens: Vec<TokenValue>,
) -> impl IntoView {
    let row = |it: TokenValue| {
        let class = if it.value < 0.0 {
            "number minus"
        } else {
            "number plus"
        };
        let sign = if it.value > 0.0 { "+" } else { "" };
        view! { <tr><th scope="row" class="tokens" dir="auto">{strip::name(it.id, &it.piece)}</th>
        <td class=class>{format!("{sign}{}", strip::number(it.value))}</td></tr> }
    };
    view! { <table><caption>{title}</caption><tbody>{tokens.into_iter().map(row).collect_view()}</tbody></table> }
}

/// A sentence, the strongest token in the middle.
#[component]
fn ExampleLine(
    /// The sentence.
    it: Example,
) -> impl IntoView {
    let cut =
        |from: usize, to: usize| -> String { it.tokens.get(from..to).unwrap_or_default().concat() };
    let first = it.pos.saturating_sub(N_AROUND).max(usize::from(it.pos > 0));
    let last = (it.pos + 1 + N_AROUND).min(it.tokens.len());
    let (before, after) = (cut(first, it.pos), cut(it.pos + 1, last));
    let strongest = cut(it.pos, it.pos + 1);
    view! {
        <li title=it.tokens.concat()><span class="before">{before}</span><mark>{strongest}</mark><span class="after">{after}</span>
            <small class="number">{strip::number(it.value)}</small></li>
    }
}

/// A text of one's own.
#[component]
fn Try(
    /// What is shown and what can be done.
    ui: Ui,
    /// Which feature.
    feature: FeatureId,
) -> impl IntoView {
    let typed = RwSignal::new(String::new());
    let submit = move |it: ev::SubmitEvent| {
        it.prevent_default();
        ui.ask(|desk| desk.try_text(feature, &typed.get_untracked()));
    };
    let tried = move || {
        ui.desk
            .read()
            .tried
            .clone()
            .filter(|it| it.feature == feature && it.done)
    };
    let result = move || {
        tried().map(|it| {
            let row = it.record.row(feature);
            let most = largest(ui, feature);
            let shown = strip::shown(&it.record.tokens, false);
            let token = |(pos, it): (usize, strip::Shown)| {
                let fill = format!("{:.2}", strip::fill(row[pos], most));
                view! { <span class="token" style=("--fill", fill) title=strip::number(row[pos])>{it.text}</span> }
            };
            let best = (1..row.len()).max_by(|a, b| row[*a].total_cmp(&row[*b])).filter(|it| row[*it] > 0.0);
            let words = match best {
                Some(at) => format!("Largest {} at “{}”.", strip::number(row[at]), shown[at].text.trim()),
                None => "Silent on this text.".into(),
            };
            view! { <div class="tokens" dir="auto">{shown.into_iter().enumerate().map(token).collect_view()}</div><p id="try-told">{words}</p> }
        })
    };
    view! {
        <form class="try" on:submit=submit>
            <label for="try-text">{words::TRY_HINT}</label>
            <input id="try-text" dir="auto" autocomplete="off" prop:value=text(move || typed.get())
                on:input=move |it| typed.set(event_target_value(&it))/>
            <button type="submit" disabled=flag(move || ui.desk.read().opened.is_none())>"Try"</button>
        </form>
        <p class="alarm">{text(move || ui.trouble("try"))}</p>
        <div aria-live="polite">{part(result)}</div>
    }
}
