//! What a client reads when a request fails: our own page, Express' page, or JSON.
//!
//! Callers decide the status and the text; this module only writes it down, escaped. It never sees an error value, so it cannot
//! leak one.

pub mod escape;
pub mod express;
mod negotiate;
mod page;
mod reason;

use serde::Serialize;

pub use reason::reason;

/// `app.set('error pages', …)`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Mode {
    /// Our page: HTML with its own style.
    #[default]
    Page,
    /// finalhandler's bytes.
    Express,
    /// JSON for clients that prefer it to HTML, [`Mode::Page`] for all others.
    Negotiate,
}

/// A body and the headers that belong to it. `X-Content-Type-Options: nosniff` goes with every one of them.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Rendered {
    /// Value of `Content-Type`.
    pub content_type: &'static str,
    /// Value of `Content-Security-Policy`.
    pub csp: &'static str,
    /// True if and only if the choice depended on the request's Accept header, so `Vary: Accept` is due.
    pub vary_accept: bool,
    /// The document, UTF-8.
    pub body: Vec<u8>,
}

const HTML: &str = "text/html; charset=utf-8";
const JSON: &str = "application/json; charset=utf-8";

/// Writes the error document for `status`.
///
/// `message` is the text of the `<pre>`, unescaped: `Cannot GET /x`, a stack, or the status text in production.
/// `accept` is the request's Accept header; only [`Mode::Negotiate`] reads it.
#[must_use]
pub fn render(mode: Mode, status: u16, message: &str, accept: Option<&str>) -> Rendered {
    let vary_accept = mode == Mode::Negotiate;
    let (content_type, csp, body) = match mode {
        Mode::Express => (HTML, express::CSP, express::error_document(message)),
        Mode::Negotiate if negotiate::prefers_json(accept) => {
            (JSON, express::CSP, json(status, message))
        }
        Mode::Page | Mode::Negotiate => (HTML, page::csp(), page::document(status, message)),
    };
    Rendered {
        content_type,
        csp,
        vary_accept,
        body,
    }
}

#[derive(Serialize)]
struct JsonBody<'a> {
    error: JsonError<'a>,
}

#[derive(Serialize)]
struct JsonError<'a> {
    status: u16,
    message: &'a str,
}

fn json(status: u16, message: &str) -> Vec<u8> {
    let body = JsonBody {
        error: JsonError { status, message },
    };
    serde_json::to_vec(&body).expect("a number and a string always serialize")
}

#[cfg(test)]
mod tests;
