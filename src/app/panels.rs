//! The panels of the page: a failure, the next token, the continuation, the norms, the machine. Plain tables over the screen.

use super::screen::Screen;
use crate::session::protocol::{Description, Failure, Plan, Probability, Token};
use leptos::prelude::*;

/// What went wrong, what can be done, and the detail for a report.
#[component]
pub(super) fn FailurePanel(
    /// What is shown.
    screen: RwSignal<Screen>,
) -> impl IntoView {
    let failure = Memo::new(move |_| screen.read().failure.clone());
    let show = |it: Failure| {
        view! {
            <section class="failure" role="alert">
                <h2>{it.what}</h2>
                <p>{it.remedy}</p>
                <details>
                    <summary>"Detail, for a report"</summary>
                    <pre>{it.detail}</pre>
                </details>
            </section>
        }
    };
    move || failure.get().map(show)
}

/// The most probable next tokens.
#[component]
pub(super) fn NextPanel(
    /// What is shown.
    screen: RwSignal<Screen>,
) -> impl IntoView {
    let next = Memo::new(move |_| screen.read().next.clone());
    let row = |it: Probability| {
        let percent = 100.0 * it.probability;
        view! {
            <tr>
                <th scope="row">{name(it.id, &it.piece)}</th>
                <td>{format!("{percent:.2} %")}</td>
                <td class="bar"><span style=("--share", format!("{percent:.2}%"))></span></td>
                <td>{format!("{:.3}", it.logit)}</td>
            </tr>
        }
    };
    move || {
        next.get().map(|it| {
            view! {
                <section id="next" aria-labelledby="next-title">
                    <h2 id="next-title">{format!("After position {}", it.pos)}</h2>
                    <table>
                        <thead><tr>
                            <th scope="col">"Token"</th>
                            <th scope="col" colspan="2">"Probability"</th>
                            <th scope="col">"Logit"</th>
                        </tr></thead>
                        <tbody>{it.top.into_iter().map(row).collect_view()}</tbody>
                    </table>
                </section>
            }
        })
    }
}

/// The greedy continuation.
#[component]
pub(super) fn ContinuationPanel(
    /// What is shown.
    screen: RwSignal<Screen>,
) -> impl IntoView {
    let continuation = Memo::new(move |_| screen.read().continuation.clone());
    let chip = |it: &Token| view! { <li>{name(it.id, &it.piece)}</li> };
    move || {
        let (tokens, seconds) = continuation.get();
        (!tokens.is_empty()).then(|| {
            let ids: Vec<String> = tokens.iter().map(|it| it.id.to_string()).collect();
            let took = seconds.map(|it| format!("{} tokens in {it:.2} seconds", tokens.len()));
            view! {
                <section aria-labelledby="continuation-title">
                    <h2 id="continuation-title">"The most probable continuation"</h2>
                    <ol id="continuation" class="tokens" data-ids=ids.join(",")>
                        {tokens.iter().map(chip).collect_view()}
                    </ol>
                    <p>{took}</p>
                </section>
            }
        })
    }
}

/// The norm of the residual stream, per layer and position.
#[component]
pub(super) fn NormsPanel(
    /// What is shown.
    screen: RwSignal<Screen>,
) -> impl IntoView {
    let norms = Memo::new(move |_| (screen.read().norms.clone(), screen.read().tokens.clone()));
    move || {
        let (norms, tokens) = norms.get();
        let cell = |it: &f32| {
            let heat = format!("{}%", norms.shade(*it));
            view! { <td style=("--heat", heat)>{format!("{it:.1}")}</td> }
        };
        let row = |(place, row): &(String, Vec<f32>)| {
            view! { <tr><th scope="row">{place.clone()}</th>{row.iter().map(cell).collect_view()}</tr> }
        };
        let head = |it: &Token| view! { <th scope="col">{name(it.id, &it.piece)}</th> };
        (!norms.rows.is_empty()).then(|| {
            view! {
                <section aria-labelledby="norms-title">
                    <h2 id="norms-title">"Norm of the residual stream"</h2>
                    <div class="scroll" tabindex="0" role="region" aria-labelledby="norms-title">
                        <table id="norms" class="heat">
                            <thead><tr><th scope="col">"Place"</th>{tokens.iter().map(head).collect_view()}</tr></thead>
                            <tbody>{norms.rows.iter().map(row).collect_view()}</tbody>
                        </table>
                    </div>
                    <p>"Euclidean length, without a unit; the shade is the share of the largest one, the first position left out."</p>
                </section>
            }
        })
    }
}

/// The adapter, and the plan of memory.
#[component]
pub(super) fn AboutPanel(
    /// What is shown.
    screen: RwSignal<Screen>,
) -> impl IntoView {
    let about = Memo::new(move |_| screen.read().about.clone());
    let plan = Memo::new(move |_| screen.read().opened.clone().map(|it| it.1));
    let lines = move || {
        let about = about.get().map_or_else(Vec::new, |it| about_lines(&it));
        about
            .into_iter()
            .chain(plan.get().map_or_else(Vec::new, |it| plan_lines(&it)))
    };
    let line = |(name, value): (&'static str, String)| view! { <div><dt>{name}</dt><dd>{value}</dd></div> };
    move || {
        view! {
            <section id="about" aria-labelledby="about-title">
                <h2 id="about-title">"The machine"</h2>
                <dl>{lines().map(line).collect_view()}</dl>
            </section>
        }
    }
}

fn about_lines(it: &Description) -> Vec<(&'static str, String)> {
    let software = if it.software {
        ", computing on the CPU"
    } else {
        ""
    };
    let features = match it.features[..] {
        [] => "none".into(),
        _ => it.features.join(", "),
    };
    vec![
        (
            "Adapter",
            format!("{} ({}{software})", it.adapter, it.backend),
        ),
        ("Driver", it.driver.clone()),
        ("Optional features in use", features),
        ("Largest binding", bytes(it.max_binding_bytes)),
    ]
}

fn plan_lines(it: &Plan) -> Vec<(&'static str, String)> {
    vec![
        ("Precision", it.precision.to_string()),
        ("Context planned for", format!("{} tokens", it.n_ctx)),
        ("Weights", bytes(it.weight_bytes)),
        ("Keys and values", bytes(it.kv_bytes)),
        ("Scratch", bytes(it.scratch_bytes)),
        ("Staging", bytes(it.staging_bytes)),
        ("GPU memory in all", bytes(it.total_bytes)),
    ]
}

/// A token by what it shows, or by its id without a tokenizer.
fn name(id: u32, piece: &str) -> String {
    if piece.is_empty() {
        id.to_string()
    } else {
        piece.into()
    }
}

/// Bytes with a unit that keeps the number readable.
fn bytes(n: u64) -> String {
    match n {
        0..10_000 => format!("{n} bytes"),
        10_000..10_000_000 => format!("{:.1} kB", n as f64 / 1e3),
        10_000_000..10_000_000_000 => format!("{:.1} MB", n as f64 / 1e6),
        _ => format!("{:.2} GB", n as f64 / 1e9),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn bytes_have_units() {
        for (n, text) in [
            (0, "0 bytes"),
            (12_345, "12.3 kB"),
            (134_217_728, "134.2 MB"),
            (10_400_000_000, "10.40 GB"),
        ] {
            assert_eq!(bytes(n), text);
        }
    }

    #[test]
    fn tokens_have_names() {
        assert_eq!(
            (name(7, ""), name(7, " the")),
            ("7".to_string(), " the".to_string())
        );
    }
}
