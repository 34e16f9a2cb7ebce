//! Which pages may read what: the Hub's headers for requests across origins, and no more than it sends.

use super::log::Door;
use axum::http::{HeaderMap, HeaderName, HeaderValue, header};

/// What a page may read at the Hub's own origin.
pub const HUB_EXPOSES: &str = "X-Repo-Commit,X-Request-Id,X-Error-Code,X-Error-Message,X-Total-Count,ETag,Link,Accept-Ranges,Content-Range,X-Linked-Size,X-Linked-ETag,X-Xet-Hash";
/// What a page may read at the signed origin.
pub const SIGNED_EXPOSES: &str =
    "ETag,Content-Range,Accept-Ranges,Content-Length,Content-Disposition,x-amz-request-id";

/// Adds what every answer has. The origin is echoed, `null` too: that is what a browser sends after a redirect to another origin.
pub fn allow(headers: &mut HeaderMap, door: Door, origin: Option<&HeaderValue>) {
    let exposes = match door {
        Door::Hub => HUB_EXPOSES,
        Door::Signed => SIGNED_EXPOSES,
    };
    headers.insert(header::VARY, HeaderValue::from_static("Origin"));
    if let Some(it) = origin {
        headers.insert(header::ACCESS_CONTROL_ALLOW_ORIGIN, it.clone());
        set(headers, header::ACCESS_CONTROL_EXPOSE_HEADERS, exposes);
    }
}

/// Adds what the answer to a preflight has. Who tells of features allows no header of a page's own.
pub fn allow_preflight(headers: &mut HeaderMap, path: &str) {
    let allowed = match path.starts_with("/api/feature/") {
        true => "content-type",
        false => "authorization, range",
    };
    set(
        headers,
        header::ACCESS_CONTROL_ALLOW_METHODS,
        "GET, HEAD, OPTIONS",
    );
    set(headers, header::ACCESS_CONTROL_ALLOW_HEADERS, allowed);
    set(headers, header::ACCESS_CONTROL_MAX_AGE, "86400");
}

/// Adds what the controls of the test Hub have: any page may use them.
pub fn allow_all(headers: &mut HeaderMap) {
    set(headers, header::ACCESS_CONTROL_ALLOW_ORIGIN, "*");
    set(
        headers,
        header::ACCESS_CONTROL_ALLOW_METHODS,
        "GET, POST, DELETE, OPTIONS",
    );
    set(
        headers,
        header::ACCESS_CONTROL_ALLOW_HEADERS,
        "content-type",
    );
}

fn set(headers: &mut HeaderMap, name: HeaderName, value: &'static str) {
    headers.insert(name, HeaderValue::from_static(value));
}
