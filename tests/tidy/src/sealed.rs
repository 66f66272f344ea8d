//! Sealed columns: whoever seals says so in one table, and seals anew after a rotation.

use std::fs;

use sam_contract::queues::RECURRING;
use sam_domain::sealed::{self, SEALED};

use crate::tree::{folders, none, root};

const RESEAL: &str = "reseal";

#[test]
fn what_is_sealed_is_sealed_anew_by_its_owner() {
    let mut broken = Vec::new();
    for column in SEALED {
        let component = column.component;
        if !RECURRING
            .iter()
            .any(|(queue, kind)| queue.component == component && *kind == RESEAL)
        {
            broken.push(format!(
                "{component}: no queue of its own has the recurring job `{RESEAL}`"
            ));
        }
        let work = fs::read_to_string(root().join(format!("components/{component}/src/work.rs"))).unwrap_or_default();
        if !work.contains("seal::reseal(") {
            broken.push(format!("{component}: work.rs does not call `seal::reseal`"));
        }
        let schema = fs::read_to_string(root().join("migrations/default/schema.sql")).unwrap_or_default();
        let table = schema.split(&format!("CREATE TABLE {} (", column.table)).nth(1);
        let columns = table.and_then(|rest| rest.split(';').next()).unwrap_or_default();
        if !columns
            .lines()
            .any(|line| line.trim().starts_with(&format!("{} BLOB", column.column)))
        {
            broken.push(format!(
                "{}.{} is no BLOB column of schema.sql",
                column.table, column.column
            ));
        }
    }
    none("a sealed column has an owner that seals it anew", &broken);
}

#[test]
fn whoever_seals_says_what() {
    let broken: Vec<_> = folders("components")
        .into_iter()
        .filter(|noun| {
            let world = fs::read_to_string(root().join(format!("wit/worlds/{noun}.wit"))).unwrap_or_default();
            world.contains("import sam:vault/sealer@") && sealed::of(noun).next().is_none()
        })
        .collect();
    none("a component whose world seals has a column in domain::sealed", &broken);
}
