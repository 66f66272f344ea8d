//! Follows the orders of the request body, a line each, on the key-value store `default`: `get k`, `set k v`,
//! `delete k`, `exists k`, `keys`, `open` (keeps one more handle). Answers with a line each.

#![allow(clippy::expect_used, reason = "a failure of the host has to show")]

use http_body_util::BodyExt;
use spin_sdk::http::{IntoResponse, Request};
use spin_sdk::http_service;
use spin_sdk::key_value::{Error, Store};

#[http_service]
async fn handle(request: Request) -> impl IntoResponse {
    let body = request
        .into_body()
        .collect()
        .await
        .expect("the body is sent")
        .to_bytes();
    let store = Store::open_default().await.expect("the store is granted");
    let mut kept = Vec::new();
    let mut answer = String::new();
    for order in String::from_utf8_lossy(&body).lines() {
        let result = obey(&store, order, &mut kept).await;
        answer += &result.unwrap_or_else(|error| format!("{error:?}"));
        answer.push('\n');
    }
    answer
}

async fn obey(store: &Store, order: &str, kept: &mut Vec<Store>) -> Result<String, Error> {
    let words: Vec<&str> = order.split(' ').collect();
    Ok(match words.as_slice() {
        ["get", key] => store
            .get(key)
            .await?
            .map_or("none".to_owned(), |value| String::from_utf8_lossy(&value).into_owned()),
        ["set", key, value] => store.set(key, value).await.map(|()| "ok".to_owned())?,
        ["delete", key] => store.delete(key).await.map(|()| "ok".to_owned())?,
        ["exists", key] => store.exists(key).await?.to_string(),
        ["keys"] => store.get_keys().await.collect().await?.join(" "),
        ["open"] => {
            kept.push(Store::open_default().await?);
            "ok".to_owned()
        }
        _ => format!("unknown order {order}"),
    })
}
