//! HTTP natively: reqwest on a thread of its own, which nobody outside sees. Redirects come back as they are.

use super::{Body, Headers, Http, HttpError, Request, Response};
use crate::spec::{Bytes, Endpoint};
use futures_util::{FutureExt, future::LocalBoxFuture};
use reqwest::{Client, ClientBuilder, header, redirect};
use std::{cell::OnceCell, error::Error, time::Duration};
use tokio::{
    runtime::Runtime,
    sync::{mpsc, oneshot},
    task::AbortHandle,
};

/// The HTTP client of native programs.
///
/// This machine's own servers are asked directly, all others by way of the proxy that the environment names.
pub struct NativeHttp {
    /// None only while it is dropped.
    runtime: Option<Runtime>,
    local: Client,
    /// Made when first needed: it reads the system's certificates, which not every machine has.
    others: OnceCell<Client>,
}

/// Chunks on their way at most: when nobody takes them, nothing more is read from the connection.
const CHUNKS_AHEAD: usize = 4;
const CONNECT_TIMEOUT: Duration = Duration::from_secs(15);

impl NativeHttp {
    /// A client with a thread of its own.
    ///
    /// Errors: the system gives no thread.
    pub fn new() -> Result<Self, HttpError> {
        // It fails where a provider is installed already, which serves as well.
        let _ = rustls::crypto::ring::default_provider().install_default();
        let runtime = tokio::runtime::Builder::new_multi_thread()
            .worker_threads(1)
            .thread_name("gemscope-http")
            .enable_all()
            .build()
            .map_err(|it| HttpError::Request {
                detail: it.to_string(),
            })?;
        Ok(Self {
            runtime: Some(runtime),
            local: built(builder().no_proxy().tls_certs_only([]))?,
            others: OnceCell::new(),
        })
    }

    fn client(&self, url: &str) -> Result<Client, HttpError> {
        let local = |it: Endpoint| it.is_loopback() && !it.is_secure();
        if Endpoint::of(url).is_some_and(local) {
            return Ok(self.local.clone());
        }
        if let Some(it) = self.others.get() {
            return Ok(it.clone());
        }
        let made = built(builder())?;
        Ok(self.others.get_or_init(|| made).clone())
    }

    async fn ask(&self, request: Request) -> Result<Response, HttpError> {
        let mut asked = self.client(&request.url)?.get(&request.url);
        if let Some(it) = request.range_header() {
            asked = asked.header(header::RANGE, it);
        }
        if let Some(it) = request.accept {
            asked = asked.header(header::ACCEPT, it);
        }
        let bearer = request.bearer.as_ref();
        if let Some(it) = bearer.and_then(|it| it.header_for(&request.url)) {
            let value = header::HeaderValue::try_from(it);
            let mut value = value.map_err(|_| HttpError::Request {
                detail: "the access token can't stand in a header".into(),
            })?;
            value.set_sensitive(true);
            asked = asked.header(header::AUTHORIZATION, value);
        }
        let ended = || HttpError::Request {
            detail: "the thread of the network has ended".into(),
        };
        let (tell, told) = oneshot::channel();
        let (give, chunks) = mpsc::channel(CHUNKS_AHEAD);
        let runtime = self.runtime.as_ref().ok_or_else(ended)?;
        let task = runtime.spawn(exchange(asked, tell, give));
        let task = Task(task.abort_handle());
        let (status, headers) = told.await.map_err(|_| ended())??;
        Ok(Response {
            status,
            headers,
            url: request.url,
            body: Box::new(Chunks {
                chunks,
                _task: task,
            }),
        })
    }
}

impl Http for NativeHttp {
    fn get(&self, request: Request) -> LocalBoxFuture<'_, Result<Response, HttpError>> {
        self.ask(request).boxed_local()
    }
}

impl Drop for NativeHttp {
    fn drop(&mut self) {
        // Without waiting: requests in flight are nobody's any more.
        if let Some(it) = self.runtime.take() {
            it.shutdown_background();
        }
    }
}

type Head = (u16, Headers);

/// Runs on the other thread: the head first, then chunk by chunk as they are taken.
async fn exchange(
    asked: reqwest::RequestBuilder,
    tell: oneshot::Sender<Result<Head, HttpError>>,
    give: mpsc::Sender<Result<Vec<u8>, HttpError>>,
) {
    let mut response = match asked.send().await {
        Ok(it) => it,
        Err(it) => {
            // Who asked may have gone.
            let _ = tell.send(Err(error(it)));
            return;
        }
    };
    let pairs = response.headers().iter();
    let headers = pairs
        .filter_map(|(name, value)| Some((name.as_str(), value.to_str().ok()?)))
        .collect();
    if tell
        .send(Ok((response.status().as_u16(), headers)))
        .is_err()
    {
        return;
    }
    loop {
        let chunk = match response.chunk().await {
            Ok(Some(it)) => Ok(it.into()),
            Ok(None) => return,
            Err(it) => Err(error(it)),
        };
        let broken = chunk.is_err();
        if give.send(chunk).await.is_err() || broken {
            return;
        }
    }
}

/// Ends what runs on the other thread when it is dropped.
struct Task(AbortHandle);

impl Drop for Task {
    fn drop(&mut self) {
        self.0.abort();
    }
}

struct Chunks {
    chunks: mpsc::Receiver<Result<Vec<u8>, HttpError>>,
    _task: Task,
}

impl Body for Chunks {
    fn next(&mut self) -> LocalBoxFuture<'_, Result<Option<Bytes>, HttpError>> {
        async { Ok(self.chunks.recv().await.transpose()?.map(Bytes::Vec)) }.boxed_local()
    }
}

fn builder() -> ClientBuilder {
    Client::builder()
        .redirect(redirect::Policy::none())
        .referer(false)
        .connect_timeout(CONNECT_TIMEOUT)
        .user_agent(concat!("gemscope/", env!("CARGO_PKG_VERSION")))
}

fn built(it: ClientBuilder) -> Result<Client, HttpError> {
    it.build()
        .map_err(|it| HttpError::Request { detail: text(&it) })
}

fn error(it: reqwest::Error) -> HttpError {
    let is_request = it.is_builder();
    // The address may be signed.
    let detail = text(&it.without_url());
    match is_request {
        true => HttpError::Request { detail },
        false => HttpError::Network { detail },
    }
}

/// An error with all its causes, since the first of them says little.
fn text(error: &dyn Error) -> String {
    let mut text = error.to_string();
    let mut cause = error.source();
    while let Some(it) = cause {
        text = format!("{text}: {it}");
        cause = it.source();
    }
    text
}

#[cfg(test)]
#[path = "native_tests.rs"]
mod tests;
