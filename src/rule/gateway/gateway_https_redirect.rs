//! `gateway-https-redirect`.

use schemars::JsonSchema;
use serde::Deserialize;

use crate::mesh::{
    GATEWAYS, Host, Protocol, ScopedHost, Server, ServiceHost, is_internal_gateway, listeners, servers, service_host,
};
use crate::object::{Node, WrongType};
use crate::rule::{CannotJudge, Finding, Findings, Input, Metadata, Rule, Severity, documented};

documented! {
    /// Plain HTTP at a gateway only redirects to HTTPS.
    ///
    /// # What it does
    /// Refuses servers of an Istio Gateway that serve hosts from outside by plain HTTP without `tls.httpsRedirect`. It
    /// advises against the redirect on an HTTPS server, where it does nothing, and reminds of the redirect at plain HTTP
    /// listeners of a Kubernetes Gateway, which has it in a route.
    ///
    /// # Why
    /// What goes over plain HTTP can be read and changed on its way, cookies and passwords included. A redirect sends
    /// clients to HTTPS with a 301:
    /// <https://istio.io/latest/docs/reference/config/networking/gateway/#ServerTLSSettings>.
    ///
    /// # Known limits
    /// An HTTPS server in another Gateway is not seen. Accepted as they are: hosts of the cluster, forward proxies
    /// (`HTTP_PROXY`), and Gateways whose selector names an egress gateway, which the mesh speaks to. A redirect breaks
    /// ACME's http-01 challenge: give such a Gateway an exception.
    #[derive(Debug, Deserialize, JsonSchema)]
    #[serde(rename_all = "camelCase", deny_unknown_fields)]
    pub struct GatewayHttpsRedirect {
        /// Accepts plain HTTP for hosts that no HTTPS server of the same Gateway serves.
        #[serde(default)]
        allow_plaintext_only: bool,
    }
}

/// The most hosts by HTTPS that plain ones are looked for among.
const MOST: usize = 1000;

impl Rule for GatewayHttpsRedirect {
    const METADATA: Metadata = Metadata {
        name: "gateway-https-redirect",
        severity: Severity::Medium,
        kinds: &GATEWAYS,
        doc: Self::DOC,
        ..Metadata::OF_WRITES
    };

    fn check(&self, input: Input<'_>, findings: &mut Findings) -> Result<(), CannotJudge> {
        let Input { object, request, mesh, .. } = input;
        if request.kind.group != "networking.istio.io" {
            if !is_internal_gateway(object)? {
                let plain = listeners(object)?.into_iter().filter(|listener| listener.protocol == "HTTP");
                findings.advise(plain.map(|listener| reminder(listener.node, &listener.subject())));
            }
            return Ok(());
        }
        let servers = servers(object)?;
        if is_egress(object)? {
            return Ok(());
        }
        for server in &servers {
            let redirects = server.tls.is_some_and(|tls| tls.https_redirect);
            match server.protocol() {
                Some(Protocol::Https) if redirects => findings.advise([useless(server)]),
                Some(protocol) if protocol.is_http() && protocol != Protocol::HttpProxy && !redirects => {
                    for (node, text) in self.exposed(server, &servers, &request.namespace, &mesh.cluster_domain) {
                        findings.violation(plaintext(node, server, text));
                    }
                }
                _ => {}
            }
        }
        Ok(())
    }
}

impl GatewayHttpsRedirect {
    /// The hosts of a plain server that clients from outside ask for.
    fn exposed<'t>(
        &self,
        server: &Server<'t>,
        all: &[Server<'t>],
        namespace: &str,
        cluster_domain: &str,
    ) -> Vec<(Node<'t>, &'t str)> {
        let outside = |text: &str| {
            let service = service_host(bare(text).0, namespace, cluster_domain);
            !(matches!(service, ServiceHost::Service { .. }) && bare(text).canonical().ends_with(cluster_domain))
        };
        let https = all.iter().filter(|other| other.protocol() == Some(Protocol::Https));
        let https: Vec<_> = https.flat_map(|other| &other.hosts).map(|(_, other)| bare(other)).collect();
        // Each is compared with each: among too many every host counts as one of them.
        let encrypted = |text: &str| https.len() > MOST || https.iter().any(|other| other.matches(bare(text)));
        let wanted = |text: &str| outside(text) && (!self.allow_plaintext_only || encrypted(text));
        server.hosts.iter().copied().filter(|(_, text)| wanted(text)).collect()
    }
}

/// The host without the namespaces in front.
fn bare(text: &str) -> Host<'_> {
    ScopedHost::parse(text).map_or(Host(text), |scoped| scoped.host)
}

/// Whether a Gateway is for traffic that leaves the mesh, by the labels of the charts for it.
fn is_egress(object: Node<'_>) -> Result<bool, WrongType> {
    let Some(selector) = object.map_at(&["spec", "selector"])? else { return Ok(false) };
    let label = |key| Ok(selector.text(key)?.is_some_and(|value| value.contains("egress")));
    Ok(label("istio")? || label("app")?)
}

const REMEDY: &str = "set tls.httpsRedirect on the server, and serve the host by HTTPS";

fn plaintext(node: Node<'_>, server: &Server<'_>, host: &str) -> Finding {
    let of = server.subject();
    Finding {
        path: node.pointer(),
        subject: format!("{of} host {host}"),
        value: host.into(),
        message: format!("{of} serves `{host}` by plain HTTP"),
        wanted: "a redirect to HTTPS".to_owned(),
        remedy: REMEDY.to_owned(),
        ..Finding::default()
    }
}

fn useless(server: &Server<'_>) -> Finding {
    Finding {
        path: server.node.pointer(),
        subject: server.subject(),
        message: "httpsRedirect does nothing on an HTTPS server".to_owned(),
        wanted: "the redirect on the server for plain HTTP".to_owned(),
        remedy: "move httpsRedirect to a server with protocol HTTP".to_owned(),
        ..Finding::default()
    }
}

fn reminder(node: Node<'_>, of: &str) -> Finding {
    Finding {
        path: node.pointer(),
        subject: of.to_owned(),
        message: format!("{of} takes plain HTTP: only a route can redirect it"),
        wanted: "an HTTPRoute at this listener that redirects to HTTPS".to_owned(),
        remedy: "attach an HTTPRoute with a RequestRedirect filter of scheme `https` to this listener".to_owned(),
        ..Finding::default()
    }
}
