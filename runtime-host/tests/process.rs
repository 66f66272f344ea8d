//! The binary itself, as far as it gets without an application: refusals name what is wrong and what to do.
//! The whole start is tested in `tests/api`, with the real components.

#![allow(clippy::unwrap_used, clippy::type_complexity)]

use std::path::Path;
use std::process::{Command, Output};
use tempfile::TempDir;

fn run(dir: &Path, environment: &[(&str, &str)], arguments: &[&str]) -> Output {
    let mut command = Command::new(env!("CARGO_BIN_EXE_sam-host"));
    command
        .env_clear()
        .envs(environment.iter().copied())
        .current_dir(dir)
        .args(arguments);
    command.output().unwrap()
}

fn text(bytes: &[u8]) -> String {
    String::from_utf8_lossy(bytes).into_owned()
}

#[test]
fn a_start_that_cannot_be_names_the_step_and_the_way_out() {
    let cases: &[(&[(&str, &str)], &[&str], &[&str])] = &[
        (
            &[],
            &["up", "--listen", "0.0.0.0:0"],
            &["can be reached by others", "--insecure-http"],
        ),
        (
            &[],
            &["up", "--listen", "nonsense"],
            &["--listen \"nonsense\" is not ADDRESS:PORT"],
        ),
        (
            &[],
            &["up", "--listen", "127.0.0.1:0", "--public-url", "x"],
            &["--public-url \"x\" is not a URL"],
        ),
        (
            &[],
            &["up", "--listen", "127.0.0.1:0"],
            &["the application spin.toml cannot be started"],
        ),
        (&[("SAM_LISTEN", "0.0.0.0:0")], &["up"], &["can be reached by others"]),
        (
            &[("SAM_SESSION_DAYS", "0"), ("SAM_NONSENSE", "1")],
            &["up"],
            &["2 wrong setting(s)", "SAM_NONSENSE is no setting", "from 1 to 365"],
        ),
        (&[], &["login-link"], &["no data directory of SAM"]),
        (&[], &["audit", "verify"], &["no data directory of SAM"]),
        (&[], &["keys", "rotate"], &["no data directory of SAM"]),
    ];
    for (environment, arguments, expect) in cases {
        let dir = TempDir::new().unwrap();
        let output = run(dir.path(), environment, arguments);
        let said = text(&output.stderr);
        assert_eq!(output.status.code(), Some(1), "{arguments:?}: {said}");
        assert!(output.stdout.is_empty(), "{arguments:?}: {}", text(&output.stdout));
        for part in *expect {
            assert!(said.contains(part), "{arguments:?}: {part:?} in {said}");
        }
    }
}

#[test]
fn a_second_process_on_a_data_directory_is_refused_by_pid() {
    let dir = TempDir::new().unwrap();
    let _lock = spin_host_sqlite::lock_data_dir(dir.path()).unwrap();
    let output = run(dir.path(), &[], &["up", "--listen", "127.0.0.1:0", "--data-dir", "."]);
    let said = text(&output.stderr);
    assert!(
        said.contains(&format!("in use by another process (pid {})", std::process::id())),
        "{said}"
    );
}

#[test]
fn keys_are_made_rotated_and_listed_without_being_shown() {
    let dir = TempDir::new().unwrap();
    assert!(text(&run(dir.path(), &[], &["keys", "init"]).stdout).contains("Made vault-keys.json"));
    assert!(text(&run(dir.path(), &[], &["keys", "init"]).stdout).contains("there already"));
    run(dir.path(), &[], &["keys", "rotate"]);
    let listed = text(&run(dir.path(), &[], &["keys", "show-ids"]).stdout);
    assert_eq!(listed, "seal k2 (active)\nseal k1\nsign s2 (active)\nsign s1\n");
}

#[test]
fn a_link_needs_a_running_host() {
    let dir = TempDir::new().unwrap();
    run(dir.path(), &[], &["keys", "init"]);
    let said = text(&run(dir.path(), &[], &["login-link"]).stderr);
    assert!(said.contains("no sam-host with an admin listener runs"), "{said}");
    std::fs::write(dir.path().join(".sam/admin-address"), "127.0.0.1:1\n").unwrap();
    let said = text(&run(dir.path(), &[], &["login-link"]).stderr);
    assert!(said.contains("is it running?"), "{said}");
}
