//! A folder served by the site that the page came from, fetched by ranges; works in a window and in a worker.

use super::{HubError, Source, answer::parse_content_range, check_range, listing, path};
use crate::spec::Bytes;
use futures_util::{FutureExt, future::LocalBoxFuture};
use js_sys::{ArrayBuffer, Function, Promise, Reflect, Uint8Array};
use std::{cell::RefCell, collections::BTreeMap, ops::Range};
use wasm_bindgen::{JsCast, JsValue};
use wasm_bindgen_futures::JsFuture;
use web_sys::{
    ReferrerPolicy, RequestCache, RequestInit, RequestMode, RequestRedirect, Response, Url,
};

/// What an origin reads as where there is none.
const OPAQUE: &str = "null";

/// A folder of this page's own site. What is read stays in the JavaScript heap.
#[derive(Debug)]
pub struct Served {
    /// Ends in a slash.
    base: String,
    mode: RequestMode,
    sizes: RefCell<BTreeMap<String, u64>>,
}

impl Served {
    /// The folder at `address`, absolute or relative to this program's own address.
    ///
    /// Errors: [`HubError::Address`] for an address of another site, or none at all.
    pub fn new(address: &str) -> Result<Self, HubError> {
        let wrong = |detail: &str| HubError::Address {
            address: address.into(),
            detail: detail.into(),
        };
        let (origin, mode) = own_site().ok_or_else(|| wrong("this page has none"))?;
        // A worker that was started from a blob has an address that nothing is relative to.
        let url = (Url::new(address).ok())
            .or_else(|| Url::new_with_base(address, &own_address()?).ok())
            .or_else(|| Url::new_with_base(address, &origin).ok())
            .ok_or_else(|| wrong("it can't be read"))?;
        if url.origin() != origin {
            return Err(wrong(&format!("the site is {origin}")));
        }
        let path = url.pathname();
        Ok(Self {
            base: format!("{origin}{}/", path.trim_end_matches('/')),
            mode,
            sizes: RefCell::default(),
        })
    }

    async fn size_bytes(&self, file: &str) -> Result<u64, HubError> {
        if let Some(it) = self.sizes.borrow().get(file) {
            return Ok(*it);
        }
        let (_, size_bytes) = self.fetch(file, 0..1).await?;
        self.sizes.borrow_mut().insert(file.into(), size_bytes);
        Ok(size_bytes)
    }

    async fn range(&self, file: &str, range: Range<u64>) -> Result<Bytes, HubError> {
        let size_bytes = self.size_bytes(file).await?;
        let n_bytes = check_range(file, &range, size_bytes)?;
        if n_bytes == 0 {
            return Ok(Vec::new().into());
        }
        let (response, now_bytes) = self.fetch(file, range).await?;
        if now_bytes != size_bytes {
            return Err(HubError::Changed {
                file: file.into(),
                was_bytes: size_bytes,
                is_bytes: now_bytes,
            });
        }
        let body = response.array_buffer().map_err(|it| network(file, &it))?;
        let body = JsFuture::from(body).await;
        let body: ArrayBuffer = body.map_err(|it| network(file, &it))?.unchecked_into();
        let bytes = Uint8Array::new(&body);
        if bytes.length() as usize == n_bytes {
            return Ok(Bytes::Js(bytes));
        }
        Err(HubError::Length {
            file: file.into(),
            wanted_bytes: n_bytes as u64,
            got_bytes: bytes.length().into(),
        })
    }

    /// Asks for a range that is not empty; the answer and the bytes of the whole file.
    async fn fetch(&self, file: &str, range: Range<u64>) -> Result<(Response, u64), HubError> {
        let parts = path::parts(file)?;
        let parts: Vec<String> = (parts.iter())
            .map(|it| js_sys::encode_uri_component(it).into())
            .collect();
        let url = self.base.clone() + &parts.join("/");
        let answer = fetch(&url, &range, self.mode).await;
        let answer = answer.map_err(|it| network(file, &it))?;
        let content_range = answer.headers().get("content-range").ok().flatten();
        let content_range = content_range.as_deref().and_then(parse_content_range);
        let file = file.to_string();
        match (answer.status(), content_range) {
            // Only the size is asked of an empty file, and it has no first byte to give.
            (416, Some((None, 0))) => Ok((answer, 0)),
            (206, Some((Some(got), size_bytes))) if got == range => Ok((answer, size_bytes)),
            (200 | 206, _) => Err(HubError::NoRanges { file }),
            (404 | 410, _) => Err(HubError::NotFound {
                file,
                place: self.name(),
            }),
            (status, _) => Err(HubError::Status { file, status }),
        }
    }
}

impl Source for Served {
    fn size(&self, file: &str) -> LocalBoxFuture<'_, Result<u64, HubError>> {
        let file = file.to_string();
        async move { self.size_bytes(&file).await }.boxed_local()
    }

    fn read(&self, file: &str, range: Range<u64>) -> LocalBoxFuture<'_, Result<Bytes, HubError>> {
        let file = file.to_string();
        async move { self.range(&file, range).await }.boxed_local()
    }

    fn list(&self) -> LocalBoxFuture<'_, Result<Vec<String>, HubError>> {
        async move {
            let size_bytes = match self.size_bytes(listing::FILE).await {
                Err(HubError::NotFound { file, place }) => {
                    return Err(HubError::NoListing { place, file });
                }
                it => it?,
            };
            listing::check_size(size_bytes)?;
            let text = self.range(listing::FILE, 0..size_bytes).await?;
            listing::parse(&text.into_vec())
        }
        .boxed_local()
    }

    fn name(&self) -> String {
        self.base.clone()
    }
}

/// The origin of the site, and how it is asked. A frame that an embedding page denies its origin is a stranger to its own site, which
/// the worker's script then names: it is asked as any page may ask it.
fn own_site() -> Option<(String, RequestMode)> {
    let origin = own("origin")?;
    if origin != OPAQUE {
        return Some((origin, RequestMode::SameOrigin));
    }
    let site = Url::new(&own("site")?).ok()?;
    Some((site.origin(), RequestMode::Cors))
}

/// A property of the window or worker.
fn own(key: &str) -> Option<String> {
    Reflect::get(&js_sys::global(), &key.into())
        .ok()?
        .as_string()
}

fn own_address() -> Option<String> {
    let location = Reflect::get(&js_sys::global(), &"location".into()).ok()?;
    Reflect::get(&location, &"href".into()).ok()?.as_string()
}

async fn fetch(url: &str, range: &Range<u64>, mode: RequestMode) -> Result<Response, JsValue> {
    let headers = web_sys::Headers::new()?;
    headers.set("range", &format!("bytes={}-{}", range.start, range.end - 1))?;
    let init = RequestInit::new();
    init.set_headers(&headers);
    init.set_cache(RequestCache::NoStore);
    init.set_mode(mode);
    init.set_redirect(RequestRedirect::Error);
    init.set_referrer_policy(ReferrerPolicy::NoReferrer);
    let global = js_sys::global();
    let fetch: Function = Reflect::get(&global, &"fetch".into())?.dyn_into()?;
    let promise: Promise = fetch.call2(&global, &url.into(), &init)?.dyn_into()?;
    JsFuture::from(promise).await?.dyn_into()
}

fn network(file: &str, error: &JsValue) -> HubError {
    let text = error.dyn_ref::<js_sys::Error>();
    HubError::Network {
        file: file.into(),
        detail: text.map_or_else(|| format!("{error:?}"), |it| it.message().into()),
    }
}
