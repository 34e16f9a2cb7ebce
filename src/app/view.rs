//! The page: a prompt, what is awaited, and the panels. Leaves what is shown to the screen, and the engine to whoever made the page.

use super::{
    ids::{parse_ids, write_ids},
    panels::{AboutPanel, ContinuationPanel, FailurePanel, NextPanel, NormsPanel},
    screen::{Engine, Request, Screen, Wait},
    speeds::SpeedsPanel,
};
use crate::{session::protocol::EngineState, spec::Precision};
use leptos::prelude::*;

/// What the visitor can do; whoever made the page does it.
#[derive(Clone, Copy)]
pub struct Doings {
    /// Run a prompt.
    pub run: Callback<Request>,
    /// Say that the prompt can't be read, and why.
    pub refuse: Callback<String>,
    /// Measure the GPU.
    pub measure: Callback<()>,
    /// Stop what is running.
    pub stop: Callback<()>,
    /// Start the engine again.
    pub restart: Callback<()>,
}

/// The whole page.
#[component]
pub fn Page(
    /// What is shown.
    screen: RwSignal<Screen>,
    /// What can be done.
    doings: Doings,
) -> impl IntoView {
    let engine = Memo::new(move |_| screen.read().engine.clone());
    let wait = Memo::new(move |_| {
        (
            screen.read().wait.clone(),
            screen.read().running().is_some(),
        )
    });
    let stopped = Memo::new(move |_| screen.read().stopped);
    view! {
        <header>
            <h1>"Gemscope"</h1>
            <p>"A Gemma 2 in miniature, with made-up weights, running on your own GPU. Nothing you type leaves this page."</p>
            <EngineLine engine doings/>
        </header>
        <main>
            <PromptForm screen doings/>
            <WaitLine wait/>
            <Show when=move || stopped.get()><p role="status">"Stopped."</p></Show>
            <FailurePanel screen/>
            <NextPanel screen/>
            <ContinuationPanel screen/>
            <NormsPanel screen/>
            <AboutPanel screen/>
            <SpeedsPanel screen doings/>
        </main>
    }
}

/// How the engine is, and the button that starts a dead one again.
#[component]
fn EngineLine(
    /// Its state.
    engine: Memo<Engine>,
    /// What can be done.
    doings: Doings,
) -> impl IntoView {
    let is_dead = move || matches!(engine.get(), Engine::Said(EngineState::Dead { .. }));
    view! {
        <p role="status" class="engine">{move || engine_words(&engine.get())}</p>
        <Show when=is_dead>
            <button type="button" on:click=move |_| doings.restart.run(())>"Restart the engine"</button>
        </Show>
    }
}

/// The state of the engine in words.
fn engine_words(engine: &Engine) -> String {
    match engine {
        Engine::Starting => "The engine is starting.".into(),
        Engine::NoWebGpu => "There is no WebGPU in this browser.".into(),
        Engine::Said(EngineState::Ready) => "The engine is ready.".into(),
        Engine::Said(EngineState::DeviceLost { reason }) => {
            format!("The GPU was lost ({reason}); a new one is being taken.")
        }
        Engine::Said(EngineState::Recovered) => {
            "The GPU was lost and is back, with the model loaded again.".into()
        }
        Engine::Said(EngineState::Restarting { reason }) => {
            format!("The engine died ({reason}) and is being started again.")
        }
        Engine::Said(EngineState::Dead { reason }) => format!("The engine died: {reason}."),
    }
}

/// The prompt as token ids, the precision, Run and Stop.
#[component]
fn PromptForm(
    /// What is shown.
    screen: RwSignal<Screen>,
    /// What can be done.
    doings: Doings,
) -> impl IntoView {
    let ids = RwSignal::new(write_ids(&Request::default().ids));
    let precision = RwSignal::new(Precision::Reference.to_string());
    let running = Memo::new(move |_| screen.read().running().is_some());
    let usable = Memo::new(move |_| screen.read().engine != Engine::NoWebGpu);
    let submit = move |it: leptos::ev::SubmitEvent| {
        it.prevent_default();
        match parse_ids(&ids.get_untracked()) {
            Err(it) => doings.refuse.run(it),
            Ok(ids) => doings.run.run(Request {
                ids,
                precision: precision.get_untracked().parse().unwrap_or_default(),
            }),
        }
    };
    view! {
        <form on:submit=submit>
            <label for="ids">"Prompt, as token ids (2 is BOS; this model knows 512 tokens and no words)"</label>
            <input id="ids" type="text" inputmode="numeric" autocomplete="off" spellcheck="false"
                prop:value=move || ids.get() on:input=move |it| ids.set(event_target_value(&it))/>
            <label for="precision">"Precision of the weights"</label>
            <select id="precision" on:change=move |it| precision.set(event_target_value(&it))>
                <option value="reference">"reference: bf16, bit for bit"</option>
                <option value="compact">"compact: 8 bit"</option>
            </select>
            <div class="buttons">
                <button id="run" type="submit" disabled=move || running.get() || !usable.get()>"Run"</button>
                <button id="stop" type="button" disabled=move || !running.get()
                    on:click=move |_| doings.stop.run(())>"Stop"</button>
            </div>
        </form>
    }
}

/// What is awaited, how far it is, of what.
#[component]
fn WaitLine(
    /// What is awaited, and whether anything is.
    wait: Memo<(Option<Wait>, bool)>,
) -> impl IntoView {
    let words = move || match wait.get() {
        (_, false) => String::new(),
        (None, true) => "Waiting for the engine.".into(),
        (Some(it), true) => match it.total {
            Some(total) => format!("{}: {} of {total} {}", it.phase, it.done, it.unit),
            None => format!("{}: {} {}", it.phase, it.done, it.unit),
        },
    };
    let share = move || {
        let total = wait
            .get()
            .0
            .and_then(|it| Some((it.done, it.total.filter(|it| *it > 0)?)));
        total.map(|(done, total)| (done as f64 / total as f64).to_string())
    };
    view! {
        <div class="wait" role="status" aria-live="polite">
            <span>{words}</span>
            <Show when=move || wait.get().1>
                <progress max="1" value=share aria-label="Progress"></progress>
            </Show>
        </div>
    }
}
