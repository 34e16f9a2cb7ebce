//! The sheet under `?`: keys, and words with a sentence each.

use super::{erased::flag, glossary::GLOSSARY, keys::SHEET, ui::Ui, words};
use leptos::prelude::*;

/// Keys and words.
#[component]
pub(super) fn Sheet(
    /// What is shown and what can be done.
    ui: Ui,
) -> impl IntoView {
    let line = |(name, said): &(&'static str, &'static str)| view! { <div><dt>{*name}</dt><dd>{*said}</dd></div> };
    let switch = move |_| ui.options.update(|it| it.no_letters = !it.no_letters);
    view! {
        <dl>{SHEET.iter().map(line).collect_view()}</dl>
        <label><input type="checkbox" id="letters" prop:checked=flag(move || !ui.options.read().no_letters) on:change=switch/>{words::LETTERS}</label>
        <h2>"Words"</h2>
        <dl>{GLOSSARY.iter().map(line).collect_view()}</dl>
        <p class="faint">{words::BOS_NOTE}</p>
    }
}
