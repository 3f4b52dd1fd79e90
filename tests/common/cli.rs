//! `vigla` run as a user runs it, over files made on the spot.

use std::fs;
use std::io::Write;
use std::path::Path;
use std::process::{Command, Output, Stdio};

use serde_json::{Value, json};
use tempfile::TempDir;

pub(crate) struct Run {
    pub(crate) code: i32,
    pub(crate) out: String,
    pub(crate) err: String,
}

impl From<Output> for Run {
    fn from(output: Output) -> Self {
        let text = |bytes| String::from_utf8(bytes).expect("UTF-8");
        Self { code: output.status.code().expect("an exit code"), out: text(output.stdout), err: text(output.stderr) }
    }
}

impl Run {
    #[track_caller]
    pub(crate) fn succeeds(self) -> Self {
        assert_eq!(self.code, 0, "{}", self.err);
        self
    }

    /// What `-o json` printed.
    pub(crate) fn report(&self) -> Value {
        serde_json::from_str(&self.out).unwrap_or_else(|error| panic!("{error}: {}{}", self.out, self.err))
    }

    /// The findings of `-o json`, each as `line:column object`.
    pub(crate) fn places(&self) -> Vec<String> {
        let report = self.report();
        let findings = report["findings"].as_array().expect("findings");
        findings.iter().map(|found| format!("{} {}", place(found), found["object"]["name"].as_str().unwrap())).collect()
    }

    /// The errors of `-o json`, each as `line:column message`.
    pub(crate) fn errors(&self) -> Vec<String> {
        let report = self.report();
        let errors = report["errors"].as_array().expect("errors");
        errors.iter().map(|error| format!("{} {}", place(error), error["message"].as_str().unwrap())).collect()
    }
}

fn place(found: &Value) -> String {
    format!("{}:{}", found["line"], found["column"])
}

pub(crate) fn command(folder: &Path, arguments: &[&str]) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_vigla"));
    command.current_dir(folder).args(arguments).stdin(Stdio::null()).env_remove("NO_COLOR");
    command
}

pub(crate) fn vigla(folder: &Path, arguments: &[&str]) -> Run {
    command(folder, arguments).output().expect("vigla runs").into()
}

/// `vigla check -o json -` over a text.
pub(crate) fn check(text: &str) -> Run {
    check_with(text, &["-o", "json"])
}

/// `vigla check -` over a text, with arguments.
pub(crate) fn check_with(text: &str, arguments: &[&str]) -> Run {
    let mut command = command(Path::new("."), &["check", "-"]);
    command.args(arguments).stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped());
    let mut child = command.spawn().expect("vigla runs");
    child.stdin.take().expect("a pipe").write_all(text.as_bytes()).expect("it reads");
    child.wait_with_output().expect("an end").into()
}

pub(crate) fn folder(files: &[(&str, &str)]) -> TempDir {
    let folder = tempfile::tempdir().expect("a folder");
    for (name, text) in files {
        let path = folder.path().join(name);
        fs::create_dir_all(path.parent().expect("a parent")).expect("a folder");
        fs::write(path, text).expect("a file");
    }
    folder
}

/// An object that one policy denies, in namespace `shop`, and only warns of in `istio-config`.
pub(crate) fn filter(name: &str, namespace: &str) -> Value {
    json!({
        "apiVersion": "networking.istio.io/v1alpha3",
        "kind": "EnvoyFilter",
        "metadata": {"name": name, "namespace": namespace},
        "spec": {"workloadSelector": {"labels": {"app": "cart"}}},
    })
}
