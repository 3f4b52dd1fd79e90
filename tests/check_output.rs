//! What `vigla check` prints of awkward files: huge ones, long lines.

#![allow(clippy::expect_used, clippy::indexing_slicing, clippy::unwrap_used, reason = "helpers of tests are tests")]

mod common;

use std::time::{Duration, Instant};

use common::cli::{check, check_with, filter};
use serde_json::{Value, json};

/// Far more than a linear run over [`MANY`] takes in a debug build, far less than a quadratic one.
const PATIENCE: Duration = Duration::from_secs(20);
const MANY: usize = 8000;

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
