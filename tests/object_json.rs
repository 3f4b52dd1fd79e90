//! The JSON reader and its nodes against `serde_json::Value`.

#![expect(clippy::expect_used, reason = "helpers of tests")]

use proptest::prelude::*;
use serde::de::DeserializeSeed;
use serde_json::{Value, json};
use vigla::object::{Node, ObjectSeed, TextIndex, Tree, read_json, read_yaml, split_documents};

fn read(text: &str) -> Value {
    read_json(text).expect("JSON").root().to_json()
}

#[test]
fn the_last_duplicate_wins() {
    let many: String = (0..40).map(|n| format!("\"k{}\":{n},", n % 20)).collect();
    for text in [
        r#"{"a":1,"a":2}"#,
        r#"{"a":{"b":1},"c":3,"a":[1],"\u0061":{"d":4}}"#,
        r#"[{"a":1,"b":{"x":1,"x":2},"a":null}]"#,
        &format!("{{{many}\"k\\u0037\":{{\"x\":1}}}}"),
    ] {
        let expected: Value = serde_json::from_str(text).expect("JSON");
        let tree = read_json(text).expect("JSON");
        assert_eq!(tree.root().to_json(), expected, "{text}");
        assert_pointers(tree.root(), &expected);
    }
}

#[test]
fn leaves_out_what_no_rule_may_read() {
    let text = r#"{"metadata":{"name":"a","managedFields":[1],"annotations":{
        "kubectl.kubernetes.io/last-applied-configuration":"{}","b":"c"},"status":1},
        "status":{"x":1},"spec":{"status":2,"metadata":{"managedFields":3}}}"#;
    let mut input = serde_json::Deserializer::from_str(text);
    let tree = ObjectSeed.deserialize(&mut input).expect("JSON");
    let kept = json!({
        "metadata": {"name": "a", "annotations": {"b": "c"}, "status": 1},
        "spec": {"status": 2, "metadata": {"managedFields": 3}}
    });
    assert_eq!(tree.root().to_json(), kept);
    let whole = read_json(text).expect("JSON");
    assert_eq!(Tree::object_at(whole.root()).root().to_json(), kept);
    assert_eq!(whole.root().to_json(), serde_json::from_str::<Value>(text).expect("JSON"));
}

#[test]
fn tells_where_json_breaks() {
    for (text, at) in [
        ("", "1:1 not valid JSON: EOF while parsing a value"),
        ("{\"a\": }", "1:7 not valid JSON: expected value"),
        ("{\n  \"ä\": 1\n  \"b\": 2\n}", "3:3 not valid JSON: expected `,` or `}`"),
        ("[1, 2", "1:5 not valid JSON: EOF while parsing a list"),
        ("{} x", "1:4 not valid JSON: trailing characters"),
        ("[\"é\", tru]", "1:10 not valid JSON: expected ident"),
        (
            "{\"a\":\n\n \"x\ty\"}",
            "3:4 not valid JSON: control character (\\u0000-\\u001F) found while parsing a string",
        ),
        ("[1e999]", "1:6 not valid JSON: number out of range"),
        ("{a: 1}", "1:2 not valid JSON: key must be a string"),
    ] {
        let error = read_json(text).expect_err(text);
        let place = TextIndex::new(text).position(error.offset.expect("a place"));
        assert_eq!(format!("{}:{} {error}", place.line, place.column), at, "{text}");
    }
}

/// Each node leads to its value, and its value leads to it.
fn assert_pointers(node: Node<'_>, root: &Value) {
    let pointer = node.pointer();
    assert_eq!(root.pointer(pointer.as_str()), Some(&node.to_json()), "{pointer}");
    for child in node.children() {
        assert_pointers(child, root);
    }
    for (key, child) in node.members() {
        assert_eq!(node.get(key).map(Node::pointer), Some(child.pointer()));
    }
}

/// Any JSON value, with strings of one pattern and keys of another.
fn value(text: &'static str, key: &'static str) -> impl Strategy<Value = Value> {
    let leaf = prop_oneof![
        Just(Value::Null),
        any::<bool>().prop_map(Value::from),
        any::<i64>().prop_map(Value::from),
        any::<u64>().prop_map(Value::from),
        // With a fraction, and exact: how a float without one is written is the reader's own affair.
        any::<i32>().prop_map(|n| Value::from(f64::from(n) + 0.25)),
        text.prop_map(Value::from),
    ];
    leaf.prop_recursive(5, 64, 8, move |inner| {
        prop_oneof![
            prop::collection::vec(inner.clone(), 0..8).prop_map(Value::from),
            prop::collection::btree_map(key, inner, 0..20).prop_map(|map| map.into_iter().collect()),
        ]
    })
}

/// Characters that YAML 1.1 lets stand in quotes as they are.
const IN_YAML: &str = "[\\t\\n\\r -~\u{a0}-\u{2027}\u{202a}-\u{d7ff}\u{e000}-\u{fefe}\u{ff00}-\u{fffd}😀-🙏]{0,8}";

proptest! {
    #[test]
    fn reads_what_serde_json_reads(value in value("(?s:.{0,8})", "(?s:.{0,4})")) {
        for text in [value.to_string(), format!("{value:#}")] {
            let tree = read_json(&text).expect("JSON");
            prop_assert_eq!(&tree.root().to_json(), &value);
            prop_assert_eq!(&serde_json::to_value(tree.root()).expect("JSON"), &value);
            assert_pointers(tree.root(), &value);
        }
    }

    #[test]
    fn refuses_what_serde_json_refuses(text in "[\\[\\]{}\",:0-9a-z.\\\\ -]{0,24}") {
        let expected = serde_json::from_str::<Value>(&text).ok();
        prop_assert_eq!(read_json(&text).ok().map(|tree| tree.root().to_json()), expected);
    }

    #[test]
    fn duplicates_read_as_in_serde_json(members in prop::collection::vec(("[a-e]{1,2}", 0..9_u8), 0..40)) {
        let members: Vec<_> = members.iter().map(|(key, value)| format!("\"{key}\":[{value}]")).collect();
        let text = format!("{{{}}}", members.join(","));
        let expected: Value = serde_json::from_str(&text).expect("JSON");
        prop_assert_eq!(read(&text), expected);
    }

    #[test]
    fn yaml_reads_json_alike(value in value(IN_YAML, IN_YAML)) {
        for text in [value.to_string(), format!("{value:#}")] {
            let documents = split_documents(&text);
            let tree = read_yaml(documents[0]).expect(&text);
            prop_assert_eq!(tree.root().to_json(), read(&text));
        }
    }
}
