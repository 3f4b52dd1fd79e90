//! What the YAML reader refuses, and that it panics on nothing.

use proptest::prelude::*;
use serde_json::json;
use vigla::object::{MAX_DEPTH, read_json, read_yaml, split_documents};

use super::{read, read_all, refusal};

#[test]
fn rejects_duplicate_keys() {
    for (text, key, second, first) in [
        ("a: 1\nb: 2\na: 3", "a", "3:1", "line 1, column 1"),
        ("x:\n  - {a: 1, 'a': 2}", "a", "2:12", "line 2, column 6"),
        ("y: 1\n'true': 2", "true", "2:1", "line 1, column 1"),
        ("1: a\n0x1: b", "1", "2:1", "line 1, column 1"),
        ("- &a k\n- {*a : 1, k: 2}", "k", "2:12", "line 2, column 4"),
        ("a: 1\n<<: {a: 2}\na: 3", "a", "3:1", "line 1, column 1"),
        ("ä: {\"\\u00e4\": 1, ä: 2}", "ä", "1:18", "line 1, column 5"),
    ] {
        assert_eq!(
            refusal(text),
            format!("{second} duplicate key `{key}`: it stands on {first} already; remove one of them")
        );
    }
    assert_eq!(
        read_all("---\nb: 1\n---\na: 1\r\na: 2"),
        [
            Ok(json!({"b": 1})),
            Err("5:1 duplicate key `a`: it stands on line 4, column 1 already; remove one of them".to_owned())
        ]
    );
    // What is merged may come again.
    assert!(read("<<: {a: 1}\n<<: {a: 1}\na: 1").is_ok());
}

#[test]
fn refuses_alias_bombs_and_nesting() {
    let bomb = |first: &str, next: &dyn Fn(&str) -> String| {
        let lines = (1..20).map(|n| {
            let alias = format!("*a{}", n - 1);
            format!("a{n}: &a{n} {}\n", next(&[alias.as_str(); 9].join(", ")))
        });
        format!("a0: &a0 {first}\n") + &lines.collect::<String>()
    };
    let copies = "the aliases of this document copy more than 100000 nodes; write out what they stand for";
    assert!(refusal(&bomb("[x, y]", &|list| format!("[{list}]"))).ends_with(copies));
    assert!(refusal(&bomb("{}", &|list| format!("{{<<: [{list}]}}"))).ends_with(copies));
    let long = format!("- &x {}\n{}", "x".repeat(1_000_000), "- *x\n".repeat(1000));
    assert!(refusal(&long).ends_with(copies));
    // As much as a document needs is fine.
    assert!(read(&format!("- &x {{a: 1}}\n{}", "- *x\n".repeat(10_000))).is_ok());

    let deep = format!("nested deeper than {MAX_DEPTH} levels; no object of Kubernetes needs that");
    let flow = |depth: usize| format!("{}{}", "[".repeat(depth), "]".repeat(depth));
    let mixed = |depth: usize| format!("{}{}", "- ".repeat(depth - 60), flow(60));
    let aliased = |depth: usize| format!("- &x {}\n- {}*x{}", flow(60), "[".repeat(depth - 61), "]".repeat(depth - 61));
    let nestings: [&dyn Fn(usize) -> String; 3] = [&flow, &mixed, &aliased];
    for nested in nestings {
        assert!(read(&nested(MAX_DEPTH)).is_ok());
        assert!(refusal(&nested(MAX_DEPTH + 1)).ends_with(&deep));
    }
    let chain: String = (1..200).map(|n| format!("a{n}: &a{n} {{<<: *a{}}}\n", n - 1)).collect();
    assert!(refusal(&format!("a0: &a0 {{}}\n{chain}")).ends_with(&deep));
    assert_eq!(read_json(&flow(MAX_DEPTH)).is_ok(), read(&flow(MAX_DEPTH)).is_ok());
    assert!(read_json(&flow(MAX_DEPTH + 1)).is_err());
}

#[test]
fn hints_at_templates() {
    let hint = " (looks like a template; render it first: helm template … | vigla check -)";
    for text in ["a: {{ .Values.x }}", "{{- if .x }}\na: 1\n{{- end }}", "a: 1\n{{ include \"x\" . | indent 2 }}\n"] {
        assert!(refusal(text).ends_with(hint), "{text}: {}", refusal(text));
    }
    assert!(!refusal("a: {b").contains("template"));
    assert!(read("a: '{{ x }}'").is_ok());
}

/// Pieces that make broken, odd and hostile documents likely.
const PIECES: &[&str] = &[
    "a",
    "b: ",
    "- ",
    "? ",
    ": ",
    "\n",
    "\n  ",
    "{",
    "}",
    "[",
    "]",
    ", ",
    "'",
    "\"",
    "|",
    ">-",
    "\t",
    "#",
    " # c",
    "&x ",
    "*x",
    "<<: ",
    "!!str ",
    "!!binary ",
    "!",
    "...\n",
    "---\n",
    "%YAML 1.1\n",
    "%",
    "1",
    "0x",
    "\\",
    "\r",
    "\u{feff}",
    "é",
    "😀",
    "\0",
    "\u{2028}",
    "~",
    "@",
    "::",
    "{{",
];

proptest! {
    #[test]
    fn never_panics_on_pieces(pieces in prop::collection::vec(prop::sample::select(PIECES), 0..24)) {
        let text = pieces.concat();
        let documents = split_documents(&text);
        for document in documents {
            if let Err(error) = read_yaml(document) {
                let at = error.offset.expect("a place");
                prop_assert!(document.start() <= at && at <= document.start() + document.text().len());
            }
        }
    }

    #[test]
    fn never_panics_on_text(text in ".{0,200}") {
        for document in split_documents(&text) {
            let _ = read_yaml(document);
        }
        let _ = read_json(&text);
    }
}
