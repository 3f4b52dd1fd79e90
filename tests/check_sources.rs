//! Where `vigla check` reads from.

#![allow(clippy::expect_used, clippy::indexing_slicing, clippy::unwrap_used, reason = "helpers of tests are tests")]

mod common;

use std::path::Path;

use common::cli::{check_with, filter, folder, vigla};
use vigla::rule::{Operation, RULES};

#[test]
fn what_several_paths_lead_to_is_judged_once() {
    let object = filter("a", "shop").to_string();
    let folder = folder(&[("a/b/f.json", &object), ("a/g.json", &object), ("h.json", &object)]);
    for (paths, files) in [
        (&["h.json", "h.json"][..], 1),
        (&["h.json", "./a/../h.json"], 1),
        (&["a", "a/b/f.json", "a/g.json"], 2),
        (&["a/b/f.json", "a", "a/b", "a"], 2),
        (&[".", "h.json"], 3),
    ] {
        let run = vigla(folder.path(), &[&["check", "-o", "json"], paths].concat());
        assert_eq!((run.code, run.places().len(), run.errors().len()), (1, files, 0), "{paths:?}: {}", run.err);
        assert_eq!(run.report()["summary"]["files"], files, "{paths:?}");
    }
    // The two states are read each for itself.
    let run = vigla(folder.path(), &["check", "-o", "json", "h.json", "--old", "h.json"]);
    assert_eq!(run.report()["summary"]["old"], 1);
}

#[test]
fn standard_input_is_read_once() {
    let object = filter("a", "shop").to_string();
    let run = check_with(&object, &["-", "-o", "json"]);
    assert_eq!((run.places().len(), &run.report()["summary"]["files"]), (1, &1.into()));
    let run = check_with("", &["--old", "-"]);
    assert_eq!((run.code, &*run.out), (2, ""));
    assert!(run.err.contains("standard input can be read once"), "{}", run.err);
}

#[cfg(unix)]
#[test]
fn a_link_that_leads_nowhere_is_an_error_where_a_manifest_may_be_missing() {
    let folder = folder(&[("a/f.json", &filter("a", "shop").to_string())]);
    let link = |name: &str| std::os::unix::fs::symlink("gone", folder.path().join("a").join(name)).unwrap();
    for name in ["notes.txt", ".#f.yaml", ".hidden"] {
        link(name);
    }
    let run = vigla(folder.path(), &["check", "a", "-o", "json"]);
    assert_eq!((run.code, run.errors()), (1, Vec::new()));
    link("b.yaml");
    link("shared");
    let run = vigla(folder.path(), &["check", "a", "-o", "json"]);
    let error = "null:null cannot be read: a link to `gone`, which is not there";
    assert_eq!((run.code, run.errors()), (2, vec![error.to_owned(); 2]));
    assert_eq!(run.report()["errors"][0]["file"], "a/b.yaml");
    assert_eq!(run.places().len(), 1);
    // Nor does a name said outright say its path twice.
    let run = vigla(folder.path(), &["check", "a/b.yaml"]);
    assert_eq!(run.err.matches("b.yaml").count(), 1, "{}", run.err);
}

/// A deletion that a policy in force judges.
#[test]
fn an_empty_folder_beside_another_state_is_a_state_too() {
    let guarded =
        "apiVersion: v1\nkind: Namespace\nmetadata: {name: istio-system, labels: {istio-injection: disabled}}\n";
    let folder = folder(&[("old/mesh/ns.yaml", guarded), ("new/notes.txt", ""), ("none/notes.txt", "")]);
    let check = |arguments: &[&str]| vigla(folder.path(), &[&["check", "-o", "json"], arguments].concat());
    let deleted = check(&["new", "--old", "old"]);
    assert_eq!((deleted.code, deleted.errors()), (1, Vec::new()), "{}", deleted.err);
    let report = deleted.report();
    assert_eq!(report["findings"][0]["policy"], "protect-mesh-baseline");
    assert_eq!((&report["summary"]["documents"], &report["summary"]["files"]), (&1.into(), &0.into()));
    assert!(deleted.err.starts_with("note: `new` holds no manifests: an empty state\n"), "{}", deleted.err);
    let created = check(&["old", "--old", "none"]);
    assert_eq!((created.code, created.errors()), (0, Vec::new()), "{}", created.err);

    // Nothing on either side, and no folder at all, is a slip of the pen.
    for (arguments, errors) in [
        (&["new", "--old", "none"][..], 2),
        (&["new"], 1),
        (&["old", "new"], 1),
        (&["gone", "--old", "old"], 1),
        (&["old", "--old", "gone"], 1),
    ] {
        let run = check(arguments);
        assert_eq!((run.code, run.errors().len()), (2, errors), "{arguments:?}: {}", run.err);
    }
}

#[test]
fn the_examples_of_the_documentation_can_be_tried_as_it_says() {
    let root = Path::new(env!("CARGO_MANIFEST_DIR"));
    for entry in RULES {
        let name = entry.metadata.name;
        let allowed = vigla(root, &["check", &format!("policies/{name}/allowed.yaml")]);
        assert_eq!(allowed.code, 0, "{name}: {}", allowed.out);
        // Settings count from a file of their own alone.
        if !entry.denied.contains("kind: Settings") {
            let operation = if entry.metadata.operations.contains(&Operation::Create) { "CREATE" } else { "DELETE" };
            let file = format!("policies/{name}/denied.yaml");
            let denied = vigla(root, &["check", "--profile", "restricted", "--operation", operation, &file]);
            assert!(denied.out.contains(&format!("[{name}]: ")), "{name}: {}", denied.out);
        }
    }
}
