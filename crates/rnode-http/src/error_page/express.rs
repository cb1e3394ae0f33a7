//! The documents that Express' own packages write, byte for byte: finalhandler's error page, and the page of a redirect
//! from serve-static and send.
//!
//! For our own page see `page`.

use super::escape;

/// The policy both packages send with these documents: they need nothing, so nothing is allowed.
pub const CSP: &str = "default-src 'none'";

/// finalhandler's error document: line ends become `<br>`, pairs of spaces a space and a no-break space.
#[must_use]
pub fn error_document(message: &str) -> Vec<u8> {
    let body = escape::html(message)
        .replace('\n', "<br>")
        .replace("  ", " &nbsp;");
    document("Error", &body)
}

/// The document that serve-static and send put under a 301 to `location`.
#[must_use]
pub fn redirect_document(location: &str) -> Vec<u8> {
    document(
        "Redirecting",
        &format!("Redirecting to {}", escape::html(location)),
    )
}

fn document(title: &str, body: &str) -> Vec<u8> {
    format!(
        "<!DOCTYPE html>\n<html lang=\"en\">\n<head>\n<meta charset=\"utf-8\">\n<title>{title}</title>\n\
         </head>\n<body>\n<pre>{body}</pre>\n</body>\n</html>\n"
    )
    .into_bytes()
}
