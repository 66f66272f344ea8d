//! Sign-in links for the administrator: made at each start, and on demand by `sam-host login-link`.

use crate::admin_client;
use crate::data_dir::DataDir;
use crate::keys::KeyFiles;
use crate::work::Components;
use anyhow::{Context, Result};
use http::header::{AUTHORIZATION, CONTENT_TYPE, HeaderValue};
use http::{Method, Request, Response, StatusCode};
use sam_edge::{Body, Upstream, body, error_answer};
use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};
use std::path::Path;
use std::sync::Arc;
use tracing::error;

/// Where the admin listener makes links.
pub const PATH: &str = "/_work/login-link";

/// The answer of the admin listener.
#[derive(Debug, Deserialize, Serialize)]
pub struct LoginLink {
    /// The whole link. Its secret is in the fragment, which browsers send to nobody.
    pub url: String,
}

/// The link for a token.
pub fn url(origin: &str, token: &str) -> String {
    format!("{origin}/login#{token}")
}

/// Asks the running host for a link and prints it.
///
/// # Errors
/// When no host runs on the data directory.
#[allow(clippy::print_stdout, reason = "the result of the command")]
pub fn command(data_dir: &Path) -> Result<()> {
    let data = DataDir::at(data_dir);
    data.must_exist()?;
    let noted = data.admin_address();
    let address = std::fs::read_to_string(&noted).with_context(|| {
        format!(
            "{} is missing: no sam-host with an admin listener runs on this data directory",
            noted.display()
        )
    })?;
    let token = KeyFiles::at(data.keys()).ops_token()?;
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
    let link: LoginLink = runtime.block_on(admin_client::post(address.trim(), &token, PATH))?;
    println!("{}", link.url);
    Ok(())
}

/// Answers the admin listener's own requests: a link, to whoever knows the ops token.
#[derive(Clone)]
pub(crate) struct Links {
    components: Components,
    origin: Arc<str>,
    authorization: [u8; 32],
}

impl Links {
    pub(crate) fn new(components: Components, origin: &str, ops_token: &str) -> Self {
        Self {
            components,
            origin: origin.into(),
            authorization: digest(format!("Bearer {ops_token}").as_bytes()),
        }
    }
}

impl Upstream for Links {
    async fn call(&self, request: Request<Body>) -> Response<Body> {
        if (request.method(), request.uri().path()) != (&Method::POST, PATH) {
            return error_answer(StatusCode::NOT_FOUND, "NOT_FOUND", "There is nothing at this address.");
        }
        let shown = request
            .headers()
            .get(AUTHORIZATION)
            .map_or(&[][..], HeaderValue::as_bytes);
        // Digests are compared, so that the time it takes says nothing about the token.
        if digest(shown) != self.authorization {
            return error_answer(
                StatusCode::UNAUTHORIZED,
                "UNAUTHORIZED",
                "The ops token is missing or wrong.",
            );
        }
        let made = self.components.login_link().await;
        let answer = made.map(|token| {
            serde_json::to_string(&LoginLink {
                url: url(&self.origin, &token.token),
            })
        });
        match answer {
            Ok(Ok(json)) => {
                let mut response = Response::new(body::full(json));
                response
                    .headers_mut()
                    .insert(CONTENT_TYPE, HeaderValue::from_static("application/json"));
                response
            }
            Ok(Err(_)) | Err(_) => {
                error!(error = ?answer.err(), "no sign-in link could be made");
                error_answer(
                    StatusCode::BAD_GATEWAY,
                    "NO_LINK",
                    "No link could be made; the log of sam-host says why.",
                )
            }
        }
    }
}

fn digest(bytes: &[u8]) -> [u8; 32] {
    Sha256::digest(bytes).into()
}
