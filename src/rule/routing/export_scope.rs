//! `export-scope`.

use json_patch::jsonptr::PointerBuf;
use schemars::JsonSchema;
use serde::Deserialize;

use crate::mesh::{Export, GroupKind, Mesh, export, own_annotation_path, service_export};
use crate::rule::{CannotJudge, Finding, Findings, Input, Metadata, Rule, Severity, documented};

documented! {
    /// What stands in a namespace says for which namespaces it is.
    ///
    /// # What it does
    /// Refuses a VirtualService, DestinationRule or ServiceEntry without `exportTo`, and one whose `exportTo` names other
    /// namespaces beside `*`. It advises against `~` where Istio does not know it.
    ///
    /// # Why
    /// Without `exportTo` it is for the whole mesh: every proxy gets it, and clients anywhere follow it. Istio recommends
    /// to limit what is exported: <https://istio.io/latest/docs/ops/best-practices/traffic-management/#cross-namespace-configuration>.
    ///
    /// # Known limits
    /// What mesh config says for all without one (`defaultVirtualServiceExportTo` and others) is not looked up, nor
    /// whether the namespaces exist. Config, gateway, control plane and root namespaces are there to export.
    #[derive(Debug, Deserialize, JsonSchema)]
    #[serde(rename_all = "camelCase", deny_unknown_fields)]
    pub struct ExportScope {
        /// `*` is a violation too.
        #[serde(default)]
        refuse_everyone: bool,
        /// A Service without the annotation `networking.istio.io/exportTo` is a violation too.
        #[serde(default)]
        services: bool,
    }
}

impl Rule for ExportScope {
    const METADATA: Metadata = Metadata {
        name: "export-scope",
        severity: Severity::Medium,
        kinds: &[
            GroupKind { group: "networking.istio.io", kind: "VirtualService" },
            GroupKind { group: "networking.istio.io", kind: "DestinationRule" },
            GroupKind { group: "networking.istio.io", kind: "ServiceEntry" },
            GroupKind { group: "", kind: "Service" },
        ],
        codes: &["KIA0005"],
        doc: Self::DOC,
        ..Metadata::OF_WRITES
    };

    fn check(&self, input: Input<'_>, findings: &mut Findings) -> Result<(), CannotJudge> {
        let Input { object, request, mesh, .. } = input;
        let kind = &*request.kind.kind;
        let is_service = kind == "Service";
        if exports_for_all(&request.namespace, mesh) || (is_service && !self.services) {
            return Ok(());
        }
        let (scope, path) = if is_service {
            (service_export(object)?, own_annotation_path("networking.istio.io/exportTo"))
        } else {
            (export(object)?, PointerBuf::from_tokens(["spec", "exportTo"]))
        };
        let listed = if is_service { None } else { object.at(&["spec", "exportTo"]) };
        let mixed = listed.is_some_and(|list| list.items().nth(1).is_some());
        let finding = |message: String| Finding {
            path,
            subject: "exportTo".to_owned(),
            value: listed.map(|list| list.to_json()).unwrap_or_default(),
            message,
            wanted: "`.` or the namespaces that need it".to_owned(),
            remedy: "set exportTo to `.`, or name the namespaces".to_owned(),
            ..Finding::default()
        };
        match scope {
            Export::Unsaid => findings.violation(finding(format!("a {kind} without exportTo is for the whole mesh"))),
            Export::Everyone if mixed => {
                findings.violation(finding("`*` beside other namespaces: Istio refuses that".to_owned()));
            }
            Export::Everyone if self.refuse_everyone => {
                findings.violation(finding(format!("this {kind} is for the whole mesh")));
            }
            Export::Nobody if !is_service && kind != "ServiceEntry" => {
                findings.advise([finding(format!("`~` means nothing for a {kind}"))]);
            }
            Export::Everyone | Export::Nobody | Export::To(_) => {}
        }
        Ok(())
    }
}

/// Whether what stands in a namespace is meant for the mesh.
fn exports_for_all(namespace: &str, mesh: &Mesh) -> bool {
    mesh.may_route_for_all(namespace) || mesh.has_control_plane(namespace)
}
