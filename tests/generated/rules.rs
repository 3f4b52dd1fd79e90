//! The page of all rules, told by the rules themselves and the policies that put them into force.

use std::fmt::Write;

use serde_json::Value;
use vigla::object::{read_yaml, split_documents};
use vigla::rule::{Documentation, Entry, RULES};

#[test]
fn the_page_of_rules_is_fresh() {
    super::check_text("docs/rules.md", &page());
}

fn page() -> String {
    let mut page =
        "# The rules\n\nGenerated from the rules and their built-in policies. `vigla explain NAME` says the same, \
                    examples included; `vigla rules -o json` has the schema of the parameters.\n\n\
                    | policy | what it holds | action | profile | severity | mends |\n|---|---|---|---|---|---|\n"
            .to_owned();
    for entry in RULES {
        let documentation = Documentation::parse(entry.metadata.doc);
        let spec = spec(entry);
        let text = |key: &str| spec[key].as_str().unwrap_or_default().to_owned();
        let name = entry.metadata.name;
        let mends: Vec<&str> = entry.metadata.mends.iter().map(|kind| kind.kind).collect();
        let mends = if mends.len() > 3 { "workloads".to_owned() } else { mends.join(", ") };
        let summary = documentation.summary.replace('\n', " ");
        let (profile, severity) = (text("profile"), entry.metadata.severity.as_str());
        writeln!(page, "| [`{name}`](#{name}) | {summary} | {} | {profile} | {severity} | {mends} |", action(&spec))
            .expect("a String");
    }
    for entry in RULES {
        let documentation = Documentation::parse(entry.metadata.doc);
        write!(page, "\n## {}\n\n{}\n", entry.metadata.name, documentation.summary).expect("a String");
        for heading in ["What it does", "Why", "Denied", "Parameters", "Known limits"] {
            let text = documentation.section(heading).unwrap_or_default().trim();
            if !text.is_empty() {
                write!(page, "\n### {heading}\n\n{text}\n").expect("a String");
            }
        }
        if !entry.metadata.codes.is_empty() {
            write!(page, "\nElsewhere: {}.\n", entry.metadata.codes.join(", ")).expect("a String");
        }
    }
    page
}

fn spec(entry: &Entry) -> Value {
    let document = split_documents(entry.policy).into_iter().next().expect("a policy");
    read_yaml(document).expect("YAML").root().to_json()["spec"].clone()
}

/// The action, and the one in namespaces that are marked as such.
fn action(spec: &Value) -> String {
    let action = spec["action"].as_str().unwrap_or_default();
    let elsewhere = spec["enforcement"].as_array().into_iter().flatten().filter_map(|entry| entry["action"].as_str());
    elsewhere.fold(action.to_owned(), |said, other| format!("{said}, {other} in production"))
}
