//! `tenant-hosts`.

mod named;

use std::borrow::Cow;

use schemars::JsonSchema;
use serde::Deserialize;

use crate::mesh::{Asked, GroupKind, Mesh, Refusal, Tenant};
use crate::object::{Node, quoted};
use crate::rule::{CannotJudge, Finding, Findings, Input, Metadata, Operation, Rule, Severity, documented};
use named::{Named, Names, What};

documented! {
    /// Whoever shares a mesh names hosts of their own, and nobody else's.
    ///
    /// # What it does
    /// Where Settings name `tenants`: refuses every host in an object of a tenant's namespace that is neither a Service of
    /// the tenant's namespaces, nor one of its `hosts`, nor one of `sharedHosts`; and gateways of other namespaces that are
    /// not among its `gateways`. In a namespace of no tenant it refuses hosts that some tenant owns. Without `tenants` it
    /// finds nothing.
    ///
    /// Hosts are all that an object names: hosts and hostnames, SNI hosts, destinations and mirrors, backends, Services that
    /// a route attaches to, addresses and endpoints of a ServiceEntry, egress hosts of a Sidecar (but those of the mesh's
    /// own namespaces, such as `istio-system/*`), addresses of a Gateway. A delegate of another namespace counts as all of
    /// that namespace; a route or listener without hostnames as every host, unless the gateway is the tenant's own.
    /// `exportTo` changes nothing: not every data plane holds to it.
    ///
    /// # Why
    /// A VirtualService is for all sidecars of the mesh, whatever its namespace: with the right to write one, a tenant takes
    /// over the traffic to Services of others and to hosts of the outside. Istio means to keep it so, and asks those who
    /// share a mesh for safeguards, such as an admission policy on the hosts of each tenant:
    /// <https://istio.io/latest/news/security/istio-security-2026-002/>.
    ///
    /// # Known limits
    /// Namespaces for configuration of the whole mesh (the root, config and gateway namespaces) name what they like, unless
    /// a tenant has them. A name with one dot (`cart.shop`) is a host of the outside to Istio: it has to be listed, or
    /// written in full. Addresses of Services and Pods are not known, nor what a name resolves to. WorkloadEntries, Ingresses
    /// and Services are not read; of ServiceEntries that take all TCP of a port `serviceentry-ports` tells.
    ///
    /// An object that names other people's hosts from before may change in its metadata alone: else it could be aimed
    /// elsewhere.
    #[derive(Debug, Deserialize, JsonSchema)]
    #[serde(rename_all = "camelCase", deny_unknown_fields)]
    pub struct TenantHosts {
        /// Accepts DestinationRules and Sidecars whatever they name: they act on clients of their own namespace alone.
        #[serde(default)]
        allow_own_clients: bool,
    }
}

impl Rule for TenantHosts {
    const METADATA: Metadata = Metadata {
        name: "tenant-hosts",
        severity: Severity::High,
        kinds: &[
            GroupKind { group: "networking.istio.io", kind: "DestinationRule" },
            GroupKind { group: "networking.istio.io", kind: "Gateway" },
            GroupKind { group: "networking.istio.io", kind: "ServiceEntry" },
            GroupKind { group: "networking.istio.io", kind: "Sidecar" },
            GroupKind { group: "networking.istio.io", kind: "VirtualService" },
            GroupKind { group: "gateway.networking.k8s.io", kind: "GRPCRoute" },
            GroupKind { group: "gateway.networking.k8s.io", kind: "Gateway" },
            GroupKind { group: "gateway.networking.k8s.io", kind: "HTTPRoute" },
            GroupKind { group: "gateway.networking.k8s.io", kind: "ListenerSet" },
            GroupKind { group: "gateway.networking.k8s.io", kind: "TCPRoute" },
            GroupKind { group: "gateway.networking.k8s.io", kind: "TLSRoute" },
            GroupKind { group: "gateway.networking.k8s.io", kind: "UDPRoute" },
            GroupKind { group: "gateway.networking.x-k8s.io", kind: "XListenerSet" },
        ],
        doc: Self::DOC,
        ..Metadata::OF_WRITES
    };

    fn check(&self, input: Input<'_>, findings: &mut Findings) -> Result<(), CannotJudge> {
        let Input { request, mesh, .. } = input;
        let (namespace, kind) = (&*request.namespace, &*request.kind.kind);
        if mesh.tenants.tenants.is_empty() {
            return Ok(());
        }
        if namespace.is_empty() {
            return Err(CannotJudge::request(format!("the request names no namespace, and every {kind} has one")));
        }
        let tenant = mesh.tenants.of(namespace);
        let exempt = tenant.is_none() && mesh.may_route_for_all(namespace);
        if exempt || self.allow_own_clients && matches!(kind, "DestinationRule" | "Sidecar") {
            return Ok(());
        }
        let mut names = Names::new(input);
        let read = names.read(input);
        let found = names.all.iter().filter_map(|named| judge(named, namespace, tenant, mesh));
        let found: Vec<Finding> = found.take(Findings::MOST + 1).collect();
        if found.is_empty() || !is_former(input) {
            found.into_iter().for_each(|finding| findings.violation(finding));
        }
        Ok(read?)
    }
}

/// Whether this is the stored object, and the new one says something else: then nothing of it is old.
fn is_former(input: Input<'_>) -> bool {
    let spec = |object: Node<'_>| object.get("spec").map(Node::to_json);
    let new = input.request.object.tree().ok().flatten();
    input.request.operation == Operation::Update && new.is_some_and(|new| spec(new.root()) != spec(input.object))
}

/// What is wrong with naming a host or a gateway.
fn judge(named: &Named<'_>, namespace: &str, tenant: Option<&Tenant>, mesh: &Mesh) -> Option<Finding> {
    let Named { node, word, what } = named;
    let (shown, host, completed): (&str, Cow<'_, str>, _) = match what {
        What::Literal(host) => (host, (**host).into(), None),
        What::Completed(host) => (host, (*host).into(), Some(namespace)),
        What::Namespace(other) => (other, format!("*.{other}.svc.{}", mesh.cluster_domain).into(), None),
        What::Everything => ("*", "*".into(), None),
        What::Gateway { namespace: other, name } => {
            let own = tenant.filter(|_| !mesh.tenants.may_bind(namespace, other, name))?;
            let gateway = format!("{other}/{name}");
            let message = format!("the {word} {} is not given to tenant `{}`", quoted(&gateway), own.name);
            return Some(finding(*node, word, &gateway, message, tenant));
        }
    };
    let why = match Asked::read(&host, completed, &mesh.cluster_domain) {
        None => "is no host: nobody can say whose it is".to_owned(),
        Some(asked) => match mesh.tenants.refusal(namespace, &asked)? {
            Refusal::Of(owner) => format!("reaches what tenant `{}` owns", owner.name),
            Refusal::Perhaps(owner) => format!("may be read as a host of tenant `{}`", owner.name),
            Refusal::Not(own) => format!("is not tenant `{}`'s", own.name),
        },
    };
    let message = match what {
        What::Everything => format!("the {word} names no host, and so takes every one"),
        _ => format!("the {word} {} {why}", quoted(shown)),
    };
    Some(finding(*node, word, shown, message, tenant))
}

fn finding(node: Node<'_>, word: &str, shown: &str, message: String, tenant: Option<&Tenant>) -> Finding {
    let (wanted, remedy) = match tenant {
        Some(tenant) => (
            format!("what tenant `{}` owns, or what is shared", tenant.name),
            "write Services in full (`cart.shop.svc.cluster.local`); other hosts and gateways are given to a tenant under \
             `tenants` in Settings",
        ),
        None => ("what no tenant owns".to_owned(), "let the tenant say it, in a namespace of its own"),
    };
    Finding {
        path: node.pointer(),
        subject: format!("{word} {shown}"),
        value: shown.into(),
        message,
        wanted,
        remedy: remedy.to_owned(),
        ..Finding::default()
    }
}
