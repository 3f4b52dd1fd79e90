//! The patches of an EnvoyFilter.

use crate::object::{Node, WrongType};

/// One entry of `configPatches`.
#[derive(Clone, Copy, Debug)]
pub struct EnvoyPatch<'t> {
    /// The entry.
    pub node: Node<'t>,
    /// What is patched, in Istio's words: `HTTP_FILTER`.
    pub apply_to: &'t str,
    /// What is done to it, in Istio's words: `MERGE`.
    pub operation: &'t str,
    /// What is put there.
    pub value: Option<Node<'t>>,
}

/// The patches of an EnvoyFilter.
///
/// <https://istio.io/latest/docs/reference/config/networking/envoy-filter/>
///
/// # Errors
/// Where a field has another type than the API gives it.
pub fn envoy_patches(object: Node<'_>) -> Result<Vec<EnvoyPatch<'_>>, WrongType> {
    let Some(spec) = object.map("spec")? else { return Ok(Vec::new()) };
    spec.maps("configPatches")?.into_iter().map(EnvoyPatch::of).collect()
}

impl<'t> EnvoyPatch<'t> {
    fn of(node: Node<'t>) -> Result<Self, WrongType> {
        let patch = node.map("patch")?;
        Ok(Self {
            node,
            apply_to: node.text("applyTo")?.unwrap_or_default(),
            operation: patch.map_or(Ok(None), |patch| patch.text("operation"))?.unwrap_or_default(),
            value: patch.map_or(Ok(None), |patch| patch.map("value"))?,
        })
    }

    /// The name of the filter that its value is, where it names one: `envoy.filters.http.fault`.
    ///
    /// # Errors
    /// Where the name is no string.
    pub fn filter(&self) -> Result<Option<&'t str>, WrongType> {
        self.value.map_or(Ok(None), |value| value.text("name"))
    }

    /// The names of the filters that it looks for: of a network filter and of an HTTP filter within it.
    ///
    /// # Errors
    /// Where something on the way to one has another type than the API gives it.
    pub fn matched_filters(&self) -> Result<impl Iterator<Item = &'t str>, WrongType> {
        let filter = self.node.map_at(&["match", "listener", "filterChain", "filter"])?;
        let within = filter.map_or(Ok(None), |filter| filter.map("subFilter"))?;
        let name = |node: Option<Node<'t>>| node.map_or(Ok(None), |node| node.text("name"));
        Ok([name(filter)?, name(within)?].into_iter().flatten())
    }
}

#[cfg(test)]
mod tests {
    use serde_json::{Value, json};

    use super::*;
    use crate::object::read_json;

    fn read(spec: &Value) -> Result<Vec<String>, String> {
        let text = json!({"spec": spec}).to_string();
        let tree = read_json(&text).unwrap();
        let line = |patch: EnvoyPatch<'_>| {
            let matched = patch.matched_filters()?.collect::<Vec<_>>().join("+");
            Ok(format!("{} {} {} {matched}", patch.apply_to, patch.operation, patch.filter()?.unwrap_or("-")))
        };
        let found = envoy_patches(tree.root()).and_then(|patches| patches.into_iter().map(line).collect());
        found.map_err(|error: WrongType| error.to_string())
    }

    #[test]
    fn says_what_is_patched_and_where() {
        let spec = json!({"configPatches": [
            {
                "applyTo": "HTTP_FILTER",
                "match": {"listener": {"filterChain": {"filter": {"name": "hcm", "subFilter": {"name": "router"}}}}},
                "patch": {"operation": "INSERT_BEFORE", "value": {"name": "envoy.filters.http.fault"}},
            },
            {"applyTo": "CLUSTER", "patch": {"operation": "MERGE", "value": {"x": 1}}},
            {"patch": {"operation": "REMOVE"}, "match": {"listener": {}}},
            {},
        ]});
        let expected =
            ["HTTP_FILTER INSERT_BEFORE envoy.filters.http.fault hcm+router", "CLUSTER MERGE - ", " REMOVE - ", "  - "];
        assert_eq!(read(&spec), Ok(expected.map(str::to_owned).to_vec()));
    }

    #[test]
    fn rejects_other_types() {
        for (patch, path) in [
            (json!(1), ""),
            (json!({"applyTo": 1}), "/applyTo"),
            (json!({"patch": []}), "/patch"),
            (json!({"patch": {"operation": 1}}), "/patch/operation"),
            (json!({"patch": {"value": "x"}}), "/patch/value"),
            (json!({"patch": {"value": {"name": 1}}}), "/patch/value/name"),
            (json!({"match": {"listener": 1}}), "/match/listener"),
        ] {
            let error = read(&json!({"configPatches": [patch]})).unwrap_err();
            assert!(error.starts_with(&format!("`/spec/configPatches/0{path}` ")), "{patch}: {error}");
        }
    }
}
