//! A DestinationRule's traffic policies: all places where one may stand.

use crate::object::{Node, WrongType};

/// A traffic policy: the rule's own, a subset's, or that of a port of either.
///
/// What a port's says replaces what the one around it says, and inherits nothing of it:
/// <https://istio.io/latest/docs/reference/config/networking/destination-rule/#TrafficPolicy>.
#[derive(Clone, Copy, Debug)]
pub struct TrafficPolicy<'t> {
    /// The policy: a `trafficPolicy`, or an entry of `portLevelSettings`.
    pub node: Node<'t>,
    /// The name of the subset, where it is one's.
    pub subset: Option<&'t str>,
    /// Whether it is a port's, and the port's number where it says one.
    pub port: Option<Option<i64>>,
}

/// How a client speaks TLS.
#[derive(Clone, Copy, Debug)]
pub struct ClientTls<'t> {
    /// The settings.
    pub node: Node<'t>,
    /// The mode, in Istio's words. Absent is `DISABLE`, as no mode is the first of the enum; that there are no settings
    /// at all is something else: Istio's own mTLS.
    pub mode: &'t str,
}

/// All traffic policies of a DestinationRule, each with what stands around it first.
///
/// # Errors
/// Where a field has another type than the API gives it.
pub fn traffic_policies(object: Node<'_>) -> Result<Vec<TrafficPolicy<'_>>, WrongType> {
    let Some(spec) = object.map("spec")? else { return Ok(Vec::new()) };
    let mut found = with_ports(spec, None)?;
    for subset in spec.maps("subsets")? {
        found.extend(with_ports(subset, Some(subset.text("name")?.unwrap_or_default()))?);
    }
    Ok(found)
}

fn with_ports<'t>(of: Node<'t>, subset: Option<&'t str>) -> Result<Vec<TrafficPolicy<'t>>, WrongType> {
    let Some(node) = of.map("trafficPolicy")? else { return Ok(Vec::new()) };
    let mut found = vec![TrafficPolicy { node, subset, port: None }];
    for node in node.maps("portLevelSettings")? {
        let number = node.map("port")?.map_or(Ok(None), |port| port.integer("number"))?;
        found.push(TrafficPolicy { node, subset, port: Some(number) });
    }
    Ok(found)
}

impl<'t> TrafficPolicy<'t> {
    /// What findings call it: `trafficPolicy`, `subset v1`, `subset v1 port 80`.
    #[must_use]
    pub fn subject(&self) -> String {
        let around = self.subset.map_or_else(|| "trafficPolicy".to_owned(), |subset| format!("subset {subset}"));
        match self.port {
            None => around,
            Some(None) => format!("{around} port"),
            Some(Some(number)) => format!("{around} port {number}"),
        }
    }

    /// Its TLS settings, where it has any.
    ///
    /// # Errors
    /// Where they are no map, or the mode is no string.
    pub fn tls(&self) -> Result<Option<ClientTls<'t>>, WrongType> {
        let Some(node) = self.node.map("tls")? else { return Ok(None) };
        Ok(Some(ClientTls { node, mode: node.text("mode")?.unwrap_or("DISABLE") }))
    }
}

#[cfg(test)]
mod tests {
    use serde_json::{Value, json};

    use super::*;
    use crate::object::read_json;

    fn modes(spec: &Value) -> Result<Vec<String>, String> {
        let text = json!({"spec": spec}).to_string();
        let tree = read_json(&text).unwrap();
        let line = |policy: TrafficPolicy<'_>| {
            let tls = policy.tls()?.map(|tls| format!("{} {}", tls.mode, tls.node.pointer()));
            Ok(format!("{}: {}", policy.subject(), tls.unwrap_or_default()))
        };
        let found = traffic_policies(tree.root()).and_then(|found| found.into_iter().map(line).collect());
        found.map_err(|error: WrongType| error.to_string())
    }

    #[test]
    fn tls_may_stand_in_four_places() {
        let policy = |mode: &str| {
            json!({
                "tls": {"mode": mode},
                "portLevelSettings": [{"port": {"number": 80}, "tls": {}}, {"tls": null}, {"port": {"number": 81}}],
            })
        };
        let spec = json!({
            "trafficPolicy": policy("SIMPLE"),
            "subsets": [{"name": "v1", "trafficPolicy": policy("MUTUAL")}, {"name": "v2"}, {"trafficPolicy": {}}],
        });
        let expected = [
            "trafficPolicy: SIMPLE /spec/trafficPolicy/tls",
            "trafficPolicy port 80: DISABLE /spec/trafficPolicy/portLevelSettings/0/tls",
            "trafficPolicy port: ",
            "trafficPolicy port 81: ",
            "subset v1: MUTUAL /spec/subsets/0/trafficPolicy/tls",
            "subset v1 port 80: DISABLE /spec/subsets/0/trafficPolicy/portLevelSettings/0/tls",
            "subset v1 port: ",
            "subset v1 port 81: ",
            "subset : ",
        ];
        assert_eq!(modes(&spec), Ok(expected.map(str::to_owned).to_vec()));
        for none in [json!(null), json!({}), json!({"trafficPolicy": null, "subsets": null})] {
            assert_eq!(modes(&none), Ok(Vec::new()), "{none}");
        }
    }

    #[test]
    fn rejects_other_types() {
        for (spec, path) in [
            (json!({"trafficPolicy": []}), "/spec/trafficPolicy"),
            (json!({"trafficPolicy": {"tls": "x"}}), "/spec/trafficPolicy/tls"),
            (json!({"trafficPolicy": {"tls": {"mode": 1}}}), "/spec/trafficPolicy/tls/mode"),
            (json!({"trafficPolicy": {"portLevelSettings": {}}}), "/spec/trafficPolicy/portLevelSettings"),
            (
                json!({"trafficPolicy": {"portLevelSettings": [{"port": 80}]}}),
                "/spec/trafficPolicy/portLevelSettings/0/port",
            ),
            (json!({"subsets": {}}), "/spec/subsets"),
            (json!({"subsets": [{"name": 1}]}), "/spec/subsets/0/name"),
            (json!({"subsets": [{"trafficPolicy": 1}]}), "/spec/subsets/0/trafficPolicy"),
        ] {
            assert!(modes(&spec).unwrap_err().starts_with(&format!("`{path}` ")), "{spec}");
        }
    }
}
