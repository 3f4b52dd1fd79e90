//! Helm's parameters (`--set`), laid over values.

use std::collections::HashMap;
use std::iter;

use json_patch::jsonptr::PointerBuf;
use serde_json::{Map, Value};

use super::Place;
use crate::object::{Node, ReadError, Tree, WrongType};

/// The most levels of a parameter's name; Helm refuses more (`MaxNestedNameLevel`).
const MOST_LEVELS: usize = 30;

/// A parameter: one value, by the names on the way to it.
#[derive(Clone, Debug)]
pub(super) struct Parameter<'t> {
    path: Vec<String>,
    value: Value,
    /// Where the value stands.
    node: Node<'t>,
    /// Whether it stays a string; such ones are laid on last.
    is_text: bool,
}

/// Values with parameters laid over them.
#[derive(Clone, Debug)]
pub(super) struct Overlay<'t> {
    tree: Tree<'static>,
    /// Where what they set stands.
    set: HashMap<PointerBuf, Node<'t>>,
}

impl<'t> Parameter<'t> {
    /// The parameters in the list under `key`, each with its `name`, its `value`, and whether it stays a string
    /// (`forceString`). Argo CD hands each to Helm as one text, `name=value`, so a name may bring others with it.
    ///
    /// Those for items of lists (`env[0].name`) are passed over.
    ///
    /// # Errors
    /// Where one has another type than the API gives it.
    pub(super) fn list(of: Node<'t>, key: &str) -> Result<Vec<Self>, WrongType> {
        let mut parameters = Vec::new();
        for item in of.maps(key)? {
            let (name, value) = (item.text("name")?.unwrap_or_default(), item.text("value")?.unwrap_or_default());
            let is_text = item.boolean("forceString")?.unwrap_or_default();
            let node = item.get("value").unwrap_or(item);
            for (name, value) in assignments(&format!("{name}={}", escaped(value))) {
                let path = steps(name);
                if path.len() <= MOST_LEVELS && !name.contains('[') {
                    parameters.push(Self { path, value: typed(&unescaped(value), is_text), node, is_text });
                }
            }
        }
        parameters.sort_by_key(|parameter| parameter.is_text);
        Ok(parameters)
    }

    /// Whether a name on the way to it is this one.
    pub(super) fn names(&self, word: &str) -> bool {
        self.path.iter().any(|step| step.contains(word))
    }
}

impl<'t> Overlay<'t> {
    /// The values with all of the parameters.
    ///
    /// # Errors
    /// Where the values nest so deep that there is no room for the parameters.
    pub(super) fn new(values: Option<Node<'_>>, parameters: Vec<Parameter<'t>>) -> Result<Self, ReadError> {
        let mut root = values.map_or(Value::Null, Node::to_json);
        let mut set = HashMap::new();
        for Parameter { path, value, node, .. } in parameters {
            set.insert(PointerBuf::from_tokens(&path), node);
            lay(&mut root, path, value);
        }
        Ok(Self { tree: Tree::of_json(&root)?, set })
    }

    pub(super) fn root(&self) -> Node<'_> {
        self.tree.root()
    }

    /// Where what stands there is set, if a parameter sets it.
    pub(super) fn place(&self, path: &PointerBuf) -> Option<Place> {
        let mut path = path.clone();
        loop {
            if let Some(node) = self.set.get(&path) {
                return Some(Place::from(*node));
            }
            path.pop_back()?;
        }
    }
}

/// Gives what is below `root` at this path a value; what is no map on the way becomes one.
fn lay(root: &mut Value, path: Vec<String>, value: Value) {
    let mut at = root;
    for step in path {
        if !at.is_object() {
            *at = Value::Object(Map::new());
        }
        at = match at {
            Value::Object(members) => members.entry(step).or_insert(Value::Null),
            other => other,
        };
    }
    *at = value;
}

/// A value as Argo CD hands it on: a comma in it ends it only in what looks like a list.
///
/// `cleanSetParameters` of <https://github.com/argoproj/argo-cd/blob/master/util/helm/cmd.go>
fn escaped(value: &str) -> String {
    if value.starts_with('{') && value.ends_with('}') {
        return value.to_owned();
    }
    let mut escaped = String::with_capacity(value.len());
    for (before, character) in iter::once(' ').chain(value.chars()).zip(value.chars()) {
        escaped.extend((character == ',' && before != '\\').then_some('\\'));
        escaped.push(character);
    }
    escaped
}

/// Names and values in the text of one `--set`: `a=1,b={2,3},c=4`.
fn assignments(mut text: &str) -> Vec<(&str, &str)> {
    let mut found = Vec::new();
    while let Some((name, value)) = cut(text, '=') {
        let end = if value.starts_with('{') { '}' } else { ',' };
        let (value, rest) = cut(value, end).unwrap_or((value, ""));
        found.push((name, value));
        text = if end == '}' { rest.strip_prefix(',').unwrap_or(rest) } else { rest };
    }
    found
}

/// What stands before and behind the first such character that has no `\` in front.
fn cut(text: &str, at: char) -> Option<(&str, &str)> {
    let mut escaped = false;
    let index = text.find(|character| {
        let is_free = !escaped;
        escaped = is_free && character == '\\';
        is_free && character == at
    })?;
    let (before, rest) = text.split_at_checked(index)?;
    Some((before, rest.strip_prefix(at)?))
}

/// The names in a path with dots; `\.` is a dot in a name.
fn steps(name: &str) -> Vec<String> {
    let mut steps = vec![String::new()];
    let mut characters = name.chars();
    while let Some(character) = characters.next() {
        match (character, steps.last_mut()) {
            ('.', _) => steps.push(String::new()),
            ('\\', Some(step)) => step.extend(characters.next()),
            (_, Some(step)) => step.push(character),
            (_, None) => {}
        }
    }
    steps
}

fn unescaped(value: &str) -> String {
    let mut characters = value.chars();
    iter::from_fn(|| match characters.next()? {
        '\\' => characters.next(),
        character => Some(character),
    })
    .collect()
}

/// What Helm takes a parameter's value for (`typedVal`).
/// <https://github.com/helm/helm/blob/main/pkg/strvals/parser.go>
fn typed(text: &str, is_text: bool) -> Value {
    let is = |word: &str| !is_text && text.eq_ignore_ascii_case(word);
    match text {
        _ if is("true") => true.into(),
        _ if is("false") => false.into(),
        _ if is("null") => Value::Null,
        _ if is_text || (text.starts_with('0') && text != "0") => text.into(),
        _ => text.parse::<i64>().map_or_else(|_| text.into(), Value::from),
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;
    use crate::object::read_json;

    fn laid(values: &Value, parameters: &Value) -> Value {
        let (values, holder) = (values.to_string(), json!({"parameters": parameters}).to_string());
        let (values, holder) = (read_json(&values).unwrap(), read_json(&holder).unwrap());
        let parameters = Parameter::list(holder.root(), "parameters").unwrap();
        Overlay::new(Some(values.root()), parameters).unwrap().root().to_json()
    }

    #[test]
    fn parameters_win_over_values_and_later_ones_over_earlier_ones() {
        let set = |name: &str, value: &str| json!({"name": name, "value": value});
        for (values, parameters, expected) in [
            (json!({"a": {"b": 1, "c": 2}}), json!([set("a.b", "x")]), json!({"a": {"b": "x", "c": 2}})),
            (json!(null), json!([set("a.b", "1"), set("a.b", "2")]), json!({"a": {"b": 2}})),
            (json!({"a": 1}), json!([set("a.b", "null")]), json!({"a": {"b": null}})),
            (json!({}), json!([set(r"a\.b.c", r"x\,y")]), json!({"a.b": {"c": "x,y"}})),
            (json!({}), json!([set("a[0].b", "1"), set("status", "1")]), json!({"status": 1})),
            (json!({}), json!([{"name": "a", "value": "1", "forceString": true}, set("a", "2")]), json!({"a": "1"})),
            (json!({}), json!([set("a", "{x,y}")]), json!({"a": "{x,y"})),
            (json!({}), json!([set("a", "1,b=2")]), json!({"a": "1,b=2"})),
        ] {
            assert_eq!(laid(&values, &parameters), expected, "{values} {parameters}");
        }
        let deep = vec!["a"; 100_000].join(".");
        assert_eq!(laid(&json!({}), &json!([set(&deep, "1")])), json!({}));
    }

    #[test]
    fn one_parameter_may_bring_others_with_it() {
        for (name, value) in [
            ("x=1,a", "2"),
            ("a=2,x", "1"),
            ("x=1\\\\,a", "2"),
            ("x={1,1},a", "2"),
            ("x={1}a", "2"),
            ("x", "{1},a=2,y={1}"),
            ("x", "1\\\\,a=2"),
        ] {
            let set = laid(&json!({}), &json!([{"name": name, "value": value}]));
            assert_eq!(set["a"], json!(2), "{name}={value}");
        }
        for (name, value) in [("x\\,a", "2"), ("x\\=1\\,a", "2"), ("x", "1,a=2"), ("x", "{1,a=2}"), ("x", "1\\,a=2")] {
            let set = laid(&json!({}), &json!([{"name": name, "value": value}]));
            assert_eq!(set.get("a"), None, "{name}={value}");
        }
    }

    #[test]
    fn a_value_has_the_type_that_helm_gives_it() {
        for (text, expected) in [
            ("100", json!(100)),
            ("0", json!(0)),
            ("-1", json!(-1)),
            ("0144", json!("0144")),
            ("0.1", json!("0.1")),
            ("1e2", json!("1e2")),
            ("True", json!(true)),
            ("FALSE", json!(false)),
            ("", json!("")),
        ] {
            assert_eq!(typed(text, false), expected, "{text}");
            assert_eq!(typed(text, true), json!(text), "{text}");
        }
    }
}
