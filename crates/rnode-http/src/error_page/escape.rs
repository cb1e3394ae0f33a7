//! HTML escaping with the replacements of npm `escape-html`: what Express uses wherever it writes HTML.
//!
//! Registered in `askama.toml` for all `.html` templates.

use std::fmt::{self, Write};

/// Escapes `& < > " '`, as `&amp; &lt; &gt; &quot; &#39;`.
#[derive(Debug, Clone, Copy, Default)]
pub struct Html;

impl askama::filters::Escaper for Html {
    fn write_escaped_str<W: Write>(&self, out: W, text: &str) -> fmt::Result {
        write(out, text)
    }
}

/// Writes `text` with its five special characters replaced.
pub(crate) fn write<W: Write>(mut out: W, text: &str) -> fmt::Result {
    let mut written = 0;
    for (at, byte) in text.bytes().enumerate() {
        let entity = match byte {
            b'"' => "&quot;",
            b'&' => "&amp;",
            b'\'' => "&#39;",
            b'<' => "&lt;",
            b'>' => "&gt;",
            _ => continue,
        };
        // The five are ASCII, so `at` is a character boundary.
        out.write_str(&text[written..at])?;
        out.write_str(entity)?;
        written = at + 1;
    }
    out.write_str(&text[written..])
}

/// [`write()`] into a new string.
pub(crate) fn html(text: &str) -> String {
    let mut out = String::with_capacity(text.len() + 16);
    write(&mut out, text).expect("a String takes every write");
    out
}

#[cfg(test)]
mod tests {
    use super::html;

    #[test]
    fn replaces_five_characters() {
        assert_eq!(html("a\"b&c'd<e>f"), "a&quot;b&amp;c&#39;d&lt;e&gt;f");
        assert_eq!(html("&amp;"), "&amp;amp;");
        assert_eq!(html("<é>"), "&lt;é&gt;");
        assert_eq!(html("nothing `/=`"), "nothing `/=`");
        assert_eq!(html(""), "");
    }
}
