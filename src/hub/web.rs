//! HTTP on the web: `fetch` of the window or worker. Redirects are followed by the browser; bytes stay in the JavaScript heap.

use super::{Body, Headers, Http, HttpError, Request, Response};
use crate::spec::Bytes;
use futures_util::{FutureExt, future::LocalBoxFuture};
use js_sys::{Array, Function, Promise, Reflect, Uint8Array};
use wasm_bindgen::{JsCast, JsValue};
use wasm_bindgen_futures::JsFuture;
use web_sys::{
    AbortController, ReadableStreamDefaultReader, ReferrerPolicy, RequestCache, RequestCredentials,
    RequestInit, RequestMode,
};

/// How often the browser is asked whether the network is back.
const LOOK_AGAIN_MILLIS: u32 = 500;

/// The `fetch` of this window or worker.
#[derive(Clone, Copy, Debug, Default)]
pub struct WebHttp;

impl Http for WebHttp {
    fn get(&self, request: Request) -> LocalBoxFuture<'_, Result<Response, HttpError>> {
        get(request).boxed_local()
    }

    fn online(&self) -> LocalBoxFuture<'_, ()> {
        online().boxed_local()
    }
}

async fn get(request: Request) -> Result<Response, HttpError> {
    let abort = Abort(AbortController::new().map_err(|it| refused(&it))?);
    let init = init(&request, &abort).map_err(|it| refused(&it))?;
    let asked = fetch(&request.url, &init).map_err(|it| refused(&it))?;
    let response = JsFuture::from(asked).await.map_err(|it| network(&it))?;
    let response: web_sys::Response = response.dyn_into().map_err(|it| network(&it))?;
    let reader = response.body().map(|it| it.get_reader());
    Ok(Response {
        status: response.status(),
        headers: headers(&response.headers()),
        url: response.url(),
        body: Box::new(Reader {
            reader: reader.map(JsCast::unchecked_into),
            _abort: abort,
        }),
    })
}

fn init(request: &Request, abort: &Abort) -> Result<RequestInit, JsValue> {
    let headers = web_sys::Headers::new()?;
    if let Some(it) = request.range_header() {
        headers.set("range", &it)?;
    }
    if let Some(it) = request.accept {
        headers.set("accept", it)?;
    }
    let bearer = request.bearer.as_ref();
    if let Some(it) = bearer.and_then(|it| it.header_for(&request.url)) {
        headers.set("authorization", &it)?;
    }
    let init = RequestInit::new();
    init.set_headers(&headers);
    // Browsers keep ranges in their cache and let parallel ones of one address wait for each other.
    init.set_cache(RequestCache::NoStore);
    init.set_credentials(RequestCredentials::Omit);
    init.set_mode(RequestMode::Cors);
    // Some hubs turn pages of certain hosts away by it, and it is nobody's business.
    init.set_referrer_policy(ReferrerPolicy::NoReferrer);
    init.set_signal(Some(&abort.0.signal()));
    Ok(init)
}

fn fetch(url: &str, init: &RequestInit) -> Result<Promise, JsValue> {
    let global = js_sys::global();
    let fetch: Function = Reflect::get(&global, &"fetch".into())?.dyn_into()?;
    fetch.call2(&global, &url.into(), init)?.dyn_into()
}

/// The headers that this page may read.
fn headers(it: &web_sys::Headers) -> Headers {
    let mut out = Headers::default();
    for pair in it.entries().into_iter().flatten() {
        let pair: Array = pair.unchecked_into();
        let text = |it: JsValue| it.as_string().unwrap_or_default();
        out.insert(&text(pair.get(0)), &text(pair.get(1)));
    }
    out
}

/// Ends a request when it is dropped; an ended one does not mind.
struct Abort(AbortController);

impl Drop for Abort {
    fn drop(&mut self) {
        self.0.abort();
    }
}

struct Reader {
    /// None where the answer has no body at all.
    reader: Option<ReadableStreamDefaultReader>,
    _abort: Abort,
}

impl Body for Reader {
    fn next(&mut self) -> LocalBoxFuture<'_, Result<Option<Bytes>, HttpError>> {
        async {
            let Some(reader) = &self.reader else {
                return Ok(None);
            };
            let read = JsFuture::from(reader.read()).await;
            let read = read.map_err(|it| network(&it))?;
            let value = Reflect::get(&read, &"value".into());
            let value = value.map_err(|it| network(&it))?;
            // At the end there is no value.
            Ok(value.dyn_into::<Uint8Array>().ok().map(Bytes::Js))
        }
        .boxed_local()
    }
}

/// Waits where the browser knows that there is no network.
async fn online() {
    let global = js_sys::global();
    let offline = || {
        let navigator = Reflect::get(&global, &"navigator".into()).ok()?;
        let it = Reflect::get(&navigator, &"onLine".into()).ok()?;
        it.as_bool().map(|it| !it)
    };
    // Looked at again and again instead of an event: it can't be missed while the worker is frozen, and leaves no listener behind.
    while offline() == Some(true) {
        crate::sys::sleep_millis(LOOK_AGAIN_MILLIS).await;
    }
}

fn refused(error: &JsValue) -> HttpError {
    let detail = text(error);
    HttpError::Request { detail }
}

fn network(error: &JsValue) -> HttpError {
    let detail = text(error);
    HttpError::Network { detail }
}

/// What the browser says, which never names the address.
fn text(error: &JsValue) -> String {
    let error = error.dyn_ref::<js_sys::Error>();
    error.map_or_else(|| "no reason given".into(), |it| it.message().into())
}
