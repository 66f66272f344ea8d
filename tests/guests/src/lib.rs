//! What the guests share: reading their orders from the request.

use std::str::FromStr;

use spin_sdk::http::Request;

/// The query parameter `name`, if it is there and is one.
pub fn query<T: FromStr>(request: &Request, name: &str) -> Option<T> {
    let pairs = request
        .uri()
        .query()?
        .split('&')
        .filter_map(|pair| pair.split_once('='));
    pairs.into_iter().find(|(key, _)| *key == name)?.1.parse().ok()
}

/// The text of the header `name`, empty if it is not there.
pub fn header<'r>(request: &'r Request, name: &str) -> &'r str {
    request
        .headers()
        .get(name)
        .and_then(|value| value.to_str().ok())
        .unwrap_or_default()
}
