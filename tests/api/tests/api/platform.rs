//! Health, documents, errors and headers: what every client meets.

use anyhow::Result;
use sam_contract::route::Stability;
use sam_tests_api::{Client, Host};
use serde_json::json;

use crate::people::text;

#[tokio::test]
async fn health_says_so_in_public_and_in_detail() -> Result<()> {
    let host = Host::start().await?;
    let health = host.client().get("/health").await?.expect(200)?;
    assert_eq!(health["status"], "healthy");
    assert!(
        health["timestamp"].as_i64().unwrap_or_default() > 1_700_000_000_000,
        "{health}"
    );

    let root = host.first_user().await?;
    let detail = root.get("/api/admin/health").await?.expect(200)?;
    assert_eq!(detail["status"], "healthy", "{detail}");
    let queues = detail["queues"].as_array().cloned().unwrap_or_default();
    for queue in sam_contract::queues::QUEUES {
        assert!(
            queues.iter().any(|row| row["queue"] == queue.name),
            "{} is missing in {detail}",
            queue.name
        );
    }
    assert!(
        detail["schema"]["default"]["version"].as_i64().unwrap_or_default() >= 2,
        "{detail}"
    );
    Ok(())
}

/// What an operator's Prometheus reads: requests by component, statements by commit, and how each queue fares.
#[tokio::test]
async fn the_admin_listener_has_metrics() -> Result<()> {
    let host = Host::start().await?;
    if !host.is_sam_host() {
        return Ok(());
    }
    host.first_user().await?;
    let address = std::fs::read_to_string(host.data_dir().join("admin-address"))?;
    let admin = Client::new(&format!("http://{}", address.trim()));
    let missing = |text: &str| {
        [
            r#"sam_queue_depth{queue="audit"}"#,
            r#"sam_queue_oldest_age_seconds{queue="identity"}"#,
            r#"sam_queue_last_success_timestamp_seconds{queue="audit"}"#,
            r#"spin_requests_total{component="identity",outcome="2xx"}"#,
            r#"spin_store_commit_seconds_count{kind="sqlite",label="default"}"#,
        ]
        .into_iter()
        .find(|name| !text.contains(name))
    };
    // The sign-in's audit row is sealed a second later, and the tick after that tells of it.
    let mut text = String::new();
    for _ in 0..200 {
        text = admin.get("/metrics").await?.text;
        if missing(&text).is_none() {
            return Ok(());
        }
        tokio::time::sleep(std::time::Duration::from_millis(100)).await;
    }
    anyhow::bail!("{:?} is missing in\n{text}", missing(&text));
}

#[tokio::test]
async fn the_served_document_names_every_public_route() -> Result<()> {
    let host = Host::start().await?;
    let document = host.client().get("/api/openapi.json").await?.expect(200)?;
    assert_eq!(document["openapi"].as_str().map(|v| v.starts_with("3.1")), Some(true));
    for route in sam_contract::routes::ROUTES
        .iter()
        .filter(|route| route.path.starts_with("/api/") && route.stability != Stability::Agent)
    {
        let operation = &document["paths"][route.path][route.method.as_str().to_lowercase()];
        assert_eq!(
            operation["operationId"],
            route.id,
            "{} {}",
            route.method.as_str(),
            route.path
        );
    }
    Ok(())
}

#[tokio::test]
async fn keys_are_published() -> Result<()> {
    let host = Host::start().await?;
    let keys = host.client().get("/.well-known/jwks.json").await?.expect(200)?;
    assert_eq!(keys["keys"][0]["kty"], "OKP");
    assert!(keys["keys"][0].get("d").is_none(), "a private key is published");
    Ok(())
}

#[tokio::test]
async fn errors_have_one_shape_and_name_the_request() -> Result<()> {
    let host = Host::start().await?;
    let root = host.first_user().await?;
    let cases = [
        (root.get("/api/nothing").await?, 404, "NOT_FOUND"),
        (host.client().get("/api/auth/me").await?, 401, "UNAUTHORIZED"),
        (root.post("/api/tokens", &json!("text")).await?, 400, "BAD_REQUEST"),
        (
            root.delete("/api/tokens/01arz3ndektsv4rrffq69g5fav").await?,
            404,
            "NOT_FOUND",
        ),
        (root.delete("/api/tokens/not-an-id").await?, 404, "NOT_FOUND"),
        (
            root.post("/api/tokens", &json!({"name": "x".repeat(100_000)})).await?,
            413,
            "PAYLOAD_TOO_LARGE",
        ),
        (root.get("/api/admin/users?limit=many").await?, 400, "BAD_REQUEST"),
        (root.get("/api/admin/users?cursor=%00").await?, 400, "BAD_REQUEST"),
    ];
    for (answer, status, code) in cases {
        let shown = format!("{answer:?}");
        let request_id = answer.header("x-request-id").to_owned();
        let body = answer.expect(status)?;
        assert_eq!(text(&body, "/error")?, code, "{shown}");
        assert!(!text(&body, "/message")?.is_empty(), "{shown}");
        assert!(!host.is_sam_host() || !request_id.is_empty(), "{shown}");
    }
    Ok(())
}

#[tokio::test]
async fn a_method_that_a_path_does_not_have_is_405() -> Result<()> {
    let host = Host::start().await?;
    let root = host.first_user().await?;
    assert_eq!(root.delete("/api/auth/me").await?.status, 405);
    Ok(())
}

#[tokio::test]
async fn the_app_is_served_with_a_strict_policy() -> Result<()> {
    let host = Host::start().await?;
    for path in ["/", "/settings/tokens", "/login"] {
        let page = host.client().page(path).await?;
        assert_eq!(page.status, 200, "{path}");
        assert!(
            page.text.contains("<div id=\"app\"") || page.text.contains("<script"),
            "{path}: {}",
            page.text
        );
        let policy = page.header("content-security-policy").to_owned();
        let strict = policy.contains("default-src 'none'") && policy.contains("script-src 'self';");
        assert!(strict, "{path}: {policy}");
        assert_eq!(page.header("x-content-type-options"), "nosniff");
    }
    Ok(())
}

#[tokio::test]
async fn internal_headers_cannot_be_sent_and_are_never_shown() -> Result<()> {
    let host = Host::start().await?;
    if !host.is_sam_host() {
        return Ok(()); // The edge keeps this; on plain Spin there is none.
    }
    let answer = host.first_user().await?.post("/api/admin/invites", &json!({})).await?;
    let shown: Vec<_> = answer
        .headers
        .keys()
        .filter(|name| name.as_str().starts_with("x-sam-"))
        .collect();
    assert!(shown.is_empty(), "{shown:?}");
    Ok(())
}
