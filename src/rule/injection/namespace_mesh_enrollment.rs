//! `namespace-mesh-enrollment`.

use std::collections::BTreeMap;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::mesh::{DATAPLANE_MODE, GroupKind, INJECTION, Mesh, REVISION, own_label, own_label_path};
use crate::object::{Edit, Node, WrongType};
use crate::rule::{
    CannotJudge, Finding, Findings, Input, Metadata, OF_NAMESPACES, Operation, Rule, Severity, documented,
};

documented! {
    /// Every namespace says whether it is part of the mesh.
    ///
    /// # What it does
    /// Refuses a Namespace with none of `istio-injection: enabled` or `disabled`, `istio.io/rev` and
    /// `istio.io/dataplane-mode: ambient` or `none`. Exempt are namespaces of control planes, mesh configuration and
    /// gateways. With `labels` and `action: Patch` those labels are added to a namespace that is created.
    ///
    /// # Why
    /// A namespace without a label looks like one that somebody forgot: its workloads run without proxy, and whether that
    /// is meant nobody knows. <https://istio.io/latest/docs/reference/config/analysis/ist0102/>.
    ///
    /// # Known limits
    /// Where injection is on by default for all namespaces, one without label is part of the mesh, and refused all the
    /// same.
    #[derive(Debug, Deserialize, JsonSchema)]
    #[serde(deny_unknown_fields)]
    pub struct NamespaceMeshEnrollment {
        /// `enabled` asks for `istio-injection: enabled` itself, `ambient` for `istio.io/dataplane-mode: ambient`.
        #[serde(default)]
        require: Require,
        /// Labels that a fix adds.
        #[serde(default)]
        labels: BTreeMap<String, String>,
        /// Namespaces that say nothing; what Vigla never judges need not be named.
        #[serde(default = "system")]
        exempt: Vec<String>,
    }
}

/// What a namespace must say.
#[derive(Clone, Copy, Debug, Default, Deserialize, Serialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
enum Require {
    /// Yes or no.
    #[default]
    Any,
    /// That the default revision injects.
    Enabled,
    /// That it is in the ambient mesh.
    Ambient,
}

fn system() -> Vec<String> {
    vec!["local-path-storage".to_owned()]
}

const NAMESPACE: GroupKind = GroupKind { group: "", kind: "Namespace" };

impl Rule for NamespaceMeshEnrollment {
    const METADATA: Metadata = Metadata {
        name: "namespace-mesh-enrollment",
        severity: Severity::Low,
        kinds: &[NAMESPACE],
        subresources: &OF_NAMESPACES,
        mends: &[NAMESPACE],
        codes: &[
            "IST0102",
            "add-ambient-mode-namespace",
            "add-sidecar-injection-namespace",
            "enforce-ambient-mode-namespace",
            "enforce-sidecar-injection-namespace",
        ],
        doc: Self::DOC,
        ..Metadata::OF_WRITES
    };

    fn check(&self, input: Input<'_>, findings: &mut Findings) -> Result<(), CannotJudge> {
        let Input { object, request, mesh, .. } = input;
        if self.is_exempt(&request.name, mesh) || self.is_said(object)? {
            return Ok(());
        }
        let (sidecars, ambient) = ("istio-injection=enabled", "istio.io/dataplane-mode=ambient");
        let (lacks, wanted, example) = match self.require {
            Require::Any => {
                let wanted = "istio-injection, istio.io/rev or istio.io/dataplane-mode";
                ("does not say whether it is part of the mesh", wanted, sidecars)
            }
            Require::Enabled => ("does not ask for sidecars of the default revision", sidecars, sidecars),
            Require::Ambient => ("does not ask for the ambient mesh", ambient, ambient),
        };
        let set =
            |(key, value): (&String, &String)| Edit::Set { path: own_label_path(key), value: value.clone().into() };
        // What runs in a namespace that is there already would change with its next Pods.
        let mends = request.operation == Operation::Create;
        findings.violation(Finding {
            path: own_label_path(if matches!(self.require, Require::Ambient) { DATAPLANE_MODE } else { INJECTION }),
            subject: "mesh".to_owned(),
            message: format!("the namespace `{}` {lacks}", request.name),
            wanted: format!("the label {wanted}"),
            remedy: format!("label it, for example: kubectl label namespace {} {example} --overwrite", request.name),
            fix: self.labels.iter().filter(|_| mends).map(set).collect(),
            ..Finding::default()
        });
        Ok(())
    }
}

impl NamespaceMeshEnrollment {
    fn is_exempt(&self, name: &str, mesh: &Mesh) -> bool {
        let of_mesh = mesh.has_control_plane(name) || mesh.has_config(name) || mesh.has_gateways(name);
        of_mesh || self.exempt.iter().any(|own| own == name)
    }

    fn is_said(&self, object: Node<'_>) -> Result<bool, WrongType> {
        let injection = own_label(object, INJECTION)?;
        let revision = own_label(object, REVISION)?.is_some_and(|revision| !revision.is_empty());
        let mode = own_label(object, DATAPLANE_MODE)?;
        Ok(match self.require {
            Require::Any => {
                matches!(injection, Some("enabled" | "disabled"))
                    || revision
                    || matches!(mode, Some("ambient" | "none"))
            }
            Require::Enabled => injection == Some("enabled"),
            Require::Ambient => mode == Some("ambient"),
        })
    }
}
