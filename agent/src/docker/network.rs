//! The node's network: a bridge on which containers reach the world but not each other, and not the cloud's metadata service.

use std::collections::HashMap;
use std::time::Duration;

use bollard::models::NetworkCreateRequest;
use tokio::process::Command;
use tokio::time::timeout;

use super::{Engine, EngineError, not_found};

/// Link-local addresses: clouds answer there with the machine's own credentials (169.254.169.254).
const LINK_LOCAL: &str = "169.254.0.0/16";

impl Engine {
    /// Its name.
    pub(super) fn network_name(&self) -> String {
        format!("sam-{}", self.node)
    }

    /// Removes it; refused by Docker while a container is on it.
    pub(crate) async fn remove_network(&self) -> Result<(), EngineError> {
        match self.client().await?.remove_network(&self.network_name()).await {
            Err(error) if !not_found(&error) => Err(error.into()),
            _ => Ok(()),
        }
    }

    /// Makes the network unless it is there, and blocks link-local addresses on it. Answers with what is in force, in a
    /// sentence.
    pub(crate) async fn network(&self) -> Result<String, EngineError> {
        let client = self.client().await?;
        let name = self.network_name();
        let network = match client.inspect_network(&name, None).await {
            Ok(network) => network,
            Err(error) if not_found(&error) => {
                let options = [("com.docker.network.bridge.enable_icc", "false")];
                let request = NetworkCreateRequest {
                    name: name.clone(),
                    driver: Some("bridge".to_owned()),
                    options: Some(options.map(|(k, v)| (k.to_owned(), v.to_owned())).into()),
                    labels: Some(HashMap::from([("sam.node".to_owned(), self.node.to_string())])),
                    ..NetworkCreateRequest::default()
                };
                match client.create_network(request).await {
                    Ok(_) => {}
                    // Another workspace's start made it at the same moment.
                    Err(bollard::errors::Error::DockerResponseServerError { status_code: 409, .. }) => {}
                    Err(error) => return Err(error.into()),
                }
                client.inspect_network(&name, None).await?
            }
            Err(error) => return Err(error.into()),
        };
        let subnets = network.ipam.and_then(|ipam| ipam.config).unwrap_or_default();
        let subnet = subnets.into_iter().find_map(|config| config.subnet);
        Ok(match subnet {
            Some(subnet) => block(&subnet).await,
            None => "the metadata address is not blocked: the network has no subnet".to_owned(),
        })
    }
}

/// Adds the rule to Docker's own chain unless it is there. Docker keeps that chain over its restarts; a firewall that
/// flushes it is found out at the next start of a workspace.
async fn block(subnet: &str) -> String {
    if !rustix::process::geteuid().is_root() {
        return "the metadata address is not blocked: the agent does not run as root".to_owned();
    }
    let rule = ["DOCKER-USER", "-s", subnet, "-d", LINK_LOCAL, "-j", "REJECT"];
    let iptables = |action: &'static str| async move {
        let run = Command::new("iptables")
            .args(["-w", "5", action])
            .args(rule)
            .kill_on_drop(true)
            .output();
        timeout(Duration::from_secs(10), run)
            .await
            .ok()?
            .ok()
            .map(|output| output.status.success())
    };
    let blocked = match iptables("-C").await {
        Some(true) => true,
        Some(false) => iptables("-I").await == Some(true),
        None => false,
    };
    if blocked {
        format!("link-local addresses ({LINK_LOCAL}, cloud metadata) are blocked for {subnet}")
    } else {
        "the metadata address is not blocked: iptables has no DOCKER-USER chain, or is not installed".to_owned()
    }
}
