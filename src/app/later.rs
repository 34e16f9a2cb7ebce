//! The part of the page's program that comes after it: what hears the engine, what lies over the page, files that are opened. The page
//! shows and can be used before it is there. Leaves cutting the program to `cargo xtask build`, and asking for the part to whoever made
//! the page.

use super::{
    about_view::About,
    desk::Desk,
    model_view::ModelScreen,
    palette_view::Palette,
    parts::Parts,
    share_view::Share,
    sheet_view::Sheet,
    ui::{Dialog, Ui},
};
use crate::session::{protocol::Event, wire};
use leptos::{
    prelude::*,
    wasm_split::{SplitLoaderError, wasm_split},
};

/// What the part can do.
pub trait Later: Send + Sync {
    /// The event that some bytes are; none where another build wrote them.
    fn read(&self, bytes: &[u8]) -> Option<Event>;
    /// Takes an event in, with the arrays beside it.
    fn fold(&self, ui: Ui, event: Event, parts: &Parts);
    /// What lies over the page.
    fn inside(&self, dialog: Dialog, ui: Ui) -> AnyView;
    /// Shows a snapshot, or says what is wrong with it.
    fn open_snapshot(&self, desk: &mut Desk, text: &str);
}

/// Whether the part is here.
#[derive(Clone, Copy, Default)]
pub enum Came {
    /// It is on its way.
    #[default]
    Coming,
    /// It is.
    Here(&'static dyn Later),
    /// It could not be fetched.
    Failed,
}

struct Whole;

impl Later for Whole {
    fn read(&self, bytes: &[u8]) -> Option<Event> {
        wire::read(bytes)
    }

    fn fold(&self, ui: Ui, event: Event, parts: &Parts) {
        let now = ui.doings.now.run(());
        ui.ask(|desk| desk.fold(event, parts, now));
        ui.land();
        ui.save();
    }

    fn inside(&self, dialog: Dialog, ui: Ui) -> AnyView {
        match dialog {
            Dialog::Sheet => view! { <Sheet ui/> }.into_any(),
            Dialog::Model => view! { <ModelScreen ui/> }.into_any(),
            Dialog::About => view! { <About ui/> }.into_any(),
            Dialog::Palette => view! { <Palette ui/> }.into_any(),
            Dialog::Share => view! { <Share ui/> }.into_any(),
        }
    }

    fn open_snapshot(&self, desk: &mut Desk, text: &str) {
        desk.open_snapshot(text, None);
    }
}

/// Everything that comes later is reached through what this gives, and through nothing else: so it can be cut off.
#[wasm_split(later, wasm_split_path = ::leptos::wasm_split, fallible)]
fn whole() -> Result<&'static dyn Later, SplitLoaderError> {
    Ok(&Whole)
}

impl Ui {
    /// Fetches the part, unless it is here.
    pub async fn fetch_later(self) {
        if let Came::Here(_) = self.later.get_untracked() {
            return;
        }
        self.later.set(Came::Coming);
        let came = match whole().await {
            Ok(it) => Came::Here(it),
            Err(_) => Came::Failed,
        };
        self.later.set(came);
        if let Some(it) = self.dialog.get_untracked() {
            self.focus_on(it);
        }
    }
}
