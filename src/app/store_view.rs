//! What is kept on this device: how much, of what, and to have it verified, mended, or removed, all of it or by rows. Leaves what a row
//! is to `storing`.

use super::{
    amounts::bytes,
    desk::Desk,
    erased::{click, memo, part, text},
    storing::{KeptRow, KeptSet},
    ui::Ui,
    words,
};
use crate::session::protocol::StoredSelection;
use crate::spec::StoredKeeping;
use leptos::{ev, prelude::*};

/// What is kept.
#[component]
pub(super) fn Kept(
    /// What is shown and what can be done.
    ui: Ui,
) -> impl IntoView {
    let verify = move |repair| click(move || ui.ask(|desk| desk.verify(all(), repair)));
    let sets = memo(move || ui.desk.read().library.kept_sets());
    let set = move |KeptSet { all, rows }: KeptSet| {
        let row = move |it: KeptRow| view! { <li>{it.words.clone()}" "{row_doing(ui, it)}</li> };
        let files = (rows.len() > 1).then(|| {
            view! { <details><summary>"Single files"</summary><ul>{rows.into_iter().map(row).collect_view()}</ul></details> }
        });
        view! { <li>{all.words.clone()}" "{row_doing(ui, all)}{files}</li> }
    };
    view! {
        <section id="kept" aria-labelledby="kept-title">
            <h2 id="kept-title">"On this device"</h2>
            <p role="status">{text(move || room_words(ui))}</p>
            <ul>{part(move || sets.get().into_iter().map(set).collect_view())}</ul>
            <div class="doing">
                <button type="button" id="verify" on:click=verify(false)>"Verify"</button>
                <button type="button" id="repair" on:click=verify(true)>"Repair"</button>
                <button type="button" id="export" on:click=click(move || hand(ui))>{words::EXPORT}</button>
                <label class="file-label">{words::IMPORT}" "<input type="file" id="import" multiple on:change=move |it: ev::Event| hand_files(ui, &it)/></label>
                {sure("remove", ["Remove all", words::SURELY], move || ui.ask(Desk::remove_all))}
            </div>
        </section>
    }
}

fn all() -> StoredSelection {
    StoredSelection::default()
}

/// What can be done to a row.
fn row_doing(ui: Ui, it: KeptRow) -> AnyView {
    let selection = it.selection();
    let verified = selection.clone();
    let verify = click(move || ui.ask(|desk| desk.verify(verified.clone(), false)));
    let remove = move || ui.ask(|desk| desk.remove(selection.clone()));
    view! {
        <button type="button" class="row-verify" on:click=verify>"Verify"</button>" "
        {sure("", ["Remove", "Surely?"], remove)}
    }
    .into_any()
}

/// A button that asks once more before it does what it says.
fn sure(id: &'static str, [first, then]: [&'static str; 2], does: impl Fn() + 'static) -> AnyView {
    let asked = RwSignal::new(false);
    let press = click(move || {
        if asked.get_untracked() {
            does();
        }
        asked.update(|it| *it = !*it);
    });
    let said = text(move || if asked.get() { then } else { first });
    view! { <button type="button" class="row-remove" id=(!id.is_empty()).then_some(id) on:click=press>{said}</button> }
        .into_any()
}

/// Lets the visitor choose a folder for an export.
#[cfg(target_arch = "wasm32")]
fn hand(ui: Ui) {
    super::saving::hand_folder(ui);
}

/// Takes in the files of an export.
#[cfg(target_arch = "wasm32")]
fn hand_files(ui: Ui, it: &ev::Event) {
    super::saving::hand_files(ui, &event_target(it));
}

/// There are no folders to choose outside a browser.
#[cfg(not(target_arch = "wasm32"))]
fn hand(_: Ui) {}

/// Nor files.
#[cfg(not(target_arch = "wasm32"))]
fn hand_files(_: Ui, _: &ev::Event) {}

/// How much is kept, how much may still fit, and whether it stays.
fn room_words(ui: Ui) -> String {
    let desk = ui.desk.read();
    let Some(it) = &desk.library.stored else {
        return String::new();
    };
    let mut out = format!("{} kept", bytes(it.total_bytes));
    if it.reserved_bytes > 0 {
        out.push_str(&format!(
            ", {} of it reserved for what comes",
            bytes(it.reserved_bytes)
        ));
    }
    if let Some(room) = it.room_bytes {
        out.push_str(&format!("; the browser says that {} are free", bytes(room)));
    }
    out.push_str(match it.keeping {
        StoredKeeping::Sure => ". It stays until you remove it.",
        StoredKeeping::AtRisk => {
            ". The browser may take it away when this device runs out of room."
        }
        StoredKeeping::Asked => ". The browser asks you whether it may stay.",
    });
    out
}
