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
