//! A VirtualService: the hosts and gateways it is for, its routes and where they lead.

use crate::object::{Node, WrongType};

/// A VirtualService.
#[derive(Clone, Debug)]
pub struct VirtualService<'t> {
    /// `hosts`. Without any it is a delegate: another one lends it its hosts and gateways.
    pub hosts: Vec<(Node<'t>, &'t str)>,
    /// `gateways`.
    pub gateways: Vec<(Node<'t>, &'t str)>,
    /// Its routes, those for HTTP first.
    pub routes: Vec<Route<'t>>,
}

/// One of its routes.
#[derive(Clone, Debug)]
pub struct Route<'t> {
    /// The route.
    pub node: Node<'t>,
    /// The list that it stands in.
    pub list: RouteList,
    /// Its name; only those for HTTP can have one.
    pub name: Option<&'t str>,
    /// Where it leads, mirrors last. Empty for a redirect, a direct response and a delegation.
    pub destinations: Vec<Destination<'t>>,
}

/// The list in which a route stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[expect(missing_docs, reason = "Istio's words")]
pub enum RouteList {
    Http,
    Tls,
    Tcp,
}

/// Where a route leads.
#[derive(Clone, Copy, Debug)]
pub struct Destination<'t> {
    /// The destination, which has the host.
    pub node: Node<'t>,
    /// Whether it gets copies of requests, and its answers go nowhere.
    pub is_mirror: bool,
    /// The host, empty where there is none.
    pub host: &'t str,
    /// The subset of the host's DestinationRule.
    pub subset: Option<&'t str>,
    /// The port's number.
    pub port: Option<i64>,
    /// Its share, as it is written. Absent is none, unless there is no other destination.
    pub weight: Option<i64>,
}

impl<'t> VirtualService<'t> {
    /// Reads a VirtualService.
    ///
    /// # Errors
    /// Where a field has another type than the API gives it.
    pub fn of(object: Node<'t>) -> Result<Self, WrongType> {
        let Some(spec) = object.map("spec")? else {
            return Ok(Self { hosts: Vec::new(), gateways: Vec::new(), routes: Vec::new() });
        };
        let mut routes = Vec::new();
        for (key, list) in [("http", RouteList::Http), ("tls", RouteList::Tls), ("tcp", RouteList::Tcp)] {
            for node in spec.maps(key)? {
                routes.push(Route::of(node, list)?);
            }
        }
        Ok(Self { hosts: spec.texts("hosts")?, gateways: spec.texts("gateways")?, routes })
    }

    /// Whether others delegate to it: it has no hosts, and rules about hosts and gateways have nothing to say.
    #[must_use]
    pub fn is_delegate(&self) -> bool {
        self.hosts.is_empty()
    }

    /// Whether sidecars follow it: it names no gateway, or `mesh` among them.
    ///
    /// A match that names gateways of its own can narrow that for its route, and never widen it.
    #[must_use]
    pub fn binds_mesh(&self) -> bool {
        self.gateways.is_empty() || self.gateways.iter().any(|(_, gateway)| *gateway == "mesh")
    }
}

impl<'t> Route<'t> {
    fn of(node: Node<'t>, list: RouteList) -> Result<Self, WrongType> {
        let mut destinations = Vec::new();
        for share in node.maps("route")? {
            let weight = share.integer("weight")?;
            destinations.extend(Destination::of(share.map("destination")?, weight, false)?);
        }
        if list == RouteList::Http {
            destinations.extend(Destination::of(node.map("mirror")?, None, true)?);
            for mirror in node.maps("mirrors")? {
                destinations.extend(Destination::of(mirror.map("destination")?, None, true)?);
            }
        }
        Ok(Self { node, list, name: node.text("name")?.filter(|name| !name.is_empty()), destinations })
    }

    /// What findings call it: `http route checkout`, `tcp route`.
    #[must_use]
    pub fn subject(&self) -> String {
        let list = match self.list {
            RouteList::Http => "http route",
            RouteList::Tls => "tls route",
            RouteList::Tcp => "tcp route",
        };
        self.name.map_or_else(|| list.to_owned(), |name| format!("{list} {name}"))
    }

    /// Where its traffic is split to: its destinations without mirrors.
    pub fn shares(&self) -> impl Iterator<Item = &Destination<'t>> {
        self.destinations.iter().filter(|destination| !destination.is_mirror)
    }
}

impl<'t> Destination<'t> {
    fn of(node: Option<Node<'t>>, weight: Option<i64>, is_mirror: bool) -> Result<Option<Self>, WrongType> {
        let Some(node) = node else { return Ok(None) };
        let port = node.map("port")?.map_or(Ok(None), |port| port.integer("number"))?;
        let host = node.text("host")?.unwrap_or_default();
        let subset = node.text("subset")?.filter(|subset| !subset.is_empty());
        Ok(Some(Self { node, is_mirror, host, subset, port, weight }))
    }

    /// What findings call it: `destination reviews/v2`.
    #[must_use]
    pub fn subject(&self) -> String {
        let word = if self.is_mirror { "mirror" } else { "destination" };
        match self.subset {
            Some(subset) => format!("{word} {}/{subset}", self.host),
            None => format!("{word} {}", self.host),
        }
    }
}

/// A Gateway as a VirtualService names it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum GatewayRef<'a> {
    /// `mesh`: every sidecar.
    Mesh,
    /// A Gateway.
    Named {
        /// Its namespace.
        namespace: &'a str,
        /// Its name.
        name: &'a str,
        /// Whether it is written as a host (`name.namespace.svc.cluster.local`), as nobody should any more.
        legacy: bool,
    },
}

impl<'a> GatewayRef<'a> {
    /// Reads `mesh`, `name`, `namespace/name`, `./name` or a host, in a VirtualService of that namespace.
    ///
    /// `resolveGatewayName` of <https://github.com/istio/istio/blob/master/pilot/pkg/model/config.go>
    #[must_use]
    pub fn parse(text: &'a str, own: &'a str) -> Self {
        let named = |namespace, name, legacy| Self::Named { namespace, name, legacy };
        match (text, text.split_once('/'), text.split_once('.')) {
            ("mesh", ..) => Self::Mesh,
            (_, Some((".", name)), _) => named(own, name, false),
            (_, Some((namespace, name)), _) => named(namespace, name, false),
            (_, None, Some((name, rest))) => named(rest.split('.').next().unwrap_or(rest), name, true),
            (_, None, None) => named(own, text, false),
        }
    }
}

#[cfg(test)]
mod tests {
    use serde_json::{Value, json};

    use super::*;
    use crate::object::read_json;

    fn read<T>(spec: &Value, look: impl Fn(&VirtualService<'_>) -> T) -> Result<T, String> {
        let text = json!({"spec": spec}).to_string();
        let tree = read_json(&text).unwrap();
        VirtualService::of(tree.root()).map(|found| look(&found)).map_err(|error| error.to_string())
    }

    #[test]
    fn every_destination_is_found_with_its_place() {
        let to = |host: &str| json!({"host": host});
        let spec = json!({
            "tcp": [{"route": [{"destination": to("f"), "weight": 5}]}],
            "http": [
                {
                    "name": "main",
                    "route": [
                        {"destination": {"host": "a", "subset": "v1", "port": {"number": 80}}, "weight": 90},
                        {"destination": to("b")},
                    ],
                    "mirror": to("c"),
                    "mirrors": [{"destination": to("d")}, {"percentage": {"value": 1}}],
                },
                {"redirect": {"uri": "/x"}, "route": null},
                {"delegate": {"name": "x"}},
            ],
            "tls": [{"name": "", "route": [{"destination": to("e")}, {}]}],
        });
        let found = read(&spec, |found| {
            let destinations = found.routes.iter().flat_map(|route| {
                let line = |to: &Destination<'_>| {
                    format!("{} {} {} {:?} {:?}", to.node.pointer(), route.subject(), to.subject(), to.port, to.weight)
                };
                route.destinations.iter().map(line).collect::<Vec<_>>()
            });
            (destinations.collect::<Vec<_>>(), found.routes.len(), found.routes[0].shares().count())
        });
        let expected = [
            "/spec/http/0/route/0/destination http route main destination a/v1 Some(80) Some(90)",
            "/spec/http/0/route/1/destination http route main destination b None None",
            "/spec/http/0/mirror http route main mirror c None None",
            "/spec/http/0/mirrors/0/destination http route main mirror d None None",
            "/spec/tls/0/route/0/destination tls route destination e None None",
            "/spec/tcp/0/route/0/destination tcp route destination f None Some(5)",
        ];
        assert_eq!(found, Ok((expected.map(str::to_owned).to_vec(), 5, 2)));
    }

    #[test]
    fn hosts_and_gateways_say_whom_it_is_for() {
        for (spec, delegate, mesh) in [
            (json!({}), true, true),
            (json!(null), true, true),
            (json!({"hosts": ["a"]}), false, true),
            (json!({"hosts": ["a"], "gateways": []}), false, true),
            (json!({"hosts": ["a"], "gateways": ["mesh"]}), false, true),
            (json!({"hosts": ["a"], "gateways": ["gw", "mesh"]}), false, true),
            (json!({"hosts": ["a"], "gateways": ["gw"]}), false, false),
            (json!({"hosts": [], "gateways": ["ns/mesh"]}), true, false),
        ] {
            assert_eq!(read(&spec, |found| (found.is_delegate(), found.binds_mesh())), Ok((delegate, mesh)), "{spec}");
        }
    }

    #[test]
    fn reads_names_of_gateways() {
        for (text, namespace, name, legacy) in [
            ("gw", "shop", "gw", false),
            ("./gw", "shop", "gw", false),
            ("edge/gw", "edge", "gw", false),
            ("edge/gw.x", "edge", "gw.x", false),
            ("gw.edge", "edge", "gw", true),
            ("gw.edge.svc.cluster.local", "edge", "gw", true),
            ("edge/mesh", "edge", "mesh", false),
            ("", "shop", "", false),
        ] {
            assert_eq!(GatewayRef::parse(text, "shop"), GatewayRef::Named { namespace, name, legacy }, "{text}");
        }
        assert_eq!(GatewayRef::parse("mesh", "shop"), GatewayRef::Mesh);
    }

    #[test]
    fn rejects_other_types() {
        for (spec, path) in [
            (json!({"hosts": "a"}), "/spec/hosts"),
            (json!({"gateways": [1]}), "/spec/gateways/0"),
            (json!({"http": {}}), "/spec/http"),
            (json!({"http": [null]}), "/spec/http/0"),
            (json!({"http": [{"name": 1}]}), "/spec/http/0/name"),
            (json!({"http": [{"route": [1]}]}), "/spec/http/0/route/0"),
            (json!({"http": [{"route": [{"weight": "9"}]}]}), "/spec/http/0/route/0/weight"),
            (json!({"http": [{"route": [{"destination": "a"}]}]}), "/spec/http/0/route/0/destination"),
            (json!({"tcp": [{"route": [{"destination": {"host": 1}}]}]}), "/spec/tcp/0/route/0/destination/host"),
            (json!({"tls": [{"route": [{"destination": {"port": 1}}]}]}), "/spec/tls/0/route/0/destination/port"),
            (json!({"http": [{"mirror": []}]}), "/spec/http/0/mirror"),
            (json!({"http": [{"mirrors": {}}]}), "/spec/http/0/mirrors"),
        ] {
            assert!(read(&spec, |_| ()).unwrap_err().starts_with(&format!("`{path}` ")), "{spec}");
        }
    }
}
