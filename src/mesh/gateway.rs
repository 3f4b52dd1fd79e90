//! What gateways listen for: servers of Istio's Gateway, listeners of Gateway API's.

use super::{GroupKind, IstioPort, Protocol};
use crate::object::{Node, WrongType};

/// Versions of TLS that nothing should speak any more, in Istio's words.
pub const WEAK_TLS: [&str; 2] = ["TLSV1_0", "TLSV1_1"];

/// A server of Istio's Gateway.
#[derive(Clone, Debug)]
pub struct Server<'t> {
    /// The server.
    pub node: Node<'t>,
    /// Its name.
    pub name: Option<&'t str>,
    /// Its port, where it has one: Istio refuses a server without.
    pub port: Option<IstioPort<'t>>,
    /// Its hosts as they are written; [`super::ScopedHost`] reads them.
    pub hosts: Vec<(Node<'t>, &'t str)>,
    /// Its TLS settings.
    pub tls: Option<ServerTls<'t>>,
}

/// How a server speaks TLS.
#[derive(Clone, Copy, Debug)]
pub struct ServerTls<'t> {
    /// The settings.
    pub node: Node<'t>,
    /// The mode, in Istio's words. Absent is `PASSTHROUGH`, as no mode is the first of the enum: its certificates count
    /// for nothing.
    pub mode: &'t str,
    /// Whether plain HTTP is answered with a redirect.
    pub https_redirect: bool,
}

/// The servers of Istio's Gateway.
///
/// # Errors
/// Where a field has another type than the API gives it.
pub fn servers(object: Node<'_>) -> Result<Vec<Server<'_>>, WrongType> {
    let Some(spec) = object.map("spec")? else { return Ok(Vec::new()) };
    spec.maps("servers")?.into_iter().map(Server::of).collect()
}

impl<'t> Server<'t> {
    fn of(node: Node<'t>) -> Result<Self, WrongType> {
        Ok(Self {
            node,
            name: node.text("name")?.filter(|name| !name.is_empty()),
            port: node.map("port")?.map(IstioPort::of).transpose()?,
            hosts: node.texts("hosts")?,
            tls: node.map("tls")?.map(ServerTls::of).transpose()?,
        })
    }

    /// The protocol that Istio takes it for; none where it knows none.
    #[must_use]
    pub fn protocol(&self) -> Option<Protocol> {
        self.port.and_then(|port| port.parsed())
    }

    /// Whether TLS goes through to what stands behind it.
    #[must_use]
    pub fn passes_through(&self) -> bool {
        self.tls.is_some_and(|tls| matches!(tls.mode, "PASSTHROUGH" | "AUTO_PASSTHROUGH"))
    }

    /// What findings call it: `server public`, `server port https`.
    #[must_use]
    pub fn subject(&self) -> String {
        match (self.name, self.port) {
            (Some(name), _) => format!("server {name}"),
            (None, Some(port)) => format!("server {}", port.subject()),
            (None, None) => "server".to_owned(),
        }
    }
}

impl<'t> ServerTls<'t> {
    /// Reads the settings of a server, or of a Sidecar's ingress listener.
    ///
    /// # Errors
    /// Where a field has another type than the API gives it.
    pub fn of(node: Node<'t>) -> Result<Self, WrongType> {
        let mode = node.text("mode")?.unwrap_or("PASSTHROUGH");
        Ok(Self { node, mode, https_redirect: node.boolean("httpsRedirect")?.unwrap_or_default() })
    }
}

/// The kinds that open ports of gateways, with [`servers`] or [`listeners`].
pub const GATEWAYS: [GroupKind; 4] = [
    GroupKind { group: "networking.istio.io", kind: "Gateway" },
    GroupKind { group: "gateway.networking.k8s.io", kind: "Gateway" },
    GroupKind { group: "gateway.networking.k8s.io", kind: "ListenerSet" },
    GroupKind { group: "gateway.networking.x-k8s.io", kind: "XListenerSet" },
];

/// A listener of Gateway API's Gateway or ListenerSet.
#[derive(Clone, Copy, Debug)]
pub struct Listener<'t> {
    /// The listener.
    pub node: Node<'t>,
    /// Its name, empty where it has none.
    pub name: &'t str,
    /// The host that it is for; none where it is for all, the empty one included.
    pub hostname: Option<&'t str>,
    /// Its port's number.
    pub port: Option<i64>,
    /// Its protocol: `HTTP`, `HTTPS`, `TLS`, `TCP`, `UDP`, or an implementation's own.
    pub protocol: &'t str,
    /// Its TLS settings.
    pub tls: Option<Node<'t>>,
    /// Whether TLS ends at it, where there are TLS settings: `Terminate`, which absent is too, or `Passthrough`.
    pub tls_mode: &'t str,
    /// From which namespaces routes may attach: `Same`, which absent is too, `All`, which a `Selector` without
    /// requirements is too, `Selector` or `None`.
    pub routes_from: &'t str,
}

/// The listeners of Gateway API's Gateway or ListenerSet.
///
/// <https://gateway-api.sigs.k8s.io/reference/spec/#listener>
///
/// # Errors
/// Where a field has another type than the API gives it.
pub fn listeners(object: Node<'_>) -> Result<Vec<Listener<'_>>, WrongType> {
    let Some(spec) = object.map("spec")? else { return Ok(Vec::new()) };
    spec.maps("listeners")?.into_iter().map(Listener::of).collect()
}

impl<'t> Listener<'t> {
    fn of(node: Node<'t>) -> Result<Self, WrongType> {
        let tls = node.map("tls")?;
        let namespaces = node.map_at(&["allowedRoutes", "namespaces"])?;
        let from = namespaces.map_or(Ok(None), |namespaces| namespaces.text("from"))?;
        let selector = namespaces.map_or(Ok(None), |namespaces| namespaces.map("selector"))?;
        Ok(Self {
            node,
            name: node.text("name")?.unwrap_or_default(),
            hostname: node.text("hostname")?.filter(|host| !host.is_empty()),
            port: node.integer("port")?,
            protocol: node.text("protocol")?.unwrap_or_default(),
            tls,
            tls_mode: tls.map_or(Ok(None), |tls| tls.text("mode"))?.unwrap_or("Terminate"),
            routes_from: match from.unwrap_or("Same") {
                "Selector" if selector.map_or(Ok(false), selects_all)? => "All",
                from => from,
            },
        })
    }

    /// What findings call it: `listener https`.
    #[must_use]
    pub fn subject(&self) -> String {
        format!("listener {}", self.name)
    }
}

/// Whether a label selector selects whatever there is: one without requirements. None at all selects nothing.
fn selects_all(selector: Node<'_>) -> Result<bool, WrongType> {
    let labels = selector.map("matchLabels")?.is_some_and(|labels| labels.members().next().is_some());
    Ok(!labels && selector.maps("matchExpressions")?.is_empty())
}

/// Whether a Gateway of Gateway API is Istio's own inside: a waypoint or an east-west gateway, or only stands for one
/// elsewhere. Rules about what is let in from outside do not concern it.
///
/// <https://github.com/istio/istio/blob/master/pkg/config/constants/constants.go> (`WaypointGatewayClassName` and others)
///
/// # Errors
/// Where the class is no string.
pub fn is_internal_gateway(object: Node<'_>) -> Result<bool, WrongType> {
    let class = object.map("spec")?.map_or(Ok(None), |spec| spec.text("gatewayClassName"))?;
    Ok(class.is_some_and(|class| ["istio-waypoint", "istio-east-west", "istio-remote"].contains(&class)))
}

#[cfg(test)]
mod tests {
    use serde_json::{Value, json};

    use super::*;
    use crate::object::read_json;

    fn read<T>(spec: &Value, look: impl Fn(Node<'_>) -> Result<T, WrongType>) -> Result<T, String> {
        let text = json!({"spec": spec}).to_string();
        look(read_json(&text).unwrap().root()).map_err(|error| error.to_string())
    }

    #[test]
    fn reads_servers() {
        let spec = json!({"servers": [
            {"name": "public", "port": {"number": 443, "name": "https", "protocol": "Https"}, "hosts": ["*/a.com"],
             "tls": {"mode": "SIMPLE"}},
            {"port": {"number": 80, "name": "http", "protocol": "HTTP"}, "tls": {"httpsRedirect": true}},
            {"port": {"number": 15443, "protocol": "TLS"}, "tls": {"mode": "AUTO_PASSTHROUGH"}},
            {"port": {"protocol": "FOO"}, "tls": null},
            {},
        ]});
        let line = |server: &Server<'_>| {
            let tls = server.tls.map(|tls| (tls.mode.to_owned(), tls.https_redirect));
            (server.subject(), server.protocol(), server.passes_through(), tls)
        };
        let tls = |mode: &str, redirect| Some((mode.to_owned(), redirect));
        let expected = vec![
            ("server public".to_owned(), Some(Protocol::Https), false, tls("SIMPLE", false)),
            ("server port http".to_owned(), Some(Protocol::Http), true, tls("PASSTHROUGH", true)),
            ("server port 15443".to_owned(), Some(Protocol::Tls), true, tls("AUTO_PASSTHROUGH", false)),
            ("server port".to_owned(), None, false, None),
            ("server".to_owned(), None, false, None),
        ];
        assert_eq!(read(&spec, |object| Ok(servers(object)?.iter().map(line).collect())), Ok(expected));
        assert_eq!(read(&spec, |object| Ok(servers(object)?[0].hosts[0].1.to_owned())), Ok("*/a.com".to_owned()));
        assert_eq!(read(&json!(null), |object| Ok(servers(object)?.len())), Ok(0));
    }

    #[test]
    fn reads_listeners() {
        let spec = json!({"listeners": [
            {"name": "https", "hostname": "*.a.com", "port": 443, "protocol": "HTTPS", "tls": {},
             "allowedRoutes": {"namespaces": {"from": "All"}}},
            {"name": "tls", "hostname": "", "protocol": "TLS", "tls": {"mode": "Passthrough"}, "allowedRoutes": {}},
            {},
        ]});
        let line = |found: &Listener<'_>| {
            let host = found.hostname.unwrap_or("-");
            let Listener { port, protocol, tls_mode, routes_from, .. } = found;
            format!("{} {host} {port:?} {protocol} {} {tls_mode} {routes_from}", found.subject(), found.tls.is_some())
        };
        let expected = [
            "listener https *.a.com Some(443) HTTPS true Terminate All",
            "listener tls - None TLS true Passthrough Same",
            "listener  - None  false Terminate Same",
        ];
        let found = read(&spec, |object| Ok(listeners(object)?.iter().map(line).collect()));
        assert_eq!(found, Ok(expected.map(str::to_owned).to_vec()));
    }

    #[test]
    fn knows_gateways_of_the_inside() {
        for (class, internal) in
            [("istio", false), ("istio-waypoint", true), ("istio-east-west", true), ("istio-remote", true), ("", false)]
        {
            assert_eq!(read(&json!({"gatewayClassName": class}), is_internal_gateway), Ok(internal), "{class}");
        }
        assert_eq!(read(&json!({}), is_internal_gateway), Ok(false));
        assert!(read(&json!({"gatewayClassName": 1}), is_internal_gateway).is_err());
    }

    #[test]
    fn rejects_other_types() {
        for (spec, path) in [
            (json!({"servers": {}}), "/spec/servers"),
            (json!({"servers": [1]}), "/spec/servers/0"),
            (json!({"servers": [{"port": 80}]}), "/spec/servers/0/port"),
            (json!({"servers": [{"port": {"number": "80"}}]}), "/spec/servers/0/port/number"),
            (json!({"servers": [{"hosts": "*"}]}), "/spec/servers/0/hosts"),
            (json!({"servers": [{"tls": {"mode": 1}}]}), "/spec/servers/0/tls/mode"),
            (json!({"servers": [{"tls": {"httpsRedirect": "true"}}]}), "/spec/servers/0/tls/httpsRedirect"),
            (json!({"listeners": [1]}), "/spec/listeners/0"),
            (json!({"listeners": [{"hostname": 1}]}), "/spec/listeners/0/hostname"),
            (json!({"listeners": [{"tls": 1}]}), "/spec/listeners/0/tls"),
            (
                json!({"listeners": [{"allowedRoutes": {"namespaces": []}}]}),
                "/spec/listeners/0/allowedRoutes/namespaces",
            ),
        ] {
            let error = read(&spec, |object| servers(object).and_then(|_| listeners(object)).map(|_| ())).unwrap_err();
            assert!(error.starts_with(&format!("`{path}` ")), "{spec}: {error}");
        }
    }
}
