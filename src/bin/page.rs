//! The page's program in the browser: joins the views to an engine in its worker. Natively it does nothing.

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
        app::{Doings, Engine, Link, Page, Request, Screen, State, has_webgpu},
        session::protocol::{CommandBody, Event},
    };
    use leptos::prelude::*;

    const NO_WEBGPU: &str = "This browser has no WebGPU, so nothing can be computed here.";
    const NO_WEBGPU_REMEDY: &str = "Use Chrome or Edge 113, Firefox 141 or Safari 26, or newer, with graphics acceleration on; \
                                    the page must come over https or from this computer.";

    /// Shows the page and starts on the first prompt.
    pub fn start() {
        console_error_panic_hook::set_once();
        let screen = RwSignal::new(Screen::default());
        let link =
            has_webgpu().then(|| Link::start(move |event, numbers| fold(screen, event, &numbers)));
        match &link {
            Some(link) => {
                LINK.set(Some(link.clone()));
                run(screen, Request::default());
            }
            None => screen.update(|it| {
                it.engine = Engine::NoWebGpu;
                it.refuse(NO_WEBGPU.into(), NO_WEBGPU_REMEDY);
            }),
        }
        if let Some(it) = document().get_element_by_id("loading") {
            it.remove();
        }
        let doings = doings(screen);
        leptos::mount::mount_to_body(move || {
            Effect::new(move |_| mark(screen.read().state));
            view! { <Page screen doings/> }
        });
    }

    thread_local! {
        /// The one engine of the page; signals and callbacks want values that may cross threads, and a worker may not.
        static LINK: std::cell::Cell<Option<Link>> = const { std::cell::Cell::new(None) };
    }

    fn doings(screen: RwSignal<Screen>) -> Doings {
        const WRITE_IDS: &str = "Write whole numbers, separated by commas or spaces.";
        Doings {
            run: Callback::new(move |it| run(screen, it)),
            refuse: Callback::new(move |it| screen.update(|screen| screen.refuse(it, WRITE_IDS))),
            measure: Callback::new(move |()| ask(screen, |it| Some(it.measure()))),
            stop: Callback::new(move |()| {
                if let (Some(id), Some(link)) = (screen.read_untracked().running(), link()) {
                    link.post(CommandBody::Cancel { id });
                }
            }),
            restart: Callback::new(move |()| {
                if let Some(link) = link() {
                    screen.update(|it| it.engine = Engine::Starting);
                    link.restart();
                    let request = screen.read_untracked().request.clone();
                    run(screen, request);
                }
            }),
        }
    }

    fn run(screen: RwSignal<Screen>, request: Request) {
        ask(screen, |it| Some(it.start(request)));
    }

    fn fold(screen: RwSignal<Screen>, event: Event, numbers: &[f32]) {
        ask(screen, |it| it.fold(event, numbers));
    }

    /// Changes the screen, and posts what it asks for next.
    fn ask(screen: RwSignal<Screen>, change: impl FnOnce(&mut Screen) -> Option<CommandBody>) {
        let mut next = None;
        screen.update(|it| {
            next = change(it);
            if let (Some(body), Some(link)) = (next.take(), link()) {
                it.posted(link.post(body));
            }
        });
    }

    fn link() -> Option<Link> {
        let link = LINK.take();
        LINK.set(link.clone());
        link
    }

    /// How far the page is, for tests and style sheets.
    fn mark(state: State) {
        let state = match state {
            State::Loading => "loading",
            State::Done => "done",
            State::Failed => "failed",
            State::Restarting => "restarting",
        };
        if let Some(it) = document().document_element() {
            let _ = it.set_attribute("data-state", state);
        }
    }
}
