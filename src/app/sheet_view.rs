//! The sheet under `?`: keys, and words with a sentence each.

use super::{
    erased::{click, part},
    keys::SHEET,
    ui::Ui,
    words,
};
use leptos::prelude::*;

/// The sheet, when it is open.
#[component]
pub(super) fn Sheet(
    /// What is shown and what can be done.
    ui: Ui,
) -> impl IntoView {
    let line = |(name, said): &(&'static str, &'static str)| view! { <div><dt>{*name}</dt><dd>{*said}</dd></div> };
    let sheet = move || {
        view! {
                <div class="veil" on:click=click(move || ui.sheet.set(false))></div>
                <section class="sheet" id="sheet" role="dialog" aria-modal="true" aria-labelledby="sheet-title">
                    <div class="head">
                        <h2 id="sheet-title">"Keys"</h2>
                        <button type="button" id="sheet-close" autofocus=true on:click=click(move || ui.sheet.set(false))>"Close"</button>
                    </div>
                    <dl>{SHEET.iter().map(line).collect_view()}</dl>
                    <h2>"Words"</h2>
                    <dl>{words::GLOSSARY.iter().map(line).collect_view()}</dl>
                    <p class="faint">{words::BOS_NOTE}</p>
                </section>
        }
    };
    part(move || ui.sheet.get().then(sheet))
}
