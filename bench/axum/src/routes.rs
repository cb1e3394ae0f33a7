//! One router per scenario of `bench/scenarios/` that axum can express. Answers must be those that the
//! scenario's `verify` accepts; the harness checks them before it measures.

use std::collections::HashMap;
use std::convert::Infallible;
use std::path::Path as FilePath;

use axum::body::Body;
use axum::extract::{Path, Query};
use axum::http::header::CONTENT_TYPE;
use axum::response::{IntoResponse, Response};
use axum::routing::{get, post};
use axum::{Json, Router};
use bytes::Bytes;
use serde::{Deserialize, Serialize};
use tower_http::services::ServeDir;

const STREAM_CHUNKS: usize = 64;
const STREAM_CHUNK_BYTES: usize = 16 * 1024;

static STREAM_CHUNK: [u8; STREAM_CHUNK_BYTES] = [b'x'; STREAM_CHUNK_BYTES];

/// The router for the scenario of that name, or `None` if axum has no form of it.
pub(crate) fn for_scenario(name: &str, fixtures: &FilePath) -> Option<Router> {
    let router = Router::new();
    Some(match name {
        "hello-json" => router.route("/", get(hello)),
        "params-query" => router.route("/users/{id}", get(params_query)),
        "post-json-1k" => router.route("/orders", post(order)),
        "static-4k" | "static-250k" => router.fallback_service(ServeDir::new(fixtures)),
        "stream-1m" => router.route("/stream", get(stream)),
        _ => return None,
    })
}

#[derive(Serialize)]
struct Hello {
    hello: &'static str,
}

async fn hello() -> Json<Hello> {
    Json(Hello { hello: "world" })
}

#[derive(Serialize)]
struct User {
    id: String,
    page: Option<String>,
    sort: Option<String>,
    fields: Option<String>,
}

async fn params_query(
    Path(id): Path<String>,
    Query(mut query): Query<HashMap<String, String>>,
) -> Json<User> {
    Json(User {
        id,
        page: query.remove("page"),
        sort: query.remove("sort"),
        fields: query.remove("fields"),
    })
}

#[derive(Deserialize)]
struct Order {
    customer: Customer,
    items: Vec<Item>,
}

#[derive(Deserialize)]
struct Customer {
    id: u64,
}

#[derive(Deserialize)]
struct Item {
    quantity: u64,
}

#[derive(Serialize)]
struct OrderAnswer {
    customer: u64,
    items: usize,
    quantity: u64,
}

async fn order(Json(order): Json<Order>) -> Json<OrderAnswer> {
    Json(OrderAnswer {
        customer: order.customer.id,
        items: order.items.len(),
        quantity: order.items.iter().map(|item| item.quantity).sum(),
    })
}

async fn stream() -> Response {
    let chunks = (0..STREAM_CHUNKS).map(|_| Ok::<_, Infallible>(Bytes::from_static(&STREAM_CHUNK)));
    let body = Body::from_stream(futures_util::stream::iter(chunks));
    ([(CONTENT_TYPE, "application/octet-stream")], body).into_response()
}
