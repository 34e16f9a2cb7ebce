//! The engine's program in the browser: messages of a dedicated worker to commands, events to messages. Natively it does nothing.

#[cfg(target_arch = "wasm32")]
fn main() {
    web::start();
}

#[cfg(not(target_arch = "wasm32"))]
fn main() {
    eprintln!("This program runs in a browser's worker; natively, use gemscope.");
}

#[cfg(target_arch = "wasm32")]
mod web {
    use gemscope::{
        session::{
            Engine, EngineOptions, Faults, HubConfig, Message, hash_seconds, selftest, wire,
        },
        spec::HostTable,
        sys::warn,
    };
    use js_sys::{Array, Uint8Array};
    use wasm_bindgen::{JsCast, JsValue, prelude::Closure};
    use web_sys::{DedicatedWorkerGlobalScope, MessageEvent};

    /// Stands in the name of a worker whose page reads bytes.
    const IN_BYTES_NAME: &str = "wire=bytes";
    /// What is said to a page of another build.
    const OTHER_BUILD: &str = "another build";

    thread_local! {
        /// Whether events are told as bytes: to a page of ours.
        static IN_BYTES: std::cell::Cell<bool> = const { std::cell::Cell::new(false) };
    }

    /// A worker of this name tries the browser instead of being an engine, and says how that went.
    const SELFTEST: &str = "selftest";
    /// A worker whose name begins so hashes as many bytes as follow, and says in how many seconds: what a fetch can be compared with.
    const HASH: &str = "hash=";

    /// Starts the engine and says "ready"; whatever was posted to the worker before that is lost.
    pub fn start() {
        console_error_panic_hook::set_once();
        let scope = scope();
        if scope.name() == SELFTEST {
            return wasm_bindgen_futures::spawn_local(tell_selftest());
        }
        if let Some(bytes) = scope.name().strip_prefix(HASH) {
            return tell(&format!(
                "hashed\n{}",
                hash_seconds(bytes.parse().unwrap_or_default())
            ));
        }
        IN_BYTES.set(scope.name().split('&').any(|it| it == IN_BYTES_NAME));
        let engine = Engine::new(options(&scope.name()), |it| post(&it));
        let inbox = engine.inbox();
        let on_message = Closure::<dyn FnMut(MessageEvent)>::new(move |it: MessageEvent| {
            let data = it.data();
            match bytes(&data) {
                Some(it) => match wire::read(&it) {
                    Some(command) => inbox.post_with(command, parts(&data).1),
                    None => tell(OTHER_BUILD),
                },
                None => {
                    let (json, attached) = parts(&data);
                    inbox.post_json_with(&json, attached);
                }
            }
        });
        scope.set_onmessage(Some(on_message.as_ref().unchecked_ref()));
        // It listens as long as the worker lives.
        on_message.forget();
        if scope.post_message(&"ready".into()).is_err() {
            warn("the page can't be reached");
        }
        wasm_bindgen_futures::spawn_local(engine.run());
    }

    /// The command of a page of the same build: `[bytes, ...attachments]`.
    fn bytes(message: &JsValue) -> Option<Vec<u8>> {
        let first = message.dyn_ref::<Array>()?.get(0);
        first.dyn_ref::<Uint8Array>().map(Uint8Array::to_vec)
    }

    /// A message is a command's JSON, or `[json, ...attachments]`.
    fn parts(message: &JsValue) -> (String, Vec<JsValue>) {
        let Some(all) = message.dyn_ref::<Array>() else {
            return (message.as_string().unwrap_or_default(), Vec::new());
        };
        let mut parts = all.iter();
        let json = parts.next().and_then(|it| it.as_string());
        (json.unwrap_or_default(), parts.collect())
    }

    /// An event as `[json, ...buffers]`; the buffers are transferred, not copied.
    fn post(message: &Message) {
        let transfer = Array::new();
        let first: Option<JsValue> = match IN_BYTES.get() {
            true => wire::write(&message.event).map(|it| {
                let bytes = Uint8Array::from(it.as_slice());
                transfer.push(&bytes.buffer());
                bytes.into()
            }),
            false => serde_json::to_string(&message.event).ok().map(Into::into),
        };
        let Some(first) = first else {
            return warn("an event can't be written");
        };
        let out = Array::of1(&first);
        for part in &message.parts {
            let buffer = Uint8Array::from(part.as_slice()).buffer();
            out.push(&buffer);
            transfer.push(&buffer);
        }
        if scope().post_message_with_transfer(&out, &transfer).is_err() {
            warn("an event can't be posted");
        }
    }

    async fn tell_selftest() {
        let text = match selftest().await {
            Ok(it) => format!("passed\n{it}"),
            Err(it) => format!("failed\n{it}"),
        };
        tell(&text);
    }

    fn tell(text: &str) {
        if scope().post_message(&text.into()).is_err() {
            warn("the page can't be reached");
        }
    }

    /// How the device is taken and what may be fetched from where, from the worker's name:
    /// `limits=default&max_binding_bytes=16384&adapter=…&store=…&hosts=…`, the last a host table in percent signs in place of the
    /// site's own; `lose_at_submit` loses the first device there, for tests. The page's policy binds whatever stands there.
    fn options(name: &str) -> EngineOptions {
        let mut options = EngineOptions::default();
        options.library.site = site();
        for (key, value) in name.split('&').filter_map(|it| it.split_once('=')) {
            match key {
                "limits" => options.default_limits = value == "default",
                "max_binding_bytes" => options.max_binding_bytes = value.parse().ok(),
                "lose_at_submit" => {
                    let lose_at_submit = value.parse().ok();
                    options.faults = vec![Faults {
                        lose_at_submit,
                        ..Faults::default()
                    }];
                }
                "adapter" => options.adapter = Some(value.into()),
                "store" => options.library.folder = Some(value.into()),
                "hosts" => match host_table(value) {
                    Some(it) => {
                        options.library.hosts = it;
                        options.library.site = None;
                    }
                    None => warn("the hosts in the worker's name are no host table"),
                },
                _ => of_hub(&mut options.library.hub, key, value),
            }
        }
        options
    }

    /// The address of the site, which the worker's script knows.
    fn site() -> Option<String> {
        let site = js_sys::Reflect::get(&scope(), &"site".into()).ok()?;
        site.as_string()
    }

    fn host_table(value: &str) -> Option<HostTable> {
        let text = String::from(js_sys::decode_uri_component(value).ok()?);
        serde_json::from_str(&text).ok()
    }

    /// Sizes and times of fetching, which tests make small; what is no number is passed over.
    fn of_hub(hub: &mut HubConfig, key: &str, value: &str) {
        let bytes = value.parse::<u64>().ok().filter(|it| *it > 0);
        let millis = bytes.map(|it| it as f64);
        match key {
            "piece_bytes" => set(&mut hub.piece_bytes, bytes.map(|it| it as usize)),
            "range_bytes" => set(&mut hub.most_range_bytes, bytes),
            "journal_bytes" => set(&mut hub.journal_bytes, bytes),
            "wait_millis" => set(&mut hub.first_wait_millis, millis),
            "most_wait_millis" => set(&mut hub.most_wait_millis, millis),
            "in_flight" => set(&mut hub.in_flight, bytes.map(|it| it as usize)),
            "attempts" => set(&mut hub.attempts, bytes.map(|it| it as u32)),
            "attempts_to_open" => set(&mut hub.attempts_to_open, bytes.map(|it| it as u32)),
            "stall_millis" => set(&mut hub.stall_millis, millis),
            _ => (),
        }
    }

    fn set<T>(place: &mut T, value: Option<T>) {
        if let Some(it) = value {
            *place = it;
        }
    }

    fn scope() -> DedicatedWorkerGlobalScope {
        js_sys::global().unchecked_into()
    }
}
