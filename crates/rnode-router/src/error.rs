//! What can go wrong: a bad path pattern, a bad percent escape, a bad table. Texts are Express' own where Express has one.
//! Which JavaScript class and status they become is decided by the addon, not here.

use std::fmt;

/// A path pattern that Express refuses. `Display` is exactly the message of path-to-regexp 8.4's `PathError`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PathError {
    message: String,
    original_path: String,
}

impl PathError {
    pub(crate) fn new(message: impl Into<String>, original_path: &str) -> PathError {
        PathError {
            message: message.into(),
            original_path: original_path.to_owned(),
        }
    }

    /// The pattern as it was parsed: without trailing slashes unless `strict`.
    pub fn original_path(&self) -> &str {
        &self.original_path
    }
}

impl fmt::Display for PathError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.message)?;
        if !self.original_path.is_empty() {
            write!(f, ": {}", self.original_path)?;
        }
        f.write_str("; visit https://git.new/pathToRegexpError for info")
    }
}

impl std::error::Error for PathError {}

/// A parameter with a percent escape that `decodeURIComponent` refuses. Express answers 400.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct DecodeError {
    raw: String,
}

impl DecodeError {
    pub(crate) fn new(raw: &str) -> DecodeError {
        DecodeError {
            raw: raw.to_owned(),
        }
    }

    /// The text that could not be decoded.
    pub fn raw(&self) -> &str {
        &self.raw
    }
}

impl fmt::Display for DecodeError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Failed to decode param '{}'", self.raw)
    }
}

impl std::error::Error for DecodeError {}

/// A route table that cannot be built.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct TableError {
    kind: TableErrorKind,
}

#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum TableErrorKind {
    Json(String),
    Path {
        router: usize,
        layer: usize,
        error: PathError,
    },
    Layer {
        router: usize,
        layer: usize,
        message: String,
    },
    NoRouter,
}

impl TableError {
    pub(crate) fn new(kind: TableErrorKind) -> TableError {
        TableError { kind }
    }

    pub(crate) fn layer(router: usize, layer: usize, message: impl Into<String>) -> TableError {
        TableError::new(TableErrorKind::Layer {
            router,
            layer,
            message: message.into(),
        })
    }

    /// Returns true if and only if the text was not the JSON of a table.
    pub fn is_json(&self) -> bool {
        matches!(self.kind, TableErrorKind::Json(_))
    }

    /// The pattern's error, if a path of a layer was refused.
    pub fn path_error(&self) -> Option<&PathError> {
        match &self.kind {
            TableErrorKind::Path { error, .. } => Some(error),
            _ => None,
        }
    }
}

impl fmt::Display for TableError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &self.kind {
            TableErrorKind::Json(text) => write!(f, "route table is not valid: {text}"),
            TableErrorKind::Path {
                router,
                layer,
                error,
            } => {
                write!(f, "router {router}, layer {layer}: {error}")
            }
            TableErrorKind::Layer {
                router,
                layer,
                message,
            } => {
                write!(f, "router {router}, layer {layer}: {message}")
            }
            TableErrorKind::NoRouter => f.write_str("route table has no router"),
        }
    }
}

impl std::error::Error for TableError {
    fn source(&self) -> Option<&(dyn std::error::Error + 'static)> {
        self.path_error()
            .map(|error| error as &(dyn std::error::Error + 'static))
    }
}
