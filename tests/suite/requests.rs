//! What request a case makes.

use super::{FILTER, case_of, differences, filter};

fn judged(members: &str) -> Vec<String> {
    differences(&case_of("envoyfilter-namespace", members))
}

#[test]
fn the_namespace_is_the_objects_then_that_of_the_case_then_default() {
    let bare = format!("object: {{{FILTER}, metadata: {{name: lua}}}}");
    assert_eq!(judged(&format!("{bare}, expect: {{deny: [{{message: '`default`'}}]}}")), [""; 0]);
    assert_eq!(judged(&format!("{bare}, namespace: shop, expect: {{deny: [{{message: '`shop`'}}]}}")), [""; 0]);
    let named = format!("object: {}, namespace: shop, expect: {{deny: [{{message: '`shop`'}}]}}", filter("shop"));
    assert_eq!(judged(&named), [""; 0]);
}

#[test]
fn objects_stand_in_files_too() {
    for file in ["filter.yaml", "filter.json"] {
        let members = format!("file: {file}, namespace: shop, expect: {{deny: [{{message: shop}}]}}");
        assert_eq!(judged(&members), [""; 0], "{file}");
    }
    let old = format!(
        "file: filter.yaml, namespace: shop, oldObject: {}, expect: {{old: [{{message: shop}}]}}",
        filter("shop")
    );
    assert_eq!(judged(&old), [""; 0]);
    // What a DELETE deletes; the rule does not judge that.
    assert_eq!(judged("file: filter.yaml, operation: DELETE, expect: unjudged"), [""; 0]);
}

#[test]
fn an_old_object_makes_an_update_and_a_delete_needs_nothing_else() {
    let old = filter("shop");
    assert_eq!(judged(&format!("oldObject: {old}, object: {old}, expect: {{old: [{{message: shop}}]}}")), [""; 0]);
    let said = format!("operation: UPDATE, oldObject: {old}, object: {old}, expect: {{old: [{{message: shop}}]}}");
    assert_eq!(judged(&said), [""; 0]);
    assert_eq!(judged(&format!("operation: DELETE, oldObject: {old}, expect: unjudged")), [""; 0]);
    assert_eq!(judged(&format!("operation: DELETE, object: {old}, expect: unjudged")), [""; 0]);
    assert_eq!(judged(&format!("operation: CONNECT, object: {old}, expect: unjudged")), [""; 0]);
}

#[test]
fn subresources_dry_runs_and_the_kind_that_was_sent_go_into_the_request() {
    let object = filter("shop");
    assert_eq!(judged(&format!("object: {object}, subresource: status, expect: unjudged")), [""; 0]);
    let kind = "requestKind: {group: networking.istio.io, version: v1, kind: EnvoyFilter}";
    assert_eq!(
        judged(&format!("object: {object}, dryRun: true, {kind}, expect: {{deny: [{{message: shop}}]}}")),
        [""; 0]
    );
}
