//! Links, sessions, and what a browser must send.

use anyhow::Result;
use sam_tests_api::Host;
use serde_json::json;

use crate::people::text;

#[tokio::test]
async fn the_printed_link_signs_in_once() -> Result<()> {
    let host = Host::start().await?;
    let client = host.first_user().await?;
    let me = client.get("/api/auth/me").await?.expect(200)?;
    assert_eq!(me["user"]["role"], "superadmin");
    assert_eq!(me["user"]["status"], "active");

    let again = host
        .client()
        .post("/api/auth/login", &json!({"token": host.login_token()}))
        .await?;
    assert_eq!(again.status, 401, "{}", again.text);
    Ok(())
}

#[tokio::test]
async fn the_cookie_is_hidden_from_scripts_and_other_sites() -> Result<()> {
    let host = Host::start().await?;
    let answer = host
        .client()
        .post("/api/auth/login", &json!({"token": host.login_token()}))
        .await?;
    let cookie = answer.header("set-cookie").to_owned();
    for attribute in ["HttpOnly", "SameSite=Lax", "Path=/"] {
        assert!(cookie.contains(attribute), "{attribute} is missing in {cookie}");
    }
    assert!(!cookie.contains("Domain"), "host-only: {cookie}");
    assert!(
        cookie.starts_with("sam_session="),
        "the plain name belongs to loopback HTTP: {cookie}"
    );
    Ok(())
}

#[tokio::test]
async fn sessions_are_listed_and_ended() -> Result<()> {
    let host = Host::start().await?;
    let laptop = host.first_user().await?;
    let link = laptop.post("/api/auth/login-links", &json!({})).await?.expect(201)?;
    let phone = host.client().login(&text(&link, "/token")?, None).await?;

    let list = laptop.get("/api/auth/sessions").await?.expect(200)?;
    let items = list["items"].as_array().cloned().unwrap_or_default();
    assert_eq!(items.len(), 2, "{list}");
    let other = items
        .iter()
        .find(|item| item["current"] == false)
        .cloned()
        .unwrap_or_default();

    laptop
        .delete(&format!("/api/auth/sessions/{}", text(&other, "/id")?))
        .await?
        .expect(204)?;
    phone.get("/api/auth/me").await?.expect(401)?;
    laptop.get("/api/auth/me").await?.expect(200)?;

    laptop.delete("/api/auth/sessions").await?.expect(204)?;
    laptop.get("/api/auth/me").await?.expect(401)?;
    Ok(())
}

#[tokio::test]
async fn logging_out_ends_the_session_not_only_the_cookie() -> Result<()> {
    let host = Host::start().await?;
    let client = host.first_user().await?;
    client.post("/api/auth/logout", &json!({})).await?.expect(204)?;
    client.get("/api/auth/me").await?.expect(401)?;
    Ok(())
}

#[tokio::test]
async fn a_cookie_needs_our_own_origin_to_change_anything() -> Result<()> {
    let host = Host::start().await?;
    let client = host.first_user().await?;
    let body = json!({"name": "x", "scopes": ["read"]});
    for origin in [Some("https://evil.example"), Some("null"), None] {
        let answer = client.with_origin(origin).post("/api/tokens", &body).await?;
        assert_eq!(answer.status, 403, "origin {origin:?}: {}", answer.text);
    }
    client.with_origin(None).get("/api/tokens").await?.expect(200)?;
    client.post("/api/tokens", &body).await?.expect(201)?;
    Ok(())
}

#[tokio::test]
async fn guessing_links_is_slowed_down() -> Result<()> {
    let host = Host::start().await?;
    let mut statuses = Vec::new();
    for n in 0..15 {
        let guess = json!({"token": format!("guess-{n}-aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa")});
        statuses.push(host.client().post("/api/auth/login", &guess).await?.status.as_u16());
    }
    assert!(
        statuses.iter().take(5).all(|status| [400, 401].contains(status)),
        "{statuses:?}"
    );
    assert!(statuses.contains(&429), "{statuses:?}");
    Ok(())
}

#[tokio::test]
async fn what_the_profile_does_not_take_is_said() -> Result<()> {
    let host = Host::start().await?;
    let client = host.first_user().await?;
    let patch = async |body| {
        client
            .send(reqwest::Method::PATCH, "/api/account/profile", Some(&body))
            .await
    };
    patch(json!({"name": "Grace", "email": "grace@example.com"}))
        .await?
        .expect(200)?;
    let me = client.get("/api/auth/me").await?.expect(200)?;
    assert_eq!(
        (&me["user"]["name"], &me["user"]["email"]),
        (&json!("Grace"), &json!("grace@example.com"))
    );
    let bad = [
        json!({"name": ""}),
        json!({"email": "nope"}),
        json!({"role": "superadmin"}),
        json!([]),
        json!({"name": 7}),
    ];
    for body in bad {
        let answer = patch(body.clone()).await?;
        assert_eq!(answer.status, 400, "{body}: {}", answer.text);
    }
    Ok(())
}
