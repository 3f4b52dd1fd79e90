//! Protobuf's JSON as Istio reads it in mesh config and proxy config: more leniently than the CRDs do.
//!
//! Istio takes YAML through `sigs.k8s.io/yaml` to `golang/protobuf`'s `jsonpb`: fields go by two names, numbers may be
//! strings, and what it does not know is passed over.
//! <https://github.com/istio/istio/blob/master/pkg/util/protomarshal/protomarshal.go>

use crate::object::{Node, Value, WrongType};

/// The field of that name in camel case, else in snake case, as in the `.proto` file; `null` is unset.
///
/// Where a message has both, the name in camel case counts, `null` included.
#[must_use]
pub fn field<'t>(message: Node<'t>, name: &str) -> Option<Node<'t>> {
    let found = message.get(name).or_else(|| message.get(&snake_case(name)));
    found.filter(|node| !node.is_null())
}

/// The message in a field.
///
/// # Errors
/// Where something else stands there.
pub fn message<'t>(of: Node<'t>, name: &str) -> Result<Option<Node<'t>>, WrongType> {
    let found = field(of, name);
    found.map_or(Ok(()), Node::expect_map)?;
    Ok(found)
}

/// The string in a field.
///
/// # Errors
/// Where something else stands there.
pub fn text<'t>(of: Node<'t>, name: &str) -> Result<Option<(Node<'t>, &'t str)>, WrongType> {
    let text = |node: Node<'t>| Ok((node, node.as_str().ok_or_else(|| node.wrong_type("a string"))?));
    field(of, name).map(text).transpose()
}

/// The boolean in a field.
///
/// # Errors
/// Where something else stands there.
pub fn boolean<'t>(of: Node<'t>, name: &str) -> Result<Option<(Node<'t>, bool)>, WrongType> {
    let boolean = |node: Node<'t>| Ok((node, node.as_bool().ok_or_else(|| node.wrong_type("a boolean"))?));
    field(of, name).map(boolean).transpose()
}

/// The number here: a JSON number, one in a string, or `NaN`, `Infinity` and `-Infinity`, which JSON has no numbers for.
///
/// # Errors
/// Where Istio refuses it.
pub fn double(node: Node<'_>) -> Result<f64, WrongType> {
    let number = match node.value() {
        Value::Number(number) => number.as_f64(),
        Value::Text("NaN") => Some(f64::NAN),
        Value::Text("Infinity") => Some(f64::INFINITY),
        Value::Text("-Infinity") => Some(f64::NEG_INFINITY),
        Value::Text(text) => serde_json::from_str(text).ok(),
        _ => None,
    };
    number.ok_or_else(|| node.wrong_type("a number"))
}

fn snake_case(camel: &str) -> String {
    let mut snake = String::with_capacity(camel.len() + 4);
    for letter in camel.chars() {
        if letter.is_ascii_uppercase() {
            snake.push('_');
        }
        snake.push(letter.to_ascii_lowercase());
    }
    snake
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::object::read_json;

    #[test]
    fn a_field_goes_by_two_names() {
        for (json, expected) in [
            (r#"{"runtimeValues": 1}"#, Some(1.0)),
            (r#"{"runtime_values": 1}"#, Some(1.0)),
            (r#"{"runtime_values": 2, "runtimeValues": 1}"#, Some(1.0)),
            (r#"{"runtime_values": 2, "runtimeValues": null}"#, None),
            (r#"{"runtime_values": null}"#, None),
            (r#"{"runtimevalues": 1, "RuntimeValues": 2}"#, None),
            ("[1]", None),
        ] {
            let tree = read_json(json).unwrap();
            assert_eq!(field(tree.root(), "runtimeValues").map(|node| double(node).unwrap()), expected, "{json}");
        }
    }

    #[test]
    fn numbers_may_be_strings() {
        let read = |json: &str| double(read_json(json).unwrap().root()).ok();
        for json in ["100", "1e2", "100.0", r#""100""#, r#""1e2""#, r#"" 100 ""#, r#""1.0E+2""#] {
            assert_eq!(read(json), Some(100.0), "{json}");
        }
        assert_eq!(read(r#""Infinity""#), Some(f64::INFINITY));
        assert_eq!(read(r#""-Infinity""#), Some(f64::NEG_INFINITY));
        assert!(read(r#""NaN""#).unwrap().is_nan());
        for json in
            ["null", "true", "[100]", "{}", r#""""#, r#""+100""#, r#""0144""#, r#""0x64""#, r#""nan""#, r#""1e999""#]
        {
            assert_eq!(read(json), None, "{json}");
        }
    }
}
