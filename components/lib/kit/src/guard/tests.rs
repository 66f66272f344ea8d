//! The guard against every row of the route table: route × caller, with the expectation written as one rule.

use futures::executor::block_on;
use http::{HeaderMap, Method, Uri};
use sam_contract::error::ErrorCode;
use sam_contract::http::tokens::Scope;
use sam_contract::route::{Auth, RouteInfo, TokenAccess};
use sam_contract::routes::ROUTES;
use sam_domain::secrets;

use super::{Caller, Knock, admit};
use crate::db::Db;
use crate::native::NativeDb;
use crate::params;
use crate::site::Site;

const NOW: i64 = 1_000_000;
const ROLES: [&str; 3] = ["user", "admin", "superadmin"];
const STATUSES: [&str; 3] = ["active", "pending", "suspended"];

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum With {
    Nothing,
    Session,
    EndedSession,
    RevokedSession,
    ForeignSession,
    Token(&'static [Scope]),
    EndedToken,
    RevokedToken,
}

const WITH: &[With] = &[
    With::Nothing,
    With::Session,
    With::EndedSession,
    With::RevokedSession,
    With::ForeignSession,
    With::Token(&[]),
    With::Token(&[Scope::Read]),
    With::Token(&[Scope::Read, Scope::Write]),
    With::Token(&[Scope::Admin]),
    With::EndedToken,
    With::RevokedToken,
];

/// Text ids of 26 characters that are ids.
fn id(n: usize) -> String {
    format!("{n:0>26}")
}

fn secret(n: usize) -> String {
    let mut bytes = [0; 32];
    bytes[..8].copy_from_slice(&n.to_be_bytes());
    secrets::opaque(bytes)
}

struct World {
    db: NativeDb,
    people: usize,
}

impl World {
    fn new() -> Self {
        let db = NativeDb::migrated("default").unwrap();
        let account = "INSERT INTO accounts (id, kind, name, created_at) VALUES (?1, 'personal', 'a', 1)";
        block_on(db.query(account, params![id(1)])).unwrap();
        Self { db, people: 0 }
    }

    /// Makes a user with a credential; gives its `cookie` or `authorization` header.
    fn person(&mut self, role: &str, status: &str, with: With) -> HeaderMap {
        self.people += 1;
        let n = self.people + 10;
        let user = "INSERT INTO users (id, account_id, name, role, status, created_at, updated_at)
            VALUES (?1, ?2, 'n', ?3, ?4, 1, 1)";
        block_on(self.db.query(user, params![id(n), id(1), role, status])).unwrap();
        let mut headers = HeaderMap::new();
        let ended = matches!(with, With::EndedSession | With::EndedToken)
            .then_some(NOW)
            .unwrap_or(NOW + 1);
        let revoked = matches!(with, With::RevokedSession | With::RevokedToken).then_some(5_i64);
        match with {
            With::Nothing => {}
            With::Session | With::EndedSession | With::RevokedSession | With::ForeignSession => {
                let hash = secrets::opaque_hash(&secret(n)).unwrap();
                let sql = "INSERT INTO sessions (id, account_id, user_id, token_hash, user_agent, created_at,
                    last_seen_at, expires_at, revoked_at) VALUES (?1, ?2, ?1, ?3, '', 1, ?4, ?5, ?6)";
                block_on(self.db.query(sql, params![id(n), id(1), hash, NOW, ended, revoked])).unwrap();
                headers.insert("cookie", format!("sam_session={}", secret(n)).parse().unwrap());
                let origin = if with == With::ForeignSession {
                    "http://evil.example"
                } else {
                    "http://localhost"
                };
                headers.insert("origin", origin.parse().unwrap());
            }
            With::Token(_) | With::EndedToken | With::RevokedToken => {
                let token = format!("sam_{}", secret(n));
                let hash = secrets::api_token_hash(&token).unwrap();
                let scopes = if let With::Token(scopes) = with {
                    scopes
                } else {
                    &[Scope::Admin]
                };
                let sql =
                    "INSERT INTO api_tokens (id, account_id, user_id, name, prefix, token_hash, scopes, created_at,
                    expires_at, revoked_at) VALUES (?1, ?2, ?1, 'n', 'p', ?3, ?4, 1, ?5, ?6)";
                let scopes = serde_json::to_string(scopes).unwrap();
                block_on(self.db.query(sql, params![id(n), id(1), hash, scopes, ended, revoked])).unwrap();
                headers.insert("authorization", format!("Bearer {token}").parse().unwrap());
            }
        }
        headers
    }

    fn ask(&self, route: &RouteInfo, headers: &HeaderMap) -> Result<(), ErrorCode> {
        let mut host = HeaderMap::new();
        host.insert("host", "localhost".parse().unwrap());
        let site = Site::new("", false, &Uri::from_static("/"), &host);
        let method: Method = route.method.as_str().parse().unwrap();
        let knock = Knock {
            method: &method,
            path: route.path,
            headers,
            site: &site,
            now: NOW,
        };
        let verdict = block_on(admit(&self.db, route, &knock)).unwrap();
        assert!(
            verdict.decision.is_err() || route.auth == Auth::Public || verdict.caller.is_some(),
            "{}",
            route.id
        );
        verdict.decision.map_err(|error| error.code)
    }
}

/// The rule, said once more in other words than the code's.
fn expected(route: &RouteInfo, role: &str, status: &str, with: With) -> Result<(), ErrorCode> {
    use ErrorCode::{ApprovalRequired, Forbidden, Unauthorized};
    let changes = !route.method.is_safe();
    if route.auth == Auth::Public {
        return if with == With::ForeignSession && changes {
            Err(Forbidden)
        } else {
            Ok(())
        };
    }
    if route.auth == Auth::Node {
        return Err(Unauthorized);
    }
    let valid = matches!(with, With::Session | With::ForeignSession | With::Token(_));
    if !valid {
        return Err(Unauthorized);
    }
    if with == With::ForeignSession && changes || status == "suspended" {
        return Err(Forbidden);
    }
    if let With::Token(scopes) = with {
        let TokenAccess::Scope(needed) = route.tokens else {
            return Err(Forbidden);
        };
        if !scopes.iter().any(|scope| *scope >= needed) {
            return Err(Forbidden);
        }
    }
    let roles_that_may: &[&str] = match route.auth {
        Auth::AnySession => return Ok(()),
        Auth::Admin => &["admin", "superadmin"],
        Auth::Superadmin => &["superadmin"],
        Auth::User | Auth::Public | Auth::Ops | Auth::Node => &ROLES,
    };
    match status {
        "pending" => Err(ApprovalRequired),
        _ if roles_that_may.contains(&role) => Ok(()),
        _ => Err(Forbidden),
    }
}

#[test]
fn every_route_for_every_caller() {
    let mut world = World::new();
    let mut cells = 0;
    for role in ROLES {
        for status in STATUSES {
            for with in WITH {
                let headers = world.person(role, status, *with);
                // The host's routes ask the vault, which tests of the real components cover.
                for route in ROUTES.iter().filter(|route| route.auth != Auth::Ops) {
                    let got = world.ask(route, &headers);
                    assert_eq!(
                        got,
                        expected(route, role, status, *with),
                        "{} {role} {status} {with:?}",
                        route.id
                    );
                    cells += 1;
                }
            }
        }
    }
    assert!(cells > 2_000, "only {cells} cells");
}

#[test]
fn a_bad_token_is_not_made_up_for_by_a_good_cookie() {
    let mut world = World::new();
    let mut headers = world.person("user", "active", With::Session);
    headers.insert("authorization", "Bearer sam_nonsense".parse().unwrap());
    let me = sam_contract::routes::ME.info();
    assert_eq!(world.ask(&me, &headers), Err(ErrorCode::Unauthorized));
}

mod machines {
    //! Tokens that a machine signed itself.

    use base64ct::{Base64UrlUnpadded, Encoding};
    use ed25519_dalek::{Signer, SigningKey};
    use sam_contract::agent::auth::Refused;
    use serde_json::{Value, json};

    use super::*;

    const NOW_S: i64 = NOW / 1_000;

    struct Machine {
        db: NativeDb,
        key: SigningKey,
    }

    fn machine(status: &str) -> Machine {
        let key = SigningKey::from_bytes(&[7; 32]);
        let db = World::new().db;
        let sql = "INSERT INTO nodes (id, account_id, name, status, public_key, epoch, created_at, updated_at)
            VALUES (?1, ?2, 'n', ?3, ?4, 3, 1, 1)";
        let public = key.verifying_key().to_bytes();
        block_on(db.query(sql, params![id(5), id(1), status, public])).unwrap();
        Machine { db, key }
    }

    fn token(key: &SigningKey, header: &Value, claims: &Value) -> String {
        let part = |value: &Value| Base64UrlUnpadded::encode_string(value.to_string().as_bytes());
        let signed = format!("{}.{}", part(header), part(claims));
        let signature = Base64UrlUnpadded::encode_string(&key.sign(signed.as_bytes()).to_bytes());
        format!("{signed}.{signature}")
    }

    fn header() -> Value {
        json!({"alg": "EdDSA", "typ": "sam-agent+jwt"})
    }

    fn claims(iat: i64) -> Value {
        json!({"sub": id(5), "iat": iat, "exp": iat + 60, "htm": "PUT", "htp": "/api/agent/v1/observed", "jti": "x"})
    }

    /// The epoch of the machine that is let in, or what it is told.
    fn knock(db: &NativeDb, token: &str) -> Result<i64, Refused> {
        let route = sam_contract::routes::AGENT_OBSERVED.info();
        let mut headers = HeaderMap::new();
        headers.insert("authorization", format!("Bearer {token}").parse().unwrap());
        let site = Site::new("", false, &Uri::from_static("/"), &headers);
        let knock = Knock {
            method: &Method::PUT,
            path: route.path,
            headers: &headers,
            site: &site,
            now: NOW,
        };
        let verdict = block_on(admit(db, &route, &knock)).unwrap();
        match (verdict.decision, verdict.caller) {
            (Ok(()), Some(Caller::Node(node))) => {
                assert_eq!((node.node_id.to_string(), node.account_id.to_string()), (id(5), id(1)));
                Ok(node.epoch)
            }
            (Err(error), None) => {
                assert_eq!(error.code, ErrorCode::Unauthorized);
                Err(serde_json::from_value(error.details.unwrap()).unwrap())
            }
            (decision, caller) => panic!("{decision:?} {caller:?}"),
        }
    }

    fn refused(gone: bool) -> Result<i64, Refused> {
        Err(Refused { server_time: NOW, gone })
    }

    #[test]
    fn a_token_is_for_one_request_and_one_minute() {
        let Machine { db, key } = machine("ready");
        let ask = |claims: Value| knock(&db, &token(&key, &header(), &claims));
        for iat in [NOW_S, NOW_S + 30, NOW_S - 60, NOW_S - 90] {
            assert_eq!(ask(claims(iat)), Ok(3), "{iat}");
        }
        for iat in [NOW_S + 31, NOW_S - 91, i64::MAX, i64::MIN] {
            let late = json!({"sub": id(5), "iat": iat, "exp": iat.saturating_add(60), "htm": "PUT",
                "htp": "/api/agent/v1/observed"});
            assert_eq!(ask(late), refused(false), "{iat}");
        }
        let with = |name: &str, value: Value| {
            let mut changed = claims(NOW_S);
            changed[name] = value;
            changed
        };
        assert_eq!(ask(with("htm", json!("GET"))), refused(false));
        assert_eq!(ask(with("htp", json!("/api/agent/v1/start"))), refused(false));
        assert_eq!(ask(with("exp", json!(NOW_S + 3_600))), refused(false));
        assert_eq!(ask(with("exp", json!(NOW_S - 1))), refused(false));
        assert_eq!(ask(with("sub", json!(id(6)))), refused(false));
    }

    #[test]
    fn only_the_key_of_the_node_opens_its_door() {
        let Machine { db, key } = machine("ready");
        let good = token(&key, &header(), &claims(NOW_S));
        assert_eq!(knock(&db, &good), Ok(3));
        let other = SigningKey::from_bytes(&[8; 32]);
        assert_eq!(knock(&db, &token(&other, &header(), &claims(NOW_S))), refused(false));
        for bad in [
            json!({"alg": "none", "typ": "sam-agent+jwt"}),
            json!({"alg": "HS256", "typ": "sam-agent+jwt"}),
            json!({"alg": "EdDSA", "typ": "JWT"}),
            json!({"alg": "EdDSA"}),
        ] {
            assert_eq!(knock(&db, &token(&key, &bad, &claims(NOW_S))), refused(false), "{bad}");
        }
        for bad in ["x", "", "a.b.c", &good[..good.len() - 2], &good.replace('.', "")] {
            assert_eq!(knock(&db, bad), refused(false), "{bad}");
        }
    }

    #[test]
    fn a_deleted_node_is_told_so_and_nobody_else_is() {
        let Machine { db, key } = machine("deleted");
        assert_eq!(knock(&db, &token(&key, &header(), &claims(NOW_S))), refused(true));
        let other = SigningKey::from_bytes(&[8; 32]);
        assert_eq!(knock(&db, &token(&other, &header(), &claims(NOW_S))), refused(false));
    }
}
