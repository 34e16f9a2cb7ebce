//! This installation: whether it computes what is known, how fast it is, and a report to copy.

use super::{
    erased::{click, part, text},
    fitting::check_words,
    frame::report,
    ui::Ui,
    words,
};
use crate::session::protocol::{CheckLine, Checked};
use leptos::prelude::*;

/// This installation.
#[component]
pub(super) fn Installation(
    /// What is shown and what can be done.
    ui: Ui,
) -> impl IntoView {
    let checked = move || ui.desk.read().library.fitting.checked.clone();
    let line = |it: CheckLine| {
        let passed = if it.passed { "passed" } else { "failed" };
        view! {
            <tr><th scope="row">{it.what}</th><td>{it.expected}</td><td>{it.measured}</td><td>{it.tolerance}</td><td class:alarm=!it.passed>{passed}</td></tr>
        }
    };
    let table = move || {
        checked().map(|it: Checked| {
            let copied = check_words(&it);
            let copy = click(move || ui.doings.copy.run(copied.clone()));
            let said = format!("{} of {} passed, at {} precision on {}.", it.n_passed, it.n_passed + it.n_failed, it.precision, it.adapter);
            let caution = if it.is_for_precision { "" } else { words::OTHER_PRECISION };
            view! {
                <p id="checked" role="status">{said}" "{caution}</p>
                <div class="scroll"><table>
                    <thead><tr><th>"Figure"</th><th>"Expected"</th><th>"Measured"</th><th>"May differ by"</th><th></th></tr></thead>
                    <tbody>{it.lines.into_iter().map(line).collect_view()}</tbody>
                </table></div>
                <button type="button" on:click=copy>"Copy figures"</button>
            }
        })
    };
    let speeds = move || {
        let desk = ui.desk.read();
        match desk.speeds.len() {
            0 => String::new(),
            n => format!(
                "{} measured; they are in the report.",
                words::count(n, "kernel")
            ),
        }
    };
    view! {
        <section id="installation" aria-labelledby="installation-title">
            <h2 id="installation-title">"This installation"</h2>
            <div class="doing">
                <button type="button" id="check-installation" on:click=click(move || ui.ask(|desk| desk.check_installation()))>"Check this installation"</button>
                <button type="button" id="measure" on:click=click(move || ui.ask(|desk| desk.measure_gpu()))>"Measure this GPU"</button>
                <button type="button" id="model-report" on:click=click(move || ui.doings.copy.run(report(ui)))>{words::COPY_REPORT}</button>
            </div>
            <p class="faint">{text(speeds)}</p>
            {part(table)}
        </section>
    }
}
