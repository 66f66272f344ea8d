//! `spin:key-value`: the stores that the manifest grants.

use spin_host_sqlite::{Error, KeyValue, Row, Value};
use wasmtime::component::{Accessor, Resource};

use super::bindings::spin::key_value::key_value as wit;
use super::pieces::{Delivery, Guest, deliver};
use super::{Capabilities, CapabilitiesView, HANDLES_MAX};

struct Keys;

impl Guest for Keys {
    type Item = String;
    type Error = wit::Error;

    fn item(row: Row) -> String {
        match row.into_iter().next() {
            Some(Value::Text(key)) => key,
            _ => String::new(),
        }
    }

    fn error(error: Error) -> wit::Error {
        wit::Error::Other(error.to_string())
    }
}

impl CapabilitiesView<'_> {
    fn store(&self, handle: &Resource<KeyValue>) -> wasmtime::Result<KeyValue> {
        Ok(self.table.get(handle)?.clone())
    }
}

impl wit::Host for CapabilitiesView<'_> {}

impl wit::HostStore for CapabilitiesView<'_> {}

impl<T: Send + 'static> wit::HostStoreWithStore<T> for Capabilities {
    async fn open(
        accessor: &Accessor<T, Self>,
        label: String,
    ) -> wasmtime::Result<Result<Resource<KeyValue>, wit::Error>> {
        accessor.with(|mut access| {
            let view = access.get();
            let Some(store) = view.grants.key_values.get(&label) else {
                return Ok(Err(wit::Error::AccessDenied));
            };
            if view.grants.stores_open >= HANDLES_MAX {
                return Ok(Err(wit::Error::StoreTableFull));
            }
            let store = view.table.push(store.clone())?;
            view.grants.stores_open += 1;
            Ok(Ok(store))
        })
    }

    async fn get(
        accessor: &Accessor<T, Self>,
        store: Resource<KeyValue>,
        key: String,
    ) -> wasmtime::Result<Result<Option<Vec<u8>>, wit::Error>> {
        let store = accessor.with(|mut access| access.get().store(&store))?;
        Ok(store.get(&key).await.map_err(Keys::error))
    }

    async fn set(
        accessor: &Accessor<T, Self>,
        store: Resource<KeyValue>,
        key: String,
        value: Vec<u8>,
    ) -> wasmtime::Result<Result<(), wit::Error>> {
        let store = accessor.with(|mut access| access.get().store(&store))?;
        Ok(store.set(&key, value).await.map_err(Keys::error))
    }

    async fn delete(
        accessor: &Accessor<T, Self>,
        store: Resource<KeyValue>,
        key: String,
    ) -> wasmtime::Result<Result<(), wit::Error>> {
        let store = accessor.with(|mut access| access.get().store(&store))?;
        Ok(store.delete(&key).await.map_err(Keys::error))
    }

    async fn exists(
        accessor: &Accessor<T, Self>,
        store: Resource<KeyValue>,
        key: String,
    ) -> wasmtime::Result<Result<bool, wit::Error>> {
        let store = accessor.with(|mut access| access.get().store(&store))?;
        Ok(store.exists(&key).await.map_err(Keys::error))
    }

    async fn get_keys(
        accessor: &Accessor<T, Self>,
        store: Resource<KeyValue>,
    ) -> wasmtime::Result<Delivery<String, wit::Error>> {
        let store = accessor.with(|mut access| access.get().store(&store))?;
        let keys = store.keys().await;
        accessor.with(|access| Ok(deliver::<Keys, _, _>(access, keys)?.1))
    }

    async fn drop(accessor: &Accessor<T, Self>, store: Resource<KeyValue>) -> wasmtime::Result<()> {
        accessor.with(|mut access| {
            let view = access.get();
            view.table.delete(store)?;
            view.grants.stores_open = view.grants.stores_open.saturating_sub(1);
            Ok(())
        })
    }
}
