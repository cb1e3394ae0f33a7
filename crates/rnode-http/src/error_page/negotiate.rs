//! Whether a client would rather have JSON than HTML, by its Accept header (RFC 9110 section 12.5.1).
//!
//! The choice is the one that `req.accepts(['html', 'json'])` makes, and HTML where neither is acceptable.

/// How well a type fits the header: by quality, then by how exactly it is named, then by who comes first.
#[derive(Clone, Copy)]
struct Fit {
    quality: f32,
    exactness: u8,
    position: usize,
}

/// Returns true if and only if JSON is strictly preferred. No header, an empty one, or `*/*` alone mean HTML.
pub(super) fn prefers_json(accept: Option<&str>) -> bool {
    let Some(accept) = accept.filter(|a| !a.trim().is_empty()) else {
        return false;
    };
    let fit = |kind, subtype| best_fit(accept, kind, subtype).filter(|f| f.quality > 0.0);
    match (fit("application", "json"), fit("text", "html")) {
        (None, _) => false,
        (Some(_), None) => true,
        (Some(json), Some(html)) => {
            let order = json
                .quality
                .total_cmp(&html.quality)
                .then(json.exactness.cmp(&html.exactness))
                .then(html.position.cmp(&json.position));
            order.is_gt()
        }
    }
}

/// The range that decides for a type: the one that names it most exactly.
fn best_fit(accept: &str, kind: &str, subtype: &str) -> Option<Fit> {
    split_quoted(accept, b',')
        .enumerate()
        .filter_map(|(position, range)| fit_of(range, position, kind, subtype))
        .max_by(|a, b| {
            // `max_by` keeps the last of equals, and here the later position is the one that negotiator keeps.
            a.exactness
                .cmp(&b.exactness)
                .then(a.quality.total_cmp(&b.quality))
        })
}

fn fit_of(range: &str, position: usize, kind: &str, subtype: &str) -> Option<Fit> {
    let mut parts = split_quoted(range, b';').map(str::trim);
    let (range_kind, range_subtype) = parts.next()?.split_once('/')?;
    let exactness =
        if range_kind.eq_ignore_ascii_case(kind) && range_subtype.eq_ignore_ascii_case(subtype) {
            6
        } else if range_kind.eq_ignore_ascii_case(kind) && range_subtype == "*" {
            4
        } else if range_kind == "*" && range_subtype == "*" {
            0
        } else {
            return None;
        };
    let mut quality = 1.0;
    for parameter in parts {
        let (name, value) = parameter.split_once('=').unwrap_or((parameter, ""));
        if name.trim().eq_ignore_ascii_case("q") {
            // What follows the weight is an extension of Accept itself, not a parameter of the type.
            quality = value
                .trim()
                .parse::<f32>()
                .ok()
                .filter(|q| q.is_finite())
                .unwrap_or(0.0);
            break;
        }
        if value.trim() != "*" {
            // `application/json;version=2` is not what is on offer.
            return None;
        }
    }
    Some(Fit {
        quality,
        exactness,
        position,
    })
}

/// Splits at `separator` outside of double quotes.
fn split_quoted(text: &str, separator: u8) -> impl Iterator<Item = &str> {
    let mut rest = Some(text);
    std::iter::from_fn(move || {
        let text = rest?;
        let mut quoted = false;
        let end = text.bytes().position(|b| {
            quoted ^= b == b'"';
            b == separator && !quoted
        });
        rest = end.map(|i| &text[i + 1..]);
        Some(&text[..end.unwrap_or(text.len())])
    })
}

#[cfg(test)]
mod tests {
    use super::prefers_json;

    #[test]
    fn chooses_as_express_accepts() {
        // `require('accepts')(req).type(['html', 'json']) === 'json'` for each header.
        let json = [
            "application/json",
            "application/json, text/plain, */*",
            "application/*",
            "text/html;q=0.5, application/json",
            "text/html;q=0.5, application/json;q=0.9",
            "APPLICATION/JSON",
            "application/json, text/html",
            "text/*, application/json",
            "*/*;q=0.1, application/json;q=0.2",
            "text/html;q=0, */*",
            "text/html;level=1, application/json;q=0.1",
        ];
        let html = [
            "",
            "*/*",
            "text/html",
            "text/html,application/xhtml+xml,application/xml;q=0.9,image/avif,*/*;q=0.8",
            "text/html, application/json",
            "application/json;q=0.5, text/html",
            "application/json;q=0, */*",
            "application/json;version=2",
            "image/png",
            "json",
            "application/json;q=0.1, */*;q=0.2",
            "text/*;q=0.5, application/json;q=0.4",
            "application/json;q=oops, */*",
            "x/y;a=\", application/json, \"",
        ];
        for accept in json {
            assert!(prefers_json(Some(accept)), "{accept}");
        }
        for accept in html {
            assert!(!prefers_json(Some(accept)), "{accept}");
        }
        assert!(!prefers_json(None));
    }
}
