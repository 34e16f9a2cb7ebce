//! The model screen: which model, from where, how precise, what of it; getting it. Leaves what is kept to `store_view`.

use super::{
    amounts::{bytes, eta},
    choice::{Choice, Origin},
    erased::{click, flag, memo, part, text},
    installation_view::Installation,
    job_view::Job,
    labels_view::Labels,
    library::Fetching,
    store_view::Kept,
    ui::Ui,
    words,
};
use crate::{session::protocol::OpenRequest, spec::Precision};
use leptos::{ev, prelude::*};

/// A place of the form that is typed.
struct Field {
    id: &'static str,
    name: &'static str,
    hint: &'static str,
    of: fn(&mut Choice) -> &mut String,
}

/// Repositories.
const REPOS: [Field; 2] = [
    Field {
        id: "repo",
        name: "Model repository",
        hint: "OWNER/NAME, or its address",
        of: |it| &mut it.model,
    },
    Field {
        id: "scope",
        name: "Transcoders",
        hint: "OWNER/NAME, or its address",
        of: |it| &mut it.transcoders,
    },
];
/// What of them, and how much room they may take.
const PARTS: [Field; 3] = [
    Field {
        id: "layers",
        name: "Layers with features",
        hint: "all, none, or 0-12, 20",
        of: |it| &mut it.layers,
    },
    Field {
        id: "variants",
        name: "Other L0 than the usual",
        hint: "layer:L0, as in 12:80",
        of: |it| &mut it.variants,
    },
    Field {
        id: "budget",
        name: "GPU memory at most, MB",
        hint: "no budget",
        of: |it| &mut it.budget,
    },
];

/// The screen.
#[component]
pub(super) fn ModelScreen(
    /// What is shown and what can be done.
    ui: Ui,
) -> impl IntoView {
    view! {
        <p class="faint">{words::NOTHING_STARTS}</p>
        <Form ui/>
        <Doing ui/>
        <Progress ui/>
        <Told ui/>
        <Kept ui/>
        <Labels ui/>
        <Installation ui/>
        <p class="faint">{words::TERMS}</p>
    }
}

/// Changes the form; what it takes is asked anew.
fn change(ui: Ui, change: impl FnOnce(&mut Choice)) {
    ui.ask(|desk| {
        change(&mut desk.library.choice);
        desk.price()
    });
}

/// The form.
#[component]
fn Form(
    /// What is shown and what can be done.
    ui: Ui,
) -> impl IntoView {
    let choice = memo(move || ui.desk.read().library.choice.clone());
    let origin = move |it: Origin| {
        let chosen = flag(move || choice.read().origin == it);
        view! { <option value=it.name() selected=chosen>{it.words()}</option> }
    };
    let choose = move |it: ev::Event| {
        let it = Origin::of(&event_target_value(&it));
        change(ui, |choice| *choice = choice.clone().from(it));
    };
    let precision = move |(name, said): (&'static str, &'static str)| {
        let chosen = flag(move || choice.read().precision.to_string() == name);
        view! { <option value=name selected=chosen>{said}</option> }
    };
    let precise = move |it: ev::Event| {
        let it: Precision = event_target_value(&it).parse().unwrap_or_default();
        change(ui, |choice| choice.precision = it);
    };
    let decoders = move |_| change(ui, |it| it.decoders = !it.decoders);
    let is_demo = memo(move || choice.read().origin == Origin::Demo);
    let is_disk = memo(move || choice.read().origin == Origin::Disk);
    let from = move || match is_disk.get() {
        true => view! { <Folder ui/> }.into_any(),
        false => view! { <Token ui/> }.into_any(),
    };
    let repos = move || (!is_demo.get()).then(|| view! { {fields(ui, &REPOS)} {part(from)} });
    view! {
        <form class="choice" on:submit=move |it: ev::SubmitEvent| it.prevent_default()>
            <label>"Model"<select id="origin" on:change=choose>{Origin::ALL.map(origin).into_iter().collect_view()}</select></label>
            {part(repos)}
            <label>"Precision"<select id="precision" on:change=precise>{words::PRECISIONS.map(precision).into_iter().collect_view()}</select></label>
            {fields(ui, &PARTS)}
            <label><input type="checkbox" id="decoders" prop:checked=flag(move || choice.read().decoders) on:change=decoders/>{words::DECODERS}</label>
        </form>
    }
}

fn fields(ui: Ui, all: &'static [Field]) -> AnyView {
    let field = move |it: &'static Field| {
        let value = text(move || {
            let mut choice = ui.desk.read().library.choice.clone();
            (it.of)(&mut choice).clone()
        });
        let typed = move |event: ev::Event| {
            let value = event_target_value(&event);
            change(ui, |choice| *(it.of)(choice) = value);
        };
        view! {
            <label>{it.name}<input id=it.id autocomplete="off" spellcheck="false" placeholder=it.hint prop:value=value on:change=typed/></label>
        }
    };
    all.iter().map(field).collect_view().into_any()
}

/// A token for a gated repository: it goes to the engine and is nowhere else.
#[component]
fn Token(
    /// What is shown and what can be done.
    ui: Ui,
) -> impl IntoView {
    let typed = move |it: ev::Event| {
        let secret = event_target_value(&it);
        ui.ask(|desk| desk.token(&secret));
    };
    view! {
        <label>"Access token"<input id="token" type="password" autocomplete="off" placeholder=words::TOKEN_HINT on:change=typed/></label>
    }
}

/// A folder of this device that holds the repositories.
#[component]
fn Folder(
    /// What is shown and what can be done.
    ui: Ui,
) -> impl IntoView {
    view! {
        <label class="file-label">{words::FOLDER}" "<input type="file" id="folder" prop:webkitdirectory=true multiple on:change=move |it: ev::Event| pick(ui, &it)/></label>
        <p class="faint">{words::FOLDER_HINT}</p>
    }
}

#[cfg(target_arch = "wasm32")]
fn pick(ui: Ui, it: &ev::Event) {
    super::saving::pick_folder(ui, &event_target(it));
}

/// There are no folders to choose outside a browser.
#[cfg(not(target_arch = "wasm32"))]
fn pick(_: Ui, _: &ev::Event) {}

/// What can be done with what is chosen.
#[component]
fn Doing(
    /// What is shown and what can be done.
    ui: Ui,
) -> impl IntoView {
    let is_demo = memo(move || ui.desk.read().library.choice.origin == Origin::Demo);
    let fetches = memo(move || ui.desk.read().library.fetching.is_some());
    let cost = move || {
        let library = &ui.desk.read().library;
        let from_disk = library.choice.origin == Origin::Disk;
        let picked = (from_disk && !library.picked.is_empty())
            .then(|| words::picked(library.picked.len(), &bytes(library.picked_bytes)));
        picked.unwrap_or_default() + &library.fitting.words(from_disk)
    };
    let instead = move || {
        let all = ui.desk.read().library.fitting.instead();
        let line = move |(said, set): (String, OpenRequest)| {
            let choose = click(move || ui.ask(|desk| desk.choose_instead(&set)));
            view! { <li><button type="button" on:click=choose>{said}</button></li> }
        };
        all.into_iter().map(line).collect_view()
    };
    view! {
        <p id="cost" class="lines" role="status">{text(cost)}</p>
        <ul id="instead">{part(instead)}</ul>
        <div class="doing">
            <button type="button" id="fetch" class="main" disabled=flag(move || is_demo.get() || fetches.get())
                on:click=click(move || ui.ask(|desk| desk.fetch_chosen()))>"Get it"</button>
            <button type="button" id="open" on:click=click(move || ui.ask(|desk| desk.open_chosen()))>"Open"</button>
            <button type="button" id="try" on:click=click(move || ui.ask(|desk| desk.try_chosen()))>"Try whether it fits"</button>
            <button type="button" id="variants-ask" disabled=flag(move || is_demo.get())
                on:click=click(move || ui.ask(|desk| desk.ask_variants()))>"Which L0 are there?"</button>
        </div>
        <Job ui/>
    }
}

/// How far it is.
#[component]
fn Progress(
    /// What is shown and what can be done.
    ui: Ui,
) -> impl IntoView {
    let fetches = memo(move || ui.desk.read().library.fetching.is_some());
    let of = move |told: fn(&Fetching) -> String| {
        text(move || {
            let desk = ui.desk.read();
            desk.library
                .fetching
                .as_ref()
                .map_or_else(String::new, told)
        })
    };
    let paused = memo(move || {
        let desk = ui.desk.read();
        desk.library.fetching.as_ref().is_some_and(|it| it.paused)
    });
    let hold = move || click(move || ui.ask(|desk| desk.pause(!paused.get_untracked())));
    let stop = move || click(move || ui.stop_fetching());
    part(move || {
        fetches.get().then(|| {
            view! {
                <section id="fetching" aria-label="Download">
                    <progress max="100" value=of(|it| it.percent().to_string()) aria-label="Download"></progress>
                    <p role="status">{of(progress_words)}</p>
                    <p class="faint">{of(plan_words)}</p>
                    <button type="button" id="pause" on:click=hold()>{text(move || if paused.get() { "Resume" } else { "Pause" })}</button>
                    <button type="button" id="cancel" on:click=stop()>"Stop"</button>
                </section>
            }
        })
    })
}

/// How far a set is, in words.
pub(super) fn progress_words(it: &Fetching) -> String {
    let at = &it.progress;
    let mut out = format!(
        "{} % of {}: {}",
        it.percent(),
        bytes(at.total_bytes),
        words::phase(at.phase, it.from_disk)
    );
    if it.paused {
        return format!("{out}, held.");
    }
    if let Some(wait) = &at.waiting {
        out.push_str(&format!("; {}", wait.why));
    } else if at.bytes_per_second > 0.0 {
        out.push_str(&format!(", {} a second", bytes(at.bytes_per_second as u64)));
    }
    if let Some(it) = at.eta_seconds {
        out.push_str(&format!(", {}", eta(it)));
    }
    out + "."
}

fn plan_words(it: &Fetching) -> String {
    let Some(plan) = &it.plan else {
        return String::new();
    };
    let mut out = format!(
        "{} to {}, {} on this device when it is whole, {} there already.",
        bytes(plan.download_bytes),
        words::to_come(it.from_disk),
        bytes(plan.disk_bytes),
        bytes(plan.kept_bytes)
    );
    if let Some(it) = plan.missing_bytes.filter(|it| *it > 0) {
        out.push_str(&format!(" {} of room are missing.", bytes(it)));
    }
    out
}

/// What was done, what failed, which transcoders there are.
#[component]
fn Told(
    /// What is shown and what can be done.
    ui: Ui,
) -> impl IntoView {
    let told = move || ui.desk.read().library.told.join("\n");
    let failure = move || {
        let desk = ui.desk.read();
        let failure = desk.library.failure.as_ref();
        failure.map_or_else(String::new, |it| format!("{} {}", it.what, it.remedy))
    };
    let variants = move || {
        let desk = ui.desk.read();
        words::variants(&desk.library.variants)
    };
    view! {
        <p id="model-failure" class="alarm lines" role="alert">{text(failure)}</p>
        <p id="model-told" class="lines" role="status">{text(told)}</p>
        <p id="model-variants" class="faint lines">{text(variants)}</p>
    }
}
