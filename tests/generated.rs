//! Files that are derived from the code: written with `VIGLA_GENERATE=1 cargo test --test generated`, else compared.

#![allow(clippy::expect_used, clippy::indexing_slicing, clippy::panic, reason = "helpers of tests are tests")]

#[path = "generated/cases.rs"]
mod cases;
#[path = "generated/chart.rs"]
mod chart;
mod common;
#[path = "generated/rules.rs"]
mod rules;

use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf};

use schemars::schema_for;
use vigla::policy::{PolicyDocument, SettingsDocument};
use vigla::rule::{RULES, served};
use vigla::suite::SuiteDocument;

fn path(file: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join(file)
}

fn check(file: &str, schema: &schemars::Schema) {
    check_text(file, &(serde_json::to_string_pretty(schema).expect("JSON") + "\n"));
}

fn check_text(file: &str, text: &str) {
    let path = path(file);
    if std::env::var_os("VIGLA_GENERATE").is_some() {
        std::fs::write(&path, text).expect("a file that can be written");
    }
    let found = std::fs::read_to_string(&path).unwrap_or_default();
    assert!(found == text, "{file} is stale: VIGLA_GENERATE=1 cargo test --test generated");
}

#[test]
fn the_schema_of_policies_is_fresh() {
    check("docs/schemas/policy.json", &schema_for!(PolicyDocument));
}

#[test]
fn the_schema_of_settings_is_fresh() {
    check("docs/schemas/settings.json", &schema_for!(SettingsDocument));
}

#[test]
fn the_schema_of_suites_is_fresh() {
    check("docs/schemas/suite.json", &schema_for!(SuiteDocument));
}

/// What `check --cluster` lists: the kinds that rules read. A Namespace is read by itself where `-n` names it.
#[test]
fn the_rights_of_checks_are_fresh() {
    let mut groups: BTreeMap<&str, BTreeSet<&str>> = BTreeMap::new();
    for kind in RULES.iter().flat_map(|entry| entry.metadata.kinds) {
        groups.entry(kind.group).or_default().insert(served(kind.group, kind.kind).expect("a plural").plural);
    }
    groups.entry("").or_default().remove("namespaces");
    let rule = |(group, plurals): (&str, BTreeSet<&str>)| {
        let plurals: Vec<&str> = plurals.into_iter().collect();
        format!("- {{apiGroups: [\"{group}\"], resources: [{}], verbs: [list]}}\n", plurals.join(", "))
    };
    let role = "apiVersion: rbac.authorization.k8s.io/v1\nkind: ClusterRole\nmetadata: {name: vigla-check}\nrules:\n\
                - {apiGroups: [\"\"], resources: [namespaces], verbs: [get, list]}\n";
    let role = role.to_owned() + &groups.into_iter().map(rule).collect::<String>();
    let [begin, end] = ["<!-- rights: generated -->\n", "<!-- end of rights -->\n"];
    let page = std::fs::read_to_string(path("docs/check.md")).expect("a page");
    let (before, rest) = page.split_once(begin).expect("a place for the rights");
    let (_, after) = rest.split_once(end).expect("its end");
    check_text("docs/check.md", &format!("{before}{begin}\n```yaml\n{role}```\n\n{end}{after}"));
}
