//! Tests of the error documents; what a browser makes of the page cannot be tested here.

use sha2::{Digest, Sha256};

use super::{Mode, express, reason, render};
use crate::finish::base64;

fn text(mode: Mode, status: u16, message: &str) -> String {
    String::from_utf8(render(mode, status, message, None).body).unwrap()
}

fn between<'a>(text: &'a str, open: &str, close: &str) -> &'a str {
    let (_, rest) = text.split_once(open).expect("the opening tag is there");
    rest.split_once(close).expect("the closing tag is there").0
}

#[test]
fn page_carries_status_reason_and_message() {
    let page = text(Mode::Page, 404, "Cannot GET /x");
    assert!(page.starts_with("<!DOCTYPE html>\n<html lang=\"en\">"));
    assert_eq!(between(&page, "<title>", "</title>"), "404 Not Found");
    assert_eq!(between(&page, "<h1>", "</h1>"), "<b>404</b> Not Found");
    assert_eq!(between(&page, "<pre>", "</pre>"), "Cannot GET /x");
    assert_eq!(page.matches("<main>").count(), 1);
    assert_eq!(page.matches("<style>").count(), 1);
}

#[test]
fn page_of_an_unknown_status_has_a_heading() {
    let page = text(Mode::Page, 599, "x");
    assert_eq!(between(&page, "<title>", "</title>"), "599 Error");
}

#[test]
fn policy_has_the_hash_of_the_style_in_the_page() {
    for message in ["", "Cannot GET /", "</style><style>*{display:none}</style>"] {
        let rendered = render(Mode::Page, 500, message, None);
        let page = String::from_utf8(rendered.body).unwrap();
        let mut hash = Vec::new();
        base64::push(
            &Sha256::digest(between(&page, "<style>", "</style>")),
            &mut hash,
        );
        let hash = String::from_utf8(hash).unwrap();
        assert_eq!(
            rendered.csp,
            format!("default-src 'none'; style-src 'sha256-{hash}'")
        );
    }
}

#[test]
fn page_needs_nothing_that_its_policy_forbids() {
    let page = text(Mode::Page, 500, "x");
    for forbidden in [
        "<script", "style=", "src=", "href=", "url(", "@import", "<link", "<img", " on",
    ] {
        assert!(!page.contains(forbidden), "{forbidden}");
    }
}

#[test]
fn page_escapes_as_escape_html() {
    let page = text(
        Mode::Page,
        400,
        "<script>alert(\"1\" & '2')</script>\n  at x",
    );
    assert_eq!(
        between(&page, "<pre>", "</pre>"),
        "&lt;script&gt;alert(&quot;1&quot; &amp; &#39;2&#39;)&lt;/script&gt;\n  at x"
    );
}

#[test]
fn express_mode_is_finalhandlers_document() {
    let rendered = render(Mode::Express, 404, "Error: <a>\n    at b  c", None);
    assert_eq!(rendered.csp, "default-src 'none'");
    assert_eq!(rendered.content_type, "text/html; charset=utf-8");
    assert_eq!(
        String::from_utf8(rendered.body).unwrap(),
        "<!DOCTYPE html>\n<html lang=\"en\">\n<head>\n<meta charset=\"utf-8\">\n<title>Error</title>\n</head>\n<body>\n\
         <pre>Error: &lt;a&gt;<br> &nbsp; &nbsp;at b &nbsp;c</pre>\n</body>\n</html>\n"
    );
}

#[test]
fn redirect_is_serve_statics_document() {
    let body = String::from_utf8(express::redirect_document("/a%20b/?x='1'")).unwrap();
    assert_eq!(between(&body, "<title>", "</title>"), "Redirecting");
    assert_eq!(
        between(&body, "<pre>", "</pre>"),
        "Redirecting to /a%20b/?x=&#39;1&#39;"
    );
}

#[test]
fn negotiate_gives_json_to_those_who_prefer_it() {
    let rendered = render(
        Mode::Negotiate,
        404,
        "Cannot GET /\"x\"\n",
        Some("application/json"),
    );
    assert_eq!(rendered.content_type, "application/json; charset=utf-8");
    assert!(rendered.vary_accept);
    assert_eq!(
        String::from_utf8(rendered.body).unwrap(),
        r#"{"error":{"status":404,"message":"Cannot GET /\"x\"\n"}}"#
    );
    for accept in [None, Some("*/*"), Some("text/html,*/*;q=0.8")] {
        let rendered = render(Mode::Negotiate, 404, "x", accept);
        assert_eq!(rendered.content_type, "text/html; charset=utf-8");
        assert_eq!(rendered.body, render(Mode::Page, 404, "x", None).body);
        assert!(rendered.vary_accept);
    }
    assert!(!render(Mode::Page, 404, "x", Some("application/json")).vary_accept);
}

#[test]
fn reasons() {
    assert_eq!(reason(413), Some("Payload Too Large"));
    assert_eq!(reason(418), Some("I'm a Teapot"));
    assert_eq!(reason(509), Some("Bandwidth Limit Exceeded"));
    assert_eq!(reason(306), None);
    assert_eq!(reason(0), None);
    assert_eq!((100..=599).filter(|&s| reason(s).is_some()).count(), 63);
}
