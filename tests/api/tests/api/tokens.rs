//! Personal API tokens, and that one person's are nobody else's.

use anyhow::Result;
use sam_tests_api::Host;
use serde_json::json;

use crate::people::{approved, text, token};

#[tokio::test]
async fn a_token_is_shown_once_and_does_what_its_scopes_say() -> Result<()> {
    let host = Host::start().await?;
    let client = host.first_user().await?;
    let made = client
        .post(
            "/api/tokens",
            &json!({"name": "ci", "scopes": ["read"], "expires_in_days": 7}),
        )
        .await?
        .expect(201)?;
    let secret = text(&made, "/token")?;
    assert!(secret.starts_with("sam_"), "{made}");
    let list = client.get("/api/tokens").await?;
    assert!(!list.text.contains(&secret), "the list shows the secret");

    let script = client.with_bearer(&secret);
    script.get("/api/auth/me").await?.expect(200)?;
    let patched = script
        .send(
            reqwest::Method::PATCH,
            "/api/account/profile",
            Some(&json!({"name": "x"})),
        )
        .await?;
    assert_eq!(patched.status, 403, "a read token wrote: {}", patched.text);
    assert_eq!(script.get("/api/admin/users").await?.status, 403, "no admin scope");

    client
        .delete(&format!("/api/tokens/{}", text(&made, "/item/id")?))
        .await?
        .expect(204)?;
    script.get("/api/auth/me").await?.expect(401)?;
    Ok(())
}

#[tokio::test]
async fn one_persons_tokens_and_sessions_are_nobody_elses() -> Result<()> {
    let host = Host::start().await?;
    let root = host.first_user().await?;
    let (ada, _) = approved(&host, &root, "Ada").await?;
    let (bob, _) = approved(&host, &root, "Bob").await?;
    let (_, adas_token) = token(&ada, &["read"]).await?;
    let sessions = ada.get("/api/auth/sessions").await?.expect(200)?;
    let adas_session = text(&sessions, "/items/0/id")?;

    for stranger in [&bob, &root] {
        stranger
            .delete(&format!("/api/tokens/{adas_token}"))
            .await?
            .expect(404)?;
        stranger
            .delete(&format!("/api/auth/sessions/{adas_session}"))
            .await?
            .expect(404)?;
        let list = stranger.get("/api/tokens").await?;
        assert!(!list.text.contains(&adas_token), "{}", list.text);
    }
    ada.delete(&format!("/api/tokens/{adas_token}")).await?.expect(204)?;
    Ok(())
}

#[tokio::test]
async fn bad_token_requests_say_what_is_wrong() -> Result<()> {
    let host = Host::start().await?;
    let client = host.first_user().await?;
    let cases = [
        json!({"name": "", "scopes": ["read"]}),
        json!({"name": "x", "scopes": []}),
        json!({"name": "x", "scopes": ["root"]}),
        json!({"name": "x", "scopes": ["read"], "expires_in_days": 0}),
        json!({"name": "x"}),
    ];
    for body in cases {
        let answer = client.post("/api/tokens", &body).await?.expect(400)?;
        assert!(text(&answer, "/message")?.len() > 10, "{body}: {answer}");
        assert_eq!(answer["error"], "BAD_REQUEST");
    }
    Ok(())
}
