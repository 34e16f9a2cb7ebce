//! The frame of the page: the bar, the prompt, the lens, the status line. Leaves what a lens shows to its panels.

use super::{
    advice::Browser,
    card_view::CardPanel,
    desk::{Check, Engine, Source},
    erased::{click, flag, part, text},
    explain_view::ExplainPanel,
    list_view::ListPanel,
    map_view::MapPanel,
    options::Theme,
    prompt_view::SessionBar,
    sheet_view::Sheet,
    strip_view::StripPanel,
    ui::Ui,
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
        <Sheet ui/>
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
        <div class="divider" role="separator" aria-orientation="vertical" aria-label=name aria-valuemin="15" aria-valuemax="70"
            aria-valuenow=text(now) tabindex="0" on:keydown=key on:pointerdown=hold on:pointermove=drag></div>
    }
}

/// What to do where there is no WebGPU.
#[component]
fn NoWebGpu(
    /// What is shown and what can be done.
    ui: Ui,
) -> impl IntoView {
    let engine = Memo::new(move |_| ui.desk.read().engine == Engine::NoWebGpu);
    part(move || {
        engine.get().then(|| {
            let advice = ui.browser.with_value(Browser::advice);
            let copy = click(move || ui.doings.copy.run(report(ui)));
            view! {
                <section class="failure" id="no-webgpu" aria-label="No WebGPU">
                    <p><strong>"This browser can't run the model here: it has no WebGPU. "</strong>{advice}" "{words::STILL_RECORDED}</p>
                    <button type="button" on:click=copy>"Copy report"</button>
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
    let engine = Memo::new(move |_| ui.desk.read().engine.clone());
    let opened = Memo::new(move |_| ui.desk.read().opened.is_some());
    let restart = move || {
        let is_dead = matches!(engine.get(), Engine::Said(EngineState::Dead { .. }));
        is_dead.then(|| {
            let restart = click(move || ui.doings.restart.run(()));
            view! { <button type="button" on:click=restart>"Restart the engine"</button> }
        })
    };
    let theme = text(move || match ui.options.read().theme {
        Theme::System => "Theme: system",
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
            <p role="status" class="engine">{text(move || engine_words(&engine.get(), opened.get()))}</p>
            {part(restart)}
            <button type="button" id="theme" on:click=next_theme>{theme}</button>
            <button type="button" id="help" aria-label="Keys and words" on:click=click(move || ui.sheet.set(true))>"?"</button>
        </header>
    }
}

/// The state of the engine in words.
fn engine_words(engine: &Engine, opened: bool) -> String {
    match engine {
        Engine::Starting => "The engine is starting.".into(),
        Engine::NoWebGpu => "No WebGPU here: recorded runs only.".into(),
        Engine::Said(EngineState::Ready) if opened => "Live: the demo model is ready.".into(),
        Engine::Said(EngineState::Ready) => {
            "The engine is ready; the demo model is loading.".into()
        }
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
    let failure = Memo::new(move |_| ui.desk.read().failure.clone());
    let copy = move |it: &Failure| {
        let text = format!("{}\n{}\n{}", it.what, it.remedy, it.detail);
        click(move || ui.doings.copy.run(text.clone()))
    };
    part(move || {
        failure.get().map(|it| {
            let copy = copy(&it);
            let close = click(move || ui.desk.update(|it| it.failure = None));
            let detail = (!it.detail.is_empty()).then(|| {
                view! { <details><summary>"Detail, for a report"</summary><pre>{it.detail}</pre></details> }
            });
            view! {
                <section class="failure" role="alert" aria-label="What went wrong">
                    <p><strong>{it.what}</strong>" "{it.remedy}</p>
                    {detail}
                    <button type="button" on:click=copy>"Copy"</button>
                    <button type="button" on:click=close>"Dismiss"</button>
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
    let source = move || match ui.shown.get().map(|it| it.source) {
        None => "No run yet.".to_string(),
        Some(Source::Recorded) => words::RECORDED.into(),
        Some(Source::Live {
            precision,
            adapter,
            millis,
        }) => {
            format!("Live: demo model, {precision} precision, {adapter}, {millis:.0} ms.")
        }
    };
    let counts = move || {
        let shown = ui.shown.get()?;
        let n = shown.record.firings.iter().filter(|it| it.pos > 0).count();
        let list = ui.list.get();
        let hidden = match list.n_hidden_common {
            0 => String::new(),
            it => format!(", {it} hidden as common here"),
        };
        Some(format!(
            "{} over all tokens and layers{hidden}.",
            words::count(n, "activation")
        ))
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
            <span id="check" class:alarm=flag(differs)>{text(check)}</span>
            <button type="button" on:click=report>"Copy report"</button>
        </footer>
    }
}

/// What a report holds: the machine, the model, what went wrong.
fn report(ui: Ui) -> String {
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
    lines.push(format!(
        "engine: {}",
        engine_words(&desk.engine, desk.opened.is_some())
    ));
    if let Some((_, plan)) = &desk.opened {
        lines.push(format!(
            "model: demo, {}, {} bytes on the GPU",
            plan.precision, plan.total_bytes
        ));
    }
    lines.push(format!("check: {:?}", desk.check));
    if let Some(it) = &desk.failure {
        lines.push(format!("failed: {} {}", it.what, it.detail));
    }
    lines.join("\n")
}
