//! `sam-host keys …`.

use super::{KeyFiles, KeyIds};
use crate::data_dir::DataDir;
use anyhow::Result;
use std::path::Path;

/// Makes missing keys.
///
/// # Errors
/// When they cannot be written.
#[allow(clippy::print_stdout, reason = "the result of the command")]
pub fn init(data_dir: &Path) -> Result<()> {
    let keys = DataDir::at(data_dir).keys();
    let made = KeyFiles::at(&keys).init()?;
    match made.is_empty() {
        true => println!("All keys are there already, in {}.", keys.display()),
        false => println!(
            "Made {} in {}. Keep a copy in a safe place.",
            made.join(", "),
            keys.display()
        ),
    }
    Ok(())
}

/// Adds a new active key.
///
/// # Errors
/// When the ring cannot be read or written.
#[allow(clippy::print_stdout, reason = "the result of the command")]
pub fn rotate(data_dir: &Path) -> Result<()> {
    let data = DataDir::at(data_dir);
    data.must_exist()?;
    show(&KeyFiles::at(data.keys()).rotate()?);
    println!("A running sam-host uses the new keys after its next start.");
    Ok(())
}

/// Lists ids.
///
/// # Errors
/// When the ring cannot be read.
pub fn show_ids(data_dir: &Path) -> Result<()> {
    let data = DataDir::at(data_dir);
    data.must_exist()?;
    show(&KeyFiles::at(data.keys()).ring()?.ids());
    Ok(())
}

#[allow(clippy::print_stdout, reason = "the result of the command")]
fn show(ids: &KeyIds) {
    for (list, ids) in [("seal", &ids.seal), ("sign", &ids.sign)] {
        for (id, active) in ids {
            println!("{list} {id}{}", if *active { " (active)" } else { "" });
        }
    }
}
