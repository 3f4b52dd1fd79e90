//! What `vigla check` prints of awkward files: huge ones, long lines.

#![allow(clippy::expect_used, clippy::indexing_slicing, clippy::unwrap_used, reason = "helpers of tests are tests")]

mod common;

use std::time::{Duration, Instant};

use common::cli::{check, check_with, filter, folder, vigla};
use serde_json::{Value, json};

/// Far more than a linear run over [`MANY`] takes in a debug build, far less than a quadratic one.
const PATIENCE: Duration = Duration::from_secs(20);
const MANY: usize = 4000;

fn many() -> Vec<Value> {
    (0..MANY).map(|n| filter(&format!("n{n}"), "shop")).collect()
}

fn list(items: &[Value]) -> Value {
    json!({"apiVersion": "v1", "kind": "List", "items": items})
}

#[test]
fn thousands_of_findings_in_one_list_take_no_more_than_a_moment() {
    let items = many();
    let pretty = format!("{:#}", list(&items));
    let stream = items.iter().map(Value::to_string).collect::<Vec<_>>().join(" ");
    for (what, text) in [("lines", &pretty), ("one line", &list(&items).to_string()), ("a stream", &stream)] {
        for format in ["json", "text"] {
            let started = Instant::now();
            let run = check_with(text, &["-o", format]);
            assert!(run.err.contains(&format!("{MANY} denied")), "{}", run.err);
            assert!(started.elapsed() < PATIENCE, "{what} as {format}: {:?}", started.elapsed());
        }
    }
}

#[test]
fn a_long_line_is_cut_around_the_place_and_keeps_its_column() {
    let items: Vec<Value> =
        (0..40).map(|n| filter(&format!("😀{n}"), if n == 20 { "shop" } else { "istio-config" })).collect();
    let text = list(&items).to_string();
    let column = text.split("\"shop\"").next().unwrap().chars().count() + 1;
    assert_eq!(check(&text).places(), [format!("1:{column} 😀20")]);
    let run = check_with(&text, &[]);
    assert!(run.out.contains(&format!("--> <stdin>:1:{column}\n")), "{}", run.out);
    let lines: Vec<&str> = run.out.lines().collect();
    let (shown, marks) = (lines[3], lines[4]);
    assert!(shown.chars().count() < 220, "{shown}");
    let marked = marks.find('^').unwrap();
    assert!(shown.contains("\"name\":\"😀20\",\"namespace\":\"shop\"},\"spec\""), "{shown}");
    // The emoji takes two columns of a terminal.
    assert_eq!(shown.chars().skip(marked - 1).take(6).collect::<String>(), "\"shop\"");
    assert!(marks.contains(" ^^^^^^ "), "{marks}");
}

#[test]
fn a_line_that_fits_is_shown_whole() {
    let text = "{\"apiVersion\":\"networking.istio.io/v1alpha3\",\r\n\t\"kind\":\"EnvoyFilter\", \"metadata\":{\"name\":\"a\"}}\r\n";
    let run = check_with(text, &[]);
    assert!(run.out.contains("\n2 |     \"kind\":\"EnvoyFilter\", \"metadata\":{\"name\":\"a\"}}\n"), "{}", run.out);
    assert!(run.out.contains("--> <stdin>:2:24\n") && !run.out.contains('…'), "{}", run.out);
}

#[test]
fn nothing_in_a_file_or_its_name_reaches_the_terminal_as_a_command() {
    let name = "a\u{1b}[31m\n\u{9b}31m.yaml";
    // YAML refuses the character, and shows the line where it stands; JSON has it in strings.
    let object = "{\"apiVersion\":\"networking.istio.io/v1alpha3\",\"kind\":\"EnvoyFilter\",\n\
        \"metadata\":{\"labels\":{\"ü\u{9b}31m\":\"\u{7f}\"},\t\"namespace\":\"shop\"}}\n";
    let text = format!("{object}---\n'\u{9b}2J\u{1b}: [\n");
    let folder = folder(&[(name, &text), ("b\u{1b}c/\u{7}.txt", "")]);
    let run = vigla(folder.path(), &["check", name, "b\u{1b}c", "\u{1b}]0;x"]);
    assert_eq!((run.code, run.out.matches("error[").count()), (2, 1));
    for text in [&run.out, &run.err] {
        assert!(!text.contains(|c: char| c.is_control() && c != '\n'), "{text:?}");
    }
    assert!(run.out.contains("--> a [31m  31m.yaml:2:49\n"), "{}", run.out);
    // What is drawn in its place is as wide, and the mark stands below what it means.
    let lines: Vec<&str> = run.out.lines().collect();
    let marked = lines[4].find('^').unwrap();
    assert_eq!(lines[3].chars().skip(marked).take(6).collect::<String>(), "\"shop\"", "{}", run.out);
    // The data is exact, and escaped as JSON has it.
    let run = vigla(folder.path(), &["check", name, "-o", "json"]);
    assert_eq!(run.report()["findings"][0]["file"], name);
    assert_eq!(run.report()["findings"][0]["column"], 49);
}

/// Mesh config in a file, and what is shown of it.
fn mesh_config(mesh: &str) -> String {
    format!(
        "apiVersion: v1\nkind: ConfigMap\nmetadata: {{name: istio, namespace: istio-system}}\ndata:\n  mesh: {mesh}\n"
    )
}

#[test]
fn a_finding_in_a_string_of_yaml_is_shown_on_its_line() {
    let block = mesh_config("|-\n    # shared\n    defaultConfig:\n      tracing:\n        sampling: 100");
    let run = check(&block);
    assert_eq!(run.places(), ["9:19 istio"]);
    let found = &run.report()["findings"][0];
    assert_eq!(found["path"], "/data/mesh");
    assert_eq!((&found["innerPath"], &found["innerLine"]), (&json!("/defaultConfig/tracing/sampling"), &json!(4)));
    let text = check_with(&block, &[]).out;
    assert!(text.contains("9 |         sampling: 100\n") && text.contains("^^^ below 100 %"), "{text}");
    assert!(text.contains("= inside: /defaultConfig/tracing/sampling, line 4 of the string\n"), "{text}");

    // A string that the file shows with escapes is shown itself, with the line in it.
    let quoted = check(&mesh_config(r#""defaultConfig:\n  tracing:\n    sampling: 100""#));
    assert_eq!(quoted.places(), ["5:9 istio"]);
    assert_eq!(quoted.report()["findings"][0]["innerLine"], 3);

    let broken = check(&mesh_config("|\n    accessLogFile: ''\n    defaultConfig: {tracing: [}"));
    // Every rule that looks into mesh config says so.
    assert!(!broken.places().is_empty() && broken.places().iter().all(|place| place == "7:30 istio"));
    assert_eq!(broken.report()["findings"][0]["innerPath"], "");
}
