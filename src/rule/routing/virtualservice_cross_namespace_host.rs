//! `virtualservice-cross-namespace-host`.

use schemars::JsonSchema;
use serde::Deserialize;

use crate::mesh::{Export, Form, GroupKind, Mesh, ServiceHost, VirtualService, export, service_host};
use crate::rule::{CannotJudge, Finding, Findings, Input, Metadata, Rule, Severity, documented};

documented! {
    /// A VirtualService does not take over another namespace's Service for everyone.
    ///
    /// # What it does
    /// Refuses a VirtualService that sidecars follow, that is exported to other namespaces, and that is for a Service
    /// of another namespace than its own. It advises where a host may mean one (`reviews.prod`).
    ///
    /// # Why
    /// Without `exportTo` it applies to all clients in the mesh: whoever may write a VirtualService in any namespace
    /// redirects the traffic to everybody's Services, to a workload of their own for one:
    /// <https://istio.io/latest/docs/ops/best-practices/traffic-management/#cross-namespace-configuration>.
    ///
    /// # Known limits
    /// Config namespaces, gateway namespaces and the root namespace may route for all. Hosts of ServiceEntries are not
    /// looked up, nor what mesh config says for those without `exportTo` (`defaultVirtualServiceExportTo`). A match that
    /// names gateways of its own is taken for one that sidecars follow.
    #[derive(Debug, Deserialize, JsonSchema)]
    #[serde(rename_all = "camelCase", deny_unknown_fields)]
    pub struct VirtualserviceCrossNamespaceHost {
        /// Advises also where a VirtualService that only gateways follow leads to Services of other namespaces.
        #[serde(default)]
        advise_backends: bool,
    }
}

impl Rule for VirtualserviceCrossNamespaceHost {
    const METADATA: Metadata = Metadata {
        name: "virtualservice-cross-namespace-host",
        severity: Severity::High,
        kinds: &[GroupKind { group: "networking.istio.io", kind: "VirtualService" }],
        doc: Self::DOC,
        ..Metadata::OF_WRITES
    };

    fn check(&self, input: Input<'_>, findings: &mut Findings) -> Result<(), CannotJudge> {
        let Input { object, request, mesh, .. } = input;
        let own = &*request.namespace;
        let service = VirtualService::of(object)?;
        let export = export(object)?;
        if mesh.may_route_for_all(own) {
            return Ok(());
        }
        if !service.binds_mesh() {
            if self.advise_backends {
                findings.advise(backends(&service, own, mesh));
            }
            return Ok(());
        }
        if export.reaches_beyond(own) {
            judge_hosts(&service, &export, own, mesh, findings);
        }
        Ok(())
    }
}

fn judge_hosts(service: &VirtualService<'_>, export: &Export<'_>, own: &str, mesh: &Mesh, findings: &mut Findings) {
    let everyone =
        if matches!(export, Export::To(_)) { "clients of other namespaces" } else { "all clients in the mesh" };
    for (node, host) in &service.hosts {
        let (owner, form) = match service_host(host, own, &mesh.cluster_domain) {
            ServiceHost::Service { namespace, form, .. } if namespace != own => {
                (format!("namespace `{namespace}`"), form)
            }
            ServiceHost::Every if *host != "*" => ("every namespace".to_owned(), Form::Full),
            _ => continue,
        };
        let finding = Finding {
            message: format!("`{host}` is of {owner}, and this VirtualService routes it for {everyone}"),
            wanted: "exportTo `.`, or hosts of the VirtualService's own namespace".to_owned(),
            remedy: "set `exportTo: [\".\"]`, or let the owner of the Service route it".to_owned(),
            ..Finding::of(*node, format!("host {host}"))
        };
        if form == Form::Partial {
            let message = format!("`{host}` may be meant for a Service of {owner}; if so, Istio completes it to none");
            findings.advise([Finding { message, ..finding }]);
        } else {
            findings.violation(finding);
        }
    }
}

/// What leads gateways to Services of other namespaces.
fn backends(service: &VirtualService<'_>, own: &str, mesh: &Mesh) -> Vec<Finding> {
    let destinations = service.routes.iter().flat_map(|route| &route.destinations);
    let leaves = destinations.filter_map(|to| match service_host(to.host, own, &mesh.cluster_domain) {
        ServiceHost::Service { namespace, form: Form::Full, .. } if namespace != own => Some((to, namespace)),
        _ => None,
    });
    let finding = leaves.map(|(to, namespace)| Finding {
        path: to.node.pointer(),
        subject: to.subject(),
        value: to.host.into(),
        message: format!("{} leads from the gateway into namespace `{namespace}`", to.subject()),
        wanted: "a Service of the VirtualService's own namespace".to_owned(),
        remedy: format!("move the route to `{namespace}`, where the Service's owner keeps it"),
        ..Finding::default()
    });
    finding.collect()
}
