//! The page's address as the browser has it: the view on the page is written into it, and what it says when it changes is opened. Leaves
//! what a fragment means to the engine.

use super::{
    erased::memo,
    ui::{Ui, effect},
};
use crate::session::protocol::Input;
use leptos::{ev, leptos_dom::helpers::window_event_listener, prelude::*};
use std::{cell::RefCell, time::Duration};
use wasm_bindgen::JsValue;

/// The address follows the view after this.
const SETTLED: Duration = Duration::from_millis(300);

thread_local! {
    /// The fragment that was written last, and the prompt that it is of.
    static WRITTEN: RefCell<(String, Option<Input>)> = RefCell::default();
    /// What is to be asked next.
    static TIMER: RefCell<Option<TimeoutHandle>> = const { RefCell::new(None) };
}

/// The fragment that the page was opened with; none for a page without one.
pub fn fragment() -> Option<String> {
    let hash = window().location().hash().unwrap_or_default();
    (hash.len() > 1).then_some(hash)
}

/// Keeps address and view together. An embedded view leaves its address alone.
pub fn follow_address(ui: Ui) {
    WRITTEN.set((fragment().unwrap_or_default(), None));
    // Memos: the desk changes many times a second while a run comes, and each of the two is for what has become another.
    let view = memo(move || (!ui.desk.read().is_between()).then(|| ui.view()));
    let links = memo(move || {
        let desk = ui.desk.read();
        let it = &desk.linking;
        (it.links.clone(), it.prompt_of_links.clone())
    });
    effect(move || {
        let Some(view) = view.get() else {
            return;
        };
        let ask = move || ui.ask(|desk| desk.link(view));
        let timer = set_timeout_with_handle(ask, SETTLED).ok();
        if let Some(it) = TIMER.replace(timer) {
            it.clear();
        }
    });
    effect(move || {
        let links = links.read();
        let (Some(it), None) = (&links.0, ui.embed.get_untracked()) else {
            return;
        };
        write(&it.fragment, links.1.as_ref());
    });
    let changed = window_event_listener(ev::hashchange, move |_| {
        let here = fragment().unwrap_or_default();
        if WRITTEN.with_borrow(|it| it.0 != here) {
            // What is written next belongs to this step.
            WRITTEN.set((here.clone(), None));
            if !here.is_empty() {
                ui.open_link(&here);
            }
        }
    });
    on_cleanup(move || changed.remove());
}

/// Another prompt or another screen is a step that Back undoes; everything else is not.
fn write(fragment: &str, prompt: Option<&Input>) {
    let Ok(history) = window().history() else {
        return;
    };
    let here = self::fragment().unwrap_or_default();
    if WRITTEN.with_borrow(|it| it.0 != here) {
        // The visitor has gone to another address meanwhile, which is about to be opened.
        return;
    }
    let (was, step) = WRITTEN.with_borrow_mut(|it| {
        let screen = |it: &str| it.split('?').next().unwrap_or_default().to_string();
        let packed = it.0.starts_with("#!") || fragment.starts_with("#!");
        let other_screen = !packed && screen(&it.0) != screen(fragment);
        let step = it.1.is_some() && (it.1.as_ref() != prompt || other_screen);
        let was = it.0 == fragment;
        *it = (fragment.into(), prompt.cloned());
        (was, step)
    });
    if was {
        return;
    }
    let nothing = JsValue::NULL;
    // Browsers refuse when it is written too often; the next change writes it.
    let _ = match step {
        true => history.push_state_with_url(&nothing, "", Some(fragment)),
        false => history.replace_state_with_url(&nothing, "", Some(fragment)),
    };
    // As the browser has it: it may write some letters otherwise.
    WRITTEN.with_borrow_mut(|it| it.0 = self::fragment().unwrap_or_default());
}
