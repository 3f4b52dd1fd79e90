//! What rules' documentation and files say.

#![allow(dead_code, clippy::expect_used, reason = "helpers of tests are tests, and each test file uses a part")]

use std::fs;
use std::path::Path;

use serde_json::Value;
use vigla::object::{read_yaml, split_documents};

/// The objects of a text in YAML.
pub(crate) fn objects(text: &str) -> Vec<Value> {
    let read = |document| read_yaml(document).expect("YAML").root().to_json();
    split_documents(text).into_iter().map(read).collect()
}

/// The subject of a rule: the folder of its file.
pub(crate) fn subject(name: &str) -> String {
    let file = format!("{}.rs", name.replace('-', "_"));
    let folders = fs::read_dir(Path::new(env!("CARGO_MANIFEST_DIR")).join("src/rule")).expect("a folder");
    let mut folders = folders.map(|folder| folder.expect("a folder"));
    let folder = folders.find(|folder| folder.path().join(&file).is_file()).expect("a file of the rule's name");
    folder.file_name().into_string().expect("UTF-8")
}
