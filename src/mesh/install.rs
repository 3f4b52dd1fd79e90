//! What installers make a control plane of: Helm values and profiles in their objects.

use super::GroupKind;
use crate::object::{Node, WrongType};

/// Kinds with Helm values for a control plane.
pub const INSTALLATIONS: [GroupKind; 3] = [
    GroupKind { group: "install.istio.io", kind: "IstioOperator" },
    GroupKind { group: "sailoperator.io", kind: "Istio" },
    GroupKind { group: "sailoperator.io", kind: "IstioRevision" },
];

/// Helm values as an object has them: the checked ones, then those that are passed on unchecked.
#[derive(Clone, Debug)]
pub struct HelmValues<'t>(Vec<Node<'t>>);

/// The Helm values of one of [`INSTALLATIONS`].
///
/// # Errors
/// Where they are no map.
pub fn helm_values(object: Node<'_>) -> Result<HelmValues<'_>, WrongType> {
    let Some(spec) = object.map("spec")? else { return Ok(HelmValues(Vec::new())) };
    Ok(HelmValues(spec.map("values")?.into_iter().chain(spec.map("unvalidatedValues")?).collect()))
}

impl<'t> HelmValues<'t> {
    /// The values of that name below a path: at most one of each sort. `null` is unset.
    ///
    /// # Errors
    /// Where a step of the path is no map.
    pub fn all(&self, path: &[&str], name: &str) -> Result<Vec<Node<'t>>, WrongType> {
        let mut found = Vec::new();
        for values in &self.0 {
            found.extend(values.map_at(path)?.and_then(|map| map.get(name)).filter(|node| !node.is_null()));
        }
        Ok(found)
    }
}

/// The profiles that one of [`INSTALLATIONS`] names, wherever it may, each with its name: of a path it is the file's.
///
/// # Errors
/// Where one is no string.
pub fn profiles(object: Node<'_>) -> Result<Vec<(Node<'_>, &str)>, WrongType> {
    let own = object.map("spec")?.and_then(|spec| spec.get("profile")).filter(|node| !node.is_null());
    let values = helm_values(object)?;
    let mut named: Vec<_> = own.into_iter().collect();
    named.extend(values.all(&[], "profile")?);
    named.extend(values.all(&["global"], "profile")?);
    named
        .into_iter()
        .map(|node| Ok((node, profile(node.as_str().ok_or_else(|| node.wrong_type("a string"))?))))
        .collect()
}

fn profile(text: &str) -> &str {
    let file = text.rsplit('/').next().unwrap_or(text);
    file.strip_suffix(".yaml").unwrap_or(file)
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;
    use crate::object::read_json;

    #[test]
    fn finds_values_of_both_sorts() {
        let text = json!({"spec": {
            "values": {"global": {"proxy": {"logLevel": "debug"}}, "pilot": null},
            "unvalidatedValues": {"global": {"proxy": {"logLevel": "info"}}, "pilot": {"env": null}},
        }})
        .to_string();
        let tree = read_json(&text).unwrap();
        let values = helm_values(tree.root()).unwrap();
        let texts = |path: &[&str], name: &str| -> Vec<String> {
            values.all(path, name).unwrap().into_iter().map(|node| node.pointer().to_string()).collect()
        };
        let expected =
            ["/spec/values/global/proxy/logLevel", "/spec/unvalidatedValues/global/proxy/logLevel"].map(str::to_owned);
        assert_eq!(texts(&["global", "proxy"], "logLevel"), expected);
        assert_eq!(texts(&["pilot"], "env"), [""; 0]);
        assert!(values.all(&["global", "proxy", "logLevel"], "x").is_err());
    }

    #[test]
    fn a_profile_may_be_named_in_many_places() {
        let text = json!({"spec": {
            "profile": "manifests/profiles/demo.yaml",
            "values": {"profile": "ambient", "global": {"profile": "preview"}},
            "unvalidatedValues": {"profile": null},
        }})
        .to_string();
        let tree = read_json(&text).unwrap();
        let found: Vec<_> = profiles(tree.root()).unwrap().into_iter().map(|(_, name)| name).collect();
        assert_eq!(found, ["demo", "ambient", "preview"]);
        for wrong in [json!({"profile": 1}), json!({"values": []}), json!({"values": {"global": {"profile": {}}}})] {
            let text = json!({"spec": wrong}).to_string();
            assert!(profiles(read_json(&text).unwrap().root()).is_err(), "{wrong}");
        }
    }
}
