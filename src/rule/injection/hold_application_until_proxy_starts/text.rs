//! One more field in YAML that people wrote: their order, comments and quotes stay.

use serde_json::{Value, json};

use super::HOLD;
use crate::mesh::protobuf::field;
use crate::object::{Node, read_yaml, split_documents};

/// The same proxy config with the field on; nothing where that is not possible, or would change anything else.
pub(super) fn held(text: &str) -> Option<String> {
    let Some(before) = meaning(text)? else { return Some(json!({HOLD: true}).to_string()) };
    let documents = split_documents(text);
    let tree = read_yaml(*documents.first()?).ok()?;
    let said = field(tree.root(), HOLD);
    let mut wanted = before;
    wanted.as_object_mut()?.insert(said.and_then(Node::key).unwrap_or(HOLD).to_owned(), true.into());
    let ways = match said {
        Some(node) => vec![replaced(text, node)?],
        None => added(text),
    };
    ways.into_iter().find(|way| meaning(way).flatten().as_ref() == Some(&wanted))
}

/// What YAML means: nothing at all where it is no single document, or none that can be read; `None` in it for emptiness.
fn meaning(text: &str) -> Option<Option<Value>> {
    match *split_documents(text) {
        [] => Some(None),
        [document] => Some(Some(read_yaml(document).ok()?.root().to_json()).filter(|value| !value.is_null())),
        _ => None,
    }
}

fn replaced(text: &str, node: Node<'_>) -> Option<String> {
    let span = node.span()?;
    Some(format!("{}true{}", text.get(..span.start as usize)?, text.get(span.end as usize..)?))
}

/// Where there may be room for it: in braces, above everything, below everything.
fn added(text: &str) -> Vec<String> {
    let mut ways = Vec::new();
    if let Some(rest) = text.trim_start().strip_prefix('{') {
        ways.extend([format!("{{\"{HOLD}\":true{rest}"), format!("{{\"{HOLD}\":true,{rest}")]);
    }
    let end = if text.ends_with('\n') { "" } else { "\n" };
    ways.extend([format!("{HOLD}: true\n{text}"), format!("{text}{end}{HOLD}: true\n")]);
    ways
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn adds_the_field_and_changes_nothing_else() {
        for (text, expected) in [
            ("", Some(r#"{"holdApplicationUntilProxyStarts":true}"#)),
            ("# nothing\n", Some(r#"{"holdApplicationUntilProxyStarts":true}"#)),
            ("{}", Some(r#"{"holdApplicationUntilProxyStarts":true}"#)),
            (r#"{"concurrency":2}"#, Some(r#"{"holdApplicationUntilProxyStarts":true,"concurrency":2}"#)),
            (" { a: 1 } # why", Some("{\"holdApplicationUntilProxyStarts\":true, a: 1 } # why")),
            (
                "# why\nconcurrency: 2\ntracing:\n  sampling: 1",
                Some("holdApplicationUntilProxyStarts: true\n# why\nconcurrency: 2\ntracing:\n  sampling: 1"),
            ),
            ("---\nconcurrency: 2", Some("---\nconcurrency: 2\nholdApplicationUntilProxyStarts: true\n")),
            ("a: |\n  text\n\nb: \"x\"\n", Some("holdApplicationUntilProxyStarts: true\na: |\n  text\n\nb: \"x\"\n")),
            ("  a: 1\n  b: 2\n", None),
            ("a: 1\n---\nb: 2", None),
            ("[a]", None),
            ("text", None),
            ("a: {", None),
        ] {
            assert_eq!(held(text).as_deref(), expected, "{text}");
        }
    }

    #[test]
    fn replaces_what_stands_there() {
        for (text, expected) in [
            (
                "a: 1\nholdApplicationUntilProxyStarts: false # why\n",
                Some("a: 1\nholdApplicationUntilProxyStarts: true # why\n"),
            ),
            (
                r#"{"holdApplicationUntilProxyStarts": false, "a": 1}"#,
                Some(r#"{"holdApplicationUntilProxyStarts": true, "a": 1}"#),
            ),
            ("hold_application_until_proxy_starts: no", Some("hold_application_until_proxy_starts: true")),
            ("holdApplicationUntilProxyStarts: &no false\nb: *no", None),
            (
                "b: &no false\nholdApplicationUntilProxyStarts: *no",
                Some("b: &no false\nholdApplicationUntilProxyStarts: true"),
            ),
        ] {
            assert_eq!(held(text).as_deref(), expected, "{text}");
        }
    }
}
