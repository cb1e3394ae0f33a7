//! Our own error page: one HTML document, one inline style, and the policy that allows that style and nothing else.
//!
//! The template is `templates/error.html`. It knows a status and texts; what may be shown (a stack, a path) the caller has decided.

use std::sync::LazyLock;

use askama::Template;
use sha2::{Digest, Sha256};

use super::reason::reason;
use crate::finish::base64;

const STYLE: &str = include_str!("../../templates/error.css");

#[derive(Template)]
#[template(path = "error.html")]
struct ErrorPage<'a> {
    status: u16,
    reason: &'a str,
    style: &'a str,
    message: &'a str,
}

/// `default-src 'none'; style-src 'sha256-…'` with the hash of the style that [`document`] writes.
pub(super) fn csp() -> &'static str {
    static CSP: LazyLock<String> = LazyLock::new(|| {
        let mut hash = Vec::with_capacity(44);
        base64::push(&Sha256::digest(STYLE), &mut hash);
        let hash = String::from_utf8(hash).expect("base64 is ASCII");
        format!("default-src 'none'; style-src 'sha256-{hash}'")
    });
    &CSP
}

pub(super) fn document(status: u16, message: &str) -> Vec<u8> {
    let reason = reason(status).unwrap_or("Error");
    let page = ErrorPage {
        status,
        reason,
        style: STYLE,
        message,
    };
    let mut body = Vec::with_capacity(STYLE.len() + 512 + message.len() + message.len() / 8);
    page.write_into(&mut body).expect("a Vec takes every write");
    body
}
