//! What a guest may do beyond WASI: `spin:variables`, `spin:key-value` and `spin:sqlite`.
//!
//! [`Stores`] belongs to the application and holds what is open on disk; [`Grants`] belongs to one instance and
//! holds what its component was given in the manifest. A guest reaches a store only through its grants: any other
//! label is `access-denied`, whether such a store exists or not.

mod key_value;
mod pieces;
mod sqlite;
mod stores;
mod variables;

use std::collections::BTreeMap;
use std::sync::Arc;

use spin_host_sqlite::{Database, KeyValue};
use wasmtime::component::{HasData, Linker, ResourceTable};

use crate::state::GuestState;
pub(crate) use stores::Stores;

mod bindings {
    wasmtime::component::bindgen!({
        path: "wit",
        world: "spin-host:capabilities/host",
        imports: {
            "spin:key-value/key-value": async | store | trappable,
            "spin:sqlite/sqlite.[static]connection.open-async": async | store | trappable,
            "spin:sqlite/sqlite.[method]connection.execute-async": async | store | trappable,
            "spin:sqlite/sqlite.[method]connection.last-insert-rowid-async": async | store | trappable,
            "spin:sqlite/sqlite.[method]connection.changes-async": async | store | trappable,
            "spin:variables/variables.get": async | store | trappable,
            default: async | trappable,
        },
        with: {
            "spin:key-value/key-value.store": spin_host_sqlite::KeyValue,
            "spin:sqlite/sqlite.connection": spin_host_sqlite::Connection,
        },
    });
}

/// Connections and stores that one instance may have open at a time, of each kind.
const HANDLES_MAX: u32 = 64;

/// What one component was granted; cloned cheaply into each of its instances.
#[derive(Clone, Debug)]
pub(crate) struct Grants {
    variables: Arc<BTreeMap<String, String>>,
    databases: Arc<BTreeMap<String, Database>>,
    key_values: Arc<BTreeMap<String, KeyValue>>,
    connections_open: u32,
    stores_open: u32,
}

/// The grants of the calling instance, with the table that owns its resources.
pub(crate) struct CapabilitiesView<'a> {
    grants: &'a mut Grants,
    table: &'a mut ResourceTable,
}

/// Ties [`CapabilitiesView`] to the lifetime of a call, as `wasmtime` asks.
pub(crate) struct Capabilities;

impl HasData for Capabilities {
    type Data<'a> = CapabilitiesView<'a>;
}

fn view(state: &mut GuestState) -> CapabilitiesView<'_> {
    CapabilitiesView {
        grants: &mut state.capabilities,
        table: &mut state.table,
    }
}

/// Offers the Spin interfaces to guests.
pub(crate) fn add_to_linker(linker: &mut Linker<GuestState>) -> wasmtime::Result<()> {
    bindings::spin::key_value::key_value::add_to_linker::<_, Capabilities>(linker, view)?;
    bindings::spin::sqlite::sqlite::add_to_linker::<_, Capabilities>(linker, view)?;
    bindings::spin::variables::variables::add_to_linker::<_, Capabilities>(linker, view)
}
