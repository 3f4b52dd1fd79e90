//! Ports of Kubernetes Services, and the protocols that Istio takes them for.

use super::Protocol;
use super::port::subject;
use crate::object::{Node, WrongType};

/// A port of a Kubernetes Service.
#[derive(Clone, Copy, Debug)]
pub struct ServicePort<'t> {
    /// The port.
    pub node: Node<'t>,
    /// Its number.
    pub number: Option<i64>,
    /// Its name, which may be absent where it is the only one.
    pub name: Option<&'t str>,
    /// What it carries, in so many words. Where present it counts, empty or not, and the name does not.
    pub app_protocol: Option<&'t str>,
    /// `TCP`, `UDP` or `SCTP`.
    pub transport: &'t str,
}

/// Ports that Istio takes for TCP unless told otherwise: SMTP, DNS, MySQL, MongoDB.
const WELL_KNOWN: [i64; 4] = [25, 53, 3306, 27017];

impl<'t> ServicePort<'t> {
    fn of(node: Node<'t>) -> Result<Self, WrongType> {
        Ok(Self {
            node,
            number: node.integer("port")?,
            name: node.text("name")?,
            app_protocol: node.text("appProtocol")?,
            transport: node.text("protocol")?.unwrap_or("TCP"),
        })
    }

    /// The protocol that Istio takes it for; none where it listens first, and guesses.
    ///
    /// A protocol at the start of the name counts, up to the first `-`. `ConvertProtocol` of
    /// <https://github.com/istio/istio/blob/master/pkg/config/kube/conversion.go>
    #[must_use]
    pub fn selected(&self) -> Option<Protocol> {
        match self.transport {
            "UDP" => Some(Protocol::Udp),
            _ => self.declared().or_else(|| {
                let well_known = self.number.is_some_and(|number| WELL_KNOWN.contains(&number));
                well_known.then_some(Protocol::Tcp)
            }),
        }
    }

    /// The protocol that its name or `appProtocol` says.
    fn declared(&self) -> Option<Protocol> {
        let name = match self.app_protocol {
            Some("kubernetes.io/h2c") => return Some(Protocol::Http2),
            Some("kubernetes.io/ws") => return Some(Protocol::Http),
            Some("kubernetes.io/wss") => return Some(Protocol::Https),
            Some(said) => said,
            None => self.name.unwrap_or_default(),
        };
        if name.get(.."grpc-web".len()).is_some_and(|start| start.eq_ignore_ascii_case("grpc-web")) {
            return Some(Protocol::GrpcWeb);
        }
        Protocol::parse(name.split('-').next().unwrap_or_default())
    }

    /// What findings call it: its name, else its number.
    #[must_use]
    pub fn subject(&self) -> String {
        subject(self.name, self.number)
    }
}

/// The ports of a Kubernetes Service.
///
/// # Errors
/// Where a field has another type than the API gives it.
pub fn service_ports(object: Node<'_>) -> Result<Vec<ServicePort<'_>>, WrongType> {
    let Some(spec) = object.map("spec")? else { return Ok(Vec::new()) };
    spec.maps("ports")?.into_iter().map(ServicePort::of).collect()
}

#[cfg(test)]
mod tests {
    use serde_json::{Value, json};

    use super::*;
    use crate::mesh::Protocol::{Grpc, GrpcWeb, Http, Http2, HttpProxy, Https, Mongo, Redis, Tcp, Tls, Udp};
    use crate::object::read_json;

    fn selected(port: &Value) -> Option<Protocol> {
        let text = json!({"spec": {"ports": [port]}}).to_string();
        let tree = read_json(&text).unwrap();
        service_ports(tree.root()).unwrap()[0].selected()
    }

    #[test]
    fn a_name_says_the_protocol_of_a_port() {
        for (name, expected) in [
            ("http", Some(Http)),
            ("HTTP", Some(Http)),
            ("http-", Some(Http)),
            ("http-web-1", Some(Http)),
            ("http2-x", Some(Http2)),
            ("https", Some(Https)),
            ("grpc", Some(Grpc)),
            ("grpc-web", Some(GrpcWeb)),
            ("grpc-web-x", Some(GrpcWeb)),
            ("GRPC-Webx", Some(GrpcWeb)),
            ("grpc-we", Some(Grpc)),
            ("http_proxy-x", Some(HttpProxy)),
            ("tcp-db", Some(Tcp)),
            ("tls", Some(Tls)),
            ("mongo", Some(Mongo)),
            ("redis-x", Some(Redis)),
            ("udp-x", Some(Udp)),
            ("httpfoo", None),
            ("http_web", None),
            ("web", None),
            ("metrics", None),
            ("-http", None),
            ("", None),
            ("grpc-wé", Some(Grpc)),
        ] {
            assert_eq!(selected(&json!({"port": 9000, "name": name})), expected, "{name}");
        }
        assert_eq!(selected(&json!({"port": 9000})), None);
    }

    #[test]
    fn app_protocol_counts_wherever_it_stands() {
        for (said, expected) in [
            ("http2", Some(Http2)),
            ("kubernetes.io/h2c", Some(Http2)),
            ("kubernetes.io/ws", Some(Http)),
            ("kubernetes.io/wss", Some(Https)),
            ("Kubernetes.io/h2c", None),
            ("https-x", Some(Https)),
            ("grpc-webby", Some(GrpcWeb)),
            ("example.com/own", None),
            ("", None),
        ] {
            let port = json!({"port": 9000, "name": "tcp", "appProtocol": said});
            assert_eq!(selected(&port), expected, "{said}");
            let udp = json!({"port": 9000, "name": "tcp", "appProtocol": said, "protocol": "UDP"});
            assert_eq!(selected(&udp), Some(Udp), "{said}");
        }
        // Names alone do not know Kubernetes' words, and `null` is not said.
        assert_eq!(selected(&json!({"port": 9000, "name": "kubernetes.io/h2c"})), None);
        assert_eq!(selected(&json!({"port": 9000, "name": "tcp", "appProtocol": null})), Some(Tcp));
    }

    #[test]
    fn some_ports_are_tcp_unless_they_say_otherwise() {
        for number in [25, 53, 3306, 27017] {
            assert_eq!(selected(&json!({"port": number})), Some(Tcp), "{number}");
            assert_eq!(selected(&json!({"port": number, "appProtocol": ""})), Some(Tcp), "{number}");
            assert_eq!(selected(&json!({"port": number, "name": "http-x"})), Some(Http), "{number}");
        }
        assert_eq!(selected(&json!({"port": 25, "protocol": "SCTP"})), Some(Tcp));
        assert_eq!(selected(&json!({"port": 9000, "protocol": "SCTP"})), None);
    }

    #[test]
    fn rejects_other_types() {
        for ports in [json!({}), json!([1]), json!([{"port": "80"}]), json!([{"port": 80.5}]), json!([{"name": 1}])] {
            let text = json!({"spec": {"ports": ports}}).to_string();
            assert!(service_ports(read_json(&text).unwrap().root()).is_err(), "{ports}");
        }
    }
}
