//! Answers the edge's questions about workspaces' hosts and nodes' tunnels by asking the components.

use crate::work::{CallError, Components};
use futures::FutureExt;
use futures::future::BoxFuture;
use sam_contract::http::edge::{self as wire, Admit, Admitted, Shown};
use sam_contract::ids::NodeId;
use sam_edge::gate::{AdmitError, Ask, Credential, Gate, Pass, PassCookie, TunnelChange};
use tracing::{error, warn};

/// The components as the edge's gate.
pub(crate) struct ComponentsGate {
    components: Components,
}

impl ComponentsGate {
    pub(crate) fn new(components: Components) -> Self {
        Self { components }
    }
}

impl Gate for ComponentsGate {
    fn admit(&self, ask: Ask) -> BoxFuture<'static, Result<Pass, AdmitError>> {
        let components = self.components.clone();
        async move {
            let admitted = components.admit(&to_wire(ask)).await;
            admitted.map(from_wire).map_err(|error| refusal(&error))
        }
        .boxed()
    }

    fn tunnel_changed(&self, change: TunnelChange) -> BoxFuture<'static, bool> {
        let components = self.components.clone();
        async move {
            let Ok(node_id) = change.name.parse::<NodeId>() else {
                // Saying it again would not make it a name.
                error!(name = change.name, "a tunnel has a name that is no node's id");
                return true;
            };
            let told = wire::TunnelChange {
                node_id,
                epoch: change.epoch,
                connected: change.is_open,
            };
            match components.tunnel_changed(&told).await {
                Ok(()) => true,
                // The node is gone, or the process is not its latest: no news for anybody.
                Err(CallError::Refused { status, .. }) if status.is_client_error() => true,
                Err(error) => {
                    warn!(%error, "a change of a tunnel could not be told");
                    false
                }
            }
        }
        .boxed()
    }
}

fn to_wire(ask: Ask) -> Admit {
    Admit {
        label: ask.label,
        path: ask.path,
        credential: match ask.credential {
            Credential::Ticket(secret) => Shown::Ticket(secret),
            Credential::Cookie(secret) => Shown::Cookie(secret),
        },
    }
}

fn from_wire(admitted: Admitted) -> Pass {
    Pass {
        tunnel: admitted.node_id.to_string(),
        target: admitted.target,
        cookie: admitted.cookie.map(|cookie| PassCookie {
            value: cookie.value,
            max_age_s: cookie.max_age_s,
        }),
    }
}

fn refusal(error: &CallError) -> AdmitError {
    match error {
        // The path of the call, not of the client, and nothing that the client showed.
        CallError::Refused { status, .. } if status.is_client_error() => AdmitError::Refused,
        _ => {
            error!(%error, "nobody can say who may pass to a workspace");
            AdmitError::Unavailable
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use http::{Request, Response, StatusCode};
    use http_body_util::BodyExt;
    use sam_edge::{Body, Wakes, body};
    use std::sync::{Arc, Mutex};

    const NODE: &str = "01jd0000000000000000000000";

    /// Components that answer everything with `status` and `answer`, and remember what they were asked.
    fn gate(status: StatusCode, answer: &'static str) -> (ComponentsGate, Arc<Mutex<Vec<String>>>) {
        let asked = Arc::new(Mutex::new(Vec::new()));
        let log = Arc::clone(&asked);
        let call = move |component: String, request: Request<Body>| {
            let log = Arc::clone(&log);
            async move {
                let path = request.uri().path().to_owned();
                let content = request.into_body().collect().await.unwrap().to_bytes();
                let line = format!("{component} {path} {}", String::from_utf8_lossy(&content));
                log.lock().unwrap().push(line);
                let mut response = Response::new(body::full(answer));
                *response.status_mut() = status;
                response
            }
            .boxed()
        };
        let components = Components::new(call, "token", Wakes::default()).unwrap();
        (ComponentsGate::new(components), asked)
    }

    fn ask() -> Ask {
        Ask {
            label: "ws-1--80".to_owned(),
            path: "/.sam/enter".to_owned(),
            credential: Credential::Ticket("t".to_owned()),
        }
    }

    #[tokio::test]
    async fn questions_and_answers_are_those_of_the_contract() {
        let answer =
            r#"{"node_id":"01jd0000000000000000000000","target":"/v1/x","cookie":{"value":"c","max_age_s":9}}"#;
        let (door, asked) = gate(StatusCode::OK, answer);
        let pass = door.admit(ask()).await.unwrap();
        assert_eq!((pass.tunnel.as_str(), pass.target.as_str()), (NODE, "/v1/x"));
        assert!(
            pass.cookie
                .is_some_and(|cookie| cookie.value == "c" && cookie.max_age_s == 9)
        );
        let expect = r#"workspaces /_work/admit {"label":"ws-1--80","path":"/.sam/enter","credential":{"kind":"ticket","secret":"t"}}"#;
        assert_eq!(*asked.lock().unwrap(), [expect]);
    }

    #[tokio::test]
    async fn only_a_clear_no_is_a_refusal() {
        for (status, expect) in [
            (StatusCode::UNAUTHORIZED, AdmitError::Refused),
            (StatusCode::NOT_FOUND, AdmitError::Refused),
            (StatusCode::INTERNAL_SERVER_ERROR, AdmitError::Unavailable),
            (StatusCode::OK, AdmitError::Unavailable),
        ] {
            assert_eq!(gate(status, "{}").0.admit(ask()).await.unwrap_err(), expect, "{status}");
        }
    }

    #[tokio::test]
    async fn changes_of_tunnels_are_told_until_somebody_can_hear_them() {
        let change = |name: &str| TunnelChange {
            name: name.to_owned(),
            epoch: 4,
            is_open: true,
        };
        let (door, asked) = gate(StatusCode::NO_CONTENT, "");
        assert!(door.tunnel_changed(change(NODE)).await);
        let expect = format!(r#"nodes /_work/tunnel {{"node_id":"{NODE}","epoch":4,"connected":true}}"#);
        assert_eq!(*asked.lock().unwrap(), [expect]);
        assert!(door.tunnel_changed(change("no id")).await);
        assert!(gate(StatusCode::CONFLICT, "{}").0.tunnel_changed(change(NODE)).await);
        assert!(!gate(StatusCode::BAD_GATEWAY, "{}").0.tunnel_changed(change(NODE)).await);
    }
}
