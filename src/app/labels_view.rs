//! Labels on the model screen: a file of them, and one's own to save and to merge. Leaves what they say to the card and the list.

use super::{
    amounts::bytes,
    erased::{click, part, text},
    ui::Ui,
    words,
};
use crate::session::protocol::LabelsKept;
use leptos::{ev, prelude::*};

/// Labels.
#[component]
pub(super) fn Labels(
    /// What is shown and what can be done.
    ui: Ui,
) -> impl IntoView {
    let told = move || {
        let desk = ui.desk.read();
        let own = words::count(desk.labelling.n_own, "label");
        let it = &desk.labelling;
        format!("{own} of your own. {} {}", it.told, it.coming)
    };
    let kept = part(move || {
        let desk = ui.desk.read();
        let it = desk.labelling.kept.as_ref()?;
        let dropped = click(move || ui.ask(|desk| desk.drop_labels()));
        Some(view! {
            <p id="labels-kept">{kept_words(it)}<button type="button" id="labels-drop" on:click=dropped>{words::DROP_LABELS}</button></p>
        })
    });
    let address = RwSignal::new(String::new());
    let fetch = move |it: ev::SubmitEvent| {
        it.prevent_default();
        ui.ask(|desk| desk.fetch_labels(&address.get_untracked()));
    };
    view! {
        <section id="labels" aria-labelledby="labels-title">
            <h2 id="labels-title">"Labels"</h2>
            <p role="status" id="labels-told">{text(told)}</p>
            <div class="doing">
                <label class="file-label">{words::LABELS_FILE}" "<input type="file" id="labels-file" accept=".json,application/json" on:change=move |it: ev::Event| take(ui, &it, true)/></label>
                <button type="button" id="labels-save" on:click=click(move || ui.ask(|desk| desk.save_labels()))>{words::SAVE_LABELS}</button>
                <label class="file-label">{words::MERGE_LABELS}" "<input type="file" id="labels-merge" accept=".json,application/json" on:change=move |it: ev::Event| take(ui, &it, false)/></label>
            </div>
            <form class="doing" on:submit=fetch>
                <label for="labels-address">{words::LABELS_ADDRESS}</label>
                <input id="labels-address" autocomplete="off" placeholder="https://" on:input=move |it| address.set(event_target_value(&it))/>
                <button type="submit" id="labels-fetch">{words::READ}</button>
            </form>
            {kept}
            <p class="alarm" role="alert">{text(move || ui.trouble("labels"))}</p>
        </section>
    }
}

/// The labels file that is kept.
fn kept_words(it: &LabelsKept) -> String {
    let size = bytes(it.size_bytes);
    format!(
        "Kept on this device: {}, {size}, read {}. ",
        it.from, it.date
    )
}

/// Reads the file that was chosen, as labels of the set or as one's own.
#[cfg(target_arch = "wasm32")]
fn take(ui: Ui, it: &ev::Event, of_set: bool) {
    super::saving::hand_labels(ui, &event_target(it), of_set);
}

/// There are no files to choose outside a browser.
#[cfg(not(target_arch = "wasm32"))]
fn take(_: Ui, _: &ev::Event, _: bool) {}
