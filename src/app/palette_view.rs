//! The palette: one line to type into, and what there is for it. Leaves finding to `palette`.

use super::{
    desk::Prompt,
    erased::{memo, part, text},
    palette::{Deed, Offer, Sources, offers},
    ui::Ui,
    words,
};
use leptos::{ev, prelude::*};

/// The palette.
#[component]
pub(super) fn Palette(
    /// What is shown and what can be done.
    ui: Ui,
) -> impl IntoView {
    let typed = RwSignal::new(String::new());
    let at = RwSignal::new(0);
    let told = RwSignal::new(String::new());
    let found = memo(move || found(ui, &typed.read()));
    let input = move |it: ev::Event| {
        let text = event_target_value(&it);
        at.set(0);
        ui.ask(|desk| desk.search_labels(&text));
        told.set(String::new());
        typed.set(text);
    };
    let key = move |it: ev::KeyboardEvent| {
        let last = found.read_untracked().len().saturating_sub(1);
        let here = at.get_untracked();
        match it.key().as_str() {
            "ArrowDown" => at.set((here + 1).min(last)),
            "ArrowUp" => at.set(here.saturating_sub(1)),
            "Enter" => {
                let chosen = found.get_untracked().into_iter().nth(here);
                if let Some(it) = chosen {
                    take(ui, told, it.deed);
                }
            }
            _ => return,
        }
        it.prevent_default();
        it.stop_propagation();
    };
    let line = move |(n, it): (usize, Offer)| {
        let deed = it.deed.clone();
        let choose = move |_| take(ui, told, deed.clone());
        let chosen = text(move || if at.get() == n { "true" } else { "false" });
        view! {
            <div class="offer" role="option" id=format!("offer-{n}") aria-selected=chosen on:click=choose>
                <span class="label" dir="auto">{it.name}</span><span class="faint">{it.hint}</span>
            </div>
        }
    };
    let lines = move || found.get().into_iter().enumerate().map(line).collect_view();
    let active = text(move || format!("offer-{}", at.get()));
    let none = move || match found.read().is_empty() {
        true => words::NOTHING_FOUND.into(),
        false => told.get(),
    };
    view! {
        <input id="palette-text" role="combobox" autocomplete="off" spellcheck="false" aria-expanded="true" aria-controls="offers" aria-activedescendant=active
            aria-label=words::PALETTE_HINT placeholder=words::PALETTE_HINT on:input=input on:keydown=key/>
        <div id="offers" role="listbox" aria-label="Found">{part(lines)}</div>
        <p class="faint" role="status">{text(none)}</p>
    }
}

fn found(ui: Ui, typed: &str) -> Vec<Offer> {
    let shown = ui.shown.get();
    let desk = ui.desk.read();
    ui.recording.with_value(|recording| {
        let from = Sources {
            record: shown.as_ref().map(|it| &*it.record),
            atlas: &desk.atlas,
            found: &desk.labelling.found,
            examples: &recording.examples,
            history: &desk.history,
        };
        offers(typed, &from)
    })
}

/// Does what a line says; the palette goes first, but for what is not there.
fn take(ui: Ui, told: RwSignal<String>, deed: Deed) {
    if let Deed::Feature(it) = deed {
        return match ui.show_known(it) {
            Ok(()) => ui.close(),
            Err(it) => told.set(it),
        };
    }
    ui.close();
    match deed {
        Deed::Act(it) => ui.act(it),
        Deed::Feature(_) => (),
        Deed::Link(it) => ui.open_link(&it),
        Deed::Prompt(text) => {
            ui.draft.set(text.clone());
            ui.run(Prompt { text, ids: None });
        }
    }
}
