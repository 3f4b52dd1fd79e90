//! What installers make a control plane of: Helm values and profiles in their objects.

use super::release::release_values;
use super::{Carrier, GroupKind, Opened, Place, RELEASES, Unreadable};
use crate::object::Node;

/// Kinds with Helm values for a control plane.
pub const INSTALLATIONS: [GroupKind; 3] = [
    GroupKind { group: "install.istio.io", kind: "IstioOperator" },
    GroupKind { group: "sailoperator.io", kind: "Istio" },
    GroupKind { group: "sailoperator.io", kind: "IstioRevision" },
];

/// All kinds with Helm values of Istio's.
pub const HELM_VALUES: [GroupKind; INSTALLATIONS.len() + RELEASES.len()] =
    GroupKind::all_of(&[&INSTALLATIONS, &RELEASES]);

/// Helm values for one control plane as an object has them: the checked ones, then those that are passed on unchecked.
#[derive(Clone, Debug)]
pub struct HelmValues<'t> {
    parts: Vec<Opened<'t>>,
    /// The profile that the object names beside its values.
    profile: Option<Node<'t>>,
}

/// Something in Helm values.
#[derive(Clone, Debug)]
pub struct HelmValue<'v> {
    /// What stands there.
    pub node: Node<'v>,
    /// Where it stands in the object.
    pub place: Place,
}

/// The Helm values in an object of one of [`HELM_VALUES`], each for a control plane; none in other kinds.
///
/// # Errors
/// Where they are no map.
pub fn helm_values<'t>((group, kind): (&str, &str), object: Node<'t>) -> Result<Vec<HelmValues<'t>>, Unreadable> {
    let is = |kinds: &[GroupKind]| kinds.iter().any(|own| own.is(group, kind));
    if is(&RELEASES) {
        let roots = release_values(kind, object)?;
        return Ok(roots.into_iter().map(|root| HelmValues { parts: vec![root], profile: None }).collect());
    }
    let Some(spec) = object.map("spec")?.filter(|_| is(&INSTALLATIONS)) else { return Ok(Vec::new()) };
    let values = spec.map("values")?.into_iter().chain(spec.map("unvalidatedValues")?);
    let parts = values.map(|node| Opened::new("values", node, None, None)).collect();
    Ok(vec![HelmValues { parts, profile: spec.get("profile").filter(|node| !node.is_null()) }])
}

impl<'t> HelmValues<'t> {
    /// The values of that name below a path: at most one of each sort. `null` is unset.
    ///
    /// # Errors
    /// Where a step of the path is no map.
    pub fn all(&self, path: &[&str], name: &str) -> Result<Vec<HelmValue<'_>>, Unreadable> {
        let mut found = Vec::new();
        for part in &self.parts {
            let map = part.root().map_at(path).map_err(|error| part.refused(error))?;
            let node = map.and_then(|map| map.get(name)).filter(|node| !node.is_null());
            found.extend(node.map(|node| HelmValue { node, place: part.place(node) }));
        }
        Ok(found)
    }

    /// The mesh configs in them.
    pub fn mesh_configs(&self) -> impl Iterator<Item = Carrier<'t>> {
        let has = |part: &&Opened<'t>| part.root().get("meshConfig").is_some_and(|node| !node.is_null());
        self.parts.iter().filter(has).map(|part| part.part("meshConfig", ["meshConfig"]).into_carrier())
    }

    /// The profiles that they and their object name, wherever they may, each with its name: of a path it is the file's.
    ///
    /// # Errors
    /// Where one is no string.
    pub fn profiles(&self) -> Result<Vec<(HelmValue<'_>, &str)>, Unreadable> {
        let own = self.profile.map(|node| HelmValue { node, place: node.into() });
        let mut named: Vec<_> = own.into_iter().collect();
        named.extend(self.all(&[], "profile")?);
        named.extend(self.all(&["global"], "profile")?);
        named.into_iter().map(|value| value.text().map(profile).map(|name| (value, name))).collect()
    }
}

impl<'v> HelmValue<'v> {
    /// The string here.
    ///
    /// # Errors
    /// Where it is none.
    pub fn text(&self) -> Result<&'v str, Unreadable> {
        let message = || format!("`{}` is {}, expected a string", self.place.path, self.node.type_name());
        self.node.as_str().ok_or_else(|| Unreadable { place: self.place.clone(), message: message() })
    }
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

    const OPERATOR: (&str, &str) = ("install.istio.io", "IstioOperator");

    #[test]
    fn finds_values_of_both_sorts() {
        let text = json!({"spec": {
            "values": {"global": {"proxy": {"logLevel": "debug"}}, "pilot": null},
            "unvalidatedValues": {"global": {"proxy": {"logLevel": "info"}}, "pilot": {"env": null}},
        }})
        .to_string();
        let tree = read_json(&text).unwrap();
        let values = helm_values(OPERATOR, tree.root()).unwrap().remove(0);
        let texts = |path: &[&str], name: &str| -> Vec<String> {
            values.all(path, name).unwrap().into_iter().map(|value| value.place.path.to_string()).collect()
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
        let values = helm_values(OPERATOR, tree.root()).unwrap().remove(0);
        let found: Vec<_> = values.profiles().unwrap().into_iter().map(|(_, name)| name).collect();
        assert_eq!(found, ["demo", "ambient", "preview"]);
        for wrong in [json!({"profile": 1}), json!({"values": []}), json!({"values": {"global": {"profile": {}}}})] {
            let text = json!({"spec": wrong}).to_string();
            let tree = read_json(&text).unwrap();
            let values = helm_values(OPERATOR, tree.root());
            assert!(values.is_err() || values.is_ok_and(|values| values[0].profiles().is_err()), "{wrong}");
        }
    }
}
