//! The page's program in the browser: joins the views to an engine in its worker, and to what the browser keeps. Natively it does nothing.

#[cfg(target_arch = "wasm32")]
fn main() {
    web::start();
}

#[cfg(not(target_arch = "wasm32"))]
fn main() {
    eprintln!("This program runs in a browser; natively, use gemscope.");
}

#[cfg(target_arch = "wasm32")]
mod web {
    use gemscope::{
        app::{
            Browser, Desk, Doings, Engine, Group, Held, Link, Metric, Options, Page, Parts,
            Recording, Sort, Theme, Ui, Widths, act, base, has_webgpu,
        },
        session::protocol::{CommandBody, Event},
    };
    use leptos::wasm_bindgen::{JsCast, JsValue};
    use leptos::{ev, leptos_dom::helpers::window_event_listener, prelude::*, web_sys};

    /// Names under which settings are kept.
    const SETTINGS: &str = "gemscope.settings";
    const HISTORY: &str = "gemscope.history";

    thread_local! {
        /// The one engine of the page; signals and callbacks want values that may cross threads, and a worker may not.
        static LINK: std::cell::RefCell<Option<Link>> = const { std::cell::RefCell::new(None) };
    }

    /// Shows what was recorded, and starts the engine.
    pub fn start() {
        console_error_panic_hook::set_once();
        let text = document()
            .get_element_by_id("recorded")
            .and_then(|it| it.text_content());
        let recording = Recording::read(&text.unwrap_or_default());
        let mut desk = Desk::new(base().unwrap_or_default(), recording.opening());
        desk.history = kept(HISTORY).map_or_else(Vec::new, |it| {
            it.split("\n\u{1e}")
                .filter(|it| !it.is_empty())
                .map(String::from)
                .collect()
        });
        if !has_webgpu() {
            desk.engine = Engine::NoWebGpu;
        }
        if let Some(it) = document().get_element_by_id("first") {
            it.remove();
        }
        leptos::mount::mount_to_body(move || {
            let ui = Ui::new(desk, recording, settings(), browser(), doings());
            listen(ui);
            begin(ui);
            view! { <Page ui/> }
        });
    }

    fn begin(ui: Ui) {
        if has_webgpu() {
            let link = Link::start(move |event, parts| fold(ui, event, &parts));
            LINK.set(Some(link));
            ui.ask(Desk::start);
        }
        Effect::new(move |_| mark(ui));
        Effect::new(move |_| keep_settings(&ui.options.read()));
    }

    fn fold(ui: Ui, event: Event, parts: &Parts) {
        let now = now();
        ui.ask(|desk| desk.fold(event, parts, now));
    }

    fn doings() -> Doings {
        Doings {
            post: Callback::new(|body: CommandBody| {
                LINK.with_borrow(|it| it.as_ref().map(|it| it.post(body)))
            }),
            restart: Callback::new(|()| {
                LINK.with_borrow(|it| {
                    if let Some(it) = it {
                        it.restart();
                    }
                })
            }),
            now: Callback::new(|()| now()),
            keep: Callback::new(|(_, text): (&'static str, String)| keep(HISTORY, &text)),
            focus: Callback::new(|id: &'static str| {
                let found = document().get_element_by_id(id);
                if let Some(it) = found.and_then(|it| it.dyn_into::<web_sys::HtmlElement>().ok()) {
                    // It fails only for what is not in the document.
                    let _ = it.focus();
                }
            }),
            copy: Callback::new(|text: String| {
                // Whether a browser lets a page write there is the visitor's to decide.
                let _ = window().navigator().clipboard().write_text(&text);
            }),
        }
    }

    fn browser() -> Browser {
        let agent = window().navigator().user_agent();
        Browser {
            agent: agent.unwrap_or_default(),
            is_secure: window().is_secure_context(),
        }
    }

    fn now() -> f64 {
        window().performance().map_or(0.0, |it| it.now())
    }

    /// Keys, and whether the system is dark.
    fn listen(ui: Ui) {
        let dark = window()
            .match_media("(prefers-color-scheme: dark)")
            .ok()
            .flatten();
        ui.system_dark.set(dark.is_some_and(|it| it.matches()));
        let down = window_event_listener(ev::keydown, move |it| {
            if it.key() == "Shift" {
                ui.selection.update(|it| it.frozen = true);
            }
            let held = Held {
                ctrl: it.ctrl_key() || it.meta_key(),
                shift: it.shift_key(),
                alt: it.alt_key(),
                typing: types(&it),
            };
            if let Some(done) = act(&it.key(), held) {
                it.prevent_default();
                ui.act(done);
            }
        });
        let up = window_event_listener(ev::keyup, move |it| {
            if it.key() == "Shift" {
                ui.selection.update(|it| it.frozen = false);
            }
        });
        on_cleanup(move || {
            down.remove();
            up.remove();
        });
    }

    /// Whether a key goes into a text.
    fn types(it: &ev::KeyboardEvent) -> bool {
        let target = it
            .target()
            .and_then(|it| it.dyn_into::<web_sys::Element>().ok());
        target.is_some_and(|it| {
            let checks = it.get_attribute("type").as_deref() == Some("checkbox");
            matches!(it.tag_name().as_str(), "INPUT" | "TEXTAREA" | "SELECT") && !checks
        })
    }

    /// How far the page is, for tests and style sheets.
    fn mark(ui: Ui) {
        let desk = ui.desk.read();
        let is_live = desk.shown.as_ref().is_some_and(|it| it.key.is_some());
        let state = match (&desk.failure, desk.is_running()) {
            (_, true) => "running",
            (Some(_), _) => "failed",
            _ if desk.engine == Engine::NoWebGpu => "recorded",
            _ if is_live => "live",
            _ => "loading",
        };
        let theme = ui.options.read().theme.name();
        let page = document().document_element();
        for (name, value) in [("data-state", state), ("data-theme", theme)] {
            if let Some(it) = &page {
                // Names without spaces are always taken.
                let _ = it.set_attribute(name, value);
            }
        }
    }

    /// Settings of the last visit.
    fn settings() -> Options {
        let text = kept(SETTINGS).unwrap_or_default();
        let of = |name: &str| {
            let found = text
                .split(' ')
                .find_map(|it| it.strip_prefix(name)?.strip_prefix('='));
            found.unwrap_or_default().to_string()
        };
        Options {
            metric: Metric::of(&of("metric")),
            sort: Sort::of(&of("sort")),
            group: Group::of(&of("group")),
            theme: Theme::of(&of("theme")),
            values: of("values") == "true",
            log: of("log") == "true",
            show_common: of("common") == "true",
            widths: Widths::of(&of("widths")),
            ..Options::default()
        }
    }

    fn keep_settings(it: &Options) {
        let text = format!(
            "metric={} sort={} group={} theme={} values={} log={} common={} widths={}",
            it.metric.name(),
            it.sort.name(),
            it.group.name(),
            it.theme.name(),
            it.values,
            it.log,
            it.show_common,
            it.widths.text()
        );
        keep(SETTINGS, &text);
    }

    /// The browser's storage of small texts; a browser that has none, or refuses, forgets.
    fn storage() -> Option<web_sys::Storage> {
        let storage: Result<Option<web_sys::Storage>, JsValue> = window().local_storage();
        storage.ok().flatten()
    }

    fn kept(name: &str) -> Option<String> {
        storage()?.get_item(name).ok().flatten()
    }

    fn keep(name: &str, text: &str) {
        if let Some(it) = storage() {
            // Full or refused: the next visit begins anew.
            let _ = it.set_item(name, text);
        }
    }
}
