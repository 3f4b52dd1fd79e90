//! The cases of a suite as a table: under which heading they stand, what they show, what comes of it.

use serde_json::Value;
use vigla::object::{read_yaml, split_documents};

/// How much of what was found is shown.
const LONGEST: usize = 60;

/// A heading is a comment at the start of a line; what stands below it, up to the next one, belongs to it.
pub(crate) fn table(suite: &str) -> String {
    let documents = split_documents(suite).into_iter().map(|document| read_yaml(document).expect("a suite"));
    let cases = documents.flat_map(|tree| {
        let cases = tree.root().get("cases").expect("cases").to_json();
        cases.as_array().expect("a list").clone()
    });
    let headings = headings(suite);
    let is_parted = headings.iter().any(|heading| !heading.is_empty());
    let mut table = if is_parted { "| about | case | verdict |\n|---|" } else { "| case | verdict |\n|" }.to_owned();
    table += "---|---|\n";
    for (heading, case) in headings.into_iter().zip(cases) {
        if is_parted {
            table += &format!("| {} ", escaped(heading.strip_prefix("Vector ").unwrap_or(heading)));
        }
        table += &format!("| {} | {} |\n", escaped(&example(&case)), verdict(&case["expect"]));
    }
    table
}

/// The heading of each case; empty where it is the one of the case before.
fn headings(suite: &str) -> Vec<&str> {
    let mut headings = Vec::new();
    let mut heading = "";
    for line in suite.lines() {
        if let Some(comment) = line.strip_prefix("# ") {
            heading = comment;
        } else if line.starts_with("- name:") {
            headings.push(std::mem::take(&mut heading));
        }
    }
    headings
}

/// What a case is about, and what stands where its first finding is.
fn example(case: &Value) -> String {
    let name = case["name"].as_str().expect("a name");
    let found = ["deny", "warn", "old"].iter().find_map(|list| case["expect"][list][0]["path"].as_str());
    match found.and_then(|path| Some((path.rsplit('/').next()?, case["object"].pointer(path)?))) {
        Some((key, value)) => format!("{name}: `{}`", shortened(&format!("{}: {value}", key.replace("~1", "/")))),
        None => name.to_owned(),
    }
}

fn shortened(text: &str) -> String {
    if text.chars().count() <= LONGEST {
        return text.to_owned();
    }
    text.chars().take(LONGEST).chain(['…']).collect()
}

fn verdict(expect: &Value) -> String {
    match expect.as_object() {
        None => expect.as_str().expect("a word").to_owned(),
        Some(lists) if lists.contains_key("error") => "cannot judge".to_owned(),
        Some(lists) => {
            let order = ["deny", "warn", "old", "patched"];
            order.iter().filter(|list| lists.contains_key(**list)).copied().collect::<Vec<_>>().join(", ")
        }
    }
}

fn escaped(text: &str) -> String {
    text.replace('|', "\\|")
}
