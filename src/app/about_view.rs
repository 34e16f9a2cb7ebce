//! About: what the page is, whom it can ask, what it keeps on this device, licences.

use super::{
    amounts::bytes,
    erased::{click, flag, part, text},
    site::{Keeping, Request, SiteDeed},
    ui::Ui,
    words,
};
use crate::session::protocol::BUILD;
use leptos::prelude::*;

/// What the page is.
#[component]
pub(super) fn About(
    /// What is shown and what can be done.
    ui: Ui,
) -> impl IntoView {
    let row = |it: Request| {
        let server = match it.origin.as_str() {
            "self" => "this site".to_string(),
            _ => it.origin,
        };
        let size = it
            .bytes
            .map_or_else(String::new, |it| format!(", {}", bytes(it)));
        view! { <div><dt>{server}" "{it.path.unwrap_or_default()}</dt><dd>{it.why}{size}</dd></div> }
    };
    let rows = move || ui.site.get().requests.into_iter().map(row).collect_view();
    let keeping = move || ui.site.read().keeping;
    let switch = move |_| {
        let on = ui.site.read_untracked().keeping == Keeping::Off;
        ui.doings.site.run(SiteDeed::Keep(on));
    };
    let asked = RwSignal::new(false);
    let clear = click(move || {
        if asked.get_untracked() {
            ui.ask(|desk| {
                desk.history.clear();
                let mut out = desk.forget_labels();
                out.extend(desk.remove_all());
                out
            });
            ui.doings.site.run(SiteDeed::Clear);
        }
        asked.update(|it| *it = !*it);
    });
    view! {
        <p>{words::PITCH}</p>
        <p class="faint">"Version "{BUILD}</p>
        <h2>"Whom the page can ask"</h2>
        <p class="faint">{words::REQUESTS}</p>
        <dl id="requests-told">{part(rows)}</dl>
        <h2>"What is kept on this device"</h2>
        <p role="status">{text(move || keeping().words())}</p>
        <label><input type="checkbox" id="keep-site" prop:checked=flag(move || keeping() != Keeping::Off) on:change=switch/>{words::KEEP_SITE}</label>
        <p class="faint">{words::KEPT_HERE}</p>
        <button type="button" id="clear-all" on:click=clear>{text(move || if asked.get() { words::SURELY_ALL } else { words::CLEAR_ALL })}</button>
        <h2>"Licences"</h2>
        <p class="lines">{words::LICENCES}</p>
        <p class="faint">{words::TERMS}</p>
    }
}
