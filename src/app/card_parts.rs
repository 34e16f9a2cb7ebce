//! Parts of a feature's card: histogram, numbers, examples, a text of one's own. Leaves which feature to `card_view`.

use super::{
    erased::{click, flag, part, text},
    histogram::{self, Bars},
    strip,
    strip_view::largest,
    ui::Ui,
    words,
};
use crate::session::protocol::{FeatureCard, FeatureId};
use crate::spec::{Example, TokenValue};
use leptos::{ev, prelude::*};

/// Tokens shown on either side of the strongest one.
const N_AROUND: usize = 8;

/// A histogram of logarithmic bars, with a marker.
#[component]
pub(super) fn Histogram(
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
        <div class="histogram">
            <div role="img" aria-label=name>{bars.heights.iter().map(bar).collect_view()}{marker}</div>
            <p class="faint">{said}</p>
        </div>
    }
}

/// What the engine says of it.
#[component]
pub(super) fn Numbers(
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
        <span class="id">{words::id(it.feature)}</span>" "<span class="label">{label}</span>
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
pub(super) fn ExampleLine(
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
pub(super) fn Try(
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
