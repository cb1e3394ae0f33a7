//! Runs the case files of `js/test/router-cases`, whose expectations were written by the real path-to-regexp and Express
//! (and are checked against them by the node tests beside the files).

mod support;

use std::collections::BTreeMap;

use rnode_router::plan::WILDCARD;
use rnode_router::{Method, Pattern, PatternOptions, Table, decode_param};
use serde_json::{Value, json};
use support::{Entry, case_files, plan};

fn options(case: &Value) -> PatternOptions {
    let flag = |name: &str| case[name].as_bool().expect("a flag");
    PatternOptions {
        sensitive: flag("sensitive"),
        strict: flag("strict"),
        end: flag("end"),
    }
}

fn units(text: &str) -> usize {
    text.encode_utf16().count()
}

/// `[length, params]` or null, as in the case files.
fn result(pattern: &Pattern, path: &str) -> Value {
    let Some(found) = pattern.matches(path) else {
        return Value::Null;
    };
    let mut params = BTreeMap::new();
    for capture in &found.captures {
        let start = capture.start as usize;
        let text = &path[start..start + capture.len as usize];
        assert_eq!(capture.percent, text.contains('%'));
        let name = &pattern.keys()[usize::from(capture.key)].name;
        params.insert(name.clone(), text.to_owned());
    }
    json!([units(&path[..found.len]), params])
}

#[test]
fn patterns_do_what_path_to_regexp_does() {
    let mut cases = 0;
    let mut failures = Vec::new();
    for (file, content) in case_files() {
        for case in content["patterns"].as_array().into_iter().flatten() {
            let path = case["path"].as_str().expect("a path");
            let found = match Pattern::parse(path, options(case)) {
                Err(error) => {
                    cases += 1;
                    json!({ "error": error.to_string() })
                }
                Ok(pattern) => {
                    let keys: Vec<Value> = pattern
                        .keys()
                        .iter()
                        .map(|k| json!([k.name, k.wildcard]))
                        .collect();
                    let matches: Vec<Value> = case["matches"]
                        .as_array()
                        .into_iter()
                        .flatten()
                        .map(|m| {
                            cases += 1;
                            let path = m[0].as_str().expect("a path");
                            json!([path, result(&pattern, path)])
                        })
                        .collect();
                    json!({ "keys": keys, "matches": matches })
                }
            };
            for (name, value) in found.as_object().expect("an object") {
                if case[name] != *value {
                    failures.push(format!(
                        "{file}: {path:?} {:?}\n  expected {}\n  found    {value}",
                        options(case),
                        case[name]
                    ));
                }
            }
        }
    }
    assert!(failures.is_empty(), "{}", failures.join("\n"));
    assert!(cases >= 2000, "only {cases} cases");
}

/// Walks a plan as Express walks its stack when every handler calls `next()`.
struct Walk<'a> {
    spec: &'a Value,
    table: &'a Table,
    method: &'a str,
    trace: Vec<Value>,
}

impl Walk<'_> {
    /// Enters a router; the methods of an automatic OPTIONS answer, if it would be sent here.
    fn router(
        &mut self,
        router: usize,
        entries: &[Entry],
        prefix: &str,
        base: &str,
        path: &str,
    ) -> Option<String> {
        let mut allow: Vec<String> = Vec::new();
        for entry in entries {
            let layer = &self.spec["routers"][router]["layers"][entry.layer];
            let at = format!("{prefix}{}", entry.layer);
            let length = entry.detail.as_ref().map_or(0, |d| d.length);
            let Some(methods) = layer["methods"].as_array() else {
                let removed =
                    String::from_utf16(&path.encode_utf16().take(length).collect::<Vec<_>>())
                        .expect("matches end between characters");
                let rest = match &path[removed.len()..] {
                    "" if length > 0 => "/",
                    rest => rest,
                };
                let base = format!("{base}{}", removed.strip_suffix('/').unwrap_or(&removed));
                self.note(&at, &base, rest, router, entry, path);
                if let Some(child) = layer["child"].as_u64() {
                    let sub = entry.sub.as_ref().expect("no case needs to ask again");
                    let answered = self.router(child as usize, sub, &format!("{at}."), &base, rest);
                    if answered.is_some() {
                        return answered;
                    }
                }
                continue;
            };
            let methods: Vec<&str> = methods.iter().filter_map(Value::as_str).collect();
            let handles = |method: &str| methods.contains(&"*") || methods.contains(&method);
            if handles(self.method) || (self.method == "HEAD" && handles("GET")) {
                self.note(&at, base, path, router, entry, path);
            } else if self.method == "OPTIONS" {
                allow.extend(methods.iter().map(|&m| m.to_owned()));
                if handles("GET") && !handles("HEAD") {
                    allow.push("HEAD".to_owned());
                }
            } else {
                assert_eq!(self.method, "HEAD", "planned without a handler");
            }
        }
        allow.sort();
        allow.dedup();
        (!allow.is_empty()).then(|| allow.join(", "))
    }

    fn note(&mut self, at: &str, base: &str, url: &str, router: usize, entry: &Entry, path: &str) {
        let mut params = serde_json::Map::new();
        if let Some(detail) = &entry.detail {
            let keys = self
                .table
                .keys(router, entry.layer, detail.path)
                .expect("keys");
            let units: Vec<u16> = path.encode_utf16().collect();
            for &(key, flags, start, length) in &detail.captures {
                let raw =
                    String::from_utf16(&units[start..start + length]).expect("whole characters");
                let value = if flags & WILDCARD != 0 {
                    raw.split('/').map(decoded).collect()
                } else {
                    decoded(&raw)
                };
                params.insert(keys[key].name.clone(), value);
            }
        }
        self.trace
            .push(json!({ "at": at, "baseUrl": base, "url": url, "params": params }));
    }
}

fn decoded(raw: &str) -> Value {
    Value::String(
        decode_param(raw)
            .expect("cases hold valid escapes")
            .into_owned(),
    )
}

#[test]
fn plans_meet_the_handlers_express_enters() {
    let mut requests = 0;
    for (file, content) in case_files() {
        for case in content["tables"].as_array().into_iter().flatten() {
            let spec = &case["table"];
            let table = Table::from_json(&spec.to_string()).expect("a valid table");
            for request in case["requests"].as_array().expect("requests") {
                requests += 1;
                let name = request["method"].as_str().expect("a method");
                let method = Method::from_bytes(name.as_bytes()).expect("a known method");
                let url = request["url"].as_str().expect("a url");
                let entries = plan(&table, 0, method, url);
                let mut walk = Walk {
                    spec,
                    table: &table,
                    method: name,
                    trace: Vec::new(),
                };
                let allow = walk.router(0, &entries, "", "", url);
                let allow = if name == "OPTIONS" { allow } else { None };
                assert_eq!(
                    (Value::Array(walk.trace), json!(allow)),
                    (request["trace"].clone(), request["allow"].clone()),
                    "{file}: {name} {url}\n{spec}\n{entries:?}"
                );
            }
        }
    }
    assert!(requests >= 500, "only {requests} requests");
}
