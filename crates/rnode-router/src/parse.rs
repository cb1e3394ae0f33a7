//! The path grammar of path-to-regexp 8: text, `:param`, `*wildcard`, `{group}`, `\` escapes.
//! Turns a pattern into one flat list of tokens; groups stay as brackets in it, so nothing here recurses.

use crate::error::PathError;
use crate::unicode_id::{ID_CONTINUE_ONLY, ID_START};

/// A piece of a pattern.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Token {
    Text(String),
    Param(String),
    Wildcard(String),
    /// `{`: the group's `Close` stands at this index of the list.
    Open(usize),
    Close,
}

/// Parses `path`. Positions in messages count characters (code points), as path-to-regexp's do.
pub(crate) fn parse(path: &str) -> Result<Vec<Token>, PathError> {
    let chars: Vec<char> = path.chars().collect();
    let mut tokens = Vec::new();
    let mut open_groups: Vec<usize> = Vec::new();
    let mut text = String::new();
    let mut index = 0;
    let fail = |message: String| Err(PathError::new(message, path));

    while index < chars.len() {
        let value = chars[index];
        index += 1;
        match value {
            '}' if !open_groups.is_empty() => {
                flush(&mut tokens, &mut text);
                let open = open_groups.pop().expect("guarded by is_empty");
                tokens[open] = Token::Open(tokens.len());
                tokens.push(Token::Close);
            }
            '\\' => match chars.get(index) {
                Some(escaped) => {
                    text.push(*escaped);
                    index += 1;
                }
                None => return fail(format!("Unexpected end after \\ at index {index}")),
            },
            ':' | '*' => {
                let name = parse_name(&chars, &mut index).map_err(|m| PathError::new(m, path))?;
                flush(&mut tokens, &mut text);
                tokens.push(if value == ':' {
                    Token::Param(name)
                } else {
                    Token::Wildcard(name)
                });
            }
            '{' => {
                flush(&mut tokens, &mut text);
                open_groups.push(tokens.len());
                tokens.push(Token::Open(0));
            }
            '}' | '(' | ')' | '[' | ']' | '+' | '?' | '!' => {
                return fail(format!("Unexpected {value} at index {}", index - 1));
            }
            _ => text.push(value),
        }
    }
    if !open_groups.is_empty() {
        return fail(format!("Unexpected end at index {index}, expected }}"));
    }
    flush(&mut tokens, &mut text);
    Ok(tokens)
}

fn flush(tokens: &mut Vec<Token>, text: &mut String) {
    if !text.is_empty() {
        tokens.push(Token::Text(std::mem::take(text)));
    }
}

/// The name after `:` or `*`: an identifier, or any text in double quotes with `\` escapes.
fn parse_name(chars: &[char], index: &mut usize) -> Result<String, String> {
    let mut name = String::new();
    match chars.get(*index) {
        Some(&first) if is_id_start(first) => {
            name.push(first);
            *index += 1;
            while let Some(&next) = chars.get(*index) {
                if !is_id_continue(next) {
                    break;
                }
                name.push(next);
                *index += 1;
            }
        }
        Some('"') => {
            let quote = *index;
            let mut at = *index + 1;
            loop {
                match chars.get(at) {
                    Some('"') => break,
                    Some('\\') => at += 1,
                    _ => {}
                }
                match chars.get(at) {
                    Some(&c) => name.push(c),
                    None => return Err(format!("Unterminated quote at index {quote}")),
                }
                at += 1;
            }
            *index = at + 1;
        }
        _ => {}
    }
    if name.is_empty() {
        return Err(format!("Missing parameter name at index {index}"));
    }
    Ok(name)
}

/// `/^[$_\p{ID_Start}]$/u`
fn is_id_start(c: char) -> bool {
    if c.is_ascii() {
        return c.is_ascii_alphabetic() || c == '$' || c == '_';
    }
    in_ranges(ID_START, c)
}

/// `/^[$\u200c\u200d\p{ID_Continue}]$/u`
fn is_id_continue(c: char) -> bool {
    if c.is_ascii() {
        return c.is_ascii_alphanumeric() || c == '$' || c == '_';
    }
    matches!(c, '\u{200c}' | '\u{200d}') || in_ranges(ID_START, c) || in_ranges(ID_CONTINUE_ONLY, c)
}

/// Whether `c` lies in one of the inclusive ranges first, last, first, last …
fn in_ranges(bounds: &[u32], c: char) -> bool {
    let code = u32::from(c);
    let at = bounds.partition_point(|&bound| bound < code);
    // An odd position lies inside a range; an even one only if it is the range's first character.
    at % 2 == 1 || bounds.get(at) == Some(&code)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn identifier_characters() {
        for c in [
            'a',
            'Z',
            '$',
            '_',
            'é',
            'ª',
            '\u{2118}',
            '\u{4e00}',
            '\u{1f130}',
        ] {
            assert_eq!(is_id_start(c), c != '\u{1f130}', "{c:?}");
        }
        for (c, expected) in [
            ('1', true),
            ('\u{200d}', true),
            ('\u{0301}', true),
            ('\u{00b7}', true),
            ('-', false),
            ('\u{00d7}', false),
            ('😀', false),
        ] {
            assert_eq!(is_id_continue(c), expected, "{c:?}");
            assert!(!is_id_start(c), "{c:?}");
        }
    }

    #[test]
    fn groups_know_their_end() {
        let tokens = parse("/a{/:b{.:c}}").expect("valid");
        assert_eq!(tokens[1], Token::Open(8));
        assert_eq!(tokens[4], Token::Open(7));
        assert_eq!(tokens[7], Token::Close);
    }

    #[test]
    fn deep_nesting_does_not_recurse() {
        let path = format!("{}{}", "{".repeat(200_000), "}".repeat(200_000));
        assert_eq!(parse(&path).expect("balanced").len(), 400_000);
    }
}
