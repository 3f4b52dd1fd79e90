//! Variables in the environment of a container.

use crate::object::{Node, WrongType};

/// A variable of a container.
#[derive(Clone, Copy, Debug)]
pub enum Variable<'t> {
    /// It says its value: this string, or nothing at all.
    Value(Option<Node<'t>>),
    /// Its value stands elsewhere, in another object or another variable: where it says so.
    Elsewhere(Node<'t>),
}

/// The variable of that name under `env`; of several the last one counts.
///
/// What another object lists (`envFrom`) is not seen.
///
/// # Errors
/// Where a field has another type than the API gives it.
pub fn variable<'t>(container: Node<'t>, name: &str) -> Result<Option<Variable<'t>>, WrongType> {
    let mut found = None;
    for entry in container.list("env")? {
        entry.expect_map()?;
        if entry.text("name")? == Some(name) {
            found = Some(entry);
        }
    }
    let Some(entry) = found else { return Ok(None) };
    let text = entry.text("value")?;
    Ok(Some(match (entry.map("valueFrom")?, entry.get("value").filter(|_| text.is_some())) {
        (Some(from), _) => Variable::Elsewhere(from),
        // The kubelet puts other variables in:
        // <https://kubernetes.io/docs/tasks/inject-data-application/define-interdependent-environment-variables/>.
        (None, Some(value)) if text.is_some_and(|text| text.contains("$(")) => Variable::Elsewhere(value),
        (None, value) => Variable::Value(value),
    }))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::object::read_json;

    fn found(env: &str) -> Result<String, String> {
        let json = format!(r#"{{"env": {env}}}"#);
        let tree = read_json(&json).unwrap();
        match variable(tree.root(), "A") {
            Ok(None) => Ok("none".to_owned()),
            Ok(Some(Variable::Value(None))) => Ok("empty".to_owned()),
            Ok(Some(Variable::Value(Some(node)))) => Ok(node.as_str().unwrap().to_owned()),
            Ok(Some(Variable::Elsewhere(node))) => Ok(node.pointer().to_string()),
            Err(error) => Err(error.path.to_string()),
        }
    }

    #[test]
    fn the_last_of_a_name_counts() {
        for (env, expected) in [
            ("null", "none"),
            ("[]", "none"),
            (r#"[{"name": "B", "value": "1"}]"#, "none"),
            (r#"[{"name": "A"}]"#, "empty"),
            (r#"[{"name": "A", "value": null}]"#, "empty"),
            (r#"[{"name": "A", "value": "1"}, {"name": "B"}, {"name": "A", "value": "2"}]"#, "2"),
            (r#"[{"name": "A", "valueFrom": {"fieldRef": {}}}]"#, "/env/0/valueFrom"),
            (r#"[{"name": "B", "value": "1"}, {"name": "A", "value": "$(B)"}]"#, "/env/1/value"),
        ] {
            assert_eq!(found(env), Ok(expected.to_owned()), "{env}");
        }
        for (env, path) in [
            ("{}", "/env"),
            ("[1]", "/env/0"),
            (r#"[{"name": 1}]"#, "/env/0/name"),
            (r#"[{"name": "A", "value": 1}]"#, "/env/0/value"),
            (r#"[{"name": "A", "valueFrom": "x"}]"#, "/env/0/valueFrom"),
        ] {
            assert_eq!(found(env), Err(path.to_owned()), "{env}");
        }
    }
}
