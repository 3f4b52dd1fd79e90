//! Where nodes stand in their text: line and column, and the text itself.

#![expect(clippy::expect_used, clippy::panic, reason = "helpers of tests")]

use proptest::prelude::*;
use serde_json::Value;
use vigla::object::{MAX_DEPTH, Node, Position, Span, TextIndex, read_json, read_json_at, read_yaml, split_documents};

fn slice(text: &str, span: Span) -> &str {
    text.get(span.start as usize..span.end as usize).unwrap_or_else(|| panic!("{span:?} in {text:?}"))
}

fn told(text: &str, span: Span) -> String {
    let Position { line, column } = TextIndex::new(text).position(span.start as usize);
    format!("{line}:{column} {}", slice(text, span))
}

/// Where the node at `pointer` stands in the first document that has it.
fn yaml_place(text: &str, pointer: &str) -> String {
    for document in split_documents(text) {
        let tree = read_yaml(document).expect(text);
        if let Some(node) = descend(tree.root(), pointer) {
            return told(text, node.span().expect("a place"));
        }
    }
    panic!("no `{pointer}` in {text}")
}

fn json_place(text: &str, pointer: &str) -> Option<String> {
    let tree = read_json_at(text, 0).expect(text);
    descend(tree.root(), pointer).map(|node| told(text, node.span().expect("a place")))
}

fn descend<'t>(node: Node<'t>, pointer: &str) -> Option<Node<'t>> {
    if node.pointer().as_str() == pointer {
        return Some(node);
    }
    node.children().find_map(|child| descend(child, pointer))
}

#[test]
fn finds_the_line_and_column() {
    let text = "ä\tb\r\n😀c\n";
    let index = TextIndex::new(text);
    for (offset, line, column) in [
        (0, 1, 1),
        (1, 1, 1),
        (2, 1, 2),
        (3, 1, 3),
        (5, 1, 5),
        (6, 2, 1),
        (8, 2, 1),
        (10, 2, 2),
        (12, 3, 1),
        (99, 3, 1),
    ] {
        assert_eq!(index.position(offset), Position { line, column }, "{offset}");
    }
    assert_eq!(TextIndex::new("").position(0), Position { line: 1, column: 1 });
}

#[test]
fn finds_the_column_in_a_long_line() {
    for line in ["ä\t😀".repeat(2000), "x".repeat(2048), "x😀".repeat(820)] {
        let text = format!("a\n{line}");
        let index = TextIndex::new(&text);
        for (n, (offset, _)) in line.char_indices().chain([(line.len(), ' ')]).enumerate() {
            assert_eq!(index.position(2 + offset), Position { line: 2, column: n + 1 }, "{offset}");
        }
        // Without the line before it, the strides begin elsewhere.
        let end = TextIndex::new(&line).position(usize::MAX);
        assert_eq!(end, Position { line: 1, column: line.chars().count() + 1 });
    }
}

#[test]
fn finds_nodes_in_block_style() {
    let text = "# c\nkind: Pod\nmetadata:\n  name: 'a'\n  \"x y\": {}\nspec:\n- b: 1\n  c:\n- |\n  d\n  e\n\n- !!str\n- &x f g\n  h\nlast: >-\n\n   i\n";
    for (pointer, place) in [
        (
            "",
            "2:1 kind: Pod\nmetadata:\n  name: 'a'\n  \"x y\": {}\nspec:\n- b: 1\n  c:\n- |\n  d\n  e\n\n- !!str\n- &x f g\n  h\nlast: >-\n\n   i",
        ),
        ("/kind", "2:7 Pod"),
        ("/metadata", "3:1 metadata"),
        ("/metadata/name", "4:9 'a'"),
        ("/metadata/x y", "5:3 \"x y\""),
        ("/spec", "6:1 spec"),
        ("/spec/0", "7:3 b: 1\n  c"),
        ("/spec/0/b", "7:6 1"),
        // A value that is not there stands at its colon.
        ("/spec/0/c", "8:4 "),
        ("/spec/1", "10:3 d\n  e"),
        ("/spec/2", "13:3 !!str"),
        ("/spec/3", "14:6 f g\n  h"),
        ("/last", "18:4 i"),
    ] {
        assert_eq!(yaml_place(text, pointer), place, "{pointer}");
    }
}

#[test]
fn finds_nodes_in_flow_style() {
    let text = "a: {b: [1, 'ü', {c: d}], \"e\": , 😀: f}\n";
    for (pointer, place) in [
        ("/a", "1:1 a"),
        ("/a/b", "1:5 b"),
        ("/a/b/0", "1:9 1"),
        ("/a/b/1", "1:12 'ü'"),
        ("/a/b/2", "1:17 {c: d}"),
        ("/a/b/2/c", "1:21 d"),
        ("/a/😀", "1:36 f"),
    ] {
        assert_eq!(yaml_place(text, pointer), place, "{pointer}");
    }
    assert_eq!(yaml_place("[2001:db8::, x]", "/0"), "1:2 2001:db8::");
    assert_eq!(yaml_place("[2001:db8::, x]", "/1"), "1:14 x");
}

#[test]
fn finds_nodes_through_aliases_and_merge_keys() {
    let text = "base: &b\n  x: 1\n  v: {z: 2}\na: *b\nc:\n  <<: *b\n  w: 3\nd: [*b]\n";
    for (pointer, place) in [
        // The alias is where the node is written, what is below it stands at the anchor.
        ("/a", "4:1 a"),
        ("/a/x", "2:6 1"),
        ("/a/v/z", "3:10 2"),
        ("/c/x", "2:6 1"),
        ("/c/v", "3:3 v"),
        ("/c/w", "7:6 3"),
        ("/d/0", "8:5 *b"),
    ] {
        assert_eq!(yaml_place(text, pointer), place, "{pointer}");
    }
    assert_eq!(yaml_place("a: &x 1\nb: *x", "/b"), "2:4 *x");
}

#[test]
fn finds_nodes_in_the_whole_text() {
    let text = "\u{feff}# ä\r\na: 1\r\n---\r\nb:\r\n  - c\t# d\r\n...\r\n%YAML 1.1\r\n--- {e: f}\r\n---\r\ng:\t\"h\"";
    for (pointer, place) in [("/a", "2:4 1"), ("/b", "4:1 b"), ("/b/0", "5:5 c"), ("/e", "8:9 f"), ("/g", "10:4 \"h\"")]
    {
        assert_eq!(yaml_place(text, pointer), place, "{pointer}");
    }
}

#[test]
fn finds_nodes_in_json() {
    let text = "{\n  \"a\": [1, \"ü\", {\"b/c~\": null}],\n  \"a\\u0062\": true, \"d\": 2\n}";
    for (pointer, place) in [
        ("/a", Some("2:3 \"a\"")),
        ("/a/0", Some("2:9 1")),
        ("/a/1", Some("2:12 \"ü\"")),
        ("/a/2", Some("2:17 {\"b/c~\": null}")),
        ("/a/2/b~1c~0", Some("2:26 null")),
        ("/ab", Some("3:14 true")),
        ("/d", Some("3:25 2")),
        ("/x", None),
        ("/a/3", None),
        ("/a/x", None),
        ("/a/0/b", None),
    ] {
        assert_eq!(json_place(text, pointer).as_deref(), place, "{pointer}");
    }
    assert_eq!(json_place(" [1] ", "").as_deref(), Some("1:2 [1]"));
    assert_eq!(json_place("\t\"a\" ", "").as_deref(), Some("1:2 \"a\""));
}

#[test]
fn finds_nodes_in_json_inside_a_larger_text() {
    let text = "# ä\n{\"a\":{}}\r\n{ \"a\" :\t[ 1,\n[ ]\t, {\"b\":2 } ]\n}";
    let start = text.find("{ ").expect("the second value");
    let tree = read_json_at(text.get(start..).expect("a piece"), start).expect("JSON");
    for (pointer, place) in
        [("/a", "3:3 \"a\""), ("/a/0", "3:11 1"), ("/a/1", "4:1 [ ]"), ("/a/2", "4:7 {\"b\":2 }"), ("/a/2/b", "4:12 2")]
    {
        let node = descend(tree.root(), pointer).expect(pointer);
        assert_eq!(told(text, node.span().expect("a place")), place, "{pointer}");
    }
    assert_eq!(slice(text, tree.root().span().expect("a place")), text.get(start..).expect("a piece"));
    let error = read_json_at("{\"a\": tru}", 10).expect_err("no JSON");
    assert_eq!(error.offset, Some(19));
    // Nobody else pays for places.
    assert_eq!(read_json(text.get(start..).expect("a piece")).expect("JSON").root().span(), None);
}

#[test]
fn finds_nodes_in_deep_json() {
    let text = format!("{}1{}", "{ \"a\" : [".repeat(MAX_DEPTH / 2), "]}".repeat(MAX_DEPTH / 2));
    assert_eq!(
        json_place(&text, &"/a/0".repeat(MAX_DEPTH / 2)),
        Some(format!("1:{} 1", text.find('1').expect("1") + 1))
    );
}

/// A value as YAML in block style, its strings as JSON has them.
fn block(value: &Value, indent: usize, text: &mut String) {
    let pad = " ".repeat(indent);
    match value {
        Value::Array(items) if !items.is_empty() => {
            for item in items {
                text.push_str(&format!("\n{pad}-"));
                block(item, indent + 2, text);
            }
        }
        Value::Object(members) if !members.is_empty() => {
            for (key, member) in members {
                text.push_str(&format!("\n{pad}{}:", Value::from(key.as_str())));
                block(member, indent + 2, text);
            }
        }
        other => text.push_str(&format!(" {other}")),
    }
}

fn value() -> impl Strategy<Value = Value> {
    let leaf = prop_oneof![
        Just(Value::Null),
        any::<bool>().prop_map(Value::from),
        any::<i32>().prop_map(Value::from),
        "[ -~äß😀\n\t]{0,8}".prop_map(Value::from),
    ];
    leaf.prop_recursive(4, 48, 6, |inner| {
        prop_oneof![
            prop::collection::vec(inner.clone(), 0..6).prop_map(Value::from),
            prop::collection::btree_map("[ -~ä😀]{0,4}", inner, 0..6).prop_map(|map| map.into_iter().collect()),
        ]
    })
}

/// What stands at `span` is the node's value, or its key where the value is a list or map inside a map.
fn assert_text(node: Node<'_>, span: Span, text: &str, read: impl Fn(&str) -> Value) {
    let found = read(slice(text, span));
    let holds = matches!(node.to_json(), Value::Array(_) | Value::Object(_));
    match node.key().filter(|_| holds) {
        Some(key) => assert_eq!(found, Value::from(key)),
        None => assert_eq!(found, node.to_json()),
    }
}

fn for_each(node: Node<'_>, check: &impl Fn(Node<'_>)) {
    check(node);
    for child in node.children() {
        for_each(child, check);
    }
}

fn yaml_value(text: &str) -> Value {
    let documents = split_documents(text);
    let document = documents.first().expect("a document");
    read_yaml(*document).expect(text).root().to_json()
}

fn json_value(text: &str) -> Value {
    serde_json::from_str(text).expect(text)
}

proptest! {
    #[test]
    fn json_places_hold_what_they_point_at(value in value()) {
        for text in [value.to_string(), format!("{value:#}")] {
            let tree = read_json_at(&text, 0).expect("JSON");
            for_each(tree.root(), &|node| {
                let span = node.span().expect("a place");
                assert_text(node, span, &text, json_value);
            });
        }
    }

    #[test]
    fn yaml_places_hold_what_they_point_at(value in value(), before in "(# c\n)?(a: ä\n)?---") {
        let mut in_blocks = before.clone();
        block(&value, 0, &mut in_blocks);
        let in_flow = format!("{before}\n{value:#}");
        for text in [in_blocks, in_flow] {
            let documents = split_documents(&text);
            let tree = read_yaml(*documents.last().expect("a document")).expect(&text);
            prop_assert_eq!(&tree.root().to_json(), &value);
            for_each(tree.root(), &|node| {
                let span = node.span().expect("a place");
                let nested = node.to_json().as_object().is_some_and(|map| !map.is_empty())
                    || node.to_json().as_array().is_some_and(|list| !list.is_empty());
                // A block that starts in the middle of a line is not to be read on its own.
                if !nested || node.key().is_some() {
                    assert_text(node, span, &text, yaml_value);
                }
            });
        }
    }
}
