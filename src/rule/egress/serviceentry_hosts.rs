//! `serviceentry-hosts`.

use schemars::JsonSchema;
use serde::Deserialize;

use crate::mesh::{Cidr, Form, GroupKind, Host, Mesh, Reserved, ServiceHost, Wildcard, reserved, service_host};
use crate::object::{Node, quoted};
use crate::rule::{CannotJudge, Finding, Findings, Input, Metadata, Rule, Severity, documented};

documented! {
    /// A `ServiceEntry` adds hosts of the outside, and few of them: no Service of others, no whole domain, no metadata.
    ///
    /// # What it does
    /// Refuses hosts of a `ServiceEntry` that stand for everything or for a whole top-level domain (`*`, `*.com`), for
    /// Services of other namespaces (`cart.shop.svc.cluster.local`, `kubernetes.default`, `*.local`), and for loopback,
    /// link-local addresses or a cloud's metadata service; the last two also under `addresses` and `endpoints`. Advises
    /// against addresses as hosts, and against wildcards without a dot (`*example.com`), which other people's domains
    /// match.
    ///
    /// # Why
    /// A `ServiceEntry` is exported to all namespaces unless it says otherwise: one with the host of another team's
    /// Service takes that team's traffic (<https://github.com/istio/istio/issues/13008>), one with `*.com` opens what
    /// `REGISTRY_ONLY` closed. <https://istio.io/latest/docs/reference/config/networking/service-entry/>.
    ///
    /// # Known limits
    /// A name that resolves to a reserved address is not known, nor which Services exist. Of names with one dot, which
    /// may be a Service's (`reviews.prod`), those of `default`, `kube-system` and control planes alone are refused.
    /// Endpoints that a `workloadSelector` adds are not seen. Whether the endpoints of `location: MESH_INTERNAL` are in
    /// the mesh is not known.
    #[derive(Debug, Deserialize, JsonSchema)]
    #[serde(rename_all = "camelCase", deny_unknown_fields)]
    pub struct ServiceentryHosts {
        /// Hosts, and wildcards such as `*.example.com`, of which every host must be one; where there is no list, any may
        /// be.
        #[serde(default)]
        allowed_hosts: Option<Vec<String>>,
        /// Where false, every wildcard is refused.
        #[serde(default = "yes")]
        allow_wildcards: bool,
    }
}

fn yes() -> bool {
    true
}

impl Rule for ServiceentryHosts {
    const METADATA: Metadata = Metadata {
        name: "serviceentry-hosts",
        severity: Severity::High,
        kinds: &[GroupKind { group: "networking.istio.io", kind: "ServiceEntry" }],
        doc: Self::DOC,
        ..Metadata::OF_WRITES
    };

    fn check(&self, input: Input<'_>, findings: &mut Findings) -> Result<(), CannotJudge> {
        let Some(spec) = input.object.map("spec")? else { return Ok(()) };
        for (node, host) in spec.texts("hosts")? {
            if let Some((message, wanted)) = self.wrong(host, &input.request.namespace, input.mesh) {
                findings.violation(finding(node, host, message, wanted));
            } else if Host(host).wildcard() == Some(Wildcard::Suffix) {
                let message = "matches every host that ends so, other people's domains included".to_owned();
                findings.advise([finding(node, host, message, "a dot behind the `*`")]);
            } else if Host(host).ip().is_some() {
                let message = "is an address, which no client asks for by name".to_owned();
                findings.advise([finding(node, host, message, "a name, and the address under endpoints")]);
            }
        }
        let mut places = spec.texts("addresses")?;
        for endpoint in spec.maps("endpoints")? {
            places.extend(endpoint.text("address")?.map(|address| (endpoint.nearest(["address"]), address)));
        }
        for (node, place) in places.into_iter().filter(|(_, place)| hands_out_credentials(place)) {
            findings.violation(Finding {
                message: format!(
                    "{} is link-local, or a cloud's metadata service, which hands out credentials",
                    quoted(place)
                ),
                ..finding(node, place, String::new(), "an address of the outside")
            });
        }
        Ok(())
    }
}

/// Whether clouds hand out credentials at an address, or somewhere in a range; that of everything is another rule's.
fn hands_out_credentials(place: &str) -> bool {
    match Cidr::parse(place) {
        Some(range) => range.has_metadata() && !range.is_everything(),
        None => reserved(place) == Some(Reserved::Metadata),
    }
}

impl ServiceentryHosts {
    /// What is wrong with a host, and what would be right.
    fn wrong(&self, host: &str, namespace: &str, mesh: &Mesh) -> Option<(String, &'static str)> {
        let canonical = Host(host).canonical();
        let broad = matches!(Host(host).wildcard(), Some(Wildcard::Everything | Wildcard::Domain(0 | 1)));
        if let Some(place) = reserved(host).filter(|_| !broad) {
            let what = match place {
                Reserved::Loopback => "is the Pod's own machine",
                Reserved::LinkLocal => "is link-local: clouds hand out credentials there",
                Reserved::Unspecified => "stands for any address, often the Pod's own",
                Reserved::Metadata => "is a cloud's metadata service, which hands out credentials",
            };
            return Some((what.to_owned(), "a host of the outside"));
        }
        if let Some(owner) = service_of(host, namespace, mesh) {
            return Some((format!("is a host of {owner}: its traffic would go here"), "a host outside the cluster"));
        }
        if broad {
            return Some(("stands for hosts of everybody".to_owned(), "a domain of at least two labels"));
        }
        if Host(host).wildcard().is_some() && !self.allow_wildcards {
            return Some(("is a wildcard".to_owned(), "hosts, one by one"));
        }
        let among = |allowed: &String| Host(&canonical).is_subset_of(Host(&Host(allowed).canonical()));
        let listed = self.allowed_hosts.as_ref().is_none_or(|allowed| allowed.iter().any(among));
        (!listed).then(|| ("is not among the hosts that are allowed".to_owned(), "one of the parameter allowedHosts"))
    }
}

/// Whose Service it is, where it is one of another namespace, or of several.
fn service_of(host: &str, own: &str, mesh: &Mesh) -> Option<String> {
    let host = Host(host).canonical();
    let of_cluster = |namespace| ["default", "kube-system"].contains(&namespace) || mesh.has_control_plane(namespace);
    match service_host(&host, own, &mesh.cluster_domain) {
        // `*`, too; that is said better.
        ServiceHost::Every if host != "*" => Some("Services of every namespace".to_owned()),
        ServiceHost::Service { namespace, form, .. } if namespace != own => {
            let surely = match form {
                Form::Full => true,
                Form::Partial => of_cluster(namespace) || host.ends_with(".svc"),
                Form::Short => false,
            };
            surely.then(|| format!("namespace `{namespace}`"))
        }
        _ => None,
    }
}

fn finding(node: Node<'_>, host: &str, message: String, wanted: &str) -> Finding {
    Finding {
        message: format!("the host {} {message}", quoted(host)),
        wanted: wanted.to_owned(),
        remedy: "name the hosts that are needed".to_owned(),
        ..Finding::of(node, format!("host {host}"))
    }
}
