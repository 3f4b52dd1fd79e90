//! An AuthorizationPolicy: its action, and what its rules ask of a request.

use super::{is_true, own_annotation};
use crate::object::{Node, WrongType};

/// The annotation of a policy that logs what it would do, and does nothing.
pub const DRY_RUN: &str = "istio.io/dry-run";

/// What [`DRY_RUN`] says, where that makes it a policy that runs dry.
///
/// # Errors
/// Where the annotation is no string.
pub fn dry_run(object: Node<'_>) -> Result<Option<&str>, WrongType> {
    Ok(own_annotation(object, DRY_RUN)?.filter(|text| is_true(text)))
}

/// An AuthorizationPolicy.
#[derive(Clone, Debug)]
pub struct Authorization<'t> {
    /// The action, in Istio's words; absent is `ALLOW`.
    pub action: &'t str,
    /// Its rules: a request that meets one of them meets the policy. To `ALLOW` without any is to allow nothing.
    pub rules: Vec<AuthorizationRule<'t>>,
}

/// One of its rules: a source of `from`, an operation of `to` and all conditions of `when` have to hold; an empty list
/// asks nothing, and an empty rule holds for every request.
#[derive(Clone, Debug)]
pub struct AuthorizationRule<'t> {
    /// The rule.
    pub node: Node<'t>,
    /// Sources, of which one has to hold.
    pub from: Vec<Clause<'t>>,
    /// Operations, of which one has to hold.
    pub to: Vec<Clause<'t>>,
    /// Conditions, all of which have to hold.
    pub when: Vec<Condition<'t>>,
}

/// A source or an operation: all its fields have to hold. One without fields asks nothing.
#[derive(Clone, Debug)]
pub struct Clause<'t> {
    /// The entry of `from` or `to`.
    pub node: Node<'t>,
    /// Its fields that say something; to Istio an empty list is an absent one.
    pub fields: Vec<Field<'t>>,
}

/// A field of a source or an operation: one of its values has to hold or, in a negative one, none.
#[derive(Clone, Debug)]
pub struct Field<'t> {
    /// The list.
    pub node: Node<'t>,
    /// Its name: `principals`, `notPaths`.
    pub name: &'t str,
    /// Its values, at least one.
    pub values: Vec<(Node<'t>, &'t str)>,
}

/// A condition.
#[derive(Clone, Debug)]
pub struct Condition<'t> {
    /// The condition.
    pub node: Node<'t>,
    /// What it is about: `request.headers[x]`, `source.ip`. Empty where it is not said.
    pub key: &'t str,
    /// One of these has to hold, where there are any.
    pub values: Vec<(Node<'t>, &'t str)>,
    /// None of these may hold.
    pub not_values: Vec<(Node<'t>, &'t str)>,
}

impl<'t> Authorization<'t> {
    /// Reads an AuthorizationPolicy.
    ///
    /// <https://istio.io/latest/docs/reference/config/security/authorization-policy/>
    ///
    /// # Errors
    /// Where a field has another type than the API gives it.
    pub fn of(object: Node<'t>) -> Result<Self, WrongType> {
        let Some(spec) = object.map("spec")? else { return Ok(Self { action: "ALLOW", rules: Vec::new() }) };
        let rules = spec.maps("rules")?.into_iter().map(AuthorizationRule::of).collect::<Result<_, _>>()?;
        Ok(Self { action: spec.text("action")?.unwrap_or("ALLOW"), rules })
    }

    /// Whether it allows nothing: what denies by default where it attaches.
    #[must_use]
    pub fn allows_nothing(&self) -> bool {
        self.action == "ALLOW" && self.rules.is_empty()
    }
}

impl<'t> AuthorizationRule<'t> {
    fn of(node: Node<'t>) -> Result<Self, WrongType> {
        let clauses = |list: &str, key: &str| -> Result<Vec<Clause<'t>>, WrongType> {
            node.maps(list)?.into_iter().map(|entry| Clause::of(entry, key)).collect()
        };
        let when = node.maps("when")?.into_iter().map(Condition::of).collect::<Result<_, _>>()?;
        Ok(Self { node, from: clauses("from", "source")?, to: clauses("to", "operation")?, when })
    }
}

impl<'t> Clause<'t> {
    fn of(node: Node<'t>, key: &str) -> Result<Self, WrongType> {
        let mut fields = Vec::new();
        let Some(inner) = node.map(key)? else { return Ok(Self { node, fields }) };
        for (name, list) in inner.members() {
            let values = inner.texts(name)?;
            if !values.is_empty() {
                fields.push(Field { node: list, name, values });
            }
        }
        Ok(Self { node, fields })
    }

    /// The values of a field; none where it says nothing.
    pub fn values(&self, name: &str) -> impl Iterator<Item = (Node<'t>, &'t str)> {
        self.fields.iter().filter(move |field| field.name == name).flat_map(|field| field.values.iter().copied())
    }
}

impl Field<'_> {
    /// Whether none of its values may hold.
    #[must_use]
    pub fn is_negative(&self) -> bool {
        self.name.strip_prefix("not").is_some_and(|rest| rest.starts_with(|c: char| c.is_ascii_uppercase()))
    }
}

impl<'t> Condition<'t> {
    fn of(node: Node<'t>) -> Result<Self, WrongType> {
        let key = node.text("key")?.unwrap_or_default();
        Ok(Self { node, key, values: node.texts("values")?, not_values: node.texts("notValues")? })
    }

    /// Whether it is about a header that no request lacks. Envoy reads names of headers whatever their case.
    #[must_use]
    pub fn is_on_every_request(&self) -> bool {
        let name = self.key.strip_prefix("request.headers[").and_then(|key| key.strip_suffix(']'));
        let always = [":authority", ":method", ":path", ":scheme", "host"];
        name.is_some_and(|name| always.iter().any(|own| own.eq_ignore_ascii_case(name)))
    }
}

#[cfg(test)]
mod tests {
    use serde_json::{Value, json};

    use super::*;
    use crate::object::read_json;

    fn read<T>(spec: &Value, look: impl Fn(&Authorization<'_>) -> T) -> Result<T, String> {
        let text = json!({"spec": spec}).to_string();
        let tree = read_json(&text).unwrap();
        Authorization::of(tree.root()).map(|found| look(&found)).map_err(|error| error.to_string())
    }

    #[test]
    fn only_allow_without_rules_allows_nothing() {
        for (spec, action, rules, nothing) in [
            (json!(null), "ALLOW", 0, true),
            (json!({}), "ALLOW", 0, true),
            (json!({"action": "ALLOW"}), "ALLOW", 0, true),
            (json!({"rules": []}), "ALLOW", 0, true),
            (json!({"rules": null}), "ALLOW", 0, true),
            (json!({"rules": [{}]}), "ALLOW", 1, false),
            (json!({"action": "DENY"}), "DENY", 0, false),
            (json!({"action": "DENY", "rules": [{}]}), "DENY", 1, false),
            (json!({"action": "AUDIT"}), "AUDIT", 0, false),
            (json!({"action": "CUSTOM"}), "CUSTOM", 0, false),
        ] {
            let found = read(&spec, |found| (found.action.to_owned(), found.rules.len(), found.allows_nothing()));
            assert_eq!(found, Ok((action.to_owned(), rules, nothing)), "{spec}");
        }
    }

    #[test]
    fn an_empty_list_says_nothing() {
        let spec = json!({"rules": [{
            "from": [{"source": {"principals": ["a", "b"], "notIpBlocks": [], "namespaces": null}}, {"source": {}}, {}],
            "to": [{"operation": {"notPaths": ["/x"], "notable": ["y"]}}],
            "when": [{"key": "source.ip", "values": ["1.1.1.1"]}, {"notValues": ["z"]}],
        }]});
        let found = read(&spec, |found| {
            let rule = &found.rules[0];
            let fields = |clauses: &[Clause<'_>]| {
                let line = |field: &Field<'_>| format!("{}{} ", field.name, if field.is_negative() { "!" } else { "" });
                clauses.iter().map(|clause| clause.fields.iter().map(line).collect::<String>()).collect::<Vec<_>>()
            };
            let values: Vec<_> =
                rule.from[0].values("principals").map(|(node, text)| format!("{text} {}", node.pointer())).collect();
            assert_eq!(
                values,
                ["a /spec/rules/0/from/0/source/principals/0", "b /spec/rules/0/from/0/source/principals/1"]
            );
            assert_eq!(rule.from[1].values("principals").count(), 0);
            let keys: Vec<_> =
                rule.when.iter().map(|c| (c.key.to_owned(), c.values.len(), c.not_values.len())).collect();
            (fields(&rule.from), fields(&rule.to), keys)
        });
        let (from, to, when) = found.unwrap();
        assert_eq!(from, ["principals ", "", ""]);
        assert_eq!(to, ["notPaths! notable "]);
        assert_eq!(when, [("source.ip".to_owned(), 1, 0), (String::new(), 0, 1)]);
    }

    #[test]
    fn rejects_other_types() {
        for (spec, path) in [
            (json!({"action": 1}), "/spec/action"),
            (json!({"rules": {}}), "/spec/rules"),
            (json!({"rules": [null]}), "/spec/rules/0"),
            (json!({"rules": [{"from": {}}]}), "/spec/rules/0/from"),
            (json!({"rules": [{"from": [1]}]}), "/spec/rules/0/from/0"),
            (json!({"rules": [{"from": [{"source": []}]}]}), "/spec/rules/0/from/0/source"),
            (json!({"rules": [{"from": [{"source": {"principals": "*"}}]}]}), "/spec/rules/0/from/0/source/principals"),
            (json!({"rules": [{"to": [{"operation": {"ports": [80]}}]}]}), "/spec/rules/0/to/0/operation/ports/0"),
            (json!({"rules": [{"when": [{"key": 1}]}]}), "/spec/rules/0/when/0/key"),
            (json!({"rules": [{"when": [{"values": "x"}]}]}), "/spec/rules/0/when/0/values"),
        ] {
            assert!(read(&spec, |_| ()).unwrap_err().starts_with(&format!("`{path}` ")), "{spec}");
        }
    }
}
