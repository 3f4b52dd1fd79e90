//! `no-full-trace-sampling`.

mod control_plane;
mod envoy_filter;
mod installation;
mod istiod;
mod judge;
mod proxy_config;
mod runtime;
mod telemetry;
mod virtual_service;

use schemars::JsonSchema;
use serde::Deserialize;

use crate::mesh::{GroupKind, MESH_CONFIGS, PROXY_CONFIGS, RELEASES, mesh_configs, pod_template, proxy_configs};
use crate::rule::{CannotJudge, Findings, Input, Metadata, Rule, Severity, documented};
use judge::Judge;

documented! {
    /// Not every request is traced.
    ///
    /// # What it does
    /// Refuses what makes the mesh, or some of its proxies, trace all requests, and advises against a tenth and more. It
    /// looks wherever Istio takes the share from: `Telemetry`, mesh config and proxy config (ConfigMaps, the annotation
    /// `proxy.istio.io/config`, the proxy's environment, `ProxyConfig`), istiod's environment, `IstioOperator`, `Istio`,
    /// `IstioRevision` and `ServiceMeshControlPlane`, Helm values in `HelmRelease` and `Application`, and `EnvoyFilter`.
    /// Of what may force single traces it advises: headers that a `VirtualService` sets, a bootstrap and containers of
    /// one's own that are laid over the proxy's; a proxy config among these is refused.
    ///
    /// # Why
    /// Each span is work for the proxy that makes it, for the network and for the tracing backend, which has to keep it:
    /// with every request traced, that grows with the traffic and fails with it. Istio's own default is one request in a
    /// hundred; its demo profile traces all and is not for production:
    /// <https://istio.io/latest/docs/tasks/observability/distributed-tracing/sampling/>.
    /// Where each share counts, and from where that is known, stands in [`docs/trace-sampling.md`](../trace-sampling.md).
    ///
    /// # Known limits
    /// Not seen: Helm values in files and in other objects (`valueFiles`, `valuesFrom`, `fileParameters`), those of a
    /// gateway's chart, what a ConfigMap lays over the workload of a Gateway (`parametersRef`), variables that come from
    /// another object (`envFrom`, and `PROXY_CONFIG` by `valueFrom`), mesh config under `binaryData`. Values are Istio's
    /// where their chart or the key they stand under is called istiod, else where they set `meshConfig`, `pilot` or one
    /// of Istio's names below `global.proxy`. YAML in a string is refused where a key stands twice, though istiod takes
    /// the last one. A share of 99.995 or more counts as 100: Envoy counts in hundredths of a percent.
    #[derive(Debug, Deserialize, JsonSchema)]
    #[serde(try_from = "Params")]
    pub struct NoFullTraceSampling { params: Params }
}

/// The parameters, all in percent of requests: above 0 and at most 100.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
struct Params {
    /// From so many percent of requests on, a violation.
    deny: f64,
    /// From so many percent on, advice.
    warn: f64,
    /// With the action `Patch`, what a violation is set to, in percent, below `deny`, where it stands in a field of its
    /// own: `Telemetry`, istiod's environment, the objects of installers. YAML in strings, filters, and what
    /// `HelmRelease` and `Application` say stay as they are.
    clamp: Option<f64>,
}

impl Default for Params {
    fn default() -> Self {
        Self { deny: 100.0, warn: 10.0, clamp: None }
    }
}

impl TryFrom<Params> for NoFullTraceSampling {
    type Error = String;

    fn try_from(params: Params) -> Result<Self, String> {
        let Params { deny, warn, clamp } = params;
        for (name, percent) in [("deny", Some(deny)), ("warn", Some(warn)), ("clamp", clamp)] {
            if let Some(percent) = percent.filter(|percent| !(*percent > 0.0 && *percent <= 100.0)) {
                return Err(format!("`{name}` is {percent}, expected a percentage above 0 and at most 100"));
            }
        }
        match clamp.filter(|clamp| *clamp >= deny) {
            Some(clamp) => Err(format!("`clamp` is {clamp}, which is a violation itself from `deny` ({deny}) on")),
            None => Ok(Self { params }),
        }
    }
}

const OWN_KINDS: [GroupKind; 3] = [
    GroupKind { group: "networking.istio.io", kind: "EnvoyFilter" },
    GroupKind { group: "networking.istio.io", kind: "VirtualService" },
    GroupKind { group: "telemetry.istio.io", kind: "Telemetry" },
];

/// Those with a number of their own, which is not part of a text.
const MENDED_KINDS: [GroupKind; 6] = [
    GroupKind { group: "apps", kind: "Deployment" },
    GroupKind { group: "install.istio.io", kind: "IstioOperator" },
    GroupKind { group: "maistra.io", kind: "ServiceMeshControlPlane" },
    GroupKind { group: "sailoperator.io", kind: "Istio" },
    GroupKind { group: "sailoperator.io", kind: "IstioRevision" },
    GroupKind { group: "telemetry.istio.io", kind: "Telemetry" },
];

impl Rule for NoFullTraceSampling {
    const METADATA: Metadata = Metadata {
        name: "no-full-trace-sampling",
        severity: Severity::High,
        kinds: &GroupKind::all_of::<27>(&[&PROXY_CONFIGS, &MESH_CONFIGS, &OWN_KINDS]),
        mends: &MENDED_KINDS,
        doc: Self::DOC,
        ..Metadata::OF_WRITES
    };

    fn check(&self, input: Input<'_>, findings: &mut Findings) -> Result<(), CannotJudge> {
        let Input { object, request, mesh, .. } = input;
        let kind = (&*request.kind.group, &*request.kind.kind);
        let judge = &mut Judge::new(&self.params, findings);
        if RELEASES.iter().any(|own| own.is(kind.0, kind.1)) {
            return installation::check_releases(judge, kind, object);
        }
        for carrier in proxy_configs(kind.0, kind.1, object)? {
            proxy_config::check(judge, carrier);
        }
        let mut decided = false;
        for carrier in mesh_configs(kind, (&request.namespace, &request.name), object, mesh)? {
            decided |= proxy_config::check_default(judge, carrier);
        }
        match kind {
            ("telemetry.istio.io", "Telemetry") => telemetry::check(judge, object)?,
            ("networking.istio.io", "EnvoyFilter") => envoy_filter::check(judge, object)?,
            ("networking.istio.io", "VirtualService") => virtual_service::check(judge, object)?,
            ("maistra.io", "ServiceMeshControlPlane") => control_plane::check(judge, object)?,
            ("install.istio.io" | "sailoperator.io", _) => installation::check(judge, kind, object, decided)?,
            _ => {
                if let Some(template) = pod_template(kind.0, kind.1, object)? {
                    proxy_config::check_unseen(judge, kind.1, &template)?;
                    if mesh.has_control_plane(&request.namespace) {
                        istiod::check(judge, &template)?;
                    }
                }
            }
        }
        Ok(())
    }
}
