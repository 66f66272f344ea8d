//! The authorisation cube: every route of the table, tried by everybody. What must happen follows from the table
//! alone, so that a route cannot be added without being tried.

use std::fmt::Write as _;

use anyhow::Result;
use reqwest::Method;
use sam_contract::http::tokens::Scope;
use sam_contract::http::users::Role;
use sam_contract::route::{Auth, RouteInfo, TokenAccess};
use sam_contract::routes::ROUTES;
use sam_tests_api::{Client, Host};
use serde_json::json;

use crate::people::{approved, invited, text, token};

/// Who tries.
struct Caller {
    name: &'static str,
    client: Client,
    credential: Credential,
}

enum Credential {
    /// None, or one that is worth nothing.
    Nothing,
    /// A session of somebody who waits for approval.
    Pending,
    /// A session of an active user.
    Session(Role),
    /// A token of an active user, with one scope.
    Token(Role, Scope),
}

/// What the table says of a caller.
#[derive(PartialEq, Eq, Debug)]
enum Verdict {
    Pass,
    Unauthorized,
    Forbidden,
}

fn verdict(route: &RouteInfo, credential: &Credential) -> Verdict {
    let role_passes = |role: &Role| match route.auth {
        Auth::Public | Auth::AnySession | Auth::User => true,
        Auth::Admin => *role >= Role::Admin,
        Auth::Superadmin => *role == Role::Superadmin,
        Auth::Ops | Auth::Node => false,
    };
    let allow = |pass| if pass { Verdict::Pass } else { Verdict::Forbidden };
    match (route.auth, credential) {
        (Auth::Public, _) => Verdict::Pass,
        // The doors of the host and of machines know one credential each: everything else is none.
        (Auth::Ops | Auth::Node, _) | (_, Credential::Nothing) => Verdict::Unauthorized,
        (auth, Credential::Pending) => allow(auth == Auth::AnySession),
        (_, Credential::Session(role)) => allow(role_passes(role)),
        (_, Credential::Token(role, scope)) => allow(match route.tokens {
            TokenAccess::Never => false,
            TokenAccess::Scope(needed) => role_passes(role) && covers(*scope, needed),
        }),
    }
}

/// A wider scope includes the narrower ones, or it does not: what counts is written here once.
fn covers(has: Scope, needed: Scope) -> bool {
    has == needed || (has == Scope::Write && needed == Scope::Read) || has == Scope::Admin
}

async fn callers(host: &Host) -> Result<Vec<Caller>> {
    let root = host.first_user().await?;
    let (pending, _) = invited(host, &root, "Pat Pending").await?;
    let (user, _) = approved(host, &root, "Uma User").await?;
    let (admin, admin_id) = approved(host, &root, "Adi Admin").await?;
    let role = json!({"role": "admin"});
    root.send(Method::PUT, &format!("/api/admin/users/{admin_id}/role"), Some(&role))
        .await?
        .expect(200)?;
    let (gone, gone_id) = approved(host, &root, "Sue Suspended").await?;
    let (gone_token, _) = token(&gone, &["read"]).await?;
    root.post(&format!("/api/admin/users/{gone_id}/suspend"), &json!({}))
        .await?
        .expect(200)?;

    let user_read = token(&user, &["read"]).await?.0;
    let user_write = token(&user, &["write"]).await?.0;
    let admin_read = token(&admin, &["read"]).await?.0;
    let admin_admin = token(&admin, &["admin"]).await?.0;
    let root_admin = token(&root, &["admin"]).await?.0;
    let caller = |name, client, credential| Caller {
        name,
        client,
        credential,
    };
    Ok(vec![
        caller("nobody", host.client(), Credential::Nothing),
        caller(
            "an unknown token",
            host.client()
                .with_bearer("sam_AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA"),
            Credential::Nothing,
        ),
        caller(
            "not even a token",
            host.client().with_bearer("x y"),
            Credential::Nothing,
        ),
        caller("a suspended user", gone, Credential::Nothing),
        caller("a suspended user's token", gone_token, Credential::Nothing),
        caller("a pending user", pending, Credential::Pending),
        caller("a user", user, Credential::Session(Role::User)),
        caller(
            "a user's read token",
            user_read,
            Credential::Token(Role::User, Scope::Read),
        ),
        caller(
            "a user's write token",
            user_write,
            Credential::Token(Role::User, Scope::Write),
        ),
        caller("an admin", admin, Credential::Session(Role::Admin)),
        caller(
            "an admin's read token",
            admin_read,
            Credential::Token(Role::Admin, Scope::Read),
        ),
        caller(
            "an admin's admin token",
            admin_admin,
            Credential::Token(Role::Admin, Scope::Admin),
        ),
        caller("the superadmin", root, Credential::Session(Role::Superadmin)),
        caller(
            "the superadmin's admin token",
            root_admin,
            Credential::Token(Role::Superadmin, Scope::Admin),
        ),
    ])
}

/// Ends the caller's own session: tried last, logging out on a session made for it.
fn ends_the_session(route: &RouteInfo) -> bool {
    ["logout", "revokeSessions"].contains(&route.id)
}

async fn attempt(client: &Client, route: &RouteInfo) -> Result<u16> {
    // An id that nobody owns: whoever passes the guard gets 404 at most, and nothing is changed.
    let path = route
        .path
        .replace("{id}", "01arz3ndektsv4rrffq69g5fav")
        .replace("{part}", "01arz3ndektsv4rrffq69g5faw")
        .replace("{queue}", "audit");
    let method = Method::from_bytes(route.method.as_str().as_bytes())?;
    let body = json!({});
    let body = (method != Method::GET).then_some(&body);
    if route.id == "events" {
        return Ok(client.stream(&path).await?.status().as_u16());
    }
    Ok(client.send(method, &path, body).await?.status.as_u16())
}

#[tokio::test]
async fn every_route_in_every_role() -> Result<()> {
    let host = Host::start().await?;
    let callers = callers(&host).await?;
    let mut surprises = String::new();
    let mut tried = 0;
    let (last, first): (Vec<&RouteInfo>, Vec<&RouteInfo>) = ROUTES.iter().partition(|route| ends_the_session(route));
    for route in first.into_iter().chain(last) {
        // Guessing links is limited by address; that limit has its own test.
        if route.id == "login" {
            continue;
        }
        for caller in &callers {
            let expected = verdict(route, &caller.credential);
            let client = match (&expected, &caller.credential, ends_the_session(route)) {
                (Verdict::Pass, Credential::Session(_), true) if route.id == "logout" => {
                    another_session(&host, &caller.client).await?
                }
                (Verdict::Pass, Credential::Pending, true) => continue,
                _ => caller.client.clone(),
            };
            let status = attempt(&client, route).await?;
            tried += 1;
            let as_expected = match expected {
                Verdict::Pass => ![401, 403].contains(&status) && status < 500,
                Verdict::Unauthorized => {
                    [401, 403].contains(&status) && (status == 401 || caller.name.contains("suspended"))
                }
                Verdict::Forbidden => status == 403,
            };
            if !as_expected {
                writeln!(
                    surprises,
                    "{} {} by {}: {status}, expected {expected:?}",
                    route.method.as_str(),
                    route.path,
                    caller.name
                )?;
            }
        }
    }
    assert!(surprises.is_empty(), "{tried} tried, surprises:\n{surprises}");
    assert!(tried > ROUTES.len() * 10, "only {tried} tried");
    Ok(())
}

async fn another_session(host: &Host, client: &Client) -> Result<Client> {
    let link = client.post("/api/auth/login-links", &json!({})).await?.expect(201)?;
    host.client().login(&text(&link, "/token")?, None).await
}
