//! Properties of plans: the index changes nothing (brute force over all layers gives the same entries), and no spelling of a
//! path reaches a handler without the middleware that was mounted before it.

mod support;

use proptest::prelude::*;
use rnode_router::{Capture, Method, Pattern, PatternOptions, Table, decode_param};
use serde_json::{Value, json};
use support::{Detail, Entry, plan};

/// Plans one level without an index, by the rules of router 2.3. `None`: a capture covers a synthetic `/`.
fn brute_force(
    spec: &Value,
    router: usize,
    method: &str,
    path: &str,
    synthetic: bool,
    deadline: &mut Option<u64>,
) -> Option<Vec<Entry>> {
    let mut entries = Vec::new();
    let layers = spec["routers"][router]["layers"]
        .as_array()
        .expect("layers");
    for (number, layer) in layers.iter().enumerate() {
        let methods = layer["methods"].as_array();
        let handled = methods.is_none_or(|list| {
            method == "HEAD" || method == "OPTIONS" || list.iter().any(|m| m == "*" || m == method)
        });
        if !handled && !path.contains('%') {
            continue;
        }
        let mut entry = Entry {
            layer: number,
            ask: layer["ask"] == true,
            detail: None,
            sub: None,
        };
        let end = layer["end"] == true;
        let paths = layer["paths"].as_array().expect("paths");
        let mut length = 0;
        if !entry.ask && (end || *paths != [json!("/")]) {
            let options = PatternOptions {
                sensitive: layer["sensitive"] == true,
                strict: layer["strict"] == true,
                end,
            };
            let found = paths.iter().enumerate().find_map(|(at, text)| {
                let pattern =
                    Pattern::parse(text.as_str().expect("a path"), options).expect("valid");
                pattern.matches(path).map(|found| (at, found))
            });
            let Some((at, found)) = found else {
                continue;
            };
            if !handled && found.captures.iter().all(|c| decodes(path, c)) {
                continue;
            }
            if synthetic && !found.captures.is_empty() {
                return None;
            }
            length = found.len;
            let units = |from: usize, to: usize| path[from..to].encode_utf16().count();
            let captures = found.captures.iter().map(|c| {
                let (start, length) = (c.start as usize, c.len as usize);
                let flags = u32::from(c.percent) + 2 * u32::from(c.wildcard);
                (
                    usize::from(c.key),
                    flags,
                    units(0, start),
                    units(start, start + length),
                )
            });
            let detail = Detail {
                length: units(0, length),
                path: at,
                captures: captures.collect(),
            };
            if methods.is_none() || at > 0 || !detail.captures.is_empty() {
                entry.detail = Some(detail);
            }
        }
        if let (Some(ms), true) = (layer["deadline"].as_u64(), handled) {
            *deadline = Some(ms);
        }
        if let (Some(child), false) = (layer["child"].as_u64(), entry.ask) {
            let (below, synthetic) = match &path[length..] {
                "" if length > 0 => ("/", true),
                rest => (rest, synthetic && length == 0),
            };
            let before = *deadline;
            entry.sub = brute_force(spec, child as usize, method, below, synthetic, deadline);
            if entry.sub.is_none() {
                *deadline = before;
            }
        }
        entries.push(entry);
    }
    Some(entries)
}

/// Whether every piece of a capture decodes.
fn decodes(path: &str, capture: &Capture) -> bool {
    let start = capture.start as usize;
    let text = &path[start..start + capture.len as usize];
    let pieces: Vec<&str> = if capture.wildcard {
        text.split('/').collect()
    } else {
        vec![text]
    };
    pieces.into_iter().all(|piece| decode_param(piece).is_ok())
}

fn segment() -> impl Strategy<Value = &'static str> {
    prop::sample::select(vec![
        "a",
        "b",
        "A",
        "users",
        "longsegment",
        "é",
        "É",
        "",
        "a-b",
        "v1",
        "%61",
        "%zz",
        "b%ff",
        "x.y",
    ])
}

fn pattern_path() -> impl Strategy<Value = String> {
    let part = prop_oneof![
        5 => segment().prop_map(|s| format!("/{s}")),
        3 => Just("/:x".to_owned()),
        1 => Just("/:y".to_owned()),
        2 => prop::sample::select(vec![
            "/*w", "/v:n", "/:x-:y", "/:x.:y", "{/:o}", "{/a}", "/a*w", "/é:x", "*w", "{x}", "/longsegment-prefix-:x", ":x",
            "/users:id", "/{*w}", "/:x-",
        ])
        .prop_map(str::to_owned),
    ];
    prop::collection::vec(part, 0..4).prop_map(|parts| {
        if parts.is_empty() {
            "/".to_owned()
        } else {
            parts.concat()
        }
    })
}

fn layer(router: usize, routers: usize) -> impl Strategy<Value = Value> {
    let methods = prop::sample::select(vec![
        json!(null),
        json!(null),
        json!(["GET"]),
        json!(["POST"]),
        json!(["*"]),
        json!(["GET", "PUT"]),
        json!([]),
    ]);
    let paths = prop_oneof![
        2 => Just(vec!["/".to_owned()]),
        8 => prop::collection::vec(pattern_path(), 1),
        1 => prop::collection::vec(pattern_path(), 0..4),
    ];
    let deadline = prop::option::weighted(0.2, 0_u32..9);
    let flags = (
        prop::bool::weighted(0.2),
        prop::bool::weighted(0.2),
        prop::bool::weighted(0.05),
    );
    let child = prop::option::weighted(0.5, router + 1..router + 4);
    (methods, paths, deadline, flags, child).prop_map(
        move |(methods, paths, deadline, (sensitive, strict, ask), child)| {
            let mount = methods.is_null();
            let options = PatternOptions { sensitive, strict, end: !mount };
            let valid: Vec<String> = paths
                .into_iter()
                .filter(|p| Pattern::parse(p, options).is_ok())
                .collect();
            json!({
                "paths": valid, "end": !mount, "sensitive": sensitive, "strict": strict, "methods": methods,
                "child": child.filter(|&c| mount && c < routers), "ask": ask, "deadline": deadline,
            })
        },
    )
}

fn table() -> impl Strategy<Value = Value> {
    (1_usize..4).prop_flat_map(|routers| {
        let stacks: Vec<_> = (0..routers)
            .map(|router| prop::collection::vec(layer(router, routers), 0..12))
            .collect();
        stacks.prop_map(|stacks| {
            let routers: Vec<Value> = stacks
                .into_iter()
                .map(|layers| json!({ "layers": layers }))
                .collect();
            json!({ "routers": routers })
        })
    })
}

fn request_path() -> impl Strategy<Value = String> {
    prop_oneof![
        9 => (prop::collection::vec(segment(), 0..5), any::<bool>()).prop_map(|(segments, slash)| {
            let path: String = segments.iter().map(|s| format!("/{s}")).collect();
            if slash || path.is_empty() { path + "/" } else { path }
        }),
        1 => ".{0,12}",
    ]
}

fn method() -> impl Strategy<Value = Method> {
    prop::sample::select(vec!["GET", "GET", "POST", "HEAD", "OPTIONS", "DELETE"])
        .prop_map(|name| Method::from_bytes(name.as_bytes()).expect("known"))
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 1500, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn same_plan_as_brute_force(spec in table(), paths in prop::collection::vec((method(), request_path()), 6)) {
        let table = Table::from_json(&spec.to_string()).expect("valid");
        for (method, path) in paths {
            let mut deadline = None;
            let expected = brute_force(&spec, 0, method.as_str(), &path, false, &mut deadline).expect("a URL's path");
            prop_assert_eq!(plan(&table, 0, method, &path), expected, "{} {} {}", method.as_str(), &path, &spec);
            let info = table.plan(0, method, &path, &mut Vec::new());
            prop_assert_eq!(info.deadline_ms.map(u64::from), deadline);
        }
    }

    /// If a layer is in the plan, every earlier `use` layer whose pattern matches the same path is too.
    #[test]
    fn middleware_before_a_planned_layer_is_planned(spec in table(), path in request_path(), method in method()) {
        let table = Table::from_json(&spec.to_string()).expect("valid");
        let layers = spec["routers"][0]["layers"].as_array().expect("layers");
        let planned: Vec<usize> = plan(&table, 0, method, &path).iter().map(|e| e.layer).collect();
        let last = planned.last().copied().unwrap_or(0);
        for (number, layer) in layers.iter().enumerate().take(last) {
            if !layer["methods"].is_null() {
                continue;
            }
            let options = PatternOptions { sensitive: layer["sensitive"] == true, strict: layer["strict"] == true, end: false };
            let matches = layer["paths"].as_array().expect("paths").iter().any(|text| {
                let text = text.as_str().expect("a path");
                text == "/" && layer["paths"].as_array().is_some_and(|p| p.len() == 1)
                    || Pattern::parse(text, options).expect("valid").matches(&path).is_some()
            });
            prop_assert!(!matches || planned.contains(&number), "layer {} of {} on {}", number, &spec, &path);
        }
    }

    /// A guard mounted on a prefix cannot be passed by any spelling of a path to what is registered below that prefix.
    #[test]
    fn no_spelling_passes_the_guard(
        prefix in prop::collection::vec(prop::sample::select(vec!["admin", "é", "a.b", "x-y", "v1"]), 1..3),
        below in prop::collection::vec(prop::sample::select(vec!["", "/:id", "/*rest", "{/:o}", "/x", "/", "/:a-:b"]), 1..5),
        noise in prop::collection::vec(pattern_path(), 0..6),
        spelling in spelling(),
        method in method(),
    ) {
        let prefix: String = prefix.iter().map(|s| format!("/{s}")).collect();
        let mut layers = vec![json!({ "paths": [prefix], "end": false, "methods": null })];
        for path in noise {
            if Pattern::parse(&path, PatternOptions { sensitive: false, strict: false, end: false }).is_ok() {
                layers.push(json!({ "paths": [path], "end": false, "methods": null, "noise": true }));
            }
        }
        for tail in below {
            layers.push(json!({ "paths": [format!("{prefix}{tail}")], "end": true, "methods": ["*"] }));
        }
        let spec = json!({ "routers": [{ "layers": layers }] });
        let table = Table::from_json(&spec.to_string()).expect("valid");
        let path = spelling.replace("PREFIX", &prefix).replace("UPPER", &prefix.to_uppercase());
        let planned = plan(&table, 0, method, &path);
        let handler_ran = planned.iter().any(|e| spec["routers"][0]["layers"][e.layer]["end"] == true);
        let guard_ran = planned.first().is_some_and(|e| e.layer == 0);
        prop_assert!(guard_ran || !handler_ran, "{} {}", &path, &spec);
    }
}

fn spelling() -> impl Strategy<Value = String> {
    let pieces = vec![
        "PREFIX", "PREFIX", "UPPER", "/", "//", "/x", "/1-2", ";x=1", "%2f", "%00", "%61", "/.",
        "/..", "\\", "é", "?", "#", " ", "\u{200b}", "/É",
    ];
    prop::collection::vec(prop::sample::select(pieces), 0..5).prop_map(|pieces| pieces.concat())
}

#[test]
fn a_capture_never_covers_a_slash_that_is_not_in_the_url() {
    let spec = json!({ "routers": [
        { "layers": [{ "paths": ["/m"], "end": false, "child": 1, "deadline": 1 }, { "paths": ["/"], "end": false }] },
        { "layers": [{ "paths": ["/"], "end": false, "deadline": 2 }, { "paths": ["*all"], "end": true, "methods": ["GET"] }] },
    ] });
    let table = Table::from_json(&spec.to_string()).expect("valid");
    let planned = |path| plan(&table, 0, Method::GET, path);
    for path in ["/m", "/m/"] {
        let entries = planned(path);
        assert_eq!(entries.len(), 2);
        assert_eq!(entries[0].sub, None, "{path}");
        let info = table.plan(0, Method::GET, path, &mut Vec::new());
        assert_eq!(info.deadline_ms, Some(1), "{path}");
    }
    assert_eq!(planned("/m/x")[0].sub.as_ref().map(Vec::len), Some(2));
    assert_eq!(planned("/m//")[0].sub.as_ref().map(Vec::len), Some(2));
}

#[test]
fn layers_that_ask_are_planned_whenever_their_method_fits() {
    let spec = json!({ "routers": [{ "layers": [
        { "paths": [null, "/a"], "end": true, "methods": ["GET"], "ask": true },
        { "paths": [null], "end": false, "methods": null, "ask": true, "child": 0 },
        { "paths": ["/a"], "end": true, "methods": ["GET"] },
    ] }] });
    let table = Table::from_json(&spec.to_string()).expect("valid");
    let shape = |method: &str, path| {
        let method = Method::from_bytes(method.as_bytes()).expect("known");
        let entries = plan(&table, 0, method, path);
        assert!(
            entries
                .iter()
                .all(|e| e.detail.is_none() && e.sub.is_none())
        );
        entries.iter().map(|e| (e.layer, e.ask)).collect::<Vec<_>>()
    };
    assert_eq!(shape("GET", "/a"), [(0, true), (1, true), (2, false)]);
    assert_eq!(shape("GET", "/b"), [(0, true), (1, true)]);
    assert_eq!(shape("POST", "/a"), [(1, true)]);
    assert_eq!(shape("HEAD", "/b"), [(0, true), (1, true)]);
}

#[test]
fn layers_without_a_test_stand_as_runs() {
    let layer = |more: serde_json::Value| {
        let mut spec = json!({ "paths": ["/"], "end": false, "methods": null });
        let fields = spec.as_object_mut().expect("an object");
        fields.extend(more.as_object().expect("an object").clone());
        spec
    };
    let plain = || layer(json!({}));
    let route = |path: &str| json!({ "paths": [path], "end": true, "methods": ["GET"] });
    let spec = json!({ "routers": [
        { "layers": [
            plain(), plain(), plain(),
            route("/a"),
            plain(),
            route("/b"),
            plain(), plain(),
            layer(json!({ "native": 9 })),
            plain(),
            layer(json!({ "deadline": 5 })),
            layer(json!({ "child": 1 })),
            plain(), plain(),
        ] },
        { "layers": [plain(), plain(), route("/b")] },
    ] });
    let table = Table::from_json(&spec.to_string()).expect("valid");
    let (run, sub) = (8 << 24, 2 << 24);
    let words = |path: &str| {
        let mut words = Vec::new();
        let info = table.plan(0, Method::GET, path, &mut words);
        (words, info.entries)
    };
    #[rustfmt::skip]
    let behind_b = [
        6 | run, 2,
        8,
        9,
        10,
    ];
    #[rustfmt::skip]
    let expected = |before: &[u32], child: &[u32]| {
        [before, &behind_b, &[11 | sub, child.len() as u32], child, &[12 | run, 2]].concat()
    };
    assert_eq!(
        words("/"),
        (
            expected(&[run, 3, 4], &[run, 2]),
            3 + 1 + 2 + 1 + 1 + 1 + 1 + 2
        )
    );
    assert_eq!(words("/a").0, expected(&[run, 3, 3, 4], &[run, 2]));
    assert_eq!(words("/b").0, expected(&[run, 3, 4, 5], &[run, 2, 2]));
}

#[test]
fn words_of_the_plan_words_page() {
    let spec = json!({ "routers": [
        { "layers": [
            { "paths": ["/"], "end": false, "methods": null },
            { "paths": ["/é"], "end": false, "methods": null, "child": 1 },
            { "paths": ["/x", "/é/:a/*w"], "end": true, "methods": ["GET"], "deadline": 0 },
        ] },
        { "layers": [{ "paths": ["/:a/*w"], "end": true, "methods": ["GET"], "deadline": 5 }] },
    ] });
    let table = Table::from_json(&spec.to_string()).expect("valid");
    let mut words = Vec::new();
    let info = table.plan(0, Method::GET, "/é/%F0/b/c", &mut words);
    assert_eq!((info.entries, info.deadline_ms), (3, Some(0)));
    let detail_and_sub = 3 << 24;
    let detail = 1 << 24;
    #[rustfmt::skip]
    let expected = [
        0,
        1 | detail_and_sub, 2, 0, 9,
            detail, 8, 2, 1 << 24, 1, 3, 1 | 2 << 24, 5, 3,
        2 | detail, 10, 1 << 16 | 2, 1 << 24, 3, 3, 1 | 2 << 24, 7, 3,
    ];
    assert_eq!(words, expected);
    assert_eq!(
        table.plan(9, Method::GET, "/", &mut words),
        rnode_router::PlanInfo::default()
    );
}

/// Native layers count as the front only as far as nothing that JavaScript decides stands before them.
#[test]
fn the_front_ends_where_javascript_begins() {
    let table = |layers: &str| {
        Table::from_json(&format!(r#"{{"routers":[{{"layers":[{layers}]}}]}}"#)).expect("valid")
    };
    let front = |table: &Table, path: &str| {
        let mut words = Vec::new();
        table.plan(0, Method::GET, path, &mut words);
        table
            .front(&words)
            .layers()
            .iter()
            .map(|layer| (layer.native, layer.matched, layer.end))
            .collect::<Vec<_>>()
    };
    let all = table(
        r#"{"paths":["/g"],"end":false},
           {"paths":["/"],"end":false,"native":7},
           {"paths":["/m"],"end":false,"native":8},
           {"paths":["/:p"],"end":false,"native":9},
           {"paths":["/m"],"end":true,"methods":["GET"]},
           {"paths":["/"],"end":false,"native":10}"#,
    );
    assert_eq!(front(&all, "/x"), [(7, 0, 1)]);
    assert_eq!(front(&all, "/m/x"), [(7, 0, 1), (8, 2, 4)]);
    assert_eq!(front(&all, "/g/x"), []);
    let asks = table(
        r#"{"paths":[null],"end":false,"ask":true,"native":6},{"paths":["/"],"end":false,"native":7}"#,
    );
    assert_eq!(front(&asks, "/x"), []);
    let many = table(&[r#"{"paths":["/"],"end":false,"native":7}"#; 9].join(","));
    assert_eq!(front(&many, "/x").len(), 4);
    assert_eq!(
        table(r#"{"paths":["/"],"end":false}"#).front(&[]).layers(),
        []
    );
}
