//! Values of application variables, decided once when the application starts.

use std::collections::BTreeMap;
use std::fmt;

use indexmap::IndexMap;

use crate::{AllowedHosts, App, Component, HostError, Template};

/// The value of every application variable. `Debug` shows names only, because values may be secrets.
#[derive(Clone, Default, PartialEq, Eq)]
pub struct VariableValues(BTreeMap<String, String>);

impl VariableValues {
    /// The value of application variable `name`.
    pub fn get(&self, name: &str) -> Option<&str> {
        self.0.get(name).map(String::as_str)
    }
}

impl fmt::Debug for VariableValues {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_set().entries(self.0.keys()).finish()
    }
}

/// Required variables that no provider has a value for.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("no value for the required variable{} {}", if .0.len() == 1 { "" } else { "s" }, .0.join(", "))]
pub struct MissingVariables(pub Vec<String>);

impl App {
    /// Asks `provider` for each application variable and falls back to its default.
    ///
    /// Every required variable without a value is named in the one error.
    pub fn resolve_variables(
        &self,
        provider: &dyn Fn(&str) -> Option<String>,
    ) -> Result<VariableValues, MissingVariables> {
        let mut values = BTreeMap::new();
        let mut missing = Vec::new();
        for (name, declared) in &self.variables {
            match provider(name).or_else(|| declared.default.clone()) {
                Some(value) => _ = values.insert(name.clone(), value),
                None => missing.push(name.clone()),
            }
        }
        if missing.is_empty() {
            Ok(VariableValues(values))
        } else {
            Err(MissingVariables(missing))
        }
    }
}

impl Component {
    /// The component's own variables with their templates filled in: exactly what the guest may read.
    pub fn variables(&self, values: &VariableValues) -> Result<IndexMap<String, String>, MissingVariables> {
        let mut resolved = IndexMap::new();
        for (name, template) in &self.variables {
            resolved.insert(name.clone(), fill(template, values)?);
        }
        Ok(resolved)
    }

    /// Where the component may connect, with templates filled in.
    pub fn allowed_hosts(&self, values: &VariableValues) -> Result<AllowedHosts, HostError> {
        let mut hosts = Vec::new();
        for template in &self.allowed_outbound_hosts {
            hosts.push(
                fill(template, values).map_err(|missing| HostError::new(&template.to_string(), missing.to_string()))?,
            );
        }
        AllowedHosts::parse(&hosts)
    }
}

/// Loading has checked that each name is declared, so a miss means that `values` belongs to another application.
fn fill(template: &Template, values: &VariableValues) -> Result<String, MissingVariables> {
    template
        .resolve(&|name| values.get(name))
        .map_err(|name| MissingVariables(vec![name.to_owned()]))
}
