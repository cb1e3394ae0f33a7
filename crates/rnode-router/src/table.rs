//! The route table: routers, their stacks of layers, and the index of each router. Built from JSON once, then immutable,
//! so any thread may plan with it. What a layer does when it matches is not known here.

use serde::Deserialize;

use crate::error::{TableError, TableErrorKind};
use crate::index::Index;
use crate::method::Method;
use crate::pattern::{Key, Pattern, PatternOptions};
use crate::program::Program;

/// Layer indices have 24 bits in a plan.
const MAX_LAYERS: usize = 1 << 24;
/// Pattern indices have 16 bits in a plan.
const MAX_PATHS: usize = 1 << 16;

/// An immutable snapshot of an app's routers. Router 0 is the root.
#[derive(Debug)]
pub struct Table {
    pub(crate) routers: Vec<Router>,
}

#[derive(Debug)]
pub(crate) struct Router {
    pub(crate) layers: Vec<Layer>,
    /// Everything that can match, in the order in which Express would try it: layer, path of the layer, alternative of the path.
    pub(crate) candidates: Vec<Candidate>,
    /// The candidates that the index cannot tell apart by path.
    pub(crate) always: Always,
    pub(crate) index: Index,
}

/// Candidates that are tried for every path. Layers that are planned without any test (`use` of a plain handler without a path)
/// stand in a plan as runs: a hundred of them take two words.
#[derive(Debug, Default)]
pub(crate) struct Always {
    pub(crate) candidates: Vec<u32>,
    /// The layer of each candidate that needs no test; 0 for the others.
    pub(crate) layers: Vec<u32>,
    /// Where the run of candidates that need no test, and whose layers follow each other, ends if begun at this place.
    pub(crate) run_ends: Vec<u32>,
}

impl Always {
    fn push(&mut self, candidate: u32, layer: Option<usize>) {
        self.candidates.push(candidate);
        self.layers.push(layer.map_or(0, |layer| layer as u32));
        self.run_ends.push(u32::from(layer.is_some()));
    }

    /// Turns the marks of `run_ends` into the ends of runs.
    fn finish(&mut self) {
        let length = self.run_ends.len();
        for at in (0..length).rev() {
            let next = at + 1;
            self.run_ends[at] = if self.run_ends[at] == 0 {
                at as u32
            } else if next < length && self.layers[next] == self.layers[at] + 1 {
                self.run_ends[next].max(next as u32)
            } else {
                next as u32
            };
        }
    }
}

#[derive(Debug)]
pub(crate) struct Layer {
    /// The methods for which the layer is planned.
    pub(crate) methods: u64,
    pub(crate) route: bool,
    pub(crate) child: Option<u32>,
    pub(crate) deadline: Option<u32>,
    /// What Rust can do in the layer's place; 0 = nothing.
    pub(crate) native: u32,
    /// The parameters of each path.
    keys: Vec<Box<[Key]>>,
}

#[derive(Debug)]
pub(crate) struct Candidate {
    pub(crate) layer: u32,
    pub(crate) path: u32,
    pub(crate) matcher: Matcher,
}

#[derive(Debug)]
pub(crate) enum Matcher {
    /// `use` without a path: matches everything, with length 0.
    Slash,
    /// JavaScript must match.
    Ask,
    Program(Program),
}

#[derive(Deserialize)]
struct TableSpec {
    routers: Vec<RouterSpec>,
}

#[derive(Deserialize)]
struct RouterSpec {
    layers: Vec<LayerSpec>,
}

#[derive(Deserialize)]
struct LayerSpec {
    /// `null` stands for a RegExp, in layers that ask.
    #[serde(default)]
    paths: Vec<Option<String>>,
    end: bool,
    #[serde(default)]
    sensitive: bool,
    #[serde(default)]
    strict: bool,
    #[serde(default)]
    methods: Option<Vec<String>>,
    #[serde(default)]
    child: Option<usize>,
    #[serde(default)]
    ask: bool,
    #[serde(default)]
    deadline: Option<u32>,
    #[serde(default)]
    array: bool,
    #[serde(default)]
    native: u32,
}

impl Table {
    /// Builds a table from
    /// `{"routers":[{"layers":[{"paths":["/a"],"end":true,"sensitive":false,"strict":false,"methods":["GET"],"child":1,"ask":false,"deadline":5000}]}]}`.
    ///
    /// - `methods`: null or absent = a `use` layer; a list of upper-case names = a route, `"*"` = every method.
    /// - `child`: index of the router behind a `use` layer. Routers may contain each other.
    /// - `ask`: JavaScript must match this layer itself; its paths are not looked at and may be null.
    /// - `deadline`: handler deadline in milliseconds, 0 = off.
    /// - `array` (default false): the path was given as an array. Express has a fast path for `use('/')` that lets
    ///   it match everything, which `use(['/'])` does not take: that one matches only `/`.
    /// - `native` (default 0): a number by which the HTTP side knows what it can do in the layer's place; it means nothing here.
    ///
    /// # Errors
    /// Not such a JSON, a path that Express refuses, an unknown method, a child that is not there, or numbers that a plan cannot hold.
    pub fn from_json(json: &str) -> Result<Table, TableError> {
        let spec: TableSpec = serde_json::from_str(json)
            .map_err(|error| TableError::new(TableErrorKind::Json(error.to_string())))?;
        if spec.routers.is_empty() {
            return Err(TableError::new(TableErrorKind::NoRouter));
        }
        let count = spec.routers.len();
        let routers = spec
            .routers
            .into_iter()
            .enumerate()
            .map(|(number, router)| Router::build(number, router, count))
            .collect::<Result<_, _>>()?;
        Ok(Table { routers })
    }

    /// How many routers there are, the root included.
    pub fn router_count(&self) -> usize {
        self.routers.len()
    }

    /// How many layers the router has; 0 for a router that is not there.
    pub fn layer_count(&self, router: usize) -> usize {
        self.routers.get(router).map_or(0, |r| r.layers.len())
    }

    /// The parameters of a path of a layer: what the key indices of a plan count. Empty for layers that ask.
    pub fn keys(&self, router: usize, layer: usize, path: usize) -> Option<&[Key]> {
        let layer = self.routers.get(router)?.layers.get(layer)?;
        layer.keys.get(path).map(|keys| &**keys)
    }
}

impl Router {
    fn build(number: usize, spec: RouterSpec, routers: usize) -> Result<Router, TableError> {
        if spec.layers.len() > MAX_LAYERS {
            return Err(TableError::layer(number, MAX_LAYERS, "too many layers"));
        }
        let mut router = Router {
            layers: Vec::with_capacity(spec.layers.len()),
            candidates: Vec::new(),
            always: Always::default(),
            index: Index::new(),
        };
        for (at, layer) in spec.layers.into_iter().enumerate() {
            router.add(number, at, &layer, routers)?;
        }
        router.always.finish();
        Ok(router)
    }

    fn add(
        &mut self,
        router: usize,
        at: usize,
        spec: &LayerSpec,
        routers: usize,
    ) -> Result<(), TableError> {
        let fail = |message: String| TableError::layer(router, at, message);
        if spec.paths.len() > MAX_PATHS {
            return Err(fail("too many paths".to_owned()));
        }
        let child = match spec.child {
            Some(child) if child >= routers => return Err(fail(format!("no router {child}"))),
            child => child.map(|child| child as u32),
        };
        let methods = match &spec.methods {
            None => u64::MAX,
            Some(names) => method_set(names).map_err(fail)?,
        };
        let mut keys = Vec::new();
        if spec.ask {
            self.push(at, 0, Matcher::Ask, false);
        } else if !spec.array && !spec.end && matches!(&*spec.paths, [Some(path)] if path == "/") {
            keys.push(Box::default());
            let bare = spec.methods.is_none()
                && child.is_none()
                && spec.deadline.is_none()
                && spec.native == 0;
            self.push(at, 0, Matcher::Slash, bare);
        } else {
            let options = PatternOptions {
                sensitive: spec.sensitive,
                strict: spec.strict,
                end: spec.end,
            };
            for (number, path) in spec.paths.iter().enumerate() {
                let Some(path) = path else {
                    return Err(fail(
                        "a path is null, but the layer does not ask".to_owned(),
                    ));
                };
                let pattern = Pattern::parse(path, options).map_err(|error| {
                    TableError::new(TableErrorKind::Path {
                        router,
                        layer: at,
                        error,
                    })
                })?;
                keys.push(pattern.keys().into());
                for program in pattern.into_programs() {
                    self.push(at, number, Matcher::Program(program), false);
                }
            }
        }
        self.layers.push(Layer {
            methods,
            route: spec.methods.is_some(),
            child,
            deadline: spec.deadline,
            native: spec.native,
            keys,
        });
        Ok(())
    }

    /// `bare`: the layer has neither methods nor a nested router nor a deadline, and Rust can do nothing in its place.
    fn push(&mut self, layer: usize, path: usize, matcher: Matcher, bare: bool) {
        let candidate = self.candidates.len() as u32;
        let indexed = match &matcher {
            Matcher::Program(program) => self.index.insert(program, candidate),
            Matcher::Slash | Matcher::Ask => false,
        };
        if !indexed {
            let bare = matches!(matcher, Matcher::Slash) && bare;
            self.always.push(candidate, bare.then_some(layer));
        }
        self.candidates.push(Candidate {
            layer: layer as u32,
            path: path as u32,
            matcher,
        });
    }
}

/// The methods for which a route with these handlers is planned: always OPTIONS, for its `Allow`, and HEAD, because
/// router 2.3 enters every route whose path matches for HEAD (`if (!hasMethod && method !== 'HEAD') match = false`).
fn method_set(names: &[String]) -> Result<u64, String> {
    let mut set = Method::OPTIONS.bit() | Method::HEAD.bit();
    for name in names {
        if name == "*" {
            return Ok(u64::MAX);
        }
        match Method::from_bytes(name.as_bytes()) {
            Some(method) => set |= method.bit(),
            None => return Err(format!("unknown method {name:?}")),
        }
    }
    Ok(set)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn error(json: &str) -> TableError {
        Table::from_json(json).expect_err(json)
    }

    #[test]
    fn refuses_what_is_no_table() {
        assert!(error("").is_json());
        assert!(error(r#"{"routers":[{"layers":[{"paths":["/"]}]}]}"#).is_json());
        assert_eq!(
            error(r#"{"routers":[]}"#).to_string(),
            "route table has no router"
        );
        let bad_child = r#"{"routers":[{"layers":[{"paths":["/"],"end":false,"child":1}]}]}"#;
        assert_eq!(
            error(bad_child).to_string(),
            "router 0, layer 0: no router 1"
        );
        let bad_method =
            r#"{"routers":[{"layers":[{"paths":["/"],"end":true,"methods":["get"]}]}]}"#;
        assert_eq!(
            error(bad_method).to_string(),
            "router 0, layer 0: unknown method \"get\""
        );
        let null_path = r#"{"routers":[{"layers":[{"paths":[null],"end":true}]}]}"#;
        assert!(error(null_path).to_string().contains("does not ask"));
    }

    #[test]
    fn names_the_layer_of_a_bad_path() {
        let json = r#"{"routers":[{"layers":[{"paths":["/ok"],"end":true},{"paths":["/a+"],"end":true}]}]}"#;
        let error = error(json);
        let path = error.path_error().expect("a path error");
        assert_eq!(
            path.to_string(),
            "Unexpected + at index 2: /a+; visit https://git.new/pathToRegexpError for info"
        );
        assert_eq!(error.to_string(), format!("router 0, layer 1: {path}"));
    }

    #[test]
    fn keeps_keys() {
        let json = r#"{"routers":[{"layers":[{"paths":["/:a/*b","/:c"],"end":true},{"paths":[null],"end":true,"ask":true}]}]}"#;
        let table = Table::from_json(json).expect("valid");
        assert_eq!(table.router_count(), 1);
        assert_eq!(table.layer_count(0), 2);
        let names = |path| {
            let keys = table.keys(0, 0, path).expect("a path");
            keys.iter()
                .map(|k| (k.name.as_str(), k.wildcard))
                .collect::<Vec<_>>()
        };
        assert_eq!(names(0), [("a", false), ("b", true)]);
        assert_eq!(names(1), [("c", false)]);
        assert_eq!(table.keys(0, 1, 0), None);
        assert_eq!(table.keys(1, 0, 0), None);
    }
}
