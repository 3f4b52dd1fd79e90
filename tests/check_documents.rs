//! What `vigla check` makes of documents: names, lists, broken and doubtful texts, the state before.

#![allow(clippy::expect_used, clippy::indexing_slicing, clippy::unwrap_used, reason = "helpers of tests are tests")]

mod common;

use common::cli::{check, check_with};

/// An offender, but for its `metadata`.
const FILTER: &str = "apiVersion: networking.istio.io/v1alpha3\nkind: EnvoyFilter\n";

#[test]
fn a_name_of_the_wrong_type_is_an_error_at_its_place() {
    for (metadata, error) in [
        ("metadata: {namespace: 5}", "3:23 `metadata.namespace` is a number, expected a string; put it in quotes"),
        ("metadata:\n  namespace: y\n", "4:14 `metadata.namespace` is a boolean, expected a string; put it in quotes"),
        ("metadata: {namespace: [shop]}", "3:12 `metadata.namespace` is a list, expected a string"),
        ("metadata: {name: 1e3}", "3:18 `metadata.name` is a number, expected a string; put it in quotes"),
        ("metadata: hello", "3:11 `metadata` is a string, expected a map"),
        ("metadata: [a]", "3:1 `metadata` is a list, expected a map"),
    ] {
        let text = format!("{FILTER}{metadata}\n---\n{FILTER}metadata: {{name: next, namespace: shop}}\n");
        // No assumed namespace hides it, and it hides no other document.
        let run = check_with(&text, &["-o", "json", "--namespace", "istio-config"]);
        assert_eq!((run.code, run.errors()), (2, vec![error.to_owned()]), "{metadata}");
        assert_eq!(run.places().len(), 1, "{metadata}");
    }
    for metadata in ["metadata:", "metadata: {namespace: null}", "metadata: {namespace: ''}", ""] {
        let run = check(&format!("{FILTER}{metadata}\n"));
        assert_eq!((run.code, run.errors().len()), (1, 0), "{metadata}: {}", run.err);
        assert_eq!(run.report()["findings"][0]["object"]["namespace"], "default");
    }
}
