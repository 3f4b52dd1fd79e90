//! The YAML reader: documents, aliases, merge keys, and what it refuses.

#![expect(clippy::expect_used, reason = "helpers of tests")]

#[path = "object_yaml/refusals.rs"]
mod refusals;
#[path = "object_yaml/scalars.rs"]
mod scalars;

use serde_json::{Value, json};
use vigla::object::{ReadError, TextIndex, read_yaml, split_documents};

/// The first document of a text.
fn read(text: &str) -> Result<Value, ReadError> {
    let documents = split_documents(text);
    let document = documents.first().expect("a document");
    read_yaml(*document).map(|tree| tree.root().to_json())
}

/// What the first document of a text means, as JSON text in the order of the document.
fn meaning(text: &str) -> String {
    let documents = split_documents(text);
    let document = documents.first().expect("a document");
    match read_yaml(*document) {
        Ok(tree) => serde_json::to_string(&tree.root()).expect("JSON"),
        Err(error) => format!("error: {error}"),
    }
}

/// Every document of a text, or what is wrong with it and where.
fn read_all(text: &str) -> Vec<Result<Value, String>> {
    let index = TextIndex::new(text);
    let tell = |error: ReadError| {
        let at = index.position(error.offset.expect("a place"));
        format!("{}:{} {error}", at.line, at.column)
    };
    split_documents(text)
        .into_iter()
        .map(|document| match read_yaml(document) {
            Ok(tree) => Ok(tree.root().to_json()),
            Err(error) => Err(tell(error)),
        })
        .collect()
}

/// What is wrong with the only document of a text, and where.
fn refusal(text: &str) -> String {
    read_all(text).remove(0).expect_err(text)
}

#[test]
fn splits_documents() {
    for (text, documents) in [
        ("", vec![]),
        ("# nothing\n\n---\n# still nothing\n--- # or here\n...\n", vec![]),
        ("a: 1\n---\nb: 2\n", vec!["a: 1\n", "---\nb: 2\n"]),
        ("---\na: 1\n---\n---\nb: 2", vec!["---\na: 1\n", "---\nb: 2"]),
        ("--- {a: 1}\n--- # c\nb: 2", vec!["--- {a: 1}\n", "--- # c\nb: 2"]),
        ("---\r\na: 1\r\n---\t\r\nb: 2\r\n", vec!["---\r\na: 1\r\n", "---\t\r\nb: 2\r\n"]),
        ("a: 1\n...\nb: 2\n...", vec!["a: 1\n...\n", "b: 2\n..."]),
        (
            "# c\n%YAML 1.1\n---\na: 1\n...\n%TAG ! x:\n---\nb: 2",
            vec!["# c\n%YAML 1.1\n---\na: 1\n...\n", "%TAG ! x:\n---\nb: 2"],
        ),
        ("a: b\n  ---\n---a: 1\n....: 1", vec!["a: b\n  ---\n---a: 1\n....: 1"]),
        ("\u{feff}---\na: 1", vec!["\u{feff}---\na: 1"]),
        ("\u{feff}# c\n---\n", vec![]),
    ] {
        let found = split_documents(text);
        let texts: Vec<_> = found.iter().map(|document| document.text()).collect();
        assert_eq!(texts, documents, "{text}");
        for document in found {
            let found = text.get(document.start()..).expect("a start");
            assert!(found.starts_with(document.text()));
        }
    }
}

#[test]
fn a_broken_document_hides_no_other() {
    assert_eq!(
        read_all("a: [\n---\nb: 2\n---\nc: @\n...\n--- |\n text"),
        [
            Err("1:4 not valid YAML: unclosed bracket '['".to_owned()),
            Ok(json!({"b": 2})),
            Err("5:4 a value cannot start with `@`; put it in quotes".to_owned()),
            Ok(json!("text\n")),
        ]
    );
}

#[test]
fn accepts_only_the_version_that_kubectl_accepts() {
    assert_eq!(read("%YAML 1.1\n---\na: 1").expect("1.1"), json!({"a": 1}));
    assert_eq!(
        read_all("a: 1\n...\n# c\n%YAML 1.2 # new\n---\nb: 2"),
        [
            Ok(json!({"a": 1})),
            Err("4:1 `%YAML 1.2 # new` is not what kubectl reads; write `%YAML 1.1` or remove the line".to_owned()),
        ]
    );
    assert_eq!(read("a: |\n  %YAML 1.2\n").expect("text"), json!({"a": "%YAML 1.2\n"}));
}

#[test]
fn copies_what_aliases_stand_for() {
    for (text, value) in [
        ("a: &x 1\nb: *x", json!({"a": 1, "b": 1})),
        ("a: &x {b: [1, {c: d}]}\ne: *x", json!({"a": {"b": [1, {"c": "d"}]}, "e": {"b": [1, {"c": "d"}]}})),
        ("- &x a\n- *x\n- &x b\n- *x", json!(["a", "a", "b", "b"])),
        ("&x a: &y b\n*y : *x", json!({"a": "b", "b": "a"})),
        ("- &x !!str 1\n- *x", json!(["1", "1"])),
        ("- &x\n- *x", json!([null, null])),
        ("- &x [&y 1, *y]\n- *x", json!([[1, 1], [1, 1]])),
        ("- &x 1\n- {*x : 2}", json!([1, {"1": 2}])),
    ] {
        assert_eq!(read(text).expect(text), value, "{text}");
    }
    assert_eq!(refusal("a: *x\nx: &x 1"), "1:4 `*x` stands for nothing; an anchor `&x` has to come before it");
    assert_eq!(refusal("a: &x [*x]"), "1:8 an alias inside its own anchor would never end; write the value out");
    assert_eq!(refusal("a: &x:y z"), "1:4 `x:y` is no name for an anchor; use letters, digits, `-` and `_`");
    // An anchor belongs to its document.
    assert!(read_all("a: &x 1\n---\nb: *x")[1].is_err());
}

#[test]
fn merges_in_document_order() {
    for (text, value) in [
        ("<<: {a: 1}\nb: 2", json!({"a": 1, "b": 2})),
        ("<<: {a: 1}\na: 2", json!({"a": 2})),
        // What comes later wins, even if it is what is merged.
        ("a: 2\n<<: {a: 1}", json!({"a": 1})),
        ("<<: [{a: 1}, {a: 2, b: 2}]", json!({"a": 1, "b": 2})),
        ("<<: {a: 1}\n<<: {a: 2}", json!({"a": 2})),
        ("x: &x {a: 1, b: 1}\nz: {<<: *x, b: 2}", json!({"x": {"a": 1, "b": 1}, "z": {"a": 1, "b": 2}})),
        (
            "- &x {a: 1}\n- &y {<<: *x, b: 2}\n- {<<: [*y, {a: 3, c: 3}]}",
            json!([
                {"a": 1}, {"a": 1, "b": 2}, {"a": 1, "b": 2, "c": 3}
            ]),
        ),
        ("<<: &x {a: 1}\nb: *x", json!({"a": 1, "b": {"a": 1}})),
        ("<<: {<<: {a: 1}, b: 2}", json!({"a": 1, "b": 2})),
        ("<<: []\n<<: {}\na: 1", json!({"a": 1})),
        ("? ! '<<'\n: {a: 1}", json!({"a": 1})),
        ("? !!merge \"<<\"\n: {a: 1}", json!({"a": 1})),
        ("'<<': {a: 1}", json!({"<<": {"a": 1}})),
        ("- &x <<\n- {*x : {a: 1}}", json!(["<<", {"<<": {"a": 1}}])),
        ("a: <<", json!({"a": "<<"})),
    ] {
        assert_eq!(read(text).expect(text), value, "{text}");
    }
    for text in ["<<: 1", "<<:", "<<: [1]", "<<: [[]]", "<<: [[{a: 1}]]"] {
        assert!(refusal(text).ends_with("`<<` merges a map or a list of maps; this is neither"), "{text}");
    }
    assert!(refusal("- &x [{a: 1}]\n- {<<: *x}").starts_with("2:8 `<<`"));
}

#[test]
fn reads_tabs_line_ends_and_marks_as_kubectl_does() {
    for (text, value) in [
        ("a:\t1\nb: 2 \t# c\n", json!({"a": 1, "b": 2})),
        ("a:\t\n  b: 1", json!({"a": {"b": 1}})),
        ("{\"a\":\t1,\n\t\"b\": 2}", json!({"a": 1, "b": 2})),
        ("a: 1\r\nb: |\r\n  x\r\n  y\r\n", json!({"a": 1, "b": "x\ny\n"})),
        ("\u{feff}a: 1", json!({"a": 1})),
        ("a: b\u{feff}c", json!({"a": "b\u{feff}c"})),
        ("a: [1.2.3.4, 2001:db8::]\n", json!({"a": ["1.2.3.4", "2001:db8::"]})),
        ("{x:, y: 1}", json!({"x:": null, "true": 1})),
        ("[a: , \"b\":]", json!([{"a": null}, {"b": null}])),
    ] {
        assert_eq!(read(text).expect(text), value, "{text}");
    }
    let tab = "a tab cannot indent in YAML; write spaces instead";
    for (text, place) in [("a:\n\tb: 1", "2:2"), ("a:\n  \tb: 1", "2:3"), ("a:\n \t- b", "2:2"), ("-\tb", "1:2")] {
        assert_eq!(refusal(text), format!("{place} {tab}"), "{text}");
    }
    for (text, error) in [
        (
            "a: x\0y",
            "1:5 the character U+0000 cannot stand in YAML as it is; remove it, or write `\\u0000` in double quotes",
        ),
        (
            "# \u{2028}\na: 1",
            "1:3 the character U+2028 cannot stand in YAML as it is; remove it, or write `\\u2028` in double quotes",
        ),
        ("a: 1\n\u{feff}b: 2", "2:1 a byte order mark (U+FEFF) cannot stand inside a document; remove it"),
        ("a: b: c", "1:5 a `:` cannot stand here; check the indentation, or put the value in quotes"),
        ("a: 1\r---\rb: 2", "1:6 a second document starts here; put `---` on a line of its own between them"),
        ("[?a]", "1:2 a value in a flow cannot start with `?`; put it in quotes"),
        ("{a: b::}", "1:7 a value in a flow cannot end with `:`; put it in quotes, or close the `[` or `{` before it"),
    ] {
        assert_eq!(refusal(text), error, "{text:?}");
    }
}
