//! Holds the house of `src/`: the layers, what the pure ones may know, and that every file has its place.
//!
//! `architecture/reader.rs` reads what a file says, `architecture/rules.rs` judges it. The tests below the first break
//! each rule on sources made up for it.

#[path = "architecture/names.rs"]
mod names;
#[path = "architecture/reader.rs"]
mod reader;
#[path = "architecture/rules.rs"]
mod rules;
#[path = "architecture/source.rs"]
mod source;

use rules::Rule::{Layers, Length, ModRs, Orphan, Pure, Unreadable};
use rules::{LAYERS, Rule, breaches};
use std::path::Path;

#[test]
fn the_sources_keep_the_rules() {
    let root = Path::new(env!("CARGO_MANIFEST_DIR"));
    let mut files = Vec::new();
    for entry in walkdir::WalkDir::new(root.join("src")).sort_by_file_name() {
        let entry = entry.expect("src is readable");
        if entry.path().extension().is_some_and(|end| end == "rs") {
            let path = entry.path().strip_prefix(root).expect("src lies below the root");
            let path = path.to_string_lossy().replace('\\', "/");
            files.push((path, std::fs::read_to_string(entry.path()).expect("a source is readable")));
        }
    }
    assert!(files.len() > 2, "the sources were not found");
    let found: Vec<String> = breaches(&files).iter().map(ToString::to_string).collect();
    assert!(found.is_empty(), "\n{}\n", found.join("\n"));
}

/// The breaches in these sources, beside a `lib.rs` that names every layer and one empty file for each.
fn judge(files: &[(&str, &str)]) -> Vec<(String, usize, Rule)> {
    let modules = LAYERS.iter().filter(|layer| **layer != "main");
    let lib = modules.clone().map(|layer| format!("pub mod {layer};\n")).collect();
    let mut all = vec![("src/lib.rs".to_owned(), lib), ("src/main.rs".to_owned(), String::new())];
    all.extend(modules.map(|layer| (format!("src/{layer}.rs"), String::new())));
    for (path, text) in files {
        all.retain(|(known, _)| known != path);
        all.push(((*path).to_owned(), (*text).to_owned()));
    }
    breaches(&all).into_iter().map(|breach| (breach.file, breach.line, breach.rule)).collect()
}

/// What is found in `src/policy.rs` with this text.
fn judge_policy(text: &str) -> Vec<(usize, Rule)> {
    judge(&[("src/policy.rs", text)]).into_iter().map(|(_, line, rule)| (line, rule)).collect()
}

#[test]
fn accepts_what_points_down() {
    for text in [
        "",
        "use crate::object::Node;",
        "use crate::{mesh::{self, hosts as h}, rule::*};",
        "use super::object::Node;",
        "fn f() -> crate::policy::Scope { vec![crate::rule::RULES] }",
        "pub(crate) fn f(vigla: u8) -> u8 { vigla }",
        "mod inner { use super::*; use super::super::object; pub(super) struct S; }",
        "use std::{collections::HashMap, fmt, io::Read, time::Duration};",
        "use jiff::Timestamp; fn f(now: Timestamp) -> String { format!(\"{now}: std::fs is only text\") }",
        "struct S { #[serde(rename = \"tokio\")] x: u8 }",
        "/// [`crate::engine`] decides.\nfn documented() {}",
        "const POLICY: &str = include_str!(\"p.yaml\"); const V: &str = env!(\"CARGO_PKG_VERSION\");",
    ] {
        assert_eq!(judge_policy(text), [], "{text}");
    }
    let main = "use vigla::cli; fn main() { local(); crate::local(); vigla::server::run(); } fn local() {}";
    assert_eq!(judge(&[("src/main.rs", main)]), []);
    let server = "use std::{fs, net, time::Instant}; use crate::cluster; fn f() { tokio::spawn(fs::read(\"x\")); }";
    assert_eq!(judge(&[("src/server.rs", server)]), []);
}

#[test]
fn rejects_what_points_up() {
    for text in [
        "\nuse crate::engine::decide;",
        "\nuse crate::engine;",
        "\nuse crate::{object::Node, mesh::{self}, engine::{decide}};",
        "\nuse super::engine;",
        "\nuse vigla::engine;",
        "\nuse self::super::engine;",
        "\nmod inner { use super::super::engine::decide; }",
        "\nmod inner { fn f() { super::super::engine::decide() } }",
        "\nfn f(x: &crate::engine::Decision) {}",
        "\nfn f() -> Vec<crate::engine::Decision> { Vec::new() }",
        "\nfn f() { crate::engine::decide() }",
        "\nfn f(x: X) { if let crate::engine::Decision { .. } = x {} }",
        "\nimpl crate::engine::Judge for X {}",
        "\nfn f() { crate::engine::judge!() }",
        "\nfn f() { format!(\"{}\", crate::engine::decide()) }",
        "\nfn f() { vec![(1, super::engine::decide())] }",
        "\nmacro_rules! m { () => { $crate::engine::decide() } }",
        "\nmacro_rules! m { () => { use crate::{object::Node, engine::decide}; } }",
        "\n#[derive(crate::engine::Judge)] struct S;",
        "\nstruct S { #[serde(with = \"crate::engine::wire\")] x: u8 }",
        "\n#[cfg(test)] mod tests { use crate::engine::decide; }",
    ] {
        assert_eq!(judge_policy(text), [(2, Layers)], "{text}");
    }
    let deep = [("src/policy.rs", "mod scope;"), ("src/policy/scope.rs", "\n\nuse super::super::cli::run;")];
    assert_eq!(judge(&deep), [("src/policy/scope.rs".to_owned(), 3, Layers)]);
}

#[test]
fn rejects_ways_around_the_layers() {
    for text in [
        "use crate as all;",
        "use crate::*;",
        "use super::*;",
        "use crate::{self as all};",
        "extern crate self as all;",
        "use crate::helper;",
        "macro_rules! m { () => { use crate::*; } }",
    ] {
        assert_eq!(judge_policy(text), [(1, Layers)], "{text}");
    }
    assert_eq!(judge(&[("src/main.rs", "use vigla::helper;")]), [("src/main.rs".to_owned(), 1, Layers)]);
    let unknown = [("src/lib.rs", "mod util;"), ("src/util.rs", "")];
    assert!(judge(&unknown).contains(&("src/util.rs".to_owned(), 1, Layers)));
    let engine = ("src/engine.rs", "#[macro_export] macro_rules! judge { () => {} }");
    assert_eq!(judge(&[engine, ("src/cli.rs", "crate::judge!();")]), []);
    let called = judge(&[engine, ("src/policy.rs", "crate::judge!();")]);
    assert_eq!(called, [("src/policy.rs".to_owned(), 1, Layers)]);
}

#[test]
fn rejects_the_world_in_pure_layers() {
    for text in [
        "\nuse std::fs;",
        "\nuse std::{fmt, env::var};",
        "\nuse std::net::IpAddr as Address;",
        "\nuse std::*;",
        "\nuse std::io::*;",
        "\nuse ::tokio::sync::Mutex;",
        "\nfn f() { std::process::exit(1) }",
        "\nfn f() { std::time::Instant::now() }",
        "\nfn f(at: std::time::SystemTime) {}",
        "\nfn f() { std::thread::sleep(D) }",
        "\nfn f() { write!(std::io::stderr(), \"x\") }",
        "\nfn f() { std::io::stdin() }",
        "\nfn f() { vec![std::io::stdout()] }",
        "\nfn f() { jiff::Timestamp::now() }",
        "\n#[tokio::main] async fn f() {}",
        "\nfn f() { println!(\"x\") }",
        "\nfn f() { std::eprintln!(\"x\") }",
        "\nfn f() { vec![dbg!(1)] }",
        "\nmacro_rules! m { () => { print!(\"x\") } }",
        "use jiff::Timestamp;\nfn f() { Timestamp::now() }",
        "use jiff::Timestamp;\nfn f() { <Timestamp>::now() }",
        "use jiff::Timestamp;\nfn f() { vec![Timestamp::now()] }",
        "use jiff::{Zoned as Z};\nfn f() { Z::now() }",
        "use std::time;\nfn f() { time::Instant::now() }",
        "use std as s;\nfn f() { s::fs::read(\"x\") }",
        "extern crate std as s;\nfn f() { s::fs::read(\"x\") }",
        "type Clock = jiff::Timestamp;\nfn f() { Clock::now() }",
        "use jiff::Timestamp; mod inner { use super::*;\nfn f() { Timestamp::now() } }",
        "use jiff::Timestamp; mod inner { use super::Timestamp;\nfn f() { Timestamp::now() } }",
        "use std::time as clocks;\nfn f() { self::clocks::Instant::now() }",
    ] {
        assert_eq!(judge_policy(text), [(2, Pure)], "{text}");
    }
    let re_exported =
        [("src/object.rs", "pub use jiff::Timestamp as T;"), ("src/suite.rs", "fn f() { crate::object::T::now() }")];
    assert_eq!(judge(&re_exported), [("src/suite.rs".to_owned(), 1, Pure)]);
}

#[test]
fn rejects_the_world_in_every_pure_layer_and_in_no_other() {
    for layer in LAYERS.iter().filter(|layer| **layer != "main") {
        let pure = LAYERS.iter().take(8).any(|first| first == layer);
        let path = format!("src/{layer}.rs");
        let found = judge(&[(&path, "use std::fs;")]);
        assert_eq!(found, if pure { vec![(path, 1, Pure)] } else { vec![] });
    }
}

#[test]
fn accepts_the_world_in_tests_of_pure_layers() {
    assert_eq!(
        judge_policy("#[cfg(test)] mod tests { use std::fs; fn f() { println!() } mod deeper { use tokio; } }"),
        []
    );
    assert_eq!(judge_policy("#[cfg(not(test))] mod real { use std::fs; }"), [(1, Pure)]);
    let file = ("src/policy/tests.rs", "mod deeper;\nuse std::fs;");
    let deeper = ("src/policy/tests/deeper.rs", "use std::fs;");
    assert_eq!(judge(&[("src/policy.rs", "#[cfg(test)] mod tests;"), file, deeper]), []);
    let found = judge(&[("src/policy.rs", "mod tests;"), file, deeper]);
    assert_eq!(found, [(file.0.to_owned(), 2, Pure), (deeper.0.to_owned(), 1, Pure)]);
}

#[test]
fn rejects_a_source_that_no_mod_names() {
    let lone = ("src/policy/scope.rs", "");
    assert_eq!(judge(&[lone]), [("src/policy/scope.rs".to_owned(), 1, Orphan)]);
    assert_eq!(judge(&[("src/policy.rs", "// mod scope;"), lone]).len(), 1);
    assert_eq!(judge(&[("src/policy.rs", "mod scope;"), lone]), []);
    assert_eq!(judge(&[("src/policy.rs", "mod a { mod b; }"), ("src/policy/a/b.rs", "")]), []);
    let below_an_orphan = [("src/policy/scope.rs", "mod deep;"), ("src/policy/scope/deep.rs", "")];
    assert_eq!(judge(&below_an_orphan).len(), 2);
    let renamed = [("src/policy.rs", "\n#[path = \"policy/scope.rs\"] mod other;"), lone];
    assert!(judge(&renamed).contains(&("src/policy.rs".to_owned(), 2, Orphan)));
}

#[test]
fn rejects_mod_rs() {
    let found =
        judge(&[("src/policy.rs", "mod scope;"), ("src/policy/scope/mod.rs", "mod a;"), ("src/policy/scope/a.rs", "")]);
    assert_eq!(found, [("src/policy/scope/mod.rs".to_owned(), 1, ModRs)]);
}

#[test]
fn rejects_a_file_of_over_400_lines() {
    assert_eq!(judge_policy(&"//\n".repeat(400)), []);
    assert_eq!(judge_policy(&"//\n".repeat(401)), [(401, Length)]);
}

#[test]
fn rejects_a_source_that_does_not_parse() {
    assert_eq!(judge_policy("\nfn f( {}"), [(2, Unreadable)]);
}

#[test]
fn a_message_names_file_line_and_rule() {
    let lib = ("src/lib.rs".to_owned(), "pub mod engine; pub mod object;".to_owned());
    let engine = ("src/engine.rs".to_owned(), String::new());
    let object = ("src/object.rs".to_owned(), "\nuse crate::engine::decide;\nuse std::fs;".to_owned());
    let found: Vec<String> = breaches(&[lib, engine, object]).iter().map(ToString::to_string).collect();
    let up = "src/object.rs:2: `crate::engine::decide` points up: `object` stands below `engine` \
              (a layer names only itself and lower layers)";
    let world = "src/object.rs:3: `std::fs` reaches `std::fs` (the pure layers know nothing of the world)";
    assert_eq!(found, [up, world]);
}
