//! Routes of Gateway API: what they attach to and where they lead.

use super::GroupKind;
use crate::object::{Node, WrongType};

/// The group of Gateway API.
const GROUP: &str = "gateway.networking.k8s.io";

/// Kinds of routes.
pub const ROUTES: [GroupKind; 5] = [
    GroupKind { group: GROUP, kind: "GRPCRoute" },
    GroupKind { group: GROUP, kind: "HTTPRoute" },
    GroupKind { group: GROUP, kind: "TCPRoute" },
    GroupKind { group: GROUP, kind: "TLSRoute" },
    GroupKind { group: GROUP, kind: "UDPRoute" },
];

/// One of a route's rules.
#[derive(Clone, Debug)]
pub struct RouteRule<'t> {
    /// The rule.
    pub node: Node<'t>,
    /// Its name.
    pub name: Option<&'t str>,
    /// Where it leads, mirrors last.
    pub backends: Vec<Backend<'t>>,
}

/// What a route refers to in another object: a parent or a backend.
#[derive(Clone, Copy, Debug)]
pub struct Reference<'t> {
    /// The reference.
    pub node: Node<'t>,
    /// API group; empty for core kinds.
    pub group: &'t str,
    /// The kind.
    pub kind: &'t str,
    /// The name, empty where there is none.
    pub name: &'t str,
    /// The namespace where it is another's, or said all the same.
    pub namespace: Option<&'t str>,
    /// The port's number.
    pub port: Option<i64>,
}

/// Where a rule leads.
#[derive(Clone, Copy, Debug)]
pub struct Backend<'t> {
    /// What it refers to.
    pub target: Reference<'t>,
    /// Whether it gets copies of requests, and its answers go nowhere.
    pub is_mirror: bool,
    /// Its share; absent is 1, unlike a VirtualService's.
    pub weight: i64,
}

impl<'t> Reference<'t> {
    fn of(node: Node<'t>, group: &'static str, kind: &'static str) -> Result<Self, WrongType> {
        Ok(Self {
            node,
            group: node.text("group")?.unwrap_or(group),
            kind: node.text("kind")?.unwrap_or(kind),
            name: node.text("name")?.unwrap_or_default(),
            namespace: node.text("namespace")?,
            port: node.integer("port")?,
        })
    }

    /// Whether it leads out of the route's own namespace.
    #[must_use]
    pub fn leaves(&self, own: &str) -> bool {
        self.namespace.is_some_and(|namespace| namespace != own)
    }

    /// Whether it is a Gateway, or one by its ListenerSet.
    #[must_use]
    pub fn is_gateway(&self) -> bool {
        matches!(self.kind, "Gateway" | "ListenerSet" | "XListenerSet")
    }

    /// What findings call it: `Service reviews`, `Service prod/reviews`.
    #[must_use]
    pub fn subject(&self) -> String {
        let Self { kind, name, namespace, .. } = self;
        namespace.map_or_else(|| format!("{kind} {name}"), |namespace| format!("{kind} {namespace}/{name}"))
    }
}

/// What a route attaches to: Gateways or, for traffic within the mesh, Services. Of a ListenerSet its Gateway.
///
/// # Errors
/// Where a field has another type than the API gives it.
pub fn parents(object: Node<'_>) -> Result<Vec<Reference<'_>>, WrongType> {
    let Some(spec) = object.map("spec")? else { return Ok(Vec::new()) };
    let parents = spec.maps("parentRefs")?.into_iter().chain(spec.map("parentRef")?);
    parents.map(|node| Reference::of(node, GROUP, "Gateway")).collect()
}

/// The rules of a route.
///
/// <https://gateway-api.sigs.k8s.io/reference/spec/#httprouterule>
///
/// # Errors
/// Where a field has another type than the API gives it.
pub fn route_rules(object: Node<'_>) -> Result<Vec<RouteRule<'_>>, WrongType> {
    let Some(spec) = object.map("spec")? else { return Ok(Vec::new()) };
    spec.maps("rules")?.into_iter().map(RouteRule::of).collect()
}

impl<'t> RouteRule<'t> {
    fn of(node: Node<'t>) -> Result<Self, WrongType> {
        let (mut backends, mut mirrors) = (Vec::new(), mirrors(node)?);
        for backend in node.maps("backendRefs")? {
            let weight = backend.integer("weight")?.unwrap_or(1);
            backends.push(Backend { target: Reference::of(backend, "", "Service")?, is_mirror: false, weight });
            mirrors.extend(self::mirrors(backend)?);
        }
        backends.append(&mut mirrors);
        Ok(Self { node, name: node.text("name")?, backends })
    }

    /// What findings call it: `rule checkout`.
    #[must_use]
    pub fn subject(&self) -> String {
        self.name.map_or_else(|| "rule".to_owned(), |name| format!("rule {name}"))
    }
}

/// The mirrors among the filters of a rule or of a backend.
fn mirrors(node: Node<'_>) -> Result<Vec<Backend<'_>>, WrongType> {
    let mut found = Vec::new();
    for filter in node.maps("filters")? {
        if let Some(backend) = filter.map_at(&["requestMirror", "backendRef"])? {
            found.push(Backend { target: Reference::of(backend, "", "Service")?, is_mirror: true, weight: 1 });
        }
    }
    Ok(found)
}

#[cfg(test)]
mod tests {
    use serde_json::{Value, json};

    use super::*;
    use crate::object::read_json;

    #[test]
    fn finds_every_backend() {
        let mirror = |name: &str| json!([{"type": "RequestMirror", "requestMirror": {"backendRef": {"name": name}}}]);
        let text = json!({"spec": {"rules": [
            {
                "name": "main",
                "filters": mirror("c"),
                "backendRefs": [
                    {"name": "a", "port": 80},
                    {"name": "b", "namespace": "prod", "weight": 0, "filters": mirror("d")},
                    {"name": "g", "group": "networking.istio.io", "kind": "Hostname", "namespace": "shop"},
                ],
            },
            {"filters": [{"type": "RequestRedirect"}]},
        ]}})
        .to_string();
        let tree = read_json(&text).unwrap();
        let rules = route_rules(tree.root()).unwrap();
        let line = |Backend { target, is_mirror, weight }: &Backend<'_>| {
            format!("{} {} {is_mirror} {weight} {}", target.node.pointer(), target.subject(), target.leaves("shop"))
        };
        let found: Vec<_> = rules.iter().flat_map(|rule| rule.backends.iter().map(line)).collect();
        let expected = [
            "/spec/rules/0/backendRefs/0 Service a false 1 false",
            "/spec/rules/0/backendRefs/1 Service prod/b false 0 true",
            "/spec/rules/0/backendRefs/2 Hostname shop/g false 1 false",
            "/spec/rules/0/filters/0/requestMirror/backendRef Service c true 1 false",
            "/spec/rules/0/backendRefs/1/filters/0/requestMirror/backendRef Service d true 1 false",
        ];
        assert_eq!(found, expected);
        assert_eq!(rules.iter().map(RouteRule::subject).collect::<Vec<_>>(), ["rule main", "rule"]);
    }

    #[test]
    fn a_parent_is_a_gateway_unless_it_says_otherwise() {
        let text = json!({"spec": {"parentRefs": [
            {"name": "edge", "namespace": "istio-ingress"},
            {"name": "reviews", "group": "", "kind": "Service", "port": 80},
        ]}})
        .to_string();
        let tree = read_json(&text).unwrap();
        let parents = parents(tree.root()).unwrap();
        let found: Vec<_> =
            parents.iter().map(|parent| (parent.group, parent.kind, parent.name, parent.port)).collect();
        assert_eq!(found, [(GROUP, "Gateway", "edge", None), ("", "Service", "reviews", Some(80))]);
    }

    #[test]
    fn rejects_other_types() {
        let read = |spec: &Value| {
            let text = json!({"spec": spec}).to_string();
            let tree = read_json(&text).unwrap();
            parents(tree.root()).and_then(|_| route_rules(tree.root()).map(|_| ())).map_err(|error| error.to_string())
        };
        assert_eq!(read(&json!({})), Ok(()));
        assert_eq!(read(&json!({"rules": [{"backendRefs": null}]})), Ok(()));
        for (spec, path) in [
            (json!({"parentRefs": {}}), "/spec/parentRefs"),
            (json!({"parentRefs": [{"kind": 1}]}), "/spec/parentRefs/0/kind"),
            (json!({"rules": [1]}), "/spec/rules/0"),
            (json!({"rules": [{"backendRefs": [{"weight": "1"}]}]}), "/spec/rules/0/backendRefs/0/weight"),
            (json!({"rules": [{"backendRefs": [{"port": "http"}]}]}), "/spec/rules/0/backendRefs/0/port"),
            (json!({"rules": [{"filters": [{"requestMirror": 1}]}]}), "/spec/rules/0/filters/0/requestMirror"),
        ] {
            assert!(read(&spec).unwrap_err().starts_with(&format!("`{path}` ")), "{spec}");
        }
    }
}
