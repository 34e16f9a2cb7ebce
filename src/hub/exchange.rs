//! One question and its answer, with its redirects followed, its silence noticed and its token kept at home. Leaves trying again to who asks.

use super::{
    Headers, HttpError, HubError, Net, Request, Response, address,
    retry::{Failure, Trouble},
};
use crate::spec::{Bytes, Endpoint};
use futures_util::future::{Either, select};
use std::{ops::Range, pin::pin};

/// A question about a file or a repository.
pub(super) struct Question<'a> {
    /// The server that the token belongs to and whose redirects these are.
    pub endpoint: &'a Endpoint,
    /// The address.
    pub url: &'a str,
    /// Which bytes.
    pub range: Option<Range<u64>>,
    /// What kind of content is welcome.
    pub accept: Option<&'static str>,
    /// The file or repository, for messages.
    pub what: &'a str,
    /// Whether it stays with its server: no token goes along, and nobody else is sent on to.
    pub alone: bool,
}

/// Asks, and follows redirects where the back end has not; `hop` looks at the headers of each.
pub(super) async fn ask(
    net: &Net,
    question: &Question<'_>,
    hop: impl Fn(&Headers) -> Result<(), HubError>,
) -> Result<Response, Failure> {
    let mut url = question.url.to_string();
    for _ in 0..=net.config.redirects {
        check(net, question, &url)?;
        let response = once(net, question, url.clone()).await?;
        if !matches!(response.status, 301 | 302 | 303 | 307 | 308) {
            // Where a browser followed the redirect, only now one sees whereto.
            check(net, question, &response.url)?;
            return Ok(response);
        }
        if question.alone {
            break;
        }
        hop(&response.headers)?;
        let location = response.headers.get("location");
        let next = location.and_then(|it| address::redirect(&url, it));
        url = next.ok_or_else(|| redirects(question))?;
    }
    Err(redirects(question).into())
}

/// Whether an address may be asked in answer to a question.
fn check(net: &Net, question: &Question<'_>, url: &str) -> Result<(), HubError> {
    match question.alone {
        true if Endpoint::of(url).as_ref() == Some(question.endpoint) => Ok(()),
        true => Err(redirects(question)),
        false => net.check_hop(question.endpoint, url),
    }
}

async fn once(net: &Net, question: &Question<'_>, url: String) -> Result<Response, Failure> {
    net.count(|it| it.n_requests += 1);
    let bearer = net.token(question.endpoint).filter(|_| !question.alone);
    let request = Request {
        // Back ends ask the token again; here it is kept from requests that are not its own at all.
        bearer: bearer.filter(|it| it.header_for(&url).is_some()),
        url,
        range: question.range.clone(),
        accept: question.accept,
    };
    match in_time(net, net.http.get(request)).await? {
        Ok(it) => Ok(it),
        Err(HttpError::Network { detail }) => Err(Trouble::Network { detail }.into()),
        Err(HttpError::Request { detail }) => {
            let detail = net.cleaned(&detail);
            let file = question.what.into();
            Err(HubError::Network { file, detail }.into())
        }
    }
}

/// Waits for something of the network, but not longer than a silence may last.
async fn in_time<T>(net: &Net, future: impl Future<Output = T>) -> Result<T, Trouble> {
    // Made when it is first needed: most bytes are there already, and a timer for each would be many.
    let stall = pin!(async { net.clock.sleep(net.config.stall_millis).await });
    match select(pin!(future), stall).await {
        Either::Left((it, _)) => Ok(it),
        Either::Right(_) => Err(Trouble::Stalled),
    }
}

/// The next bytes of a body, none at its end.
pub(super) async fn more(net: &Net, response: &mut Response) -> Result<Option<Bytes>, Trouble> {
    let next = in_time(net, response.body.next()).await?;
    next.map_err(|it| Trouble::Network {
        detail: it.to_string(),
    })
}

/// A whole body of at most so many bytes; none where it is longer. `told` hears how much has come, and of how much.
pub(super) async fn whole(
    net: &Net,
    response: &mut Response,
    most_bytes: usize,
    told: &mut dyn FnMut(u64, Option<u64>),
) -> Result<Option<Vec<u8>>, Trouble> {
    let length = response.headers.get("content-length");
    let total: Option<u64> = length.and_then(|it| it.parse().ok());
    let mut out = Vec::new();
    while let Some(it) = more(net, response).await? {
        if out.len() + it.len() > most_bytes {
            return Ok(None);
        }
        out.extend(it.into_vec());
        let n_bytes = out.len() as u64;
        // What is sent packed says the packed length.
        told(n_bytes, total.filter(|it| n_bytes <= *it));
    }
    Ok(Some(out))
}

/// The beginning of what a server said, fit for a message.
pub(super) async fn said(net: &Net, response: &mut Response) -> String {
    const MOST_BYTES: usize = 4096;
    let mut out = Vec::new();
    // A body that breaks off says what it has said.
    while out.len() < MOST_BYTES
        && let Ok(Some(it)) = more(net, response).await
    {
        out.extend(it.into_vec());
    }
    out.truncate(MOST_BYTES);
    net.cleaned(&String::from_utf8_lossy(&out))
}

fn redirects(question: &Question<'_>) -> HubError {
    let file = question.what.into();
    HubError::Redirects { file }
}
