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
            Browser, Came, Choice, Desk, Doings, Group, Hear, Held, Keeping, Later, Link, Metric,
            Options, Page, Parts, Recording, Site, SiteDeed, Sort, Theme, Ui, Widths, act, base,
            follow_address, fragment, has_webgpu, requests, save_file, take_drops,
        },
        session::protocol::{CommandBody, Event},
    };
    use leptos::wasm_bindgen::{self, JsCast, JsValue, closure::Closure, prelude::wasm_bindgen};
    use leptos::{
        ev, leptos_dom::helpers::window_event_listener, prelude::*, task::spawn_local, web_sys,
    };
    use std::rc::Rc;

    /// Names under which settings are kept.
    const SETTINGS: &str = "gemscope.settings";
    const HISTORY: &str = "gemscope.history";
    const MODEL: &str = "gemscope.model";

    thread_local! {
        /// Whether the visitor has had everything removed: nothing is kept again before the next visit.
        static CLEARED: std::cell::Cell<bool> = const { std::cell::Cell::new(false) };
        /// What had the focus before something was laid over the page.
        static MINDED: std::cell::RefCell<Option<web_sys::Element>> = const { std::cell::RefCell::new(None) };
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
        desk.linking.opened = fragment();
        desk.library.choice = Choice::of_text(&kept(MODEL).unwrap_or_default());
        desk.no_webgpu = !has_webgpu();
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
        LINK.set(Some(Link::start()));
        ui.ask(Desk::start);
        fetch_later(ui);
        Effect::new(move |_| mark(ui));
        Effect::new(move |_| {
            keep(
                SETTINGS,
                &settings_text(&ui.options.read()),
                &settings_text(&Options::default()),
            );
        });
        Effect::new(move |_| ui.fill_draft());
        Effect::new(move |_| {
            let shown = ui.shown.get();
            let size = shown.map(|it| (it.record.n_layers, it.record.n_pos()));
            if let Some((n_layers, n_pos)) = size {
                ui.selection.update(|it| it.fit(n_layers, n_pos));
            }
            // What the map is to show of each run is asked for each run.
            let metric = ui.options.with_untracked(|it| it.metric);
            ui.ask(|desk| desk.need(metric));
        });
        keep_model(ui);
        ui.look_at_chosen();
        follow_address(ui);
        follow_site(ui);
        take_drops(ui);
    }

    /// The model that is being fetched, otherwise the one that is open, is what the next visit goes on with.
    fn keep_model(ui: Ui) {
        let next = Memo::new(move |_| ui.desk.read().next_choice());
        Effect::new(move |_| {
            if let Some(it) = next.get() {
                keep(MODEL, &it, &Choice::default().text());
            }
        });
    }

    #[wasm_bindgen]
    extern "C" {
        /// `window.gemscopeSite` of `www/start.js`.
        type SiteHandle;
        #[wasm_bindgen(thread_local_v2, js_namespace = window, js_name = gemscopeSite)]
        static SITE: Option<SiteHandle>;
        #[wasm_bindgen(method)]
        fn state(this: &SiteHandle) -> String;
        #[wasm_bindgen(method)]
        fn onchange(this: &SiteHandle, call: &Closure<dyn FnMut(String)>);
        #[wasm_bindgen(method)]
        fn reload(this: &SiteHandle);
        #[wasm_bindgen(method, js_name = setEnabled)]
        fn set_enabled(this: &SiteHandle, on: bool);
        #[wasm_bindgen(method)]
        fn clear(this: &SiteHandle);
        #[wasm_bindgen(method, getter)]
        fn requests(this: &SiteHandle) -> JsValue;
    }

    /// Whether the site is kept, as it changes; whom it may ask.
    fn follow_site(ui: Ui) {
        let heard = Closure::new(move |name: String| {
            ui.site.update(|it| it.keeping = Keeping::of(&name));
        });
        SITE.with(|site| {
            let Some(site) = site else {
                return;
            };
            site.onchange(&heard);
            ui.site.set(Site {
                keeping: Keeping::of(&site.state()),
                requests: requests(site.requests()),
            });
        });
        // Called for as long as the page is there.
        heard.forget();
    }

    fn do_to_site(deed: SiteDeed) {
        SITE.with(|site| match (site, deed) {
            (None, _) => (),
            (Some(it), SiteDeed::Reload) => it.reload(),
            (Some(it), SiteDeed::Keep(on)) => it.set_enabled(on),
            (Some(it), SiteDeed::Clear) => {
                CLEARED.set(true);
                it.clear();
            }
        });
    }

    /// What hears the engine.
    struct Ear {
        ui: Ui,
        later: &'static dyn Later,
    }

    impl Hear for Ear {
        fn read(&self, bytes: &[u8]) -> Option<Event> {
            self.later.read(bytes)
        }

        fn take(&self, event: Event, parts: &Parts) {
            self.later.fold(self.ui, event, parts);
        }
    }

    /// The rest of the program: once it is there, the engine is heard.
    fn fetch_later(ui: Ui) {
        spawn_local(ui.fetch_later());
        Effect::new(move |_| match ui.later.get() {
            Came::Coming => (),
            Came::Here(later) => {
                ui.desk.update(Desk::later_came);
                LINK.with_borrow(|it| {
                    if let Some(it) = it {
                        it.hear(Rc::new(Ear { ui, later }));
                    }
                });
            }
            Came::Failed => ui.desk.update(Desk::fail_later),
        });
    }

    fn doings() -> Doings {
        Doings {
            post: Callback::new(|body: CommandBody| {
                LINK.with_borrow(|it| it.as_ref().map_or(0, |it| it.post(body)))
            }),
            restart: Callback::new(|()| {
                LINK.with_borrow(|it| {
                    if let Some(it) = it {
                        it.restart();
                    }
                })
            }),
            now: Callback::new(|()| now()),
            keep: Callback::new(|(_, text): (&'static str, String)| keep(HISTORY, &text, "")),
            focus: Callback::new(|id: &'static str| {
                request_animation_frame(move || focus(document().get_element_by_id(id)));
            }),
            mind_focus: Callback::new(|minds: bool| match minds {
                true => MINDED.with_borrow_mut(|it| {
                    if it.is_none() {
                        *it = document().active_element();
                    }
                }),
                false => focus(MINDED.take()),
            }),
            save: Callback::new(save_file),
            site: Callback::new(do_to_site),
            copy: Callback::new(|text: String| {
                // Whether a browser lets a page write there is the visitor's to decide.
                let _ = window().navigator().clipboard().write_text(&text);
            }),
        }
    }

    fn focus(it: Option<web_sys::Element>) {
        if let Some(it) = it.and_then(|it| it.dyn_into::<web_sys::HtmlElement>().ok()) {
            // It fails only for what is not in the document.
            let _ = it.focus();
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
                no_letters: ui.options.read_untracked().no_letters,
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

    /// How far the page is, for tests and style sheets; the tab's title tells how far a download is.
    fn mark(ui: Ui) {
        let desk = ui.desk.read();
        let fetching = desk.library.fetching.as_ref();
        let title = fetching.map_or("Gemscope".into(), |it| {
            format!("{} % · Gemscope", it.percent())
        });
        if document().title() != title {
            document().set_title(&title);
        }
        let is_live = desk.shown.as_ref().is_some_and(|it| it.key.is_some());
        let state = match (&desk.failure, desk.is_running()) {
            (_, true) => "running",
            (Some(_), _) => "failed",
            _ if desk.no_webgpu => "recorded",
            _ if is_live => "live",
            _ => "loading",
        };
        let embed = ui.embed.get();
        let flags = embed.as_ref().map_or_else(String::new, |it| {
            let flag = |is_set: bool, name: &'static str| if is_set { name } else { "" };
            let flags = [
                "embed",
                flag(it.no_plots, "no-plots"),
                flag(it.no_examples, "no-examples"),
                flag(it.no_head, "no-head"),
            ];
            flags.join(" ")
        });
        let theme = embed.and_then(|it| it.theme);
        let theme = theme
            .map_or(ui.options.read().theme, |it| Theme::of(&it))
            .name();
        let page = document().document_element();
        for (name, value) in [
            ("data-state", state),
            ("data-theme", theme),
            ("data-embed", flags.as_str()),
        ] {
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
            no_letters: of("letters") == "off",
            widths: Widths::of(&of("widths")),
            ..Options::default()
        }
    }

    fn settings_text(it: &Options) -> String {
        format!(
            "metric={} sort={} group={} theme={} values={} log={} common={} letters={} widths={}",
            it.metric.name(),
            it.sort.name(),
            it.group.name(),
            it.theme.name(),
            it.values,
            it.log,
            it.show_common,
            if it.no_letters { "off" } else { "on" },
            it.widths.text()
        )
    }

    /// The browser's storage of small texts; a browser that has none, or refuses, forgets.
    fn storage() -> Option<web_sys::Storage> {
        let storage: Result<Option<web_sys::Storage>, JsValue> = window().local_storage();
        storage.ok().flatten()
    }

    fn kept(name: &str) -> Option<String> {
        storage()?.get_item(name).ok().flatten()
    }

    /// Notes it for the next visit, unless it is so anyhow: Chromium brings notes to the disk once a minute, and those that count would wait.
    fn keep(name: &str, text: &str, usual: &str) {
        if let Some(it) =
            storage().filter(|_| !CLEARED.get() && (text != usual || kept(name).is_some()))
        {
            // Full or refused: the next visit begins anew.
            let _ = it.set_item(name, text);
        }
    }
}
