//! The engine's worker as the browser has it: does what the supervisor says. Leaves deciding to it, and what events mean to the screen.

use super::{
    parts::Parts,
    supervisor::{Action, Supervisor},
};
use crate::session::protocol::{Command, CommandBody, Event, EventBody, FetchFrom, LabelsFrom};
use crate::session::wire;
use js_sys::{Array, Reflect, Uint8Array};
use std::{cell::RefCell, collections::VecDeque, rc::Rc};
use wasm_bindgen::{JsCast, JsValue, closure::Closure};
use web_sys::{
    Blob, BlobPropertyBag, ErrorEvent, MessageEvent, Url, Worker, WorkerOptions, WorkerType,
};

/// What the worker runs first; part of the page, so that starting it needs no request of its own.
const WORKER: &str = include_str!("../../www/engine-worker.js");

thread_local! {
    /// What goes beside the next command that takes something.
    static HANDED: RefCell<Option<Array>> = const { RefCell::new(None) };
    /// Files of this device that were chosen.
    static PICKED: RefCell<Option<Array>> = const { RefCell::new(None) };
}

/// Hands folders or files over with the next command that takes some.
pub(super) fn hand_over(it: Array) {
    HANDED.set(Some(it));
}

/// Keeps the files that were chosen, for fetches from them: these can be begun again.
pub(super) fn keep_picked(it: Array) {
    PICKED.set(Some(it));
}

/// Why nothing that the engine says can be relied on.
const OTHER_BUILD: &str = "the page and its engine are of different builds; reload the page";

/// What hears the engine.
pub trait Hear {
    /// The event that some bytes are; none where another build wrote them.
    fn read(&self, bytes: &[u8]) -> Option<Event>;
    /// Takes an event in, with the arrays beside it.
    fn take(&self, event: Event, parts: &Parts);
}

/// What was said and not heard yet.
enum Said {
    /// By the worker: an event as `[bytes, ...buffers]`.
    Worker(JsValue),
    /// By ourselves.
    Us(Box<(Event, Parts)>),
}

/// A supervised engine; clones are the same one.
#[derive(Clone)]
pub struct Link(Rc<Inner>);

struct Inner {
    supervisor: RefCell<Supervisor>,
    worker: RefCell<Option<Started>>,
    /// Nothing is heard before there is one who hears; it is kept in its order.
    ear: RefCell<Option<Rc<dyn Hear>>>,
    said: RefCell<VecDeque<Said>>,
}

/// A worker and what listens to it.
struct Started {
    worker: Worker,
    _on_message: Closure<dyn FnMut(MessageEvent)>,
    _on_error: Closure<dyn FnMut(ErrorEvent)>,
}

impl Link {
    /// Starts an engine. What it says is kept until somebody hears.
    pub fn start() -> Self {
        let (supervisor, actions) = Supervisor::new();
        let it = Self(Rc::new(Inner {
            supervisor: RefCell::new(supervisor),
            worker: RefCell::default(),
            ear: RefCell::default(),
            said: RefCell::default(),
        }));
        it.act(actions);
        it
    }

    /// All that is said goes to `ear`, never from inside a call.
    pub fn hear(&self, ear: Rc<dyn Hear>) {
        self.0.ear.replace(Some(ear));
        self.listen();
    }

    /// Posts a command; its id.
    pub fn post(&self, body: CommandBody) -> u32 {
        let (id, actions) = self.0.supervisor.borrow_mut().post(body);
        self.act(actions);
        id
    }

    /// Starts another worker in place of the one there is.
    pub fn restart(&self) {
        let actions = self.0.supervisor.borrow_mut().restart();
        self.act(actions);
    }

    fn act(&self, actions: Vec<Action>) {
        for action in actions {
            match action {
                Action::Start => self.start_worker(),
                Action::End => self.end_worker(),
                Action::Send(it) => self.send(&it),
                Action::Tell(it) => self.tell(it, Parts::default()),
            }
        }
    }

    /// Later, so that whoever called us has finished what it was doing.
    fn tell(&self, event: Event, parts: Parts) {
        self.say(Said::Us(Box::new((event, parts))));
    }

    fn say(&self, it: Said) {
        self.0.said.borrow_mut().push_back(it);
        self.listen();
    }

    fn listen(&self) {
        let link = self.clone();
        wasm_bindgen_futures::spawn_local(async move {
            let Some(ear) = link.0.ear.borrow().clone() else {
                return;
            };
            while let Some(it) = link.next() {
                match it {
                    Said::Worker(it) => link.heard(&*ear, &it),
                    Said::Us(it) => {
                        let (event, parts) = *it;
                        ear.take(event, &parts);
                    }
                }
            }
        });
    }

    fn next(&self) -> Option<Said> {
        self.0.said.borrow_mut().pop_front()
    }

    fn send(&self, command: &Command) {
        let takes = match &command.body {
            CommandBody::Export { .. } | CommandBody::Import { .. } => true,
            CommandBody::LabelsLoad { from, .. } | CommandBody::LabelsMerge { from } => {
                matches!(from, LabelsFrom::Beside { .. })
            }
            _ => false,
        };
        let handed = match &command.body {
            CommandBody::Fetch(it) if matches!(it.from, FetchFrom::Beside { .. }) => {
                PICKED.with_borrow(|it| it.as_ref().map(|it| it.slice(0, it.length())))
            }
            _ if takes => HANDED.take(),
            _ => None,
        };
        if let (Some(it), Some(bytes)) = (&*self.0.worker.borrow(), wire::write(command)) {
            let message = handed.unwrap_or_default();
            message.unshift(&Uint8Array::from(bytes.as_slice()));
            // It fails only for what can't be cloned; texts, files and folders can.
            let _ = it.worker.post_message(&message);
        }
    }

    fn start_worker(&self) {
        self.end_worker();
        match self.worker() {
            Ok(it) => *self.0.worker.borrow_mut() = Some(it),
            Err(it) => self.died(&format!("the worker could not be started: {it:?}")),
        }
    }

    fn end_worker(&self) {
        if let Some(it) = self.0.worker.borrow_mut().take() {
            it.worker.set_onmessage(None);
            it.worker.set_onerror(None);
            it.worker.terminate();
            // We may have been called by one of its listeners, which must not be freed while it runs.
            wasm_bindgen_futures::spawn_local(async move { drop(it) });
        }
    }

    fn worker(&self) -> Result<Started, JsValue> {
        let text = WORKER.replace("__BASE__", &base()?);
        let kind = BlobPropertyBag::new();
        kind.set_type("text/javascript");
        let blob = Blob::new_with_str_sequence_and_options(&Array::of1(&text.into()), &kind)?;
        let address = Url::create_object_url_with_blob(&blob)?;
        let options = WorkerOptions::new();
        options.set_type(WorkerType::Module);
        options.set_name(&format!("{}&wire=bytes", engine_name()));
        let worker = Worker::new_with_options(&address, &options)?;
        let link = self.clone();
        let on_message = Closure::<dyn FnMut(MessageEvent)>::new(move |it: MessageEvent| {
            link.message(it.data())
        });
        let link = self.clone();
        let on_error = Closure::<dyn FnMut(ErrorEvent)>::new(move |it: ErrorEvent| {
            link.died(&reason(&it));
        });
        worker.set_onmessage(Some(on_message.as_ref().unchecked_ref()));
        worker.set_onerror(Some(on_error.as_ref().unchecked_ref()));
        Ok(Started {
            worker,
            _on_message: on_message,
            _on_error: on_error,
        })
    }

    /// "ready", or an event.
    fn message(&self, data: JsValue) {
        match data.as_string().as_deref() {
            Some("ready") => {
                let actions = self.0.supervisor.borrow_mut().ready();
                self.act(actions);
            }
            _ => self.say(Said::Worker(data)),
        }
    }

    fn heard(&self, ear: &dyn Hear, data: &JsValue) {
        let Some(data) = data.dyn_ref::<Array>() else {
            return self.died(OTHER_BUILD);
        };
        let Some(event) = ear.read(&Uint8Array::new(&data.get(0)).to_vec()) else {
            return self.died(OTHER_BUILD);
        };
        if let EventBody::Partial(_) = event.body {
            return self.piece(event, data);
        }
        let actions = self.0.supervisor.borrow_mut().event(event);
        self.act(actions);
    }

    /// A piece of an answer: told with its arrays, then acknowledged.
    fn piece(&self, event: Event, data: &Array) {
        let id = event.id;
        let buffers = data.iter().skip(1);
        let parts = Parts(buffers.map(|it| Uint8Array::new(&it).to_vec()).collect());
        let actions = self.0.supervisor.borrow_mut().event(event);
        for action in actions {
            if let Action::Tell(it) = action {
                self.tell(it, parts.clone());
            }
        }
        let body = CommandBody::Ack { id, n: 1 };
        self.send(&Command { id: 0, body });
    }

    fn died(&self, reason: &str) {
        let actions = self.0.supervisor.borrow_mut().died(reason);
        self.act(actions);
    }
}

/// Whether this browser has WebGPU at all.
pub fn has_webgpu() -> bool {
    let window = web_sys::window().map(JsValue::from);
    let navigator = window.and_then(|it| Reflect::get(&it, &"navigator".into()).ok());
    let gpu = navigator.and_then(|it| Reflect::get(&it, &"gpu".into()).ok());
    gpu.is_some_and(|it| it.is_object())
}

/// The worker's name, by which the engine knows how to take its device: the page's query, for tests and reports.
pub fn engine_name() -> String {
    let search = web_sys::window().and_then(|it| it.location().search().ok());
    search.unwrap_or_default().trim_start_matches('?').into()
}

/// Address of the folder that the page lies in, without a slash at its end.
pub fn base() -> Result<String, JsValue> {
    let window = web_sys::window().ok_or("there is no window")?;
    let here = Url::new_with_base(".", &window.location().href()?)?;
    Ok(here.href().trim_end_matches('/').into())
}

fn reason(it: &ErrorEvent) -> String {
    // A file that can't be loaded is reported as a plain event, without a message.
    let message = Reflect::get(it, &"message".into())
        .ok()
        .and_then(|it| it.as_string());
    message.unwrap_or_else(|| "its files could not be loaded".into())
}
