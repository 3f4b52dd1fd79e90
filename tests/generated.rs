//! Files that are derived from the code: written with `VIGLA_GENERATE=1 cargo test --test generated`, else compared.

#![allow(clippy::expect_used, clippy::indexing_slicing, clippy::panic, reason = "helpers of tests are tests")]

#[path = "generated/cases.rs"]
mod cases;
#[path = "generated/chart.rs"]
mod chart;
mod common;
#[path = "generated/rules.rs"]
mod rules;

use std::path::{Path, PathBuf};

use schemars::schema_for;
use vigla::policy::{PolicyDocument, SettingsDocument};
use vigla::rule::RULES;
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

/// A policy with a page of its own shows its cases there, between two marks.
#[test]
fn the_cases_on_the_pages_of_policies_are_fresh() {
    const MARKS: [&str; 2] = ["<!-- cases: generated from the suite -->\n", "<!-- end of cases -->\n"];
    let mut pages = 0;
    for entry in RULES {
        let file = format!("docs/policies/{}.md", entry.metadata.name);
        let Ok(page) = std::fs::read_to_string(path(&file)) else { continue };
        let parts = page.split_once(MARKS[0]).and_then(|(before, rest)| Some((before, rest.split_once(MARKS[1])?.1)));
        let (before, after) = parts.unwrap_or_else(|| panic!("{file} has no place for its cases"));
        let table = cases::table(entry.suite);
        check_text(&file, &format!("{before}{}\n{table}\n{}{after}", MARKS[0], MARKS[1]));
        pages += 1;
    }
    assert!(pages > 0, "no policy has a page");
}
