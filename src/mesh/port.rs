//! Ports and the protocols that Istio takes them for.

use crate::object::{Node, WrongType};

/// A protocol that Istio knows.
///
/// <https://istio.io/latest/docs/ops/configuration/traffic-management/protocol-selection/>
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[expect(missing_docs, reason = "Istio's words")]
pub enum Protocol {
    Grpc,
    GrpcWeb,
    Http,
    Http2,
    HttpProxy,
    Https,
    Mongo,
    Mysql,
    Redis,
    Tcp,
    Tls,
    Udp,
}

impl Protocol {
    /// All of them, by the words that Istio reads.
    pub const ALL: [(&str, Self); 12] = [
        ("grpc", Self::Grpc),
        ("grpc-web", Self::GrpcWeb),
        ("http", Self::Http),
        ("http2", Self::Http2),
        ("http_proxy", Self::HttpProxy),
        ("https", Self::Https),
        ("mongo", Self::Mongo),
        ("mysql", Self::Mysql),
        ("redis", Self::Redis),
        ("tcp", Self::Tcp),
        ("tls", Self::Tls),
        ("udp", Self::Udp),
    ];

    /// The protocol of that name, whatever its case; none where Istio knows none.
    ///
    /// For `protocol` of Gateways, ServiceEntries and Sidecars, where the whole text counts. `Parse` of
    /// <https://github.com/istio/istio/blob/master/pkg/config/protocol/instance.go>
    #[must_use]
    pub fn parse(text: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|(word, _)| text.eq_ignore_ascii_case(word)).map(|(_, protocol)| protocol)
    }

    /// Whether it is HTTP in the clear, in one of its versions.
    #[must_use]
    pub fn is_http(self) -> bool {
        matches!(self, Self::Http | Self::Http2 | Self::HttpProxy | Self::Grpc | Self::GrpcWeb)
    }

    /// Whether it stands on TLS.
    #[must_use]
    pub fn is_tls(self) -> bool {
        matches!(self, Self::Https | Self::Tls)
    }
}

/// A port of Istio's own kinds: of a Gateway's server, a ServiceEntry, a Sidecar's listener.
#[derive(Clone, Copy, Debug)]
pub struct IstioPort<'t> {
    /// The port.
    pub node: Node<'t>,
    /// Its number.
    pub number: Option<i64>,
    /// Its name.
    pub name: Option<&'t str>,
    /// Its protocol as it is written; [`Protocol::parse`] reads it.
    pub protocol: Option<&'t str>,
}

impl<'t> IstioPort<'t> {
    /// Reads a port.
    ///
    /// # Errors
    /// Where a field has another type than the API gives it.
    pub fn of(node: Node<'t>) -> Result<Self, WrongType> {
        let (number, name) = (node.integer("number")?, node.text("name")?);
        Ok(Self { node, number, name, protocol: node.text("protocol")? })
    }

    /// The protocol that Istio takes it for; none where it knows none.
    #[must_use]
    pub fn parsed(&self) -> Option<Protocol> {
        self.protocol.and_then(Protocol::parse)
    }

    /// What findings call it: its name, else its number.
    #[must_use]
    pub fn subject(&self) -> String {
        subject(self.name, self.number)
    }
}

/// The ports of a ServiceEntry.
///
/// # Errors
/// Where a field has another type than the API gives it.
pub fn service_entry_ports(object: Node<'_>) -> Result<Vec<IstioPort<'_>>, WrongType> {
    let Some(spec) = object.map("spec")? else { return Ok(Vec::new()) };
    spec.maps("ports")?.into_iter().map(IstioPort::of).collect()
}

/// What findings call a port: its name, else its number.
pub(super) fn subject(name: Option<&str>, number: Option<i64>) -> String {
    match (name.filter(|name| !name.is_empty()), number) {
        (Some(name), _) => format!("port {name}"),
        (None, Some(number)) => format!("port {number}"),
        (None, None) => "port".to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::Protocol::{Grpc, Http, Https, Tcp, Tls};
    use super::*;
    use crate::object::read_json;

    #[test]
    fn ports_of_istios_own_kinds_say_their_protocol_whole() {
        let text = json!({"spec": {"ports": [
            {"number": 443, "name": "web", "protocol": "https"},
            {"number": 80, "protocol": "HTTP-x"},
            {"name": "a"},
            {},
        ]}})
        .to_string();
        let tree = read_json(&text).unwrap();
        let found = service_entry_ports(tree.root()).unwrap();
        let found: Vec<_> = found.iter().map(|port| (port.subject(), port.number, port.parsed())).collect();
        let expected = [("web", Some(443), Some(Https)), ("80", Some(80), None), ("a", None, None)];
        for ((subject, number, protocol), found) in expected.into_iter().zip(&found) {
            assert_eq!(*found, (format!("port {subject}"), number, protocol));
        }
        assert_eq!(found[3].0, "port");
        assert!(Https.is_tls() && Tls.is_tls() && !Http.is_tls() && Grpc.is_http() && !Tcp.is_http());
    }

    #[test]
    fn rejects_other_types() {
        for ports in [json!({}), json!([1]), json!([{"number": "80"}]), json!([{"number": 80.5}]), json!([{"name": 1}])]
        {
            let text = json!({"spec": {"ports": ports}}).to_string();
            assert!(service_entry_ports(read_json(&text).unwrap().root()).is_err(), "{ports}");
        }
    }
}
