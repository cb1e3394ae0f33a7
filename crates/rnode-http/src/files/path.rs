//! From the path in a URL to a path in the file system, by the rules of `send`: decoded, normalized, never above the root.
//!
//! Text only; nothing here asks the file system. `normalize` and `has_extension` are Node's `path.posix`.

use super::options::{Dotfiles, Options};

/// A path that passed all checks.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Resolved {
    /// Absolute path of the file or folder asked for.
    pub(super) path: String,
    /// The path in the URL ended with a slash (an encoded one does not count, as in `send`).
    pub(super) trailing_slash: bool,
}

/// The path of the file that `url_path` names, or the status that `send` answers with.
///
/// `url_path` is what stands in the URL, still encoded; its bytes are characters of latin1, as Node reads them.
pub(super) fn resolve(options: &Options, url_path: &[u8]) -> Result<Resolved, u16> {
    let decoded = decode(url_path).ok_or(400u16)?;
    if decoded.contains('\0') {
        return Err(400);
    }
    // Node's own separator there is the backslash; a colon would name a drive or a stream of a file.
    let decoded = if cfg!(windows) {
        decoded.replace('\\', "/")
    } else {
        decoded
    };
    if cfg!(windows) && options.root.is_some() && decoded.contains(':') {
        return Err(404);
    }
    let (path, parts) = match &options.root {
        Some(root) => {
            let relative = if decoded.is_empty() {
                decoded
            } else {
                normalize(&format!("./{decoded}"))
            };
            if climbs(&relative) {
                return Err(403);
            }
            (normalize(&format!("{root}/{relative}")), relative)
        }
        None => {
            if climbs(&decoded) {
                return Err(403);
            }
            let path = normalize(&decoded);
            // `path.resolve` leaves no slash at the end.
            let resolved = if path.len() > 1 {
                path.trim_end_matches('/').to_owned()
            } else {
                path.clone()
            };
            (resolved, path)
        }
    };
    // An empty path is the root itself, without the slash that joining has left.
    let path = if parts.is_empty() && path.len() > 1 {
        path.trim_end_matches('/').to_owned()
    } else {
        path
    };
    if options.dotfiles != Dotfiles::Allow && has_dotfile(&parts) {
        return Err(if options.dotfiles == Dotfiles::Deny {
            403
        } else {
            404
        });
    }
    Ok(Resolved {
        path,
        trailing_slash: url_path.last() == Some(&b'/'),
    })
}

/// `decodeURIComponent` of a latin1 string; `None` where it throws.
fn decode(text: &[u8]) -> Option<String> {
    let mut out = String::with_capacity(text.len());
    let mut rest = text;
    while let Some((&byte, after)) = rest.split_first() {
        if byte != b'%' {
            out.push(char::from(byte));
            rest = after;
            continue;
        }
        let mut sequence = [0u8; 4];
        let (first, mut after) = escaped_byte(rest)?;
        sequence[0] = first;
        let length = match first.leading_ones() {
            0 => 1,
            n @ 2..=4 => n as usize,
            _ => return None,
        };
        for slot in &mut sequence[1..length] {
            (*slot, after) = escaped_byte(after)?;
        }
        // Refuses overlong forms, surrogates and what is above U+10FFFF, as JavaScript does.
        out.push_str(std::str::from_utf8(&sequence[..length]).ok()?);
        rest = after;
    }
    Some(out)
}

/// The byte that a leading `%XX` stands for, and what follows it.
fn escaped_byte(text: &[u8]) -> Option<(u8, &[u8])> {
    let [b'%', high, low, rest @ ..] = text else {
        return None;
    };
    let digit = |b: u8| char::from(b).to_digit(16);
    let value = digit(*high)? << 4 | digit(*low)?;
    Some((
        u8::try_from(value).expect("two hexadecimal digits are a byte"),
        rest,
    ))
}

/// `path.posix.normalize`.
pub(super) fn normalize(path: &str) -> String {
    let absolute = path.starts_with('/');
    let trailing = path.ends_with('/');
    let mut out = String::with_capacity(path.len() + 1);
    if absolute {
        out.push('/');
    }
    // Where the text of the parts begins, and how many of them are `..` that could not be resolved.
    let base = out.len();
    let mut floor = base;
    for part in path.split('/') {
        match part {
            "" | "." => {}
            ".." if out.len() > floor => {
                let cut = out[floor..].rfind('/').map_or(floor, |i| floor + i);
                out.truncate(cut);
            }
            ".." if absolute => {}
            _ => {
                if out.len() > base {
                    out.push('/');
                }
                out.push_str(part);
                if part == ".." {
                    floor = out.len();
                }
            }
        }
    }
    if out.len() == base && !absolute {
        out.push('.');
    }
    if trailing && !out.ends_with('/') {
        out.push('/');
    }
    out
}

/// A part that is `..`, with slashes or backslashes around it.
fn climbs(path: &str) -> bool {
    path.split(['/', '\\']).any(|part| part == "..")
}

fn has_dotfile(path: &str) -> bool {
    path.split('/')
        .any(|part| part.len() > 1 && part.starts_with('.'))
}

/// Whether `path.extname` of an absolute path is anything but empty (`a.` has the extension `.`).
pub(super) fn has_extension(path: &str) -> bool {
    let name = path.rsplit('/').next().unwrap_or(path);
    name != ".." && name.rfind('.').is_some_and(|at| at > 0)
}

#[cfg(test)]
mod tests {
    use super::{Dotfiles, Options, decode, has_extension, normalize, resolve};
    use proptest::prelude::*;

    #[test]
    fn normalizes_as_node() {
        // From `path.posix.normalize`.
        for (path, expected) in [
            ("", "."),
            ("./", "./"),
            (".//", "./"),
            ("./a/../", "./"),
            ("./a/..", "."),
            (".//a//b/./c/", "a/b/c/"),
            ("./../a", "../a"),
            ("./a/../../b", "../b"),
            ("./../../a/../b", "../../b"),
            ("/..", "/"),
            ("/../a/", "/a/"),
            ("//a///b", "/a/b"),
            ("/a/b/../../..", "/"),
            ("a\\..\\b", "a\\..\\b"),
            ("...", "..."),
            ("/a/..b/.c", "/a/..b/.c"),
        ] {
            assert_eq!(normalize(path), expected, "{path:?}");
        }
    }

    #[test]
    fn decodes_as_javascript() {
        assert_eq!(decode(b"/a%20b%2Fc").as_deref(), Some("/a b/c"));
        assert_eq!(
            decode(b"%C3%A9%e2%82%ac%F0%9F%98%80").as_deref(),
            Some("é€😀")
        );
        assert_eq!(decode(b"\xe9").as_deref(), Some("é"));
        assert_eq!(decode(b"%00").as_deref(), Some("\0"));
        for bad in [
            "%",
            "%2",
            "%zz",
            "%C3",
            "%C3x",
            "%C3%28",
            "%80",
            "%C0%80",
            "%ED%A0%80",
            "%F4%90%80%80",
            "%F8%80%80%80%80",
        ] {
            assert_eq!(decode(bad.as_bytes()), None, "{bad}");
        }
    }

    #[test]
    fn extensions() {
        for (path, expected) in [
            ("/a/b", false),
            ("/a/b.c", true),
            ("/a/b.", true),
            ("/a/.b", false),
            ("/a.b/c", false),
            ("/...", true),
        ] {
            assert_eq!(has_extension(path), expected, "{path}");
        }
    }

    proptest! {
        #[test]
        fn never_leaves_the_root(path in "([a.%/\\\\]|%2e|%2F|%5c|%00|\\.\\.|é){0,24}") {
            let options = Options { root: Some("/srv/www".to_owned()), dotfiles: Dotfiles::Allow, ..Options::default() };
            if let Ok(resolved) = resolve(&options, path.as_bytes()) {
                prop_assert!(resolved.path == "/srv/www" || resolved.path.starts_with("/srv/www/"), "{}", resolved.path);
                prop_assert!(!resolved.path.split('/').any(|p| p == ".." || p == "."));
                prop_assert!(!resolved.path.contains('\0'));
            }
        }

        #[test]
        fn never_panics(path in proptest::collection::vec(any::<u8>(), 0..64)) {
            let _ = resolve(&Options::default(), &path);
            let _ = resolve(&Options { root: Some("/".to_owned()), ..Options::default() }, &path);
        }
    }
}
