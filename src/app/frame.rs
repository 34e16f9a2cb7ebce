//! The frame of the page: the bar, the prompt, the lens, the status line. Leaves what a lens shows to its panels.

use super::{
    advice::Browser,
    card_view::CardPanel,
    desk::{Check, Desk, Engine},
    dialog_view::Dialogs,
    erased::{click, flag, memo, part, text},
    explain_view::ExplainPanel,
    fitting::{check_words, speed_words},
    list_view::ListPanel,
    map_view::MapPanel,
    options::Theme,
    panels::{LEAST_PERCENT, MOST_PERCENT},
    prompt_view::SessionBar,
    site::{Keeping, SiteDeed},
    strip_view::StripPanel,
    ui::{Dialog, Ui},
    words,
};
use crate::session::protocol::{EngineState, Failure};
use leptos::{ev, prelude::*, wasm_bindgen::JsCast, web_sys};

/// How far a key moves a border.
const STEP_PERCENT: f32 = 2.0;

/// The whole page.
#[component]
pub fn Page(
    /// What is shown and what can be done.
    ui: Ui,
) -> impl IntoView {
    let maximised = move || ui.maximised.get().unwrap_or("none");
    view! {
        <TopBar ui/>
        <SessionBar ui/>
        <Trouble ui/>
        <Notes ui/>
        <Offered ui/>
        <StripPanel ui/>
        <NoWebGpu ui/>
        <main class="explore" data-maximised=maximised style=("--columns", text(move || ui.options.read().widths.columns()))>
            <MapPanel ui/>
            <Divider ui border=0/>
            <ListPanel ui/>
            <Divider ui border=1/>
            <CardPanel ui/>
        </main>
        <ExplainPanel ui/>
        <StatusLine ui/>
        <Dialogs ui/>
    }
}

/// A border between two panels, moved by the pointer or by keys.
#[component]
fn Divider(
    /// What is shown and what can be done.
    ui: Ui,
    /// Which one.
    border: usize,
) -> impl IntoView {
    let move_by = move |percent: f32| {
        ui.options
            .update(|it| it.widths = it.widths.moved(border, percent));
    };
    let key = move |it: ev::KeyboardEvent| {
        let by = match it.key().as_str() {
            "ArrowLeft" => -STEP_PERCENT,
            "ArrowRight" => STEP_PERCENT,
            _ => return,
        };
        it.prevent_default();
        it.stop_propagation();
        move_by(by);
    };
    let drag = move |it: ev::PointerEvent| {
        let width = window().inner_width().ok().and_then(|it| it.as_f64());
        if let Some(width) = width.filter(|_| it.buttons() & 1 == 1) {
            move_by((100.0 * f64::from(it.movement_x()) / width) as f32);
        }
    };
    let hold = move |it: ev::PointerEvent| {
        let element = it
            .current_target()
            .and_then(|it| it.dyn_into::<web_sys::Element>().ok());
        // Without it the pointer may leave the border; the next move ends the drag then.
        _ = element.map(|element| element.set_pointer_capture(it.pointer_id()));
    };
    let name = ["Width of the map", "Width of the list"][border.min(1)];
    let now = move || {
        let widths = ui.options.read().widths;
        let share = if border == 0 { widths.map } else { widths.list };
        format!("{share:.0}")
    };
    view! {
        <div class="divider" role="separator" aria-orientation="vertical" aria-label=name aria-valuemin=LEAST_PERCENT.to_string() aria-valuemax=MOST_PERCENT.to_string()
            aria-valuenow=text(now) tabindex="0" on:keydown=key on:pointerdown=hold on:pointermove=drag></div>
    }
}

/// What to do where there is no WebGPU.
#[component]
fn NoWebGpu(
    /// What is shown and what can be done.
    ui: Ui,
) -> impl IntoView {
    let has_none = memo(move || ui.desk.read().no_webgpu);
    part(move || {
        has_none.get().then(|| {
            let advice = ui.browser.with_value(Browser::advice);
            let copy = click(move || ui.doings.copy.run(report(ui)));
            view! {
                <section class="failure" id="no-webgpu" aria-label="No WebGPU">
                    <p><strong>"This browser can't run the model here: it has no WebGPU. "</strong>{advice}" "{words::STILL_RECORDED}</p>
                    <button type="button" on:click=copy>{words::COPY_REPORT}</button>
                </section>
            }
        })
    })
}

/// Name, engine, theme, help.
#[component]
fn TopBar(
    /// What is shown and what can be done.
    ui: Ui,
) -> impl IntoView {
    let engine = memo(move || ui.desk.read().engine.clone());
    let status = memo(move || status_words(&ui.desk.read()));
    let restart = move || {
        let is_dead = matches!(engine.get(), Engine::Said(EngineState::Dead { .. }));
        is_dead.then(|| {
            let restart = click(move || ui.doings.restart.run(()));
            view! { <button type="button" on:click=restart>"Restart the engine"</button> }
        })
    };
    let update = move || {
        let is_there = ui.site.read().keeping == Keeping::Update;
        is_there.then(|| {
            let reload = click(move || ui.doings.site.run(SiteDeed::Reload));
            view! { <button type="button" id="update" on:click=reload>{words::NEW_VERSION}</button> }
        })
    };
    let whole = move || {
        ui.embed.get().map(|_| {
            let address = move || ui.address(false).replace("embed.html", "").replace("#/embed/", "#/");
            view! { <a id="whole" href=text(address) target="_blank" rel="noreferrer">{words::WHOLE}</a> }
        })
    };
    let theme = text(move || match ui.options.read().theme {
        Theme::System => words::THEME_SYSTEM,
        Theme::Light => "Theme: light",
        Theme::Dark => "Theme: dark",
    });
    let next_theme = click(move || {
        ui.options.update(|it| {
            it.theme = match it.theme {
                Theme::System => Theme::Light,
                Theme::Light => Theme::Dark,
                Theme::Dark => Theme::System,
            };
        });
    });
    view! {
        <header class="bar">
            <h1>"Gemscope"</h1>
            <p class="pitch">{words::PITCH}</p>
            <p role="status" class="engine">{text(move || status.get())}</p>
            {part(whole)}
            {part(restart)}
            {part(update)}
            <button type="button" id="model-open" on:click=click(move || ui.lay(Dialog::Model))>{words::MODEL}</button>
            <button type="button" id="palette-open" on:click=click(move || ui.lay(Dialog::Palette))>{words::PALETTE}</button>
            <button type="button" id="share-open" on:click=click(move || ui.lay(Dialog::Share))>{words::SHARE}</button>
            <button type="button" id="about-open" on:click=click(move || ui.lay(Dialog::About))>{words::ABOUT}</button>
            <button type="button" id="theme" on:click=next_theme>{theme}</button>
            <button type="button" id="help" aria-label="Keys and words" on:click=click(move || ui.lay(Dialog::Sheet))>"?"</button>
        </header>
    }
}

/// Whether a model runs here, in words.
fn status_words(desk: &Desk) -> String {
    match desk.no_webgpu {
        true => words::NO_WEBGPU.into(),
        false => engine_words(&desk.engine, desk.opened_name()),
    }
}

/// The state of the engine in words.
fn engine_words(engine: &Engine, model: Option<String>) -> String {
    match engine {
        Engine::Starting => words::STARTING.into(),
        Engine::Said(EngineState::NoAdapter) => words::NO_WEBGPU.into(),
        Engine::Said(EngineState::Ready) => match model {
            Some(it) => format!("Live: {it}."),
            None => "The engine is ready; the model is loading.".into(),
        },
        Engine::Said(EngineState::DeviceLost { reason }) => {
            format!(
                "The GPU was lost ({reason}); a new one is being taken. Nothing on the page is lost."
            )
        }
        Engine::Said(EngineState::Recovered) => {
            "The GPU is back, with the model loaded again.".into()
        }
        Engine::Said(EngineState::Restarting { reason }) => {
            format!(
                "The engine died ({reason}) and is being started again. Nothing on the page is lost."
            )
        }
        Engine::Said(EngineState::Dead { reason }) => {
            format!("The engine died: {reason}. What is on the page stays.")
        }
    }
}

/// What went wrong, what can be done, and the detail for a report.
#[component]
fn Trouble(
    /// What is shown and what can be done.
    ui: Ui,
) -> impl IntoView {
    let failure = memo(move || ui.desk.read().failure.clone());
    let copy = move |it: &Failure| {
        let text = format!("{}\n{}\n{}", it.what, it.remedy, it.detail);
        click(move || ui.doings.copy.run(text.clone()))
    };
    part(move || {
        failure.get().map(|it| {
            let copy = copy(&it);
            let advice = ui.browser.with_value(|browser| browser.advice_on(&it.what));
            let close = click(move || ui.desk.update(|it| it.failure = None));
            let detail = (!it.detail.is_empty()).then(|| {
                view! { <details><summary>"Detail, for a report"</summary><pre>{it.detail}</pre></details> }
            });
            view! {
                <section class="failure" role="alert" aria-label="What went wrong">
                    <p><strong>{it.what}</strong>" "{it.remedy}" "{advice}</p>
                    {detail}
                    <button type="button" on:click=copy>"Copy"</button>
                    <button type="button" on:click=close>"Dismiss"</button>
                </section>
            }
        })
    })
}

/// What there is to say about a link that was opened.
#[component]
fn Notes(
    /// What is shown and what can be done.
    ui: Ui,
) -> impl IntoView {
    let notes = memo(move || ui.desk.read().linking.notes.join(" "));
    part(move || {
        let it = notes.get();
        (!it.is_empty()).then(|| {
            let close = click(move || ui.desk.update(|it| it.linking.notes.clear()));
            view! {
                <section class="notes" id="notes" role="status" aria-label="About the link">
                    <p>{it}</p>
                    <button type="button" on:click=close>"Dismiss"</button>
                </section>
            }
        })
    })
}

/// A snapshot that a link names: it is asked for when the visitor says so, and not before.
#[component]
fn Offered(
    /// What is shown and what can be done.
    ui: Ui,
) -> impl IntoView {
    let offer = memo(move || {
        let desk = ui.desk.read();
        let it = desk.linking.offer.as_ref();
        it.map(|it| (it.at.clone(), it.comes))
    });
    part(move || {
        offer.get().map(|(at, comes)| {
            let said = words::offer(&at, comes);
            let take = click(move || ui.ask(|desk| desk.take_offer()));
            let leave = click(move || ui.leave_offer());
            let take = (!comes).then(|| view! { <button type="button" id="offer-take" class="main" on:click=take>"Fetch and show it"</button> });
            view! {
                <section class="notes" id="offer" role="status" aria-label="A snapshot">
                    <p>{said}</p>
                    {take}
                    <button type="button" id="offer-leave" on:click=leave>{if comes { words::STOP } else { "No" }}</button>
                </section>
            }
        })
    })
}

/// Where the numbers come from.
#[component]
fn StatusLine(
    /// What is shown and what can be done.
    ui: Ui,
) -> impl IntoView {
    let source = move || ui.desk.read().source_words();
    let verdict = move || {
        let desk = ui.desk.read();
        let verdict = desk.linking.verdict.as_ref();
        verdict.map_or_else(String::new, words::verdict)
    };
    let counts = move || {
        let shown = ui.shown.get()?;
        let n = shown.record.n_active();
        let list = ui.list.get();
        Some(words::activations(n, list.n_hidden_common))
    };
    let check = move || match &ui.desk.read().check {
        Check::Open => String::new(),
        Check::Same => "This machine computes what was recorded.".into(),
        Check::Differs(it) => {
            format!("This machine computes something else than was recorded: {it}.")
        }
    };
    let differs = move || matches!(ui.desk.read().check, Check::Differs(_));
    let report = click(move || ui.doings.copy.run(report(ui)));
    view! {
        <footer class="status" id="status">
            <span id="source">{text(source)}</span>
            <span id="counts">{text(move || counts().unwrap_or_default())}</span>
            <span id="verdict">{text(verdict)}</span>
            <span id="check" class:alarm=flag(differs)>{text(check)}</span>
            <button type="button" on:click=report>{words::COPY_REPORT}</button>
        </footer>
    }
}

/// What a report holds: the machine, the model, what went wrong.
pub(super) fn report(ui: Ui) -> String {
    let desk = ui.desk.read_untracked();
    let mut lines = vec![format!("Gemscope {}", crate::session::protocol::BUILD)];
    let browser = ui
        .browser
        .with_value(|it| format!("browser: {}, secure: {}", it.agent, it.is_secure));
    lines.push(browser);
    match &desk.about {
        Some(it) => {
            lines.push(format!(
                "adapter: {} ({}, {})",
                it.adapter, it.backend, it.driver
            ));
            lines.push(format!("largest binding: {} bytes", it.max_binding_bytes));
            lines.push(format!("optional features: {}", it.features.join(", ")));
            lines.extend(it.last_errors.iter().map(|it| format!("error: {it}")));
        }
        None => lines.push("adapter: none has answered".into()),
    }
    lines.push(format!("engine: {}", status_words(&desk)));
    if let Some((_, plan)) = &desk.opened {
        lines.push(format!(
            "model: {}, {}, {} bytes on the GPU",
            desk.model_name(),
            plan.precision,
            plan.total_bytes
        ));
    }
    lines.push(format!("check: {:?}", desk.check));
    lines.extend(desk.library.fitting.checked.iter().map(check_words));
    lines.extend(desk.speeds.iter().map(speed_words));
    for it in desk.failure.iter().chain(&desk.library.failure) {
        lines.push(format!("failed: {} {}", it.what, it.detail));
    }
    lines.join("\n")
}
