//! Edits laid over an object, and the JSON Patch that does the same.
//!
//! `object_edit/properties.rs` holds both against the `json-patch` crate.

#![expect(clippy::expect_used, reason = "helpers of tests")]

#[path = "object_edit/common.rs"]
mod common;
#[path = "object_edit/properties.rs"]
mod properties;
#[path = "object_edit/refusals.rs"]
mod refusals;

use common::{append, remove, set};
use serde_json::{Value, json};
use vigla::object::{Edit, conflicting, overlay, patch, read_object, read_yaml, split_documents};

/// The patch for these edits, after a look at whether it and the overlay lead to `result`.
fn patched(object: &Value, edits: &[Edit], result: &Value) -> Value {
    let text = object.to_string();
    let tree = read_object(&text).expect("JSON");
    let patch = patch(tree.root(), edits).expect("a patch");
    let laid = overlay(tree.root(), edits).expect("a tree").root().to_json();
    assert_eq!(&laid, result, "the overlay of {object}");
    let mut applied = object.clone();
    json_patch::patch(&mut applied, &patch).expect("an applicable patch");
    assert_eq!(&applied, result, "{patch} applied to {object}");
    serde_json::to_value(patch).expect("JSON")
}

#[test]
fn patches_a_label_whatever_parents_are_there() {
    let edits = [set("/metadata/labels/x", "y")];
    let labels = json!({"op": "add", "path": "/metadata/labels", "value": {}});
    let label = json!({"op": "add", "path": "/metadata/labels/x", "value": "y"});
    for (object, result, operations) in [
        (
            json!({"metadata": {"name": "a"}}),
            json!({"metadata": {"name": "a", "labels": {"x": "y"}}}),
            json!([labels, label]),
        ),
        (json!({"metadata": {"labels": null}}), json!({"metadata": {"labels": {"x": "y"}}}), json!([labels, label])),
        (json!({"metadata": {"labels": {}}}), json!({"metadata": {"labels": {"x": "y"}}}), json!([label])),
        (json!({"metadata": {"labels": {"x": null}}}), json!({"metadata": {"labels": {"x": "y"}}}), json!([label])),
        (json!({"metadata": {"labels": {"x": "z"}}}), json!({"metadata": {"labels": {"x": "y"}}}), json!([label])),
        (json!({"metadata": {"labels": {"x": "y"}}}), json!({"metadata": {"labels": {"x": "y"}}}), json!([])),
    ] {
        assert_eq!(patched(&object, &edits, &result), operations, "{object}");
    }
}

#[test]
fn makes_a_parent_once_for_all_edits_below_it() {
    let edits = [
        set("/spec/template/metadata/labels/version", "1"),
        set("/spec/template/metadata/annotations/a", "b"),
        set("/spec/template/metadata/labels/app", "x"),
        remove("/spec/template/metadata/generation"),
    ];
    let result = json!({"spec": {"replicas": 1, "template": {"spec": {}, "metadata": {
        "annotations": {"a": "b"}, "labels": {"app": "x", "version": "1"}
    }}}});
    let operations = json!([
        {"op": "add", "path": "/spec/template/metadata", "value": {}},
        {"op": "add", "path": "/spec/template/metadata/annotations", "value": {}},
        {"op": "add", "path": "/spec/template/metadata/annotations/a", "value": "b"},
        {"op": "add", "path": "/spec/template/metadata/labels", "value": {}},
        {"op": "add", "path": "/spec/template/metadata/labels/app", "value": "x"},
        {"op": "add", "path": "/spec/template/metadata/labels/version", "value": "1"},
    ]);
    for template in [json!({"spec": {}}), json!({"spec": {}, "metadata": null})] {
        let object = json!({"spec": {"replicas": 1, "template": template}});
        assert_eq!(patched(&object, &edits, &result), operations);
    }
}

#[test]
fn makes_nothing_for_the_sake_of_a_removal() {
    let edits = [remove("/metadata/labels/x"), remove("/spec/0/x")];
    for object in [json!({}), json!({"metadata": null}), json!({"metadata": {"labels": {"y": ""}}, "spec": [null]})] {
        assert_eq!(patched(&object, &edits, &object), json!([]));
    }
    let object = json!({"metadata": {"labels": {"x": null, "y": ""}}, "spec": [{"x": {"z": 1}}]});
    let result = json!({"metadata": {"labels": {"y": ""}}, "spec": [{}]});
    let operations = json!([{"op": "remove", "path": "/metadata/labels/x"}, {"op": "remove", "path": "/spec/0/x"}]);
    assert_eq!(patched(&object, &edits, &result), operations);
}

#[test]
fn escapes_slashes_and_tildes_in_names() {
    let edits = [set("/metadata/labels/app.kubernetes.io~1name", "x"), set("/metadata/m~0~1/~01", 1)];
    let result = json!({"metadata": {"labels": {"app.kubernetes.io/name": "x"}, "m~/": {"~1": 1}}});
    let operations = json!([
        {"op": "add", "path": "/metadata/labels", "value": {}},
        {"op": "add", "path": "/metadata/labels/app.kubernetes.io~1name", "value": "x"},
        {"op": "add", "path": "/metadata/m~0~1", "value": {}},
        {"op": "add", "path": "/metadata/m~0~1/~01", "value": 1},
    ]);
    assert_eq!(patched(&json!({"metadata": {}}), &edits, &result), operations);
}

#[test]
fn replaces_items_that_are_there() {
    let edits = [set("/c/1", "new"), set("/c/10/image", "i"), set("/c/2/x/y", true), set("/c/3", 3)];
    let object = json!({"c": [0, 1, null, 3, 4, 5, 6, 7, 8, 9, {"image": "old", "name": "n"}]});
    let result = json!({"c": [0, "new", {"x": {"y": true}}, 3, 4, 5, 6, 7, 8, 9, {"image": "i", "name": "n"}]});
    let operations = json!([
        {"op": "replace", "path": "/c/1", "value": "new"},
        {"op": "replace", "path": "/c/2", "value": {}},
        {"op": "add", "path": "/c/2/x", "value": {}},
        {"op": "add", "path": "/c/2/x/y", "value": true},
        {"op": "add", "path": "/c/10/image", "value": "i"},
    ]);
    assert_eq!(patched(&object, &edits, &result), operations);
}

#[test]
fn appends_to_lists_and_makes_them() {
    let edits = [append("/spec/hosts", "b"), append("/spec/hosts", "c"), append("/spec/hosts", "b")];
    let made = json!({"op": "add", "path": "/spec/hosts", "value": []});
    let spec = json!({"op": "add", "path": "/spec", "value": {}});
    let b = json!({"op": "add", "path": "/spec/hosts/-", "value": "b"});
    let c = json!({"op": "add", "path": "/spec/hosts/-", "value": "c"});
    for (object, hosts, operations) in [
        (json!({}), json!(["b", "c"]), json!([spec, made, b, c])),
        (json!({"spec": {}}), json!(["b", "c"]), json!([made, b, c])),
        (json!({"spec": {"hosts": null}}), json!(["b", "c"]), json!([made, b, c])),
        (json!({"spec": {"hosts": []}}), json!(["b", "c"]), json!([b, c])),
        (json!({"spec": {"hosts": ["a", "b"]}}), json!(["a", "b", "b", "c"]), json!([b, c])),
    ] {
        assert_eq!(patched(&object, &edits, &json!({"spec": {"hosts": hosts}})), operations, "{object}");
    }
    let inside = [append("/l/0", 2), set("/l/1/x", 3), append("/l", 4)];
    let operations = json!([
        {"op": "add", "path": "/l/0/-", "value": 2},
        {"op": "add", "path": "/l/1/x", "value": 3},
        {"op": "add", "path": "/l/-", "value": 4},
    ]);
    assert_eq!(patched(&json!({"l": [[1], {}]}), &inside, &json!({"l": [[1, 2], {"x": 3}, 4]})), operations);
}

#[test]
fn says_nothing_where_nothing_changes() {
    let object = json!({"a": {"b": [1, {"c": null}], "d": {}}, "n": 1.5});
    let edits = [set("/a/b", json!([1, {"c": null}])), set("/a/d", json!({})), set("/n", 1.5), remove("/x/y/z")];
    assert_eq!(patched(&object, &edits, &object), json!([]));
    assert_eq!(patched(&object, &[], &object), json!([]));
    assert_eq!(patched(&json!([null]), &[], &json!([null])), json!([]));
    for (path, other) in [("/a/b", json!([1])), ("/a/d", json!([])), ("/n", json!(2)), ("/a/d", json!({"x": 1}))] {
        let mut result = object.clone();
        *result.pointer_mut(path).expect("a member") = other.clone();
        assert_eq!(patched(&object, &[set(path, other.clone())], &result)[0]["value"], other);
    }
}

#[test]
fn sees_of_duplicate_members_the_last() {
    let tree = read_object(r#"{"a":{"x":1},"b":0,"a":{"x":2,"y":3,"x":4}}"#).expect("JSON");
    let edits = [set("/a/x", 4), remove("/a/y")];
    assert_eq!(patch(tree.root(), &edits).expect("a patch").to_string(), r#"[{"op":"remove","path":"/a/y"}]"#);
    let laid = overlay(tree.root(), &edits).expect("a tree");
    assert_eq!(laid.root().to_json(), json!({"a": {"x": 4}, "b": 0}));
    assert_eq!(serde_json::to_string(&laid.root()).expect("JSON"), r#"{"b":0,"a":{"x":4}}"#);
}

#[test]
fn a_tree_that_stands_in_no_text_knows_no_places() {
    let document = split_documents("a: 1\nb: [2, 3]\n")[0];
    let tree = read_yaml(document).expect("YAML");
    let laid = overlay(tree.root(), [&set("/c", "d")]).expect("a tree");
    assert_eq!(laid.root().to_json(), json!({"a": 1, "b": [2, 3], "c": "d"}));
    assert_eq!(laid.root().span(), None);
    assert!(laid.root().children().all(|node| node.span().is_none()));
    assert!(tree.root().children().all(|node| node.span().is_some()));
}

#[test]
fn leaves_alone_what_is_not_read() {
    let object = json!({"metadata": {"annotations": {"kubectl.kubernetes.io/last-applied-configuration": "{}"},
        "managedFields": [{}]}, "status": {"x": 1}});
    let text = object.to_string();
    let tree = read_object(&text).expect("JSON");
    let edits = [set("/metadata/annotations/a", "b"), set("/spec/status", 1), set("/metadata/labels", json!({}))];
    let mut applied = object;
    json_patch::patch(&mut applied, &patch(tree.root(), &edits).expect("a patch")).expect("an applicable patch");
    let expected = json!({
        "metadata": {
            "annotations": {"kubectl.kubernetes.io/last-applied-configuration": "{}", "a": "b"},
            "labels": {}, "managedFields": [{}]
        },
        "spec": {"status": 1}, "status": {"x": 1}
    });
    assert_eq!(applied, expected);
    let new = [set("/metadata", json!({"annotations": {"a": "b"}}))];
    let operations = json!([{"op": "add", "path": "/metadata", "value": {"annotations": {"a": "b"}}}]);
    assert_eq!(patched(&json!({}), &new, &json!({"metadata": {"annotations": {"a": "b"}}})), operations);
    let same = json!({"metadata": {"annotations": {"a": "b"}}});
    assert_eq!(patched(&same, &new, &same), json!([]));
}

fn contradictory(sets: &[&[Edit]]) -> Vec<usize> {
    let mut found: Vec<usize> = conflicting(sets.iter().copied()).into_iter().collect();
    found.sort_unstable();
    found
}

#[test]
fn finds_whose_edits_conflict_and_where() {
    let labels = "/metadata/labels";
    let x = "/metadata/labels/x";
    for (a, b, place) in [
        (set(x, 1), set(x, 1), None),
        (set(x, 1), set(x, 2), Some(x)),
        (set(x, 1), set("/metadata/labels/y", 2), None),
        (set(x, 1), set("/metadata/labels/xy", 2), None),
        (set(labels, json!({})), set(x, 1), Some(labels)),
        (set(labels, json!({"x": 1})), set(x, 1), Some(labels)),
        (set(labels, json!({})), remove(x), Some(labels)),
        (remove(labels), set(x, 1), Some(labels)),
        (remove(labels), remove(x), Some(labels)),
        (remove(x), set(x, 1), Some(x)),
        (remove(x), remove(x), None),
        (append("/l", 1), append("/l", 2), None),
        (append("/l", 1), append("/l", 1), None),
        (append("/l", 1), set("/l", json!([1])), Some("/l")),
        (append("/l", 1), remove("/l"), Some("/l")),
        (append("/l/x", 1), set("/l", 1), Some("/l")),
        (append("/l/x", 1), remove("/l"), Some("/l")),
        (append("/l", 1), set("/l/0/x", 1), None),
        (append("/l", 1), set("/l/0", 1), None),
        (append("/l", 1), append("/l/0", 1), None),
        (append("/l", 1), set("/l/x", 1), Some("/l")),
        (append("/l", 1), remove("/l/x/y"), Some("/l")),
        (append("/l", 1), set("/l/-", 1), Some("/l")),
    ] {
        for (a, b) in [(&a, &b), (&b, &a)] {
            let (a, b) = (std::slice::from_ref(a), std::slice::from_ref(b));
            let expected = if place.is_some() { vec![0, 2] } else { vec![] };
            assert_eq!(contradictory(&[a, &[], b]), expected, "{a:?} {b:?}");
            let tree = read_object("{}").expect("JSON");
            let error =
                overlay(tree.root(), a.iter().chain(b)).err().filter(|error| error.message.contains("two ways"));
            assert_eq!(error.map(|error| error.path.to_string()).as_deref(), place);
        }
    }
}

#[test]
fn only_those_that_conflict_are_left_out() {
    let sets = [
        vec![set("/a/x", 1), set("/b", 1)],
        vec![set("/a/x", 1)],
        vec![set("/a/x", 2)],
        vec![set("/a/y", 1), set("/c/x/y", 1)],
        vec![remove("/c")],
        vec![append("/l", 1)],
        vec![append("/l", 2), set("/l/0/x", 1)],
        vec![set("/d", 1)],
        // Whatever the others are: against itself, and nowhere in any object.
        vec![set("/e", 1), set("/e", 2)],
        vec![set("/status", 1)],
    ];
    let sets: Vec<&[Edit]> = sets.iter().map(Vec::as_slice).collect();
    assert_eq!(contradictory(&sets), [0, 1, 2, 3, 4, 8, 9]);
    assert_eq!(contradictory(&[]), [0; 0]);
}

#[test]
fn equal_items_of_two_sets_are_one() {
    let (a, b) = ([append("/l", 1), append("/l", 2)], [append("/l", 3), append("/l", 1)]);
    let tree = read_object("{}").expect("JSON");
    let laid = overlay(tree.root(), a.iter().chain(&b)).expect("a tree");
    assert_eq!(laid.root().to_json(), json!({"l": [1, 2, 3]}));
}
