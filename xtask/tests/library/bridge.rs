//! The engine's view of the test Hub: its clock and its network without sockets.

use futures_util::{FutureExt, StreamExt, future::LocalBoxFuture, stream::LocalBoxStream};
use gemscope::{
    hub::{Body, Headers, Http, HttpError, Request, Response},
    spec::Bytes,
    sys::Clock,
};
use std::rc::Rc;
use xtask::hub::{self, Hub};

/// The Hub's clock, as the engine knows clocks.
pub struct SharedClock(pub hub::VirtualClock);

impl Clock for SharedClock {
    fn now_millis(&self) -> f64 {
        hub::Clock::now_millis(&self.0)
    }

    fn sleep(&self, millis: f64) -> LocalBoxFuture<'static, ()> {
        let clock = self.0.clone();
        async move { hub::Clock::sleep(&clock, millis).await }.boxed_local()
    }
}

/// The Hub, as the engine knows networks.
pub struct HubHttp(pub Rc<Hub>);

impl Http for HubHttp {
    fn get(&self, request: Request) -> LocalBoxFuture<'_, Result<Response, HttpError>> {
        self.answer(request).boxed_local()
    }
}

impl HubHttp {
    async fn answer(&self, request: Request) -> Result<Response, HttpError> {
        let mut asked = hub::Request::builder().uri(&request.url);
        if let Some(it) = request.range_header() {
            asked = asked.header("range", it);
        }
        if let Some(it) = request.bearer.and_then(|it| it.header_for(&request.url)) {
            asked = asked.header("authorization", it);
        }
        if let Some(it) = request.accept {
            asked = asked.header("accept", it);
        }
        let asked = asked.body(hub::Body::empty()).expect("a request");
        let answer = self.0.call(asked).await.map_err(|it| broken(&it))?;
        let (parts, body) = answer.into_parts();
        let mut headers = Headers::default();
        for (name, value) in &parts.headers {
            headers.insert(name.as_str(), value.to_str().unwrap_or_default());
        }
        let chunks = body
            .into_data_stream()
            .map(|it| it.map_err(|it| broken(&it)));
        Ok(Response {
            status: parts.status.as_u16(),
            headers,
            url: request.url,
            body: Box::new(Chunks(chunks.boxed_local())),
        })
    }
}

struct Chunks(LocalBoxStream<'static, Result<hub::Bytes, HttpError>>);

impl Body for Chunks {
    fn next(&mut self) -> LocalBoxFuture<'_, Result<Option<Bytes>, HttpError>> {
        let next = self.0.next();
        next.map(|it| Ok(it.transpose()?.map(|it| it.to_vec().into())))
            .boxed_local()
    }
}

fn broken(detail: &dyn std::fmt::Display) -> HttpError {
    let detail = detail.to_string();
    HttpError::Network { detail }
}
