//! Content codings of precompressed siblings (`app.js.br` beside `app.js`) and which of them a client wants
//! (RFC 9110 section 12.5.3).
//!
//! Nothing is compressed here.

use serde::Deserialize;

/// A coding a sibling file may be in.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
pub enum Coding {
    /// Brotli, `.br`.
    #[serde(rename = "br")]
    Brotli,
    /// gzip, `.gz`.
    #[serde(rename = "gzip", alias = "gz")]
    Gzip,
    /// Zstandard, `.zst`.
    #[serde(rename = "zstd", alias = "zst")]
    Zstd,
}

impl Coding {
    /// Its name in `Content-Encoding`.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::Brotli => "br",
            Self::Gzip => "gzip",
            Self::Zstd => "zstd",
        }
    }

    /// What follows the dot in the name of the sibling file.
    #[must_use]
    pub fn extension(self) -> &'static str {
        match self {
            Self::Brotli => "br",
            Self::Gzip => "gz",
            Self::Zstd => "zst",
        }
    }
}

/// Those of `offered` that the client accepts and does not like less than the plain file: best first, equals in the order offered.
pub(super) fn preferred(accept_encoding: Option<&[u8]>, offered: &[Coding]) -> Vec<Coding> {
    let Some(header) = accept_encoding else {
        return Vec::new();
    };
    let identity = quality(header, &["identity"]).unwrap_or(0.0);
    let mut wanted: Vec<(f32, Coding)> = offered
        .iter()
        .filter_map(|&coding| {
            let names: &[&str] = if coding == Coding::Gzip {
                &["gzip", "x-gzip"]
            } else {
                &[coding.name()]
            };
            let quality = quality(header, names).or_else(|| quality(header, &["*"]))?;
            (quality > 0.0 && quality >= identity).then_some((quality, coding))
        })
        .collect();
    wanted.sort_by(|a, b| b.0.total_cmp(&a.0));
    wanted.into_iter().map(|(_, coding)| coding).collect()
}

/// The weight given to the first element that has one of `names`; 0 if the weight is malformed.
fn quality(header: &[u8], names: &[&str]) -> Option<f32> {
    header.split(|&b| b == b',').find_map(|element| {
        let mut parts = element.split(|&b| b == b';').map(<[u8]>::trim_ascii);
        let name = parts.next()?;
        if !names
            .iter()
            .any(|n| name.eq_ignore_ascii_case(n.as_bytes()))
        {
            return None;
        }
        let weight = parts.find_map(|p| p.strip_prefix(b"q=").or_else(|| p.strip_prefix(b"Q=")));
        Some(match weight {
            None => 1.0,
            Some(text) => {
                let parsed = std::str::from_utf8(text)
                    .ok()
                    .and_then(|t| t.parse::<f32>().ok());
                parsed.filter(|q| (0.0..=1.0).contains(q)).unwrap_or(0.0)
            }
        })
    })
}

#[cfg(test)]
mod tests {
    use super::Coding::{self, Brotli, Gzip, Zstd};
    use super::preferred;

    #[test]
    fn chooses() {
        let offered = [Brotli, Zstd, Gzip];
        let cases: &[(&str, &[Coding])] = &[
            ("", &[]),
            ("identity", &[]),
            ("gzip, deflate, br", &[Brotli, Gzip]),
            ("gzip, deflate, br, zstd", &[Brotli, Zstd, Gzip]),
            ("br;q=0.5, gzip", &[Gzip, Brotli]),
            ("br;q=0, *", &[Zstd, Gzip]),
            ("*;q=0", &[]),
            ("X-GZIP", &[Gzip]),
            ("br;q=0.5, identity", &[]),
            ("br;q=nonsense, gzip;q=0.1", &[Gzip]),
            ("brx", &[]),
        ];
        for (header, expected) in cases {
            assert_eq!(
                preferred(Some(header.as_bytes()), &offered),
                *expected,
                "{header}"
            );
        }
        assert!(preferred(None, &offered).is_empty());
    }
}
