//! The `spin-*` request headers by which Spin tells a component how it was reached.
//!
//! Whatever of them a client sent is dropped first: guests take them for the host's word.

use std::net::SocketAddr;

use http::header::{HeaderName, HeaderValue};
use http::request::Parts;
use spin_host_manifest::RouteMatch;

const PATH_MATCH_PREFIX: &str = "spin-path-match-";

/// Replaces the `spin-*` headers of a request that `route` matched; `authority` is the host that was asked for.
pub(crate) fn replace(parts: &mut Parts, authority: &str, route: &RouteMatch<'_>) {
    drop_forged(parts);
    let pattern = route.route.as_str();
    let path_info = route.wildcard.as_deref().unwrap_or_default();
    let full_url = format!(
        "http://{authority}{}",
        parts.uri.path_and_query().map_or("/", |path| path.as_str())
    );
    let client = parts.extensions.get::<SocketAddr>().map(SocketAddr::to_string);
    let headers = &mut parts.headers;
    let mut set = |name: &'static str, value: &str| {
        if let Ok(value) = HeaderValue::from_str(value) {
            headers.insert(HeaderName::from_static(name), value);
        }
    };
    set("spin-path-info", path_info);
    set("spin-full-url", &full_url);
    set("spin-base-path", "/");
    set("spin-matched-route", pattern);
    set("spin-raw-component-route", pattern);
    set("spin-component-route", route.route.prefix());
    if let Some(client) = client {
        set("spin-client-addr", &client);
    }
    for (name, value) in &route.params {
        let name = HeaderName::try_from(format!("{PATH_MATCH_PREFIX}{}", name.to_ascii_lowercase()));
        if let (Ok(name), Ok(value)) = (name, HeaderValue::from_str(value)) {
            parts.headers.insert(name, value);
        }
    }
}

/// Drops the `spin-*` headers of a request that no route matched (an internal call).
pub(crate) fn drop_forged(parts: &mut Parts) {
    let forged: Vec<HeaderName> = parts
        .headers
        .keys()
        .filter(|name| name.as_str().starts_with("spin-"))
        .cloned()
        .collect();
    for name in forged {
        parts.headers.remove(name);
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use spin_host_manifest::{Manifest, Router};

    const MANIFEST: &str = r#"
        spin_manifest_version = 2
        application.name = "a"
        [[trigger.http]]
        route = "/api/:id/..."
        component = "a"
        [component.a]
        source = "a.wasm"
    "#;

    #[test]
    fn forged_headers_are_replaced() {
        let app = Manifest::parse(MANIFEST, "").unwrap();
        let router = Router::new(&app);
        let request = http::Request::get("http://h/api/7/x/y?q=1")
            .header("spin-path-match-id", "8")
            .header("spin-client-addr", "6.6.6.6:6")
            .header("spin-forged", "1")
            .header("accept", "*/*")
            .extension(SocketAddr::from(([127, 0, 0, 1], 9)));
        let (mut parts, ()) = request.body(()).unwrap().into_parts();
        replace(&mut parts, "h", &router.find("/api/7/x/y").unwrap());
        let mut headers: Vec<String> = parts
            .headers
            .iter()
            .map(|(k, v)| format!("{k}: {}", v.to_str().unwrap()))
            .collect();
        headers.sort();
        assert_eq!(
            headers,
            [
                "accept: */*",
                "spin-base-path: /",
                "spin-client-addr: 127.0.0.1:9",
                "spin-component-route: /api/:id",
                "spin-full-url: http://h/api/7/x/y?q=1",
                "spin-matched-route: /api/:id/...",
                "spin-path-info: /x/y",
                "spin-path-match-id: 7",
                "spin-raw-component-route: /api/:id/...",
            ]
        );
    }
}
