//! Share: the view as a link, for another page, and as files. Leaves making them to the engine, and saving them to the page's program.

use super::{
    ask::Destination,
    erased::{click, flag, memo, part, text},
    job_view::Job,
    map,
    ui::Ui,
    words,
};
use crate::session::protocol::{DocumentForm, DocumentWhat, FeatureId};
use crate::spec::EmbedFlags;
use leptos::{ev, prelude::*};

/// Something that can be taken along.
#[derive(Clone, Copy)]
enum Thing {
    /// Of the run.
    Run(&'static DocumentWhat),
    /// The map as it is shown.
    Map,
    /// Of the chosen feature.
    Feature(fn(FeatureId) -> DocumentWhat),
}

const THINGS: [(&str, Thing); 10] = [
    ("the features", Thing::Run(&DocumentWhat::Features)),
    ("the summary", Thing::Run(&DocumentWhat::Summary)),
    ("the map as it is shown", Thing::Map),
    ("what comes next", Thing::Run(&DocumentWhat::Next)),
    ("the logit lens", Thing::Run(&DocumentWhat::Lens)),
    ("the figures by layer", Thing::Run(&DocumentWhat::Figures)),
    (
        "the chosen feature along the prompt",
        Thing::Feature(DocumentWhat::Strip),
    ),
    (
        "what the chosen feature promotes",
        Thing::Feature(DocumentWhat::Promotes),
    ),
    (
        "the chosen feature's nearest ones",
        Thing::Feature(DocumentWhat::Nearest),
    ),
    (
        "the chosen feature's examples",
        Thing::Feature(DocumentWhat::Examples),
    ),
];

/// As which kind of file, and where to.
const FORMS: [(&str, DocumentForm, Destination); 7] = [
    ("CSV", DocumentForm::Csv, Destination::Disk),
    ("TSV", DocumentForm::Tsv, Destination::Disk),
    ("JSON", DocumentForm::Json, Destination::Disk),
    ("safetensors", DocumentForm::Safetensors, Destination::Disk),
    ("SVG", DocumentForm::Svg, Destination::Disk),
    ("PNG", DocumentForm::Svg, Destination::Bitmap),
    (
        "Copy as Markdown",
        DocumentForm::Markdown,
        Destination::Clipboard,
    ),
];

/// What an embedded view may leave out: how it is called, whether it is, and to change that.
type Leave = (&'static str, fn(&EmbedFlags) -> bool, fn(&mut EmbedFlags));
const LEAVES: [Leave; 4] = [
    (
        "without plots",
        |it| it.no_plots,
        |it| it.no_plots = !it.no_plots,
    ),
    (
        "without examples",
        |it| it.no_examples,
        |it| it.no_examples = !it.no_examples,
    ),
    (
        "without its head",
        |it| it.no_head,
        |it| it.no_head = !it.no_head,
    ),
    (
        "dark",
        |it| it.theme.is_some(),
        |it| it.theme = it.theme.is_none().then(|| "dark".into()),
    ),
];

/// What can be taken along.
#[component]
pub(super) fn Share(
    /// What is shown and what can be done.
    ui: Ui,
) -> impl IntoView {
    let bare = RwSignal::new(false);
    let address = move || ui.address(bare.get());
    let there = move || {
        let links = ui.desk.read().linking.links.clone();
        let there = links.and_then(|it| it.neuronpedia);
        there
            .map(|it| view! { <p><a href=it rel="noreferrer" target="_blank">{words::NEURONPEDIA}</a></p> })
    };
    view! {
        <label for="link">{words::LINK}</label>
        {copied(ui, "link", address)}
        <label><input type="checkbox" id="link-bare" prop:checked=flag(move || bare.get()) on:change=move |_| bare.update(|it| *it = !*it)/>{words::WITHOUT_PROMPT}</label>
        {part(there)}
        <h2>"The run"</h2>
        {files(ui, address)}
        {frame(ui)}
        {snapshots(ui)}
        <p class="alarm" role="alert">{text(move || ui.trouble("share"))}</p>
    }
}

/// A text to be copied.
fn copied(ui: Ui, id: &'static str, it: impl Fn() -> String + Copy + Send + 'static) -> AnyView {
    let copy = click(move || ui.doings.copy.run(untrack(it)));
    view! {
        <div class="doing">
            <input id=id readonly prop:value=text(it)/>
            <button type="button" id=format!("{id}-copy") class="main" on:click=copy>"Copy"</button>
        </div>
    }
    .into_any()
}

/// Tables and pictures: which, and as what.
fn files(ui: Ui, address: impl Fn() -> String + Copy + Send + 'static) -> AnyView {
    let chosen = RwSignal::new(0_usize);
    let what = memo(move || {
        let feature = ui.kept.read().lock.feature;
        match THINGS.get(chosen.get())?.1 {
            Thing::Run(it) => Some(it.clone()),
            // Its name says in which forms it can be had; the picture is of what is shown.
            Thing::Map => Some(DocumentWhat::Map(Default::default())),
            Thing::Feature(it) => feature.map(it),
        }
    });
    let option = |(at, it): (usize, &(&'static str, Thing))| view! { <option value=at.to_string()>{it.0}</option> };
    let choose =
        move |it: ev::Event| chosen.set(event_target_value(&it).parse().unwrap_or_default());
    let button = move |(name, form, to): (&'static str, DocumentForm, Destination)| {
        let fits = memo(move || what.get().is_some_and(|it| it.forms().contains(&form)));
        let get = click(move || {
            // Read before the desk is changed: meanwhile it can't be.
            let link = untrack(address);
            match what.get_untracked() {
                Some(DocumentWhat::Map(_)) => picture(ui, link, to),
                Some(it) => ui.ask(|desk| desk.document(it, form, Some(link), to)),
                None => (),
            }
        });
        view! { <button type="button" class="file" data-form=name disabled=flag(move || !fits.get()) on:click=get>{name}</button> }
    };
    let none = move || match what.get() {
        None => words::TAKE_NOTHING,
        Some(_) => "",
    };
    view! {
        <label>{words::TAKE}<select id="take" on:change=choose>{THINGS.iter().enumerate().map(option).collect_view()}</select></label>
        <div class="doing">{FORMS.map(button).into_iter().collect_view()}</div>
        <p class="faint">{text(none)}</p>
        <Job ui/>
    }
    .into_any()
}

/// The map as it is shown.
fn picture(ui: Ui, link: String, to: Destination) {
    let options = ui.options.get_untracked();
    let kept = ui.kept.get_untracked();
    if let Some(shown) = ui.shown.get_untracked() {
        let grid = map::grid(&shown.record, options.metric, kept.lock.feature, &kept.pins);
        let legend = options.metric.words();
        ui.ask(|desk| desk.picture(grid, legend, options.log, Some(link), to));
    }
}

/// What another page holds to show this view.
fn frame(ui: Ui) -> AnyView {
    let leave = move |(name, is, change): Leave| {
        let checked = flag(move || is(&ui.framed.read()));
        view! { <label><input type="checkbox" class="frame-leave" prop:checked=checked on:change=move |_| ui.framed.update(change)/>{name}</label> }
    };
    view! {
        <h2>"In another page"</h2>
        <label for="frame">{words::FRAME}</label>
        {copied(ui, "frame", move || ui.frame_code())}
        <div class="doing">{LEAVES.map(leave).into_iter().collect_view()}</div>
    }
    .into_any()
}

/// A run as one file, and such a file to be opened.
fn snapshots(ui: Ui) -> impl IntoView {
    let address = move || ui.address(false);
    let snapshot = click(move || {
        let link = untrack(address);
        ui.desk.update(|desk| desk.snapshot(Some(link)));
        ui.save();
    });
    let pick = move |it: ev::Event| pick(ui, &it);
    view! {
        <h2>"Snapshot"</h2>
        <p class="faint">{words::SNAPSHOT}</p>
        <div class="doing">
            <button type="button" id="snapshot" on:click=snapshot>"Save"</button>
            <label class="file-label">"Open "<input type="file" id="snapshot-open" accept=".json,application/json" on:change=pick/></label>
        </div>
    }
}

#[cfg(target_arch = "wasm32")]
fn pick(ui: Ui, it: &ev::Event) {
    super::saving::picked(ui, &event_target(it));
}

/// There are no files to choose outside a browser.
#[cfg(not(target_arch = "wasm32"))]
fn pick(_: Ui, _: &ev::Event) {}
