//! What a dependency does not inherit is denied inside the composition, so the host need not know.
//!
//! The parent and its dependencies become one component, and the host grants by component. So for each import of the
//! dependency that stands for a capability it did not inherit, composing puts a small *denier* component in front:
//! it exports that very interface and answers every call with a refusal. What the dependency sees:
//!
//! | capability | interfaces | answer |
//! |---|---|---|
//! | `variables` | `spin:variables/*`, `fermyon:spin/variables`, `wasi:config/*` | `undefined("… is not permitted")`, `io(…)` |
//! | `key_value_stores` | `spin:key-value/*`, `fermyon:spin/key-value`, `wasi:keyvalue/*` | `access-denied`, `other(…)` |
//! | `sqlite_databases` | `spin:sqlite/*`, `fermyon:spin/sqlite` | `access-denied` |
//! | `allowed_outbound_hosts` | `wasi:http/{client,handler,outgoing-handler}`, `wasi:sockets/*` | `internal-error("… is not permitted")`, `access-denied` |
//! | `environment` | `wasi:cli/environment` | nothing set, no arguments |
//! | `files` | `wasi:filesystem/preopens` | no folders |
//!
//! Everything else (`wasi:io`, clocks, `wasi:http/types`, standard streams, …) stays shared with the parent. Interfaces
//! of `ai_models` are not listed: this host offers none, so they fail at start like any other unknown import.
//!
//! The denier is generated from the interface as the dependency imports it, so no version of an interface has to be
//! known here. A refusal is a constant, computed when the denier is built: see [`refusal`].

mod encode;
mod module;
mod refusal;

use wit_component::{ComponentEncoder, DecodedWasm, StringEncoding, embed_component_metadata};
use wit_parser::{Resolve, WorldId, WorldItem, WorldKey};

use crate::{Inherit, Inheritable};

/// A component that refuses, and the interfaces that it exports.
pub(super) struct Denier {
    pub(super) wasm: Vec<u8>,
    pub(super) interfaces: Vec<String>,
}

/// The capability that an import stands for, if it stands for one.
fn capability(import: &str) -> Option<Inheritable> {
    let (name, _version) = import.split_once('@').unwrap_or((import, ""));
    match name.split_once('/')? {
        ("spin:variables" | "wasi:config", _) | ("fermyon:spin", "variables") => Some(Inheritable::Variables),
        ("spin:key-value" | "wasi:keyvalue", _) | ("fermyon:spin", "key-value") => Some(Inheritable::KeyValueStores),
        ("spin:sqlite", _) | ("fermyon:spin", "sqlite") => Some(Inheritable::SqliteDatabases),
        ("wasi:http", "client" | "handler" | "outgoing-handler") | ("wasi:sockets", _) => {
            Some(Inheritable::AllowedOutboundHosts)
        }
        ("wasi:cli", "environment") => Some(Inheritable::Environment),
        ("wasi:filesystem", "preopens") => Some(Inheritable::Files),
        _ => None,
    }
}

/// Builds the denier for the dependency `wasm`; `None` if it imports nothing that has to be denied.
pub(super) fn denier(wasm: &[u8], inherit: &Inherit) -> Result<Option<Denier>, String> {
    if *inherit == Inherit::All {
        return Ok(None);
    }
    let (mut resolve, world) = match wit_component::decode(wasm) {
        Ok(DecodedWasm::Component(resolve, world)) => (resolve, world),
        Ok(DecodedWasm::WitPackage(..)) => return Err("it is a WIT package, not a component".into()),
        Err(error) => return Err(format!("{error:#}")),
    };
    let is_denied = |name: &str| capability(name).is_some_and(|capability| !inherit.allows(capability));
    let interfaces: Vec<String> = imports(&resolve, world)
        .map(|key| resolve.name_world_key(key))
        .filter(|name| is_denied(name))
        .collect();
    if interfaces.is_empty() {
        return Ok(None);
    }
    let denied: Vec<WorldKey> = imports(&resolve, world)
        .filter(|key| is_denied(&resolve.name_world_key(key)))
        .cloned()
        .collect();
    encode(&mut resolve, world, &denied)
        .map(|wasm| Some(Denier { wasm, interfaces }))
        .map_err(|reason| format!("denying what it does not inherit failed: {reason}"))
}

fn imports(resolve: &Resolve, world: WorldId) -> impl Iterator<Item = &WorldKey> {
    resolve
        .worlds
        .get(world)
        .into_iter()
        .flat_map(|world| &world.imports)
        .filter_map(|(key, item)| match item {
            WorldItem::Interface { .. } => Some(key),
            _ => None,
        })
}

/// Turns the `denied` imports of the world into exports and encodes a component that implements them.
fn encode(resolve: &mut Resolve, world: WorldId, denied: &[WorldKey]) -> Result<Vec<u8>, String> {
    let text = |error| format!("{error:#}");
    resolve
        .exportize(world, Some("denier".into()), Some(&|key, _| denied.contains(key)))
        .map_err(text)?;
    let mut module = module::refusing_module(resolve, world)?;
    embed_component_metadata(&mut module, resolve, world, StringEncoding::UTF8).map_err(text)?;
    ComponentEncoder::default()
        .module(&module)
        .and_then(|mut encoder| encoder.encode())
        .map_err(text)
}

#[cfg(test)]
mod tests;
