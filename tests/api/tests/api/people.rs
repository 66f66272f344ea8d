//! Users as tests need them, and what administrators do with them.

use anyhow::{Context, Result};
use sam_tests_api::{Client, Host};
use serde_json::{Value, json};

/// A string inside an answer.
pub(crate) fn text(value: &Value, pointer: &str) -> Result<String> {
    let found = value.pointer(pointer).and_then(Value::as_str);
    Ok(found
        .with_context(|| format!("no text at {pointer} in {value}"))?
        .to_owned())
}

/// Somebody who redeemed an invitation of `admin` and waits for approval.
pub(crate) async fn invited(host: &Host, admin: &Client, name: &str) -> Result<(Client, String)> {
    let invite = admin
        .post("/api/admin/invites", &json!({"note": name}))
        .await?
        .expect(201)?;
    let client = host.client().login(&text(&invite, "/token")?, Some(name)).await?;
    let me = client.get("/api/auth/me").await?.expect(200)?;
    assert_eq!(text(&me, "/user/status")?, "pending");
    Ok((client, text(&me, "/user/id")?))
}

/// The same, approved.
pub(crate) async fn approved(host: &Host, admin: &Client, name: &str) -> Result<(Client, String)> {
    let (client, id) = invited(host, admin, name).await?;
    admin
        .post(&format!("/api/admin/users/{id}/approve"), &json!({}))
        .await?
        .expect(200)?;
    Ok((client, id))
}

/// An API token of `client`.
pub(crate) async fn token(client: &Client, scopes: &[&str]) -> Result<(Client, String)> {
    let made = client
        .post("/api/tokens", &json!({"name": "test", "scopes": scopes}))
        .await?
        .expect(201)?;
    Ok((client.with_bearer(&text(&made, "/token")?), text(&made, "/item/id")?))
}

#[tokio::test]
async fn an_invited_person_waits_until_approved() -> Result<()> {
    let host = Host::start().await?;
    let admin = host.first_user().await?;
    let (ada, id) = invited(&host, &admin, "Ada").await?;

    let refused = ada.get("/api/tokens").await?.expect(403)?;
    assert_eq!(refused["error"], "APPROVAL_REQUIRED");
    let pending = admin.get("/api/admin/users?status=pending").await?.expect(200)?;
    assert_eq!(pending["items"][0]["name"], "Ada");

    admin
        .post(&format!("/api/admin/users/{id}/approve"), &json!({}))
        .await?
        .expect(200)?;
    ada.get("/api/tokens").await?.expect(200)?;
    // A second approval has nothing to approve, and says so.
    let again = admin
        .post(&format!("/api/admin/users/{id}/approve"), &json!({}))
        .await?
        .expect(409)?;
    assert_eq!(again["error"], "CONFLICT");
    Ok(())
}

#[tokio::test]
async fn suspending_ends_sessions_and_tokens_at_once() -> Result<()> {
    let host = Host::start().await?;
    let admin = host.first_user().await?;
    let (ada, id) = approved(&host, &admin, "Ada").await?;
    let (script, _) = token(&ada, &["read"]).await?;
    script.get("/api/tokens").await?.expect(200)?;

    admin
        .post(&format!("/api/admin/users/{id}/suspend"), &json!({"reason": "left"}))
        .await?
        .expect(200)?;
    for client in [&ada, &script] {
        let status = client.get("/api/tokens").await?.status.as_u16();
        assert!(
            [401, 403].contains(&status),
            "a suspended user's credential answers {status}"
        );
    }
    admin
        .post(&format!("/api/admin/users/{id}/reinstate"), &json!({}))
        .await?
        .expect(200)?;
    assert_eq!(
        script.get("/api/tokens").await?.status,
        401,
        "the token was revoked for good"
    );
    Ok(())
}

#[tokio::test]
async fn nobody_acts_on_themselves_or_above() -> Result<()> {
    let host = Host::start().await?;
    let root = host.first_user().await?;
    let me = root.get("/api/auth/me").await?.expect(200)?;
    let root_id = text(&me, "/user/id")?;
    assert_eq!(me["user"]["role"], "superadmin");
    let (ada, ada_id) = approved(&host, &root, "Ada").await?;
    root.send(
        reqwest::Method::PUT,
        &format!("/api/admin/users/{ada_id}/role"),
        Some(&json!({"role": "admin"})),
    )
    .await?
    .expect(200)?;

    let cases = [
        (&root, format!("/api/admin/users/{root_id}/suspend"), "oneself"),
        (&ada, format!("/api/admin/users/{root_id}/suspend"), "a superadmin"),
        (&ada, format!("/api/admin/users/{ada_id}/suspend"), "oneself"),
    ];
    for (who, path, whom) in cases {
        let status = who.post(&path, &json!({})).await?.status.as_u16();
        assert!([403, 409].contains(&status), "suspending {whom} answers {status}");
    }
    Ok(())
}

#[tokio::test]
async fn an_invitation_can_be_withdrawn_and_used_once() -> Result<()> {
    let host = Host::start().await?;
    let admin = host.first_user().await?;
    let invite = admin.post("/api/admin/invites", &json!({})).await?.expect(201)?;
    let (first, id) = (text(&invite, "/token")?, text(&invite, "/item/id")?);
    admin.delete(&format!("/api/admin/invites/{id}")).await?.expect(204)?;
    let refused = host
        .client()
        .post("/api/auth/login", &json!({"token": first, "name": "Eve"}))
        .await?;
    assert_eq!(refused.status, 401, "{}", refused.text);

    let second = text(
        &admin.post("/api/admin/invites", &json!({})).await?.expect(201)?,
        "/token",
    )?;
    let nameless = host.client().post("/api/auth/login", &json!({"token": second})).await?;
    assert_eq!(
        nameless.status, 400,
        "an invited person says their name: {}",
        nameless.text
    );
    host.client().login(&second, Some("Ada")).await?;
    assert_eq!(
        host.client()
            .post("/api/auth/login", &json!({"token": second, "name": "Eve"}))
            .await?
            .status,
        401
    );
    Ok(())
}
