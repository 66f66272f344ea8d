//! What is answered to which request.

use http::header::{
    ACCEPT, ACCEPT_ENCODING, ALLOW, CACHE_CONTROL, CONTENT_ENCODING, CONTENT_TYPE, ETAG, IF_NONE_MATCH, VARY,
};
use http::{HeaderMap, HeaderName, HeaderValue, Method, Response, StatusCode};

use crate::files::{File, Files, relative};
use crate::headers::{EVERYWHERE, IMMUTABLE, REVALIDATE, is_hashed};
use crate::media::media_type;

/// The page that starts the app.
const INDEX: &str = "index.html";

/// Encodings in which the build may have left a file, best first, with their extensions.
const ENCODINGS: &[(&str, &str)] = &[("br", ".br"), ("gzip", ".gz")];

/// Shown when the app was never built. Plain HTML, because there is nothing else.
const NOT_BUILT: &str =
    "<!doctype html><html lang=\"en\"><meta charset=\"utf-8\"><title>SAM: the web app is not built</title>
<h1>The web app is not built</h1>
<p>The control plane runs, but <code>web/dist</code> has no <code>index.html</code>.
<p>Start it with <code>cargo xtask up</code>, which builds the app, or build it by hand:
<code>npm ci &amp;&amp; npm run build</code> in <code>web</code>.
<p>The API works meanwhile: <a href=\"/api/openapi.json\">/api/openapi.json</a>, <a href=\"/health\">/health</a>.
</html>";

/// Answers a request.
pub fn answer(files: &impl Files, method: &Method, path: &str, headers: &HeaderMap) -> Response<Vec<u8>> {
    let mut response = if method == Method::GET || method == Method::HEAD {
        get(files, path, headers)
    } else {
        let mut refused = text(StatusCode::METHOD_NOT_ALLOWED, "Files can only be read.\n");
        refused
            .headers_mut()
            .insert(ALLOW, HeaderValue::from_static("GET, HEAD"));
        refused
    };
    for (name, value) in EVERYWHERE {
        response
            .headers_mut()
            .insert(HeaderName::from_static(name), HeaderValue::from_static(value));
    }
    if method == Method::HEAD {
        response.body_mut().clear();
    }
    response
}

fn get(files: &impl Files, path: &str, headers: &HeaderMap) -> Response<Vec<u8>> {
    let wanted = relative(path);
    if let Some(found) = wanted
        .as_deref()
        .filter(|path| !path.is_empty())
        .and_then(|path| file(files, path, headers))
    {
        return found;
    }
    // Pages are the app's to know; what is asked for by a script or a stylesheet is missing.
    if !(wanted.as_deref() == Some("") || accepts(headers, ACCEPT, "text/html")) {
        return text(StatusCode::NOT_FOUND, "There is no such file.\n");
    }
    file(files, INDEX, headers).unwrap_or_else(|| {
        let mut missing = text(StatusCode::SERVICE_UNAVAILABLE, NOT_BUILT);
        missing
            .headers_mut()
            .insert(CONTENT_TYPE, HeaderValue::from_static(media_type(INDEX)));
        missing
    })
}

fn file(files: &impl Files, path: &str, headers: &HeaderMap) -> Option<Response<Vec<u8>>> {
    let encoded = ENCODINGS
        .iter()
        .filter(|(name, _)| accepts(headers, ACCEPT_ENCODING, name));
    let mut encoded = encoded.filter_map(|(name, extension)| Some((*name, files.read(&format!("{path}{extension}"))?)));
    let (encoding, found) = match encoded.next() {
        Some((name, found)) => (Some(name), found),
        None => (None, files.read(path)?),
    };
    Some(with_headers(path, encoding, found, headers))
}

fn with_headers(path: &str, encoding: Option<&'static str>, file: File, headers: &HeaderMap) -> Response<Vec<u8>> {
    let etag = file.etag();
    let known = headers
        .get_all(IF_NONE_MATCH)
        .iter()
        .filter_map(|value| value.to_str().ok());
    // The edge may have compressed what it passed on and weakened the tag for it.
    let is_known = known
        .flat_map(|line| line.split(','))
        .any(|tag| tag.trim().trim_start_matches("W/") == etag);
    let mut response = Response::new(if is_known { Vec::new() } else { file.body });
    if is_known {
        *response.status_mut() = StatusCode::NOT_MODIFIED;
    }
    let all = response.headers_mut();
    all.insert(CONTENT_TYPE, HeaderValue::from_static(media_type(path)));
    all.insert(
        CACHE_CONTROL,
        HeaderValue::from_static(if is_hashed(path) { IMMUTABLE } else { REVALIDATE }),
    );
    all.insert(VARY, HeaderValue::from_static("accept, accept-encoding"));
    if let Ok(value) = HeaderValue::from_str(&etag) {
        all.insert(ETAG, value);
    }
    if let Some(name) = encoding {
        all.insert(CONTENT_ENCODING, HeaderValue::from_static(name));
    }
    response
}

/// Whether a list header names `wanted` and does not rule it out with `q=0`.
fn accepts(headers: &HeaderMap, name: HeaderName, wanted: &str) -> bool {
    let lines = headers.get_all(name).iter().filter_map(|value| value.to_str().ok());
    let mut items = lines.flat_map(|line| line.split(','));
    items.any(|item| {
        let mut parts = item.split(';').map(str::trim);
        let is_wanted = parts.next().is_some_and(|item| item.eq_ignore_ascii_case(wanted));
        is_wanted && !parts.any(|parameter| matches!(parameter, "q=0" | "q=0.0" | "q=0.00" | "q=0.000"))
    })
}

fn text(status: StatusCode, body: &str) -> Response<Vec<u8>> {
    let mut response = Response::new(body.as_bytes().to_vec());
    *response.status_mut() = status;
    let headers = response.headers_mut();
    headers.insert(CONTENT_TYPE, HeaderValue::from_static("text/plain; charset=utf-8"));
    headers.insert(CACHE_CONTROL, HeaderValue::from_static("no-store"));
    response
}

#[cfg(test)]
mod tests {
    use super::*;

    struct Folder(&'static [&'static str]);

    impl Files for Folder {
        fn read(&self, path: &str) -> Option<File> {
            self.0.contains(&path).then(|| File {
                body: path.as_bytes().to_vec(),
                modified_ms: 7,
            })
        }
    }

    const BUILT: Folder = Folder(&[
        "index.html",
        "index.html.gz",
        "favicon.svg",
        "assets/app-BX3fQ9aZ.js",
        "assets/app-BX3fQ9aZ.js.br",
        "assets/app-BX3fQ9aZ.js.gz",
    ]);

    fn ask(files: &Folder, method: &str, path: &str, pairs: &[(&'static str, &str)]) -> Response<Vec<u8>> {
        let headers = pairs
            .iter()
            .map(|(name, value)| (HeaderName::from_static(name), value.parse().unwrap()))
            .collect();
        answer(files, &method.parse().unwrap(), path, &headers)
    }

    /// Status, body and the named headers of an answer.
    fn check(pairs: &[(&'static str, &str)], path: &str, status: u16, body: &str, expect: &[(&str, &str)]) {
        let response = ask(&BUILT, "GET", path, pairs);
        let got = (response.status().as_u16(), String::from_utf8_lossy(response.body()));
        assert_eq!(got, (status, body.into()), "{path} {pairs:?}");
        for (name, value) in expect {
            let got = response
                .headers()
                .get(*name)
                .map_or("", |value| value.to_str().unwrap());
            assert_eq!(got, *value, "{path} {pairs:?}: {name}");
        }
    }

    const PAGE: (&str, &str) = ("accept", "text/html,application/xhtml+xml,*/*;q=0.8");

    #[test]
    fn files_and_pages() {
        let html = ("content-type", "text/html; charset=utf-8");
        check(
            &[],
            "/",
            200,
            "index.html",
            &[html, ("cache-control", "no-cache"), ("content-encoding", "")],
        );
        check(&[PAGE], "/settings/tokens", 200, "index.html", &[html]);
        check(&[PAGE], "/assets/gone-BX3fQ9aZ", 200, "index.html", &[]);
        check(
            &[("accept", "*/*")],
            "/assets/gone-BX3fQ9aZ.js",
            404,
            "There is no such file.\n",
            &[],
        );
        check(
            &[("accept", "text/html;q=0")],
            "/settings",
            404,
            "There is no such file.\n",
            &[],
        );
        check(
            &[],
            "/favicon.svg",
            200,
            "favicon.svg",
            &[("content-type", "image/svg+xml")],
        );
        check(&[], "/%2e%2e/secret", 404, "There is no such file.\n", &[]);
    }

    #[test]
    fn encodings_and_caches() {
        let path = "/assets/app-BX3fQ9aZ.js";
        let immutable = ("cache-control", "public, max-age=31536000, immutable");
        check(
            &[],
            path,
            200,
            "assets/app-BX3fQ9aZ.js",
            &[immutable, ("vary", "accept, accept-encoding")],
        );
        let br = &[
            ("content-encoding", "br"),
            ("content-type", "text/javascript; charset=utf-8"),
        ];
        check(
            &[("accept-encoding", "gzip, deflate, br")],
            path,
            200,
            "assets/app-BX3fQ9aZ.js.br",
            br,
        );
        check(
            &[("accept-encoding", "br;q=0, gzip")],
            path,
            200,
            "assets/app-BX3fQ9aZ.js.gz",
            &[("content-encoding", "gzip")],
        );
        check(
            &[("if-none-match", "\"7-16\"")],
            path,
            304,
            "",
            &[("etag", "\"7-16\""), immutable],
        );
        check(&[("if-none-match", "\"x\", W/\"7-16\"")], path, 304, "", &[]);
        check(
            &[("if-none-match", "\"other\"")],
            path,
            200,
            "assets/app-BX3fQ9aZ.js",
            &[],
        );
        // The tag of one encoding does not stand for another.
        check(
            &[("if-none-match", "\"7-16\""), ("accept-encoding", "br")],
            path,
            200,
            "assets/app-BX3fQ9aZ.js.br",
            &[],
        );
    }

    #[test]
    fn every_answer_is_strict() {
        for (method, path) in [("GET", "/"), ("GET", "/nothing.js"), ("POST", "/"), ("HEAD", "/")] {
            let response = ask(&BUILT, method, path, &[]);
            for (name, value) in EVERYWHERE {
                assert_eq!(response.headers().get(*name).unwrap(), value, "{method} {path}");
            }
        }
        assert!(!crate::headers::CONTENT_SECURITY_POLICY.contains("script-src 'self' 'unsafe"));
    }

    #[test]
    fn only_reading() {
        let refused = ask(&BUILT, "POST", "/", &[]);
        assert_eq!(
            (refused.status().as_u16(), refused.headers()["allow"].to_str().unwrap()),
            (405, "GET, HEAD")
        );
        let head = ask(&BUILT, "HEAD", "/favicon.svg", &[]);
        assert_eq!((head.status().as_u16(), head.body().len()), (200, 0));
    }

    #[test]
    fn without_a_build_it_says_what_to_do() {
        let response = ask(&Folder(&[]), "GET", "/", &[]);
        assert_eq!(response.status().as_u16(), 503);
        assert!(String::from_utf8_lossy(response.body()).contains("npm run build"));
    }
}
