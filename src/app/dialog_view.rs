//! What lies over the page: the frame that all such things share, and which of them is open. Leaves what is inside to [`super::later`].

use super::{
    erased::{click, part},
    later::Came,
    ui::{DIALOG_CLOSE, Dialog, Ui},
    words,
};
use leptos::{ev, prelude::*, task::spawn_local};

/// Whatever lies over the page.
#[component]
pub(super) fn Dialogs(
    /// What is shown and what can be done.
    ui: Ui,
) -> impl IntoView {
    let again = move || spawn_local(ui.fetch_later());
    part(move || {
        let open = ui.dialog.get()?;
        let (id, title) = match open {
            Dialog::Sheet => ("sheet", "Keys"),
            Dialog::Model => ("model", "Model"),
            Dialog::About => ("about", "About"),
            Dialog::Palette => ("palette", "Commands"),
            Dialog::Share => ("share", "Share"),
        };
        let body = part(move || match ui.later.get() {
            Came::Here(it) => it.inside(open, ui),
            Came::Coming => {
                view! { <p class="faint" role="status">{words::PART_COMING}</p> }.into_any()
            }
            Came::Failed => view! {
                <p class="alarm" role="alert">{words::PART_FAILED}</p>
                <button type="button" id="part-again" on:click=click(again)>"Try again"</button>
            }
            .into_any(),
        });
        let close = move || click(move || ui.close());
        Some(view! {
            <div class="veil" on:click=close()></div>
            {edge(ui)}
            <section class="sheet" id=id role="dialog" aria-modal="true" aria-labelledby="dialog-title">
                <div class="head">
                    <h2 id="dialog-title">{title}</h2>
                    <button type="button" id=DIALOG_CLOSE on:click=close()>"Close"</button>
                </div>
                {body}
            </section>
            {edge(ui)}
        })
    })
}

/// Where the focus would leave what lies over the page, it goes back into it.
fn edge(ui: Ui) -> impl IntoView {
    let back = move |_: ev::FocusEvent| ui.doings.focus.run(DIALOG_CLOSE);
    view! { <span class="unseen" tabindex="0" aria-hidden="true" on:focus=back></span> }
}
