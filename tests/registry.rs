//! The list of rules: documented, unique, well named, exercised.

#![allow(clippy::expect_used, clippy::panic, clippy::unwrap_used, reason = "helpers of tests are tests")]

#[path = "common/review.rs"]
mod review;

use std::collections::BTreeSet;
use std::fs;
use std::path::Path;

use review::{built_in, review as wrap, validate_json};
use serde_json::Value;
use vigla::object::{read_yaml, split_documents};
use vigla::rule::{Documentation, Entry, RULES};

fn root() -> &'static Path {
    Path::new(env!("CARGO_MANIFEST_DIR"))
}

/// The YAML of a section, as objects.
fn examples(entry: &Entry, heading: &str) -> Vec<Value> {
    let documentation = Documentation::parse(entry.metadata.doc);
    let section = documentation.section(heading).expect(heading);
    let blocks = section.split("```yaml\n").skip(1).map(|rest| rest.split("```").next().unwrap());
    blocks
        .flat_map(|block| {
            let trees = split_documents(block).into_iter().map(|document| read_yaml(document).unwrap());
            trees.map(|tree| tree.root().to_json()).collect::<Vec<_>>()
        })
        .collect()
}

#[test]
fn every_rule_is_well_named_and_listed_once() {
    let names: Vec<&str> = RULES.iter().map(|entry| entry.metadata.name).collect();
    assert_eq!(names.iter().collect::<BTreeSet<_>>().len(), names.len(), "{names:?}");
    assert!(names.is_sorted(), "{names:?}");
    for name in names {
        let kebab = name
            .split('-')
            .all(|word| !word.is_empty() && word.chars().all(|c| c.is_ascii_lowercase() || c.is_ascii_digit()));
        assert!(kebab, "{name}");
    }
}

#[test]
fn every_rule_is_documented_under_the_fixed_headings() {
    for entry in RULES {
        let name = entry.metadata.name;
        let documentation = Documentation::parse(entry.metadata.doc);
        let headings: Vec<&str> = documentation.sections.iter().map(|(heading, _)| heading.as_str()).collect();
        assert_eq!(headings, Documentation::HEADINGS, "{name}");
        assert!(documentation.sections.iter().all(|(_, text)| !text.trim().is_empty()), "{name}");
        assert!(!documentation.summary.is_empty() && !documentation.summary.contains('\n'), "{name}");
        assert!(documentation.section("Why").unwrap().contains("https://"), "{name}: where does the reason come from?");
    }
}

#[test]
fn every_rule_declares_what_it_reads() {
    for Entry { metadata, .. } in RULES {
        assert!(!metadata.kinds.is_empty() && !metadata.operations.is_empty(), "{}", metadata.name);
        assert!(!metadata.subresources.is_empty(), "{}", metadata.name);
    }
}

/// What the documentation says is denied or allowed is.
#[test]
fn the_examples_of_every_rule_are_true() {
    for entry in RULES {
        let name = entry.metadata.name;
        for (heading, allowed) in [("Denied", false), ("Allowed", true)] {
            let examples = examples(entry, heading);
            assert!(!examples.is_empty(), "{name}: {heading}");
            for object in examples {
                let metadata = &object["metadata"];
                let own = if object["kind"] == "Namespace" { &metadata["name"] } else { &metadata["namespace"] };
                let namespace = own.as_str().unwrap_or_default();
                let answer = validate_json(&wrap("CREATE", namespace, &object, &Value::Null));
                assert_eq!(answer.allowed, allowed, "{name}: {heading}: {object}");
                assert!(!allowed || answer.warnings.is_empty(), "{name}: {heading}: {:?}", answer.warnings);
            }
        }
    }
}

#[test]
fn every_folder_of_policies_is_a_rule_and_every_rule_has_one() {
    let folders: BTreeSet<String> = fs::read_dir(root().join("policies"))
        .unwrap()
        .map(|entry| entry.unwrap().file_name().into_string().unwrap())
        .collect();
    let names: BTreeSet<String> = RULES.iter().map(|entry| entry.metadata.name.to_owned()).collect();
    assert_eq!(folders, names);
    let policies: BTreeSet<String> = built_in().policies().iter().map(|policy| policy.name.clone()).collect();
    assert_eq!(policies, names, "built-in policies carry their rule's name");
}

/// The cases of a rule's suites whose expectation looks so.
fn cases(entry: &Entry, looks: fn(&Value) -> bool) -> usize {
    let suites = split_documents(entry.suite).into_iter().map(|document| read_yaml(document).unwrap().root().to_json());
    let own = suites.filter(|suite| suite.get("policy").unwrap() == entry.metadata.name);
    let cases = own.flat_map(|suite| suite.get("cases").unwrap().as_array().unwrap().clone());
    cases.filter(|case| looks(case.get("expect").unwrap())).count()
}

#[test]
fn every_rule_has_a_suite_with_three_denied_and_three_allowed_cases() {
    for entry in RULES {
        let name = entry.metadata.name;
        let denied = cases(entry, |expect| !expect["deny"].is_null());
        let allowed = cases(entry, |expect| *expect == "allow");
        assert!(denied >= 3 && allowed >= 3, "{name}: {denied} denied, {allowed} allowed");
        let patched = cases(entry, |expect| !expect["patched"].is_null());
        assert_eq!(entry.metadata.fixes, patched > 0, "{name}: a rule with a fix has a case that shows it");
    }
}

/// A stranger finds any rule's file from its name.
#[test]
fn every_rule_has_a_file_of_its_name() {
    let mut files = BTreeSet::new();
    for folder in
        fs::read_dir(root().join("src/rule")).unwrap().map(|entry| entry.unwrap().path()).filter(|path| path.is_dir())
    {
        files.extend(fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().path().file_stem().unwrap().to_owned()));
    }
    for entry in RULES {
        let stem = entry.metadata.name.replace('-', "_");
        assert!(files.contains(std::ffi::OsStr::new(&stem)), "{stem}.rs");
    }
}
