//! The session bar: the prompt, its tokens, run and stop, examples, history. Leaves running to the desk.

use super::{
    desk::Prompt,
    erased::{click, flag, memo, part, text},
    recorded::Hint,
    ui::Ui,
    words,
};
use leptos::{ev, html, prelude::*};

/// The session bar.
#[component]
pub(super) fn SessionBar(
    /// What is shown and what can be done.
    ui: Ui,
) -> impl IntoView {
    let running = memo(move || ui.desk.read().is_running());
    let submit = move |it: ev::SubmitEvent| {
        it.prevent_default();
        ui.run_draft();
    };
    let typed = move |it: ev::Event| {
        let text = event_target_value(&it);
        ui.draft.set(text.clone());
        ui.awaited_ids.set_value(None);
        ui.typed.set_value(true);
        ui.ask(|desk| desk.draft(&text));
    };
    let stale = move || {
        let shown = ui.shown.get().map(|it| it.prompt.text);
        shown.is_some_and(|it| it != ui.draft.get())
    };
    view! {
        <form class="session" aria-label="Prompt and run" on:submit=submit>
            <label for="prompt">{words::PROMPT}</label>
            <textarea id="prompt" rows="1" dir="auto" spellcheck="false" autocomplete="off"
                prop:value=move || ui.draft.get() on:input=typed></textarea>
            <span id="n-tokens" class="faint">{text(move || draft_words(ui))}</span>
            <button id="run" type="submit" class="main" class:stale=flag(stale) disabled=flag(move || running.get())
                title="Ctrl Enter or ⌘ Enter">{words::RUN}</button>
            <button id="stop" type="button" disabled=flag(move || !running.get()) on:click=click(move || ui.stop())>{words::STOP}</button>
            <Examples ui/>
            <History ui/>
            <p id="wait" class="wait" role="status" aria-live="polite">{text(move || wait_words(ui))}</p>
        </form>
    }
}

/// How many tokens the draft has, when that is known.
fn draft_words(ui: Ui) -> String {
    let shown = ui.shown.get();
    let same = shown.filter(|it| it.prompt.text == ui.draft.get());
    let n = same.map(|it| it.record.n_pos());
    let n = n.or_else(|| ui.desk.read().n_draft.map(|it| it.1));
    n.map_or_else(String::new, |it| words::count(it, "token"))
}

fn wait_words(ui: Ui) -> String {
    let desk = ui.desk.read();
    match &desk.wait {
        Some(it) => match it.total {
            Some(total) => format!("{}: {} of {total} {}", it.phase, it.done, it.unit),
            None => format!("{}: {} {}", it.phase, it.done, it.unit),
        },
        None if desk.is_running() => "Running …".into(),
        None if desk.stopped => "Stopped. What was on the page is still there.".into(),
        None => String::new(),
    }
}

/// Prompts that show something, each with what to look for.
#[component]
fn Examples(
    /// What is shown and what can be done.
    ui: Ui,
) -> impl IntoView {
    let menu = NodeRef::<html::Details>::new();
    let choose = move |prompt: String| {
        move |_| {
            close(menu);
            ui.draft.set(prompt.clone());
            let recorded = ui.recording.with_value(|it| it.run(&prompt).cloned());
            let is_live = ui.desk.read_untracked().opened.is_some();
            match recorded {
                Some(record) if !is_live => ui.desk.update(|desk| desk.show_recorded(record)),
                _ => ui.run(Prompt {
                    text: prompt.clone(),
                    ids: None,
                }),
            }
        }
    };
    let item = move |it: Hint| {
        let run = choose(it.prompt.clone());
        view! {
            <li><button type="button" on:click=run>
                <strong>{it.title}</strong>
                <span class="tokens">{it.prompt}</span>
                <span class="faint">{it.look}</span>
                <span class="faint">{it.why}</span>
            </button></li>
        }
    };
    let hints = ui.recording.with_value(|it| it.examples.clone());
    view! {
        <details class="menu" id="examples" node_ref=menu>
            <summary>{words::EXAMPLES}</summary>
            <ul>{hints.into_iter().map(item).collect_view()}</ul>
        </details>
    }
}

/// What was chosen is looked at next, and the menu lies over it.
fn close(menu: NodeRef<html::Details>) {
    if let Some(it) = menu.get_untracked() {
        it.set_open(false);
    }
}

/// Prompts that were run in this browser.
#[component]
fn History(
    /// What is shown and what can be done.
    ui: Ui,
) -> impl IntoView {
    let menu = NodeRef::<html::Details>::new();
    let history = memo(move || ui.desk.read().history.clone());
    let none = move || match history.read().is_empty() {
        true => "Prompts that you run appear here. They stay on this device.",
        false => "",
    };
    let item = move |text: String| {
        let name = text.clone();
        let choose = move |_| {
            close(menu);
            ui.draft.set(text.clone());
            ui.run(Prompt {
                text: text.clone(),
                ids: None,
            });
        };
        view! { <li><button type="button" dir="auto" on:click=choose>{name}</button></li> }
    };
    view! {
        <details class="menu" id="history" node_ref=menu>
            <summary>{words::HISTORY}</summary>
            <ul>{part(move || history.get().into_iter().map(item).collect_view())}</ul>
            <p class="faint">{text(none)}</p>
        </details>
    }
}
