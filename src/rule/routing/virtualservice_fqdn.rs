//! `virtualservice-fqdn`.

use schemars::JsonSchema;
use serde::Deserialize;

use crate::mesh::{Form, GroupKind, Host, Mesh, ServiceHost, VirtualService, service_host};
use crate::object::{Node, WrongType};
use crate::rule::{CannotJudge, Finding, Findings, Input, Metadata, Rule, Severity, documented};

documented! {
    /// Routes name Services in full.
    ///
    /// # What it does
    /// Refuses short names of Services (`reviews`) in VirtualServices and DestinationRules of config and gateway
    /// namespaces, where no such Service stands, and advises against them elsewhere. It advises against names that Istio
    /// does not complete (`reviews.prod`) where traffic is led.
    ///
    /// # Why
    /// A short name is completed with the namespace of the object that it stands in, not with that of the Service:
    /// `reviews` in `istio-config` is `reviews.istio-config.svc.cluster.local`, which does not exist. The reference
    /// recommends full names: <https://istio.io/latest/docs/reference/config/networking/virtual-service/#Destination>.
    ///
    /// # Known limits
    /// Whether a name of two labels is a Service and its namespace, or a host outside the cluster, cannot be told: of
    /// such destinations there is advice, and nothing of such hosts.
    #[derive(Debug, Deserialize, JsonSchema)]
    #[serde(deny_unknown_fields)]
    pub struct VirtualserviceFqdn {}
}

impl Rule for VirtualserviceFqdn {
    const METADATA: Metadata = Metadata {
        name: "virtualservice-fqdn",
        severity: Severity::Low,
        kinds: &[
            GroupKind { group: "networking.istio.io", kind: "VirtualService" },
            GroupKind { group: "networking.istio.io", kind: "DestinationRule" },
        ],
        doc: Self::DOC,
        ..Metadata::OF_WRITES
    };

    fn check(&self, input: Input<'_>, findings: &mut Findings) -> Result<(), CannotJudge> {
        let Input { object, request, mesh, .. } = input;
        for named in named(&request.kind.kind, object)? {
            judge(&named, &request.namespace, mesh, findings);
        }
        Ok(())
    }
}

/// A host that an object names.
struct Named<'t> {
    node: Node<'t>,
    subject: String,
    host: &'t str,
    /// Whether traffic is led there, and not only taken.
    leads: bool,
}

fn named<'t>(kind: &str, object: Node<'t>) -> Result<Vec<Named<'t>>, WrongType> {
    if kind == "DestinationRule" {
        let Some(spec) = object.map("spec")? else { return Ok(Vec::new()) };
        let host = spec.text("host")?;
        let named = |host| Named { node: spec.nearest(["host"]), subject: format!("host {host}"), host, leads: true };
        return Ok(host.map(named).into_iter().collect());
    }
    let service = VirtualService::of(object)?;
    let host = |(node, host)| Named { node, subject: format!("host {host}"), host, leads: false };
    let mut all: Vec<_> = service.hosts.into_iter().map(host).collect();
    for to in service.routes.iter().flat_map(|route| &route.destinations) {
        all.push(Named { node: to.node.nearest(["host"]), subject: to.subject(), host: to.host, leads: true });
    }
    Ok(all)
}

fn judge(named: &Named<'_>, own: &str, mesh: &Mesh, findings: &mut Findings) {
    let ServiceHost::Service { namespace, form, .. } = service_host(named.host, own, &mesh.cluster_domain) else {
        return;
    };
    let domain = &mesh.cluster_domain;
    let finding = |message: String| Finding {
        path: named.node.pointer(),
        subject: named.subject.clone(),
        value: named.host.into(),
        message,
        wanted: format!("`name.namespace.svc.{domain}`"),
        remedy: "write the name of the Service in full".to_owned(),
        ..Finding::default()
    };
    match form {
        Form::Short => {
            let full = Host(named.host).fqdn(own, domain);
            let found = finding(format!("`{}` is `{full}` here", named.host));
            let elsewhere = mesh.has_config(own) || mesh.has_gateways(own);
            if elsewhere { findings.violation(found) } else { findings.advise([found]) }
        }
        Form::Partial if named.leads => findings.advise([finding(format!(
            "`{}` is taken for a host outside the cluster: Istio does not complete it with namespace `{namespace}`",
            named.host
        ))]),
        Form::Partial | Form::Full => {}
    }
}
