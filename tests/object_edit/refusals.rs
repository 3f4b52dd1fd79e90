//! Edits that are refused, by overlay and patch alike.

use super::common::{append, remove, set};
use serde_json::{Value, json};
use vigla::object::{Edit, overlay, patch, read_object};

fn refused(object: &Value, edits: &[Edit]) -> String {
    let text = object.to_string();
    let tree = read_object(&text).expect("JSON");
    let error = patch(tree.root(), edits).expect_err("an error");
    assert_eq!(overlay(tree.root(), edits).err(), Some(error.clone()));
    error.to_string()
}

#[test]
fn rejects_edits_that_fit_no_such_object() {
    let object = json!({"s": "text", "n": 1, "l": [[1], {"x": 1}, "t"], "m": {"x": 1}});
    for (edit, message) in [
        (set("", json!({})), "`` is the object itself; an edit changes what stands in it"),
        (remove(""), "`` is the object itself; an edit changes what stands in it"),
        (append("", 1), "`` is the object itself; an edit changes what stands in it"),
        (set("/s/x", 1), "`/s` is a string, and nothing stands below that"),
        (set("/n/x/y", 1), "`/n` is a number, and nothing stands below that"),
        (remove("/s/x"), "`/s` is a string, and nothing stands below that"),
        (append("/l/2/x", 1), "`/l/2` is a string, and nothing stands below that"),
        (append("/s", 1), "`/s` is a string, expected a list"),
        (append("/m", 1), "`/m` is a map, expected a list"),
        (set("/l/3", 1), "`/l` has no item `3`"),
        (set("/l/7/x", 1), "`/l` has no item `7`"),
        (set("/l/-", 1), "`/l` is a list, and `-` is no index of an item"),
        (set("/l/01/x", 1), "`/l` is a list, and `01` is no index of an item"),
        (set("/l/+1", 1), "`/l` is a list, and `+1` is no index of an item"),
        (set("/l/x", 1), "`/l` is a list, and `x` is no index of an item"),
        (set("/l/", 1), "`/l` is a list, and `` is no index of an item"),
        (set("/l/99999999999999999999", 1), "`/l` is a list, and `99999999999999999999` is no index of an item"),
        (remove("/l/0"), "`/l/0` is an item of a list; only members of maps are removed"),
        (remove("/l/3"), "`/l` has no item `3`"),
    ] {
        assert_eq!(refused(&object, &[edit]), message);
    }
    assert_eq!(refused(&json!(null), &[set("/a", 1)]), "`` is null, and nothing stands below that");
    assert_eq!(refused(&json!({}), &[append("/l", 1), set("/l/0", 1)]), "`/l` has no item `0`");
}

#[test]
fn rejects_edits_of_what_is_not_read() {
    let object = json!({"metadata": {"annotations": {
        "kubectl.kubernetes.io/last-applied-configuration": "{}", "a": "b"}, "managedFields": [{}]}, "status": {}});
    let applied = "/metadata/annotations/kubectl.kubernetes.io~1last-applied-configuration";
    for path in ["/status", "/status/x", "/metadata/managedFields", "/metadata/managedFields/0", applied] {
        for edit in [set(path, 1), remove(path), append(path, 1)] {
            let message = format!("`{path}` is not read, so no edit goes there");
            for object in [&object, &json!({}), &json!({"metadata": null})] {
                assert_eq!(refused(object, std::slice::from_ref(&edit)), message);
            }
        }
    }
    for path in ["/metadata", "/metadata/annotations"] {
        let message = format!("`{path}` may hold members that are not read; set or remove what stands in it");
        for edit in [set(path, json!({"new": 1})), set(path, json!(null)), remove(path)] {
            assert_eq!(refused(&object, &[edit]), message);
        }
    }
    for (path, value) in [
        ("/metadata", json!({"managedFields": 1})),
        ("/metadata/annotations", json!({"kubectl.kubernetes.io/last-applied-configuration": 1})),
    ] {
        let message = format!("`{path}` would get a member that is not read");
        assert_eq!(refused(&json!({}), &[set(path, value)]), message);
    }
}

#[test]
fn rejects_what_no_reader_would_read_back() {
    let nested = |levels: usize| (0..levels).fold(json!(1), |value, _| json!([value]));
    let deep = |tokens: usize| "/x".repeat(tokens);
    for (edit, fits) in [
        (set(&deep(127), 1), true),
        (set(&deep(128), 1), false),
        (set(&deep(127), json!([])), false),
        (set("/x", nested(126)), true),
        (set("/x", nested(127)), false),
        (append(&deep(126), 1), true),
        (append(&deep(127), 1), false),
        (append("/x", nested(125)), true),
        (append("/x", nested(126)), false),
        (remove(&deep(127)), true),
        (remove(&deep(128)), false),
        (remove(&deep(100_000)), false),
    ] {
        let tree = read_object("{}").expect("JSON");
        let laid = overlay(tree.root(), [&edit]);
        assert_eq!(laid.is_ok(), fits, "{edit:?}");
        assert_eq!(patch(tree.root(), [&edit]).is_ok(), fits);
        assert!(laid.is_err() || read_object(&laid.expect("a tree").root().to_json().to_string()).is_ok());
    }
}
