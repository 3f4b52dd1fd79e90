//! `gateway-wildcard-hosts`.

use schemars::JsonSchema;
use serde::Deserialize;

use crate::mesh::{
    GATEWAYS, Host, HostScope, Listener, Protocol, ScopedHost, Server, Wildcard, is_internal_gateway, listeners,
    servers,
};
use crate::object::{Node, WrongType};
use crate::rule::{CannotJudge, Finding, Findings, Input, Metadata, Rule, Severity, documented};

documented! {
    /// A gateway names the hosts that it serves.
    ///
    /// # What it does
    /// Refuses servers of an Istio Gateway for every host (`*`, `*/*`) or for a whole top-level domain (`*.com`) from
    /// every namespace, and listeners of a Kubernetes Gateway without a hostname to which routes of all namespaces may
    /// attach. Where the namespaces are limited it advises: `./*`, `from: Same`. `shop/*` is accepted.
    ///
    /// # Why
    /// Whoever may write a route in any namespace can take over hosts that such a gateway serves, one of another team
    /// included. Istio's security best practices ask not to define overly broad hosts:
    /// <https://istio.io/latest/docs/ops/best-practices/security/#avoid-overly-broad-hosts-configurations>.
    ///
    /// # Known limits
    /// What is a public suffix of two labels (`*.co.uk`) counts as a domain. Accepted as they are: opaque TCP, which has
    /// no hosts; plain HTTP that only redirects to HTTPS; east-west gateways (port 15443, `*.local`); waypoints. Whether
    /// a listener of Gateway API only redirects stands in its routes, which are not seen.
    #[derive(Debug, Deserialize, JsonSchema)]
    #[serde(rename_all = "camelCase", deny_unknown_fields)]
    pub struct GatewayWildcardHosts {
        /// Hosts that there may be. Where there are some they decide alone: a host that is not one of these, or within one
        /// of them (`*.example.com`), is a violation.
        #[serde(default)]
        allowed_hosts: Vec<String>,
        /// `*.example.com` is a violation too.
        #[serde(default)]
        refuse_domain_wildcards: bool,
    }
}

/// The port of east-west gateways, and the hosts that they open to other networks:
/// <https://istio.io/latest/docs/setup/install/multicluster/multi-primary_multi-network/>.
const EAST_WEST: Option<i64> = Some(15443);
const LOCAL: Host<'_> = Host("*.local");

/// How wrong a host is.
enum Verdict {
    Violation,
    Advice,
}

impl Rule for GatewayWildcardHosts {
    const METADATA: Metadata = Metadata {
        name: "gateway-wildcard-hosts",
        severity: Severity::High,
        kinds: &GATEWAYS,
        doc: Self::DOC,
        ..Metadata::OF_WRITES
    };

    fn check(&self, input: Input<'_>, findings: &mut Findings) -> Result<(), CannotJudge> {
        let Input { object, request, .. } = input;
        if request.kind.group == "networking.istio.io" {
            for server in servers(object)? {
                self.judge_server(&server, findings)?;
            }
        } else if !is_internal_gateway(object)? {
            for listener in listeners(object)? {
                self.judge_listener(&listener, findings);
            }
        }
        Ok(())
    }
}

impl GatewayWildcardHosts {
    fn judge_server(&self, server: &Server<'_>, findings: &mut Findings) -> Result<(), WrongType> {
        let protocol = server.protocol();
        let opaque = matches!(protocol, Some(Protocol::Tcp | Protocol::Mongo | Protocol::Mysql | Protocol::Redis));
        let redirects = protocol.is_some_and(Protocol::is_http) && server.tls.is_some_and(|tls| tls.https_redirect);
        if opaque || redirects {
            return Ok(());
        }
        let east_west = server.passes_through() && server.port.and_then(|port| port.number) == EAST_WEST;
        for (node, text) in &server.hosts {
            let scoped = ScopedHost::parse(text).ok_or_else(|| node.malformed("a host or `namespace/host`"))?;
            if east_west && scoped.host.is_subset_of(LOCAL) {
                continue;
            }
            let limited = match scoped.scope {
                HostScope::Any => Some(Verdict::Violation),
                HostScope::Own => Some(Verdict::Advice),
                HostScope::Namespace(_) => None,
            };
            if let Some(verdict) = self.judge(scoped.host, limited) {
                report(*node, &server.subject(), text, &verdict, findings);
            }
        }
        Ok(())
    }

    fn judge_listener(&self, listener: &Listener<'_>, findings: &mut Findings) {
        let has_hosts = matches!(listener.protocol, "HTTP" | "HTTPS" | "TLS");
        let limited = match listener.routes_from {
            "All" => Some(Verdict::Violation),
            "None" => None,
            _ => Some(Verdict::Advice),
        };
        let host = listener.hostname.unwrap_or("*");
        let passes_through = listener.tls.is_some() && listener.tls_mode == "Passthrough";
        if passes_through && listener.port == EAST_WEST && Host(host).is_subset_of(LOCAL) {
            return;
        }
        if has_hosts && let Some(verdict) = self.judge(Host(host), limited) {
            report(listener.node, &listener.subject(), host, &verdict, findings);
        }
    }

    /// What there is to say of a host, where a broad one leads to `broad`.
    fn judge(&self, host: Host<'_>, broad: Option<Verdict>) -> Option<Verdict> {
        if !self.allowed_hosts.is_empty() {
            let canonical = host.canonical();
            let within = |allowed: &String| Host(&canonical).is_subset_of(Host(&Host(allowed).canonical()));
            return (!self.allowed_hosts.iter().any(within)).then_some(Verdict::Violation);
        }
        match host.wildcard()? {
            Wildcard::Everything | Wildcard::Domain(0 | 1) => broad,
            Wildcard::Suffix if !host.0.contains('.') => broad,
            Wildcard::Domain(_) | Wildcard::Suffix => self.refuse_domain_wildcards.then_some(Verdict::Violation),
        }
    }
}

fn report(node: Node<'_>, of: &str, host: &str, verdict: &Verdict, findings: &mut Findings) {
    let finding = Finding {
        path: node.pointer(),
        subject: format!("{of} host {host}"),
        value: host.into(),
        message: format!("{of} serves `{host}`, which is more than it should"),
        wanted: "the hosts by name, and the namespaces that may route them".to_owned(),
        remedy: "list the hosts (`shop/shop.example.com`); limit the namespaces whose routes may attach".to_owned(),
        ..Finding::default()
    };
    match verdict {
        Verdict::Violation => findings.violation(finding),
        Verdict::Advice => findings.advise([finding]),
    }
}
