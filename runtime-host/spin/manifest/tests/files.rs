//! `files` and `exclude_files` against a folder on disk.

use std::path::Path;

use spin_host_manifest::{GuestFiles, Manifest};

/// A folder as an application has it; its own name holds what means something in a pattern.
const FILES: &[&str] = &[
    "a.txt",
    "b[1].txt",
    "assets/one.txt",
    "assets/two.css",
    "assets/deep/three.txt",
    "assets/deep/.hidden.txt",
    "assets/private/key.pem",
    "web/dist/index.html",
    "web/dist/js/app.js",
];

fn look(lines: &str) -> (Result<GuestFiles, Vec<String>>, tempfile::TempDir) {
    let dir = tempfile::Builder::new().prefix("app[x]").tempdir().unwrap();
    for file in FILES {
        let path = dir.path().join(file);
        std::fs::create_dir_all(path.parent().unwrap()).unwrap();
        std::fs::write(path, file).unwrap();
    }
    std::fs::create_dir(dir.path().join("empty")).unwrap();
    let text = format!(
        "spin_manifest_version = 2\napplication.name = \"a\"\n[[trigger.http]]\nroute = \"/\"\ncomponent = \"c\"\n\
         [component.c]\nsource = \"c.wasm\"\n{lines}\n"
    );
    std::fs::write(dir.path().join("spin.toml"), text).unwrap();
    let app = Manifest::load(dir.path().join("spin.toml")).unwrap();
    (app.components["c"].guest_files(&app), dir)
}

/// The guest sees `expect`: destinations, with the source where that is another path.
#[track_caller]
fn check(lines: &str, expect: &[&str]) {
    let (found, dir) = look(lines);
    let found = found.unwrap_or_else(|problems| panic!("{lines}: {problems:?}"));
    let seen: Vec<String> = found
        .files
        .iter()
        .map(|(destination, source)| {
            let source = source.strip_prefix(dir.path()).unwrap();
            if source == destination {
                destination.display().to_string()
            } else {
                format!("{} <- {}", destination.display(), source.display())
            }
        })
        .collect();
    assert_eq!(seen, expect, "{lines}");
}

#[track_caller]
fn refused(lines: &str, expect: &str) {
    let (found, _dir) = look(lines);
    let problems = found.expect_err(lines).join("\n");
    assert!(problems.contains(expect), "{lines}: {problems}");
}

#[test]
fn patterns_keep_the_path() {
    check(r#"files = ["*.txt"]"#, &["a.txt", "b[1].txt"]);
    check(r#"files = ["assets/*"]"#, &["assets/one.txt", "assets/two.css"]);
    check(
        r#"files = ["assets/**/*.txt"]"#,
        &["assets/deep/.hidden.txt", "assets/deep/three.txt", "assets/one.txt"],
    );
    check(r#"files = ["./assets/o?e.txt"]"#, &["assets/one.txt"]);
    check(r#"files = ["assets/[ot]*.css", "a.txt"]"#, &["a.txt", "assets/two.css"]);
}

#[test]
fn single_files_are_taken_as_they_are_named() {
    check(r#"files = ["b[1].txt"]"#, &["b[1].txt"]);
    check(
        r#"files = [{ source = "a.txt", destination = "/etc/config" }]"#,
        &["etc/config <- a.txt"],
    );
}

#[test]
fn folders_are_placed_with_all_that_is_in_them() {
    check(
        r#"files = [{ source = "web/dist", destination = "/" }, { source = "assets/deep", destination = "/d" }]"#,
        &[
            "d/.hidden.txt <- assets/deep/.hidden.txt",
            "d/three.txt <- assets/deep/three.txt",
            "index.html <- web/dist/index.html",
            "js/app.js <- web/dist/js/app.js",
        ],
    );
    let (found, _dir) = look(r#"files = [{ source = "empty", destination = "/var/data/" }]"#);
    assert!(found.unwrap().folders.contains(Path::new("var/data")));
}

#[test]
fn excluded_files_are_taken_out_of_patterns_and_folders() {
    check(
        "files = [\"assets/**/*\"]\nexclude_files = [\"assets/private/*\", \"**/.hidden.txt\"]",
        &["assets/deep/three.txt", "assets/one.txt", "assets/two.css"],
    );
    check(
        "files = [{ source = \"assets\", destination = \"/\" }]\nexclude_files = [\"assets/private/*\", \"assets/deep/*\"]",
        &["one.txt <- assets/one.txt", "two.css <- assets/two.css"],
    );
    // As with Spin: who names a file means it.
    check("files = [\"a.txt\"]\nexclude_files = [\"*\"]", &["a.txt"]);
}

#[test]
fn the_later_entry_wins() {
    check(
        r#"files = ["a.txt", { source = "assets/one.txt", destination = "/a.txt" }]"#,
        &["a.txt <- assets/one.txt"],
    );
}

#[test]
fn what_matches_nothing_is_reported_and_what_cannot_be_meant_is_refused() {
    let (found, _dir) = look(r#"files = ["assets/*.png", "*.txt"]"#);
    assert_eq!(found.unwrap().unmatched, ["assets/*.png"]);
    refused(
        r#"files = ["missing.txt"]"#,
        "\"missing.txt\" does not exist, and is no pattern",
    );
    refused(r#"files = ["assets"]"#, "\"assets\" is a folder; write \"assets/**/*\"");
    refused(r#"files = ["assets/../../*"]"#, "must stay inside");
    refused(r#"files = ["assets/***"]"#, "is not a pattern");
    refused(
        "files = [\"a.txt\"]\nexclude_files = [\"a**b\"]",
        "exclude_files: \"a**b\" is not a pattern",
    );
    refused(
        r#"files = [{ source = "nowhere", destination = "/" }]"#,
        "there is no file or folder",
    );
    refused(
        r#"files = [{ source = "a.txt", destination = "/" }]"#,
        "\"/\" is not the name of a file",
    );
    refused(
        r#"files = [{ source = "a.txt", destination = "/sub/" }]"#,
        "\"/sub/\" is not the name of a file",
    );
}

/// `spin-host spin.toml`: the folder of the manifest has an empty name then. Tests run in the folder of their package.
#[test]
fn a_manifest_without_a_folder_means_the_present_one() {
    let text = "spin_manifest_version = 2\napplication.name = \"a\"\n[[trigger.http]]\nroute = \"/\"\n\
                component = \"c\"\n[component.c]\nsource = \"c.wasm\"\nfiles = [\"tests/f?les.rs\"]\n";
    let app = Manifest::parse(text, "").unwrap();
    let found = app.components["c"].guest_files(&app).unwrap();
    assert!(found.files.contains_key(Path::new("tests/files.rs")), "{found:?}");
}
