//! `serviceentry-ports`.

use schemars::JsonSchema;
use serde::Deserialize;

use crate::mesh::{Cidr, GroupKind, Host, IstioPort, Protocol, own_label, service_entry_ports};
use crate::object::{Node, WrongType};
use crate::rule::{CannotJudge, Finding, Findings, Input, Metadata, Rule, Severity, documented};

documented! {
    /// A `ServiceEntry` takes the traffic of its hosts, and no other.
    ///
    /// # What it does
    /// Refuses a `ServiceEntry` with an address range of everything (`0.0.0.0/0`, `::/0`), and a port of plain TCP without
    /// `addresses` where Istio allocates none: with `resolution: NONE`, a wildcard among the hosts, or
    /// `networking.istio.io/enable-autoallocate-ip: "false"`. Advises against HTTP on port 443 and HTTPS or TLS on port 80.
    ///
    /// # Why
    /// By plain TCP nothing tells one host from another but the address: without one the entry takes all traffic of that
    /// port, wherever it goes. <https://istio.io/latest/docs/reference/config/analysis/ist0134/>.
    ///
    /// # Known limits
    /// Istio before 1.25 allocates addresses only where it was told to. Other entries with the same host and port are not
    /// seen.
    #[derive(Debug, Deserialize, JsonSchema)]
    #[serde(deny_unknown_fields)]
    pub struct ServiceentryPorts {}
}

impl Rule for ServiceentryPorts {
    const METADATA: Metadata = Metadata {
        name: "serviceentry-ports",
        severity: Severity::Medium,
        kinds: &[GroupKind { group: "networking.istio.io", kind: "ServiceEntry" }],
        codes: &["IST0134"],
        doc: Self::DOC,
        ..Metadata::OF_WRITES
    };

    fn check(&self, input: Input<'_>, findings: &mut Findings) -> Result<(), CannotJudge> {
        let object = input.object;
        let Some(spec) = object.map("spec")? else { return Ok(()) };
        let addresses = spec.texts("addresses")?;
        for (node, address) in &addresses {
            if Cidr::parse(address).is_some_and(|range| range.is_everything()) {
                let message = format!("the range `{address}` is every address there is");
                findings.violation(Finding {
                    remedy: "name the addresses of these hosts".to_owned(),
                    ..finding(node.pointer(), format!("address {address}"), message, "a range of these hosts alone")
                });
            }
        }
        let open = addresses.is_empty() && !is_allocated(object, spec)?;
        for port in service_entry_ports(object)? {
            judge(&port, open, findings);
        }
        Ok(())
    }
}

/// Whether Istio gives its hosts addresses, where it has none of its own.
fn is_allocated(object: Node<'_>, spec: Node<'_>) -> Result<bool, WrongType> {
    let off = own_label(object, "networking.istio.io/enable-autoallocate-ip")? == Some("false");
    let resolved = !matches!(spec.text("resolution")?, None | Some("" | "NONE"));
    let wild = spec.texts("hosts")?.iter().any(|(_, host)| Host(host).wildcard().is_some());
    Ok(!off && resolved && !wild)
}

fn judge(port: &IstioPort<'_>, open: bool, findings: &mut Findings) {
    let at = |member: &str| {
        let mut path = port.node.pointer();
        path.push_back(member);
        path
    };
    let opaque = match port.protocol.filter(|said| !said.is_empty()) {
        None => true,
        Some(_) => {
            matches!(port.parsed(), Some(Protocol::Tcp | Protocol::Mongo | Protocol::Mysql | Protocol::Redis))
        }
    };
    if open && opaque {
        let message = format!("the {} takes all TCP traffic to it, whatever its host", port.subject());
        findings.violation(Finding {
            remedy: "name the addresses, or a protocol that tells hosts apart: TLS, HTTPS, HTTP".to_owned(),
            ..finding(at("protocol"), port.subject(), message, "addresses, or a protocol with host names")
        });
    }
    let message = match (port.number, port.parsed()) {
        (Some(443), Some(protocol)) if protocol.is_http() => "is read as plain HTTP, and TLS is what comes there",
        (Some(80), Some(protocol)) if protocol.is_tls() => "is read as TLS, and plain HTTP is what comes there",
        _ => return,
    };
    let message = format!("the {} {message}", port.subject());
    findings.advise([Finding {
        remedy: "say the protocol that clients send".to_owned(),
        ..finding(at("protocol"), port.subject(), message, "HTTPS or TLS on 443, HTTP on 80")
    }]);
}

fn finding(path: json_patch::jsonptr::PointerBuf, subject: String, message: String, wanted: &str) -> Finding {
    Finding { path, subject, message, wanted: wanted.to_owned(), ..Finding::default() }
}
