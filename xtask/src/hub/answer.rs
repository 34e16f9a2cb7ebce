//! From a request to an answer: who answers it, which fault takes its place, what every answer has.
//!
//! The API is left to `api`, files to `data`.

use super::{
    api,
    ask::Ask,
    content::Content,
    cors, data,
    fault::{Due, Fault, Place},
    feature,
    flow::{Bent, Flow},
    log::Door,
    shared::Shared,
};
use axum::{
    body::Body,
    extract::Request,
    http::{HeaderMap, HeaderName, HeaderValue, Method, StatusCode, header},
    response::Response,
};
use std::{ops::Range, sync::Arc};

/// An answer whose body has not been read yet.
pub struct Answer {
    /// Of the response.
    pub status: StatusCode,
    /// All but those of `cors` and the length.
    pub headers: HeaderMap,
    /// The body is a part of it.
    pub content: Arc<dyn Content>,
    /// Which part.
    pub span: Range<u64>,
    /// What goes wrong on the way.
    pub bent: Bent,
}

impl Answer {
    /// A short text.
    pub fn text(status: StatusCode, content_type: &'static str, text: String) -> Self {
        let held: Arc<[u8]> = text.into_bytes().into();
        let mut headers = HeaderMap::new();
        headers.insert(header::CONTENT_TYPE, HeaderValue::from_static(content_type));
        Self {
            status,
            headers,
            span: 0..held.len() as u64,
            content: Arc::new(held),
            bent: Bent::default(),
        }
    }

    /// The Hub's errors: a code and a sentence in headers, the sentence in JSON.
    pub fn error(status: u16, code: &'static str, message: &str) -> Self {
        let body = serde_json::json!({ "error": message }).to_string();
        let status = StatusCode::from_u16(status).unwrap_or(StatusCode::INTERNAL_SERVER_ERROR);
        Self::text(status, "application/json; charset=utf-8", body)
            .with("x-error-code", code)
            .with("x-error-message", message)
    }

    /// The errors of a store of objects.
    pub fn xml_error(status: StatusCode, code: &str, message: &str) -> Self {
        let head = r#"<?xml version="1.0" encoding="UTF-8"?>"#;
        let body =
            format!("{head}\n<Error><Code>{code}</Code><Message>{message}</Message></Error>\n");
        Self::text(status, "application/xml", body)
    }

    /// With a header. A value that can't stand in one is left out.
    pub fn with(mut self, name: &'static str, value: impl AsRef<str>) -> Self {
        if let Ok(value) = HeaderValue::from_str(value.as_ref()) {
            self.headers.insert(HeaderName::from_static(name), value);
        }
        self
    }

    /// Bent by the faults that concern the bytes of an answer of the API.
    pub fn bent(mut self, shared: &Shared, ask: &Ask) -> Self {
        let due = Due {
            span: self.span.clone(),
            ranged: false,
            file: false,
        };
        self.bent = Bent::by(&bending(shared, ask, &due));
        self
    }
}

/// The faults that bend a body, entered into the log. A request for headers alone has none.
pub fn bending(shared: &Shared, ask: &Ask, due: &Due) -> Vec<Fault> {
    if ask.is_head() {
        return Vec::new();
    }
    let faults = shared.rules().take_all(&ask.path, |it| it.bends(due));
    faults.iter().for_each(|it| ask.record.struck(it));
    faults
}

/// Answers a request at one of the origins.
pub fn respond(shared: &Arc<Shared>, door: Door, request: Request) -> Response {
    let (parts, _) = request.into_parts();
    let origin = parts.headers.get(header::ORIGIN);
    let (pieces, record) = Ask::read(shared, door, &parts);
    let mut is_head = false;
    let (answer, record) = match pieces {
        _ if parts.method == Method::OPTIONS => {
            let mut answer = Answer::text(StatusCode::NO_CONTENT, "text/plain", String::new());
            cors::allow_preflight(&mut answer.headers, parts.uri.path());
            (answer, record)
        }
        None => (
            Answer::error(400, "BadRequest", "The path is not UTF-8"),
            record,
        ),
        Some(pieces) => {
            let ask = Ask::new(door, &parts, pieces, record);
            is_head = ask.is_head();
            (answer(shared, &ask), ask.record)
        }
    };
    let status = answer.status.as_u16();
    record.update(|it| it.status = status);
    let mut answer = answer;
    cors::allow(&mut answer.headers, door, origin);
    if door == Door::Hub {
        answer = answer.with("x-request-id", format!("Root=1-{}", record.seq()));
    }
    let mut response = Response::new(Body::empty());
    *response.status_mut() = answer.status;
    *response.headers_mut() = answer.headers;
    if status != 204 {
        let length = HeaderValue::from(answer.span.end - answer.span.start);
        response
            .headers_mut()
            .insert(header::CONTENT_LENGTH, length);
    }
    if is_head {
        record.update(|it| it.finished = true);
        return response;
    }
    let flow = Flow {
        content: answer.content,
        span: answer.span,
        bent: answer.bent,
        shared: Arc::clone(shared),
        record,
    };
    *response.body_mut() = flow.into_body();
    response
}

fn answer(shared: &Shared, ask: &Ask) -> Answer {
    if ask.method != Method::GET && !ask.is_head() {
        return Answer::error(405, "MethodNotAllowed", "Only GET and HEAD")
            .with("allow", "GET, HEAD");
    }
    let pieces: Vec<&str> = ask.pieces.iter().map(String::as_str).collect();
    let nothing = || {
        Answer::error(
            404,
            "NotFound",
            "Sorry, we can't find the page you are looking for.",
        )
    };
    match (ask.door, &pieces[..]) {
        (Door::Hub, ["api", "models", owner, name, rest @ ..]) => {
            let repo = format!("{owner}/{name}");
            faulty(shared, ask, Place::Api).unwrap_or_else(|| match rest {
                [] => api::revision(shared, ask, &repo, "main"),
                ["revision", revision] => api::revision(shared, ask, &repo, revision),
                ["tree", revision] => api::tree(shared, ask, &repo, revision),
                _ => nothing(),
            })
        }
        (Door::Hub, ["api", "feature", _, _, _]) => {
            let answer = || feature::answer(shared, ask, of_feature(ask));
            faulty(shared, ask, Place::Feature).unwrap_or_else(answer)
        }
        (Door::Hub, [owner, name, "resolve", revision, path @ ..]) => {
            let repo = format!("{owner}/{name}");
            let answer = || data::resolve(shared, ask, [&repo, revision, &path.join("/")]);
            faulty(shared, ask, Place::Resolve).unwrap_or_else(answer)
        }
        (Door::Hub, ["_loop", n]) => turn(shared, n.parse().unwrap_or_default()),
        (Door::Signed, ["signed", id, path @ ..]) => {
            let answer = || data::signed(shared, ask, id, &path.join("/"));
            faulty(shared, ask, Place::Signed).unwrap_or_else(answer)
        }
        (Door::Signed, _) => {
            Answer::xml_error(StatusCode::FORBIDDEN, "AccessDenied", "Access Denied")
        }
        (Door::Hub, _) => nothing(),
    }
}

/// The answer of a fault that takes the place of the right one.
fn faulty(shared: &Shared, ask: &Ask, place: Place) -> Option<Answer> {
    let fault = shared
        .rules()
        .take_one(&ask.path, |it| it.replaces(place))?;
    ask.record.struck(&fault);
    Some(match fault {
        Fault::Status {
            code,
            retry_after_seconds,
        } => refusal(code, retry_after_seconds),
        Fault::Expired => {
            if let Ok(key) = data::address(shared, ask) {
                shared.addresses.revoke(key);
            }
            data::expired()
        }
        Fault::Forbidden => {
            let message = "Requests from this network are not allowed by the policy of the bucket";
            Answer::xml_error(StatusCode::FORBIDDEN, "AccessDenied", message)
        }
        Fault::RedirectLoop => turn(shared, 0),
        Fault::GarbageJson => {
            let half = r#"[{"type":"file","oid":"00","size":12,"pa"#.to_string();
            Answer::text(StatusCode::OK, "application/json; charset=utf-8", half)
        }
        Fault::Another => feature::another(of_feature(ask)),
        Fault::Padded { by_bytes } => feature::padded(of_feature(ask), by_bytes),
        _ => {
            let page = "<!DOCTYPE html>\n<html><head><title>Log in</title></head><body><form>Log in to this network</form></body></html>\n";
            Answer::text(StatusCode::OK, "text/html; charset=utf-8", page.to_string())
        }
    })
}

/// The last three pieces of a path, which name a feature.
fn of_feature(ask: &Ask) -> [&str; 3] {
    match &ask.pieces[..] {
        [.., model, source, index] => [model, source, index].map(String::as_str),
        _ => [""; 3],
    }
}

fn refusal(code: u16, retry_after_seconds: Option<u64>) -> Answer {
    let message = match code {
        429 => {
            "We had to rate limit your IP. To continue using our service, log in or come back later."
        }
        500..=599 => "Internal Error - We're working hard to fix this as soon as possible!",
        _ => "The request was refused",
    };
    let answer = Answer::error(code, "TestFault", message);
    match retry_after_seconds {
        Some(it) => answer
            .with("retry-after", it.to_string())
            .with("ratelimit", format!("\"resolvers\";r=0;t={it}")),
        None => answer,
    }
}

/// A redirect to the next one.
fn turn(shared: &Shared, n: u64) -> Answer {
    let next = format!("{}/_loop/{}", shared.hub_origin, n + 1);
    Answer::text(
        StatusCode::FOUND,
        "text/plain; charset=utf-8",
        format!("Found. Redirecting to {next}"),
    )
    .with("location", next)
}
