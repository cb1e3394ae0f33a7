//! Patterns and paths of published denial-of-service advisories: the work must stay linear, whatever they contain.
//! Work is counted in steps, not in time.

use rnode_router::{Method, Pattern, PatternOptions, Table};

const ROUTE: PatternOptions = PatternOptions {
    sensitive: false,
    strict: false,
    end: true,
};

const MOUNT: PatternOptions = PatternOptions {
    end: false,
    ..ROUTE
};

/// Steps may not exceed this many per element and byte.
const STEPS: u64 = 4;

fn hostile_paths() -> Vec<String> {
    let mut paths = Vec::new();
    for unit in [
        "-a", "-", "a", ".", "/", "/a", "a-a/", "abc", "é-", "%2F", "--", ".a-",
    ] {
        paths.push(format!("/a{}/a", unit.repeat(1500)));
        paths.push(format!("/{}", unit.repeat(1500)));
        paths.push(unit.repeat(1500));
        paths.push(format!("/{}!\n", unit.repeat(1500)));
    }
    paths
}

#[test]
fn advisory_patterns_take_linear_steps() {
    // CVE-2024-45296, CVE-2024-52798, CVE-2026-4867, CVE-2026-4923, CVE-2026-4926 and relatives.
    for path in [
        "/:a-:b",
        "/:a-:b-:c",
        "/:a-:b-:c-:d-:e-:f",
        "/:a--:b--:c",
        "/:a.:b.:c",
        "/*foo-*bar-:baz",
        "/*foo-*bar",
        "/*a/x/*b/x/*c",
        "/*a/*b/*c/*d",
        "/:a-*b-:c",
        "{a}{b}{c}:z",
        "/{:a-}{:b-}{:c-}:d",
        "/:a{-:b}{-:c}{-:d}",
        "/*a-x{-*b-x}",
        "/:aé-:b",
    ] {
        for options in [ROUTE, MOUNT] {
            let pattern = Pattern::parse(path, options).expect(path);
            for hostile in hostile_paths() {
                let (_, steps) = pattern.matches_with_steps(&hostile);
                let bound = STEPS * pattern.size() as u64 * (hostile.len() as u64 + 1);
                assert!(steps <= bound, "{path}: {steps} steps, bound {bound}");
            }
        }
    }
}

#[test]
fn twice_the_path_is_at_most_twice_the_steps() {
    for path in ["/:a-:b-:c", "/*foo-*bar-:baz", "/:a.:b.:c", "/*a/x/*b/x/*c"] {
        let pattern = Pattern::parse(path, ROUTE).expect(path);
        let steps = |n: usize| {
            let hostile = format!("/a{}/a", "-a".repeat(n));
            pattern.matches_with_steps(&hostile).1 as f64
        };
        assert!(steps(8000) / steps(4000) < 2.1, "{path}");
    }
}

#[test]
fn long_repeated_literals_take_linear_steps() {
    let dashes = "-".repeat(200);
    let pattern = Pattern::parse(&format!("/:a{dashes}:b"), ROUTE).expect("valid");
    let (found, steps) = pattern.matches_with_steps(&format!("/{}", "-".repeat(16_000)));
    assert!(found.is_some());
    assert!(steps <= STEPS * pattern.size() as u64 * 16_001);
}

#[test]
fn many_optional_groups_fail_at_registration() {
    for path in ["{a}".repeat(30), "{a}".repeat(20_000), "{a}".repeat(9)] {
        let error = Pattern::parse(&path, ROUTE).expect_err("too many combinations");
        assert_eq!(
            error.to_string(),
            format!(
                "Too many path combinations: {path}; visit https://git.new/pathToRegexpError for info"
            )
        );
        assert_eq!(error.original_path(), path);
    }
    assert!(Pattern::parse(&"{a}".repeat(8), ROUTE).is_ok());
}

#[test]
fn deep_groups_do_not_overflow_the_stack() {
    for depth in [300, 20_000] {
        let path = format!("{}a{}", "{".repeat(depth), "}".repeat(depth));
        let error = Pattern::parse(&path, ROUTE).expect_err("too many combinations");
        assert!(error.to_string().starts_with("Too many path combinations"));
    }
}

#[test]
fn routers_that_contain_each_other_end() {
    let layers = r#"{"paths":["/"],"end":false,"child":0}"#;
    for copies in [1, 2, 7] {
        let stack = vec![layers; copies].join(",");
        let json = format!(r#"{{"routers":[{{"layers":[{stack}]}}]}}"#);
        let table = Table::from_json(&json).expect("valid");
        let mut words = Vec::new();
        let info = table.plan(0, Method::GET, "/a/b", &mut words);
        assert_eq!(info.entries as usize, copies);
        assert!(words.len() <= rnode_router::plan::MAX_WORDS + 64 * copies);
        if copies == 1 {
            // 33 levels: an entry each, and a word for the length of all but the last.
            assert_eq!(words.len(), 33 + 32);
        }
    }
}

#[test]
fn a_path_of_slashes_is_cheap_for_any_table() {
    let layers: Vec<String> = (0..50)
        .map(|n| {
            format!(
                r#"{{"paths":["{}/x{n}"],"end":true,"methods":["GET"]}}"#,
                "/:a".repeat(n)
            )
        })
        .collect();
    let json = format!(r#"{{"routers":[{{"layers":[{}]}}]}}"#, layers.join(","));
    let table = Table::from_json(&json).expect("valid");
    let mut words = Vec::new();
    for path in hostile_paths() {
        assert_eq!(table.plan(0, Method::GET, &path, &mut words).entries, 0);
    }
    assert!(words.is_empty());
}
