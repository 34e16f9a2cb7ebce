//! A long job that was begun in a dialog: how far it is, and a button that stops it. Leaves runs and downloads to their own places.

use super::{
    erased::{click, memo, part},
    ui::Ui,
};
use leptos::prelude::*;

/// The job, while there is one.
#[component]
pub(super) fn Job(
    /// What is shown and what can be done.
    ui: Ui,
) -> impl IntoView {
    let job = memo(move || {
        let desk = ui.desk.read();
        match desk.jobs().is_empty() {
            true => None,
            false => Some(desk.library.job_words(desk.wait.as_ref())),
        }
    });
    part(move || {
        job.get().map(|it| {
            view! { <p role="status">{it}" "<button type="button" id="job-stop" on:click=click(move || ui.stop_jobs())>"Stop"</button></p> }
        })
    })
}
