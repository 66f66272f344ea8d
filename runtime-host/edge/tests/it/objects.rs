//! The object store against real presigned URLs of `rusty-s3`.

use crate::client::{Reply, Server, request, start};
use bytes::Bytes;
use http::{Request, StatusCode};
use http_body_util::Full;
use rusty_s3::actions::{DeleteObject, GetObject, HeadObject, PutObject};
use rusty_s3::{Bucket, Credentials, S3Action, UrlStyle};
use sam_edge::objects::{ObjectStore, ObjectStoreConfig};
use sam_edge::serve::ServeLimits;
use sam_edge::{Body, EdgeConfig, error_answer};
use std::path::Path;
use std::time::Duration;
use tempfile::TempDir;
use url::Url;

const MINUTE: Duration = Duration::from_secs(60);
const BYTES_MAX: u64 = 1024;

struct Store {
    server: Server,
    bucket: Bucket,
    credentials: Credentials,
    _dir: Option<TempDir>,
}

async fn application(_request: Request<Body>) -> http::Response<Body> {
    error_answer(StatusCode::IM_A_TEAPOT, "APPLICATION", "not the object store")
}

async fn open_in(dir: &Path) -> Store {
    let objects = ObjectStore::open(ObjectStoreConfig {
        dir: dir.to_owned(),
        bucket: "sam-objects".to_owned(),
        access_key: "sam".to_owned(),
        secret_key: "secret".to_owned(),
        object_bytes_max: BYTES_MAX,
        origins: vec!["http://app.test".to_owned()],
    });
    let config = EdgeConfig {
        objects: Some(objects.unwrap()),
        ..EdgeConfig::default()
    };
    let server = start(config, ServeLimits::default(), application).await;
    let endpoint = Url::parse(&format!("http://{}", server.address)).unwrap();
    let bucket = Bucket::new(endpoint, UrlStyle::Path, "sam-objects", "local").unwrap();
    Store {
        server,
        bucket,
        credentials: Credentials::new("sam", "secret"),
        _dir: None,
    }
}

async fn open() -> Store {
    let dir = TempDir::new().unwrap();
    Store {
        _dir: None,
        ..open_in(dir.path()).await
    }
    .keeping(dir)
}

impl Store {
    fn keeping(self, dir: TempDir) -> Self {
        Self {
            _dir: Some(dir),
            ..self
        }
    }

    fn put(&self, key: &str) -> Url {
        PutObject::new(&self.bucket, Some(&self.credentials), key).sign(MINUTE)
    }

    fn get(&self, key: &str) -> Url {
        GetObject::new(&self.bucket, Some(&self.credentials), key).sign(MINUTE)
    }

    async fn send(&self, method: &str, url: &Url, headers: &[(&str, &str)], body: impl Into<Bytes>) -> Reply {
        let target = url
            .as_str()
            .strip_prefix(url.origin().ascii_serialization().as_str())
            .unwrap()
            .to_owned();
        let (parts, _) = request(method, &target, headers).into_parts();
        self.server
            .send(Request::from_parts(parts, Full::new(body.into())))
            .await
    }
}

#[tokio::test]
async fn presigned_urls_put_get_head_and_delete() {
    let dir = TempDir::new().unwrap();
    {
        let store = open_in(dir.path()).await;
        let put = store
            .send("PUT", &store.put("a/b.txt"), &[("content-type", "text/html")], "hello")
            .await;
        assert_eq!(put.status, StatusCode::OK, "{}", put.text());
    }
    let store = open_in(dir.path()).await;
    let get = store.send("GET", &store.get("a/b.txt"), &[], "").await;
    assert_eq!(
        (get.status, get.text()),
        (StatusCode::OK, "hello".to_owned()),
        "kept across a restart"
    );
    assert_eq!(get.headers["content-type"], "text/html");
    assert_eq!(get.headers["content-security-policy"], "sandbox; default-src 'none'");
    assert_eq!(get.headers["content-disposition"], "attachment");
    let part = store
        .send("GET", &store.get("a/b.txt"), &[("range", "bytes=1-3")], "")
        .await;
    assert_eq!(
        (part.status, part.text()),
        (StatusCode::PARTIAL_CONTENT, "ell".to_owned())
    );
    let head = HeadObject::new(&store.bucket, Some(&store.credentials), "a/b.txt").sign(MINUTE);
    assert_eq!(store.send("HEAD", &head, &[], "").await.headers["content-length"], "5");
    let delete = DeleteObject::new(&store.bucket, Some(&store.credentials), "a/b.txt").sign(MINUTE);
    assert_eq!(
        store.send("DELETE", &delete, &[], "").await.status,
        StatusCode::NO_CONTENT
    );
    assert_eq!(
        store.send("GET", &store.get("a/b.txt"), &[], "").await.status,
        StatusCode::NOT_FOUND
    );
}

#[tokio::test]
async fn what_is_not_signed_for_does_not_pass() {
    let store = open().await;
    store.send("PUT", &store.put("mine"), &[], "secret").await;
    let other_key = Credentials::new("sam", "guessed");
    let replaced = |url: Url, from: &str, to: &str| Url::parse(&url.as_str().replace(from, to)).unwrap();
    let mut stripped = store.get("mine");
    stripped.set_query(None);
    let cases = [
        ("unsigned", "GET", stripped),
        (
            "another key pair",
            "GET",
            GetObject::new(&store.bucket, Some(&other_key), "mine").sign(MINUTE),
        ),
        ("another object", "GET", replaced(store.get("yours"), "/yours", "/mine")),
        ("another method", "PUT", store.get("mine")),
        (
            "a longer life",
            "GET",
            replaced(store.get("mine"), "X-Amz-Expires=60", "X-Amz-Expires=6000"),
        ),
    ];
    for (what, method, url) in cases {
        let reply = store.send(method, &url, &[], "x").await;
        assert_eq!(reply.status, StatusCode::FORBIDDEN, "{what}: {}", reply.text());
        assert!(!reply.text().contains("secret"));
    }
    let short = GetObject::new(&store.bucket, Some(&store.credentials), "mine").sign(Duration::from_secs(1));
    tokio::time::sleep(Duration::from_millis(2100)).await;
    let expired = store.send("GET", &short, &[], "").await;
    assert_eq!(expired.status, StatusCode::FORBIDDEN, "expired: {}", expired.text());
}

#[tokio::test]
async fn size_and_operations_are_limited() {
    let store = open().await;
    let size = |n: u64| vec![b'x'; usize::try_from(n).unwrap()];
    assert_eq!(
        store.send("PUT", &store.put("k"), &[], size(BYTES_MAX)).await.status,
        StatusCode::OK
    );
    let large = store.send("PUT", &store.put("large"), &[], size(BYTES_MAX + 1)).await;
    assert_eq!(large.status, StatusCode::PAYLOAD_TOO_LARGE);
    assert!(large.text().contains("<Code>EntityTooLarge</Code>"));
    assert_eq!(
        store.send("GET", &store.get("large"), &[], "").await.status,
        StatusCode::NOT_FOUND
    );
    let copy = store
        .send(
            "PUT",
            &store.put("copy"),
            &[("x-amz-copy-source", "/sam-objects/k")],
            "x",
        )
        .await;
    assert_eq!(copy.status, StatusCode::BAD_REQUEST);
}

#[tokio::test]
async fn no_path_leads_out_of_the_bucket() {
    let store = open().await;
    let query = store.get("k").query().unwrap().to_owned();
    let paths = [
        "/sam-objects/../x",
        "/sam-objects/%2e%2e/x",
        "/sam-objects/a/..%2f..%2fx",
        "/sam-objects/.internal",
        "/sam-objects/",
    ];
    for path in paths {
        let reply = store.server.send(request("GET", &format!("{path}?{query}"), &[])).await;
        assert_eq!(reply.status, StatusCode::BAD_REQUEST, "{path}");
    }
    let elsewhere = store.server.send(request("GET", &format!("/?{query}"), &[])).await;
    assert_eq!(
        elsewhere.status,
        StatusCode::IM_A_TEAPOT,
        "other paths are the application's"
    );
}

#[tokio::test]
async fn only_the_apps_pages_may_use_it() {
    let store = open().await;
    let preflight = |origin: &'static str| [("origin", origin), ("access-control-request-method", "PUT")];
    let ours = store
        .server
        .send(request("OPTIONS", "/sam-objects/k", &preflight("http://app.test")))
        .await;
    assert_eq!(ours.status, StatusCode::NO_CONTENT);
    assert_eq!(ours.headers["access-control-allow-origin"], "http://app.test");
    assert!(
        ours.headers["access-control-allow-methods"]
            .to_str()
            .unwrap()
            .contains("PUT")
    );
    let foreign = store
        .server
        .send(request("OPTIONS", "/sam-objects/k", &preflight("http://evil.test")))
        .await;
    assert!(!foreign.headers.contains_key("access-control-allow-origin"));
    let put = store
        .send("PUT", &store.put("k"), &[("origin", "http://app.test")], "x")
        .await;
    assert_eq!(put.headers["access-control-allow-origin"], "http://app.test");
}
