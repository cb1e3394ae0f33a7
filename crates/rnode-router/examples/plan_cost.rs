//! Prints what a plan costs, in nanoseconds, for tables of different shapes. Each figure is the median of rounds in which all
//! shapes take turns. Run: `cargo run --release -p rnode-router --example plan_cost`.
//! Measures only; it asserts that each plan has the entries it should, not how long it takes.

use std::fmt::Write;
use std::hint::black_box;
use std::time::Instant;

use rnode_router::{Method, Table};

const ROUNDS: usize = 41;
const PLANS: u32 = 20_000;

struct Shape {
    name: &'static str,
    table: Table,
    path: &'static str,
    entries: u32,
}

fn route(path: &str) -> String {
    format!(r#"{{"paths":["{path}"],"end":true,"methods":["GET"]}}"#)
}

fn mount(path: &str, child: Option<usize>) -> String {
    let child = child.map_or("null".to_owned(), |c| c.to_string());
    format!(r#"{{"paths":["{path}"],"end":false,"methods":null,"child":{child}}}"#)
}

fn shape(name: &'static str, routers: &[Vec<String>], path: &'static str, entries: u32) -> Shape {
    let mut json = String::from(r#"{"routers":["#);
    for (number, layers) in routers.iter().enumerate() {
        let comma = if number > 0 { "," } else { "" };
        write!(json, r#"{comma}{{"layers":[{}]}}"#, layers.join(","))
            .expect("a String takes all that is written");
    }
    json.push_str("]}");
    let table = Table::from_json(&json).expect("the tables above are valid");
    Shape {
        name,
        table,
        path,
        entries,
    }
}

fn many(count: usize, layer: impl Fn(usize) -> String) -> Vec<String> {
    (0..count).map(layer).collect()
}

fn main() {
    let mut slashes = many(100, |_| mount("/", None));
    slashes.push(route("/users/list"));
    let mut api = many(3, |_| mount("/", None));
    api.push(mount("/v1", Some(2)));
    let shapes = [
        shape("1 static route", &[vec![route("/hello")]], "/hello", 1),
        shape(
            "last of 1,000 static routes",
            &[many(1000, |n| route(&format!("/route{n}")))],
            "/route999",
            1,
        ),
        shape("1 route /r/:id", &[vec![route("/r/:id")]], "/r/12345", 1),
        shape(
            "last of 1,000 routes /rN/:id",
            &[many(1000, |n| route(&format!("/r{n}/:id")))],
            "/r999/12345",
            1,
        ),
        shape(
            "1 route /users/:id/a",
            &[vec![route("/users/:id/a")]],
            "/users/12345/a",
            1,
        ),
        shape(
            "last of 1,000 routes /users/:id/aN",
            &[many(1000, |n| route(&format!("/users/:id/a{n}")))],
            "/users/12345/a999",
            1,
        ),
        shape(
            "no match among 1,000 routes",
            &[many(1000, |n| route(&format!("/route{n}")))],
            "/other",
            0,
        ),
        shape("1 route /:a-:b", &[vec![route("/:a-:b")]], "/from-to", 1),
        shape(
            "1 route /files/*path",
            &[vec![route("/files/*path")]],
            "/files/a/b/c.txt",
            1,
        ),
        shape("100 layers / and a route", &[slashes], "/users/list", 101),
        shape(
            "3 nested routers",
            &[
                vec![mount("/", None), mount("/api", Some(1))],
                api,
                vec![route("/users"), route("/users/:id")],
            ],
            "/api/v1/users/12345",
            2,
        ),
    ];

    let mut words = Vec::with_capacity(1024);
    let mut samples = vec![Vec::new(); shapes.len()];
    for _ in 0..ROUNDS {
        for (shape, samples) in shapes.iter().zip(&mut samples) {
            let start = Instant::now();
            for _ in 0..PLANS {
                words.clear();
                let path = black_box(shape.path);
                let info = shape.table.plan(0, Method::GET, path, &mut words);
                assert_eq!(info.entries, shape.entries);
                black_box(&words);
            }
            samples.push(start.elapsed().as_nanos() as f64 / f64::from(PLANS));
        }
    }
    for (shape, samples) in shapes.iter().zip(&mut samples) {
        samples.sort_by(f64::total_cmp);
        println!("{:>8.1} ns  {}", samples[ROUNDS / 2], shape.name);
    }
}
