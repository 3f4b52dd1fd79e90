//! `deprecated-apis`.

mod field;
mod kind;
mod provider;

use schemars::JsonSchema;
use serde::Deserialize;

use crate::mesh::{GroupKind, MESH_CONFIGS};
use crate::rule::{CannotJudge, Finding, Findings, Input, Metadata, Rule, Severity, documented};

documented! {
    /// Nothing stands in APIs of Istio that are gone, or in fields that go.
    ///
    /// # What it does
    /// Refuses kinds that Istio does not know any more: all of `authentication.istio.io` (`Policy`, `MeshPolicy`),
    /// `rbac.istio.io` (`ServiceRole` and others), `config.istio.io` (Mixer), and `IstioControlPlane`. Refuses what is
    /// deprecated or gone in kinds that it does know, and says what came in its place:
    ///
    /// | kind | fields |
    /// |---|---|
    /// | `VirtualService` | `percent` of a fault, `mirrorPercent`, `mirror_percent`, `allowOrigin`, `websocketUpgrade`, gateways that are written as a host |
    /// | `DestinationRule` | `minimumRingSize` of `consistentHash`, `warmupDurationSecs` |
    /// | `Gateway`, `Sidecar` | `targetPort` of a port |
    /// | `Telemetry`, `WasmPlugin` | `targetRef`, as advice |
    /// | mesh config | the tracers and providers Lightstep and OpenCensus; advice for Stackdriver |
    ///
    /// # Why
    /// A `ServiceRole` that nobody reads protects nothing: Istio 1.6 took it away
    /// (<https://istio.io/latest/news/releases/1.6.x/announcing-1.6/upgrade-notes/>). What is deprecated works until an
    /// upgrade, and fails then: OpenCensus went with 1.25
    /// (<https://istio.io/latest/news/releases/1.25.x/announcing-1.25/upgrade-notes/>). Istio's definitions name the
    /// fields: <https://github.com/istio/api/blob/master/kubernetes/customresourcedefinitions.gen.yaml>.
    ///
    /// # Known limits
    /// Other rules say what is deprecated where they read it, and it is not said twice: annotations
    /// (`misplaced-annotations`), `LEAST_CONN` and `consecutiveErrors` (`destinationrule-resilience`), `egressProxy`
    /// (`egress-registry-only`), `targetRef` of policies (`authz-scope`). An API server takes fields away that its
    /// definitions do not know; of those a webhook sees nothing, and `vigla check` does. Definitions themselves
    /// (`CustomResourceDefinition`) are never judged.
    #[derive(Debug, Deserialize, JsonSchema)]
    #[serde(deny_unknown_fields)]
    pub struct DeprecatedApis {}
}

impl Rule for DeprecatedApis {
    const METADATA: Metadata = Metadata {
        name: "deprecated-apis",
        severity: Severity::Medium,
        kinds: &GroupKind::all_of::<{ kind::REMOVED.len() + field::KINDS.len() + MESH_CONFIGS.len() }>(&[
            &kind::REMOVED,
            &field::KINDS,
            &MESH_CONFIGS,
        ]),
        codes: &["IST0002"],
        doc: Self::DOC,
        ..Metadata::OF_WRITES
    };

    fn check(&self, input: Input<'_>, findings: &mut Findings) -> Result<(), CannotJudge> {
        let Input { object, request, mesh, .. } = input;
        if let Some(successor) = kind::successor(&request.kind.group, &request.kind.kind) {
            findings.violation(kind::removed(&request.kind, successor));
            return Ok(());
        }
        field::judge(&request.kind.kind, object, findings)?;
        provider::judge(object, request, mesh, findings)
    }
}

/// What is deprecated, and what came in its place.
fn finding(name: &str, message: String, successor: &str) -> Finding {
    Finding {
        subject: name.to_owned(),
        message,
        wanted: successor.to_owned(),
        remedy: format!("write {successor} instead"),
        ..Finding::default()
    }
}
