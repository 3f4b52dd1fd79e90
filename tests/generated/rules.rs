//! The table of all rules and the page of each, told by the rules themselves and the policies that put them into force.

use std::collections::BTreeMap;
use std::fmt::Write;
use std::fs;

use serde_json::Value;
use vigla::object::{read_yaml, split_documents};
use vigla::rule::{Documentation, Entry, RULES};

use super::{cases, check_text, path};
use crate::common::rules::subject;

/// Where the README has its table.
const MARKS: [&str; 2] = ["<!-- policies: generated -->\n", "<!-- end of policies -->\n"];

#[test]
fn the_page_of_rules_is_fresh() {
    let mut page =
        "# The policies\n\nGenerated from the rules and their built-in policies. `vigla explain NAME` prints a page \
                    without its cases; `vigla rules -o json` has the schema of the parameters. The examples are files \
                    to try things on: `vigla check --profile restricted policies/NAME/denied.yaml`, where other policies \
                    may have a word too, and `vigla check policies/NAME/allowed.yaml`. What `protect-mesh-baseline` \
                    refuses takes `--operation DELETE`; the Settings among those of `tenant-hosts` count in a file of \
                    their own, by `--settings`.\n\n\
                    | policy | what it holds | action | profile | severity | mends |\n|---|---|---|---|---|---|\n"
            .to_owned();
    for entry in RULES {
        let documentation = Documentation::of(entry);
        let spec = spec(entry);
        let (name, severity) = (entry.metadata.name, entry.metadata.severity.as_str());
        let (summary, profile) = (documentation.summary.replace('\n', " "), text(&spec, "profile"));
        let (action, mends) = (action(&spec), mends(entry));
        writeln!(page, "| [`{name}`](policies/{name}.md) | {summary} | {action} | {profile} | {severity} | {mends} |")
            .expect("a String");
    }
    check_text("docs/rules.md", &page);
}

#[test]
fn every_policy_has_a_page_and_it_is_fresh() {
    for entry in RULES {
        check_text(&format!("docs/policies/{}.md", entry.metadata.name), &page(entry));
    }
    let pages = fs::read_dir(path("docs/policies")).expect("a folder").count();
    assert_eq!(pages, RULES.len(), "a page of docs/policies is of no policy");
}

/// The guardrails, by the subjects under which the rules' files stand.
#[test]
fn the_table_of_the_readme_is_fresh() {
    let mut subjects: BTreeMap<String, BTreeMap<String, Vec<String>>> = BTreeMap::new();
    for entry in RULES.iter().filter(|entry| text(&spec(entry), "profile") != "required") {
        let name = entry.metadata.name;
        let profiles = subjects.entry(subject(name)).or_default();
        let names = profiles.entry(text(&spec(entry), "profile")).or_default();
        names.push(format!("[`{name}`](docs/policies/{name}.md)"));
    }
    let mut table = "| about | baseline | restricted |\n|---|---|---|\n".to_owned();
    for (subject, profiles) in subjects {
        let names = |profile: &str| profiles.get(profile).map(|names| names.join(", ")).unwrap_or_default();
        writeln!(table, "| {subject} | {} | {} |", names("baseline"), names("restricted")).expect("a String");
    }
    let readme = fs::read_to_string(path("README.md")).expect("a README");
    let (before, rest) = readme.split_once(MARKS[0]).expect("a place for the table");
    let (_, after) = rest.split_once(MARKS[1]).expect("its end");
    check_text("README.md", &format!("{before}{}\n{table}\n{}{after}", MARKS[0], MARKS[1]));
}

fn page(entry: &Entry) -> String {
    let documentation = Documentation::of(entry);
    let (metadata, spec) = (&entry.metadata, spec(entry));
    let name = metadata.name;
    let kinds: Vec<String> = metadata.kinds.iter().map(|kind| format!("`{kind}`")).collect();
    let operations: Vec<String> = metadata.operations.iter().map(ToString::to_string).collect();
    let mut page = format!("# `{name}`\n\n{}\n\n| | |\n|---|---|\n", documentation.summary);
    for (what, value) in [
        ("action", action(&spec)),
        ("profile", text(&spec, "profile")),
        ("severity", metadata.severity.as_str().to_owned()),
        ("judges", format!("{}: {}", operations.join(", "), kinds.join(", "))),
        ("mends", mends(entry)),
        ("codes of other tools", metadata.codes.join(", ")),
    ] {
        if !value.is_empty() {
            writeln!(page, "| {what} | {value} |").expect("a String");
        }
    }
    for (heading, text) in documentation.sections {
        write!(page, "\n## {heading}\n\n{text}\n").expect("a String");
    }
    let table = cases::table(entry.suite);
    let suite = format!("../../policies/{name}/suite.yaml");
    page + &format!(
        "\n## Cases\n\nEach is in the policy's [suite]({suite}); `vigla test --run {name}` runs them.\n\n{table}"
    )
}

fn spec(entry: &Entry) -> Value {
    let document = split_documents(entry.policy).into_iter().next().expect("a policy");
    read_yaml(document).expect("YAML").root().to_json()["spec"].clone()
}

fn text(spec: &Value, key: &str) -> String {
    spec[key].as_str().unwrap_or_default().to_owned()
}

/// The kinds that it mends where its action is `Patch`.
fn mends(entry: &Entry) -> String {
    let kinds: Vec<&str> = entry.metadata.mends.iter().map(|kind| kind.kind).collect();
    if kinds.len() > 3 { "workloads".to_owned() } else { kinds.join(", ") }
}

/// The action, and the one in namespaces that are marked as such.
fn action(spec: &Value) -> String {
    let elsewhere = spec["enforcement"].as_array().into_iter().flatten().filter_map(|entry| entry["action"].as_str());
    elsewhere.fold(text(spec, "action"), |said, other| format!("{said}, {other} in production"))
}
