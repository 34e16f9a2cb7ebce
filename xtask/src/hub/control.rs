//! The controls of the test Hub, for tests in a browser: the log, the faults, the pace, a change, the end.
//!
//! They stand at the Hub's own origin below `/_`, and any page may use them. The library has the same as functions.

use super::{cors, log::Entry, rule::Rule, shared::Shared};
use axum::{
    Json, Router,
    extract::State,
    http::StatusCode,
    response::Response,
    routing::{get, post},
};
use serde::Deserialize;
use std::sync::Arc;

/// `GET` and `DELETE /_log`; `GET` and `POST /_faults`; `POST /_throttle`, `/_touch`, `/_stop`.
pub fn router(shared: Arc<Shared>) -> Router {
    let nothing = || async { StatusCode::NO_CONTENT };
    Router::new()
        .route("/_log", get(log).delete(clear_log).options(nothing))
        .route("/_faults", get(faults).post(set_faults).options(nothing))
        .route("/_throttle", post(throttle).options(nothing))
        .route("/_touch", post(touch).options(nothing))
        .route("/_stop", post(stop).options(nothing))
        .layer(axum::middleware::map_response(open))
        .with_state(shared)
}

async fn open(mut response: Response) -> Response {
    cors::allow_all(response.headers_mut());
    response
}

type Of = State<Arc<Shared>>;

async fn log(State(shared): Of) -> Json<Vec<Entry>> {
    Json(shared.log.entries())
}

async fn clear_log(State(shared): Of) -> StatusCode {
    shared.log.clear();
    StatusCode::NO_CONTENT
}

async fn faults(State(shared): Of) -> Json<Vec<Rule>> {
    Json(shared.rules().list())
}

/// A rule as text or as data.
#[derive(Deserialize)]
#[serde(untagged)]
enum Given {
    Text(String),
    Data(Rule),
}

/// Takes the place of all rules in force; counting begins anew.
async fn set_faults(State(shared): Of, Json(given): Json<Vec<Given>>) -> (StatusCode, String) {
    let read = |it| match it {
        Given::Text(it) => it.parse(),
        Given::Data(it) => Ok(it),
    };
    match given.into_iter().map(read).collect::<Result<_, _>>() {
        Ok(it) => {
            *shared.rules() = super::rule::Rules::new(it);
            (StatusCode::NO_CONTENT, String::new())
        }
        Err(it) => bad(&it),
    }
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Throttle {
    bytes_per_second: Option<u64>,
}

async fn throttle(State(shared): Of, Json(it): Json<Throttle>) -> StatusCode {
    shared.pace.set(it.bytes_per_second);
    StatusCode::NO_CONTENT
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Touch {
    repo: String,
    path: String,
    /// Older commits answer with the new content too.
    #[serde(default)]
    rewrite: bool,
}

async fn touch(State(shared): Of, Json(it): Json<Touch>) -> (StatusCode, String) {
    let changed = shared.change(&it.repo, |history| {
        match it.rewrite {
            true => history.rewrite(&it.path)?,
            false => history.touch(&it.path)?,
        }
        Ok(history.newest().id.clone())
    });
    match changed {
        Ok(commit) => (StatusCode::OK, commit),
        Err(it) => bad(&it),
    }
}

async fn stop(State(shared): Of) -> StatusCode {
    shared.stopped.send_replace(true);
    StatusCode::NO_CONTENT
}

fn bad(err: &anyhow::Error) -> (StatusCode, String) {
    (StatusCode::BAD_REQUEST, format!("{err:#}"))
}
