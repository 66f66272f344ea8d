//! `spin:variables`: the values resolved from the manifest's templates when the application started.

use wasmtime::component::Accessor;

use super::bindings::spin::variables::variables::{Error, Host, HostWithStore};
use super::{Capabilities, CapabilitiesView};

impl Host for CapabilitiesView<'_> {}

impl<T: Send> HostWithStore<T> for Capabilities {
    async fn get(accessor: &Accessor<T, Self>, name: String) -> wasmtime::Result<Result<String, Error>> {
        Ok(
            accessor.with(|mut access| match access.get().grants.variables.get(&name) {
                Some(value) => Ok(value.clone()),
                None => Err(missing(name)),
            }),
        )
    }
}

/// A name that no variable can have is told apart from one that this component merely lacks.
fn missing(name: String) -> Error {
    let starts_well = name.starts_with(|c: char| c.is_ascii_lowercase());
    let fits = name
        .chars()
        .all(|c| c.is_ascii_lowercase() || c.is_ascii_digit() || c == '_');
    if starts_well && fits && !name.ends_with('_') && !name.contains("__") {
        return Error::Undefined(name);
    }
    Error::InvalidName(format!(
        "{name:?}: a name starts with a lowercase letter and goes on with lowercase letters, digits and single `_`"
    ))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn bad_names_are_told_apart_from_missing_variables() {
        for (name, valid) in [
            ("a", true),
            ("a_1", true),
            ("", false),
            ("A", false),
            ("1a", false),
            ("a__b", false),
            ("a_", false),
            ("a-b", false),
        ] {
            assert_eq!(
                matches!(missing(name.to_owned()), Error::Undefined(_)),
                valid,
                "{name:?}"
            );
        }
    }
}
