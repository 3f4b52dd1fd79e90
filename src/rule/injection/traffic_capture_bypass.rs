//! `traffic-capture-bypass`.

mod value;

use schemars::JsonSchema;
use serde::Deserialize;

use crate::mesh::protobuf::field;
use crate::mesh::{GroupKind, JOBS, PodFacts, PodTemplate, REGISTRIES, WORKLOADS, pod_template, proxy_configs};
use crate::object::Value;
use crate::rule::{CannotJudge, Finding, Findings, Input, Metadata, Rule, Severity, documented};
use value::Bypass;

documented! {
    /// Traffic of a Pod goes through its proxy, and the proxy is Istio's own.
    ///
    /// # What it does
    /// Refuses annotations of a pod template by which traffic goes past the proxy: ports, address ranges and interfaces
    /// that are excluded (`traffic.sidecar.istio.io/exclude…`), inclusions that are not `*` and so exclude the rest, an
    /// interception mode `NONE` (also in `proxy.istio.io/config`) and `ambient.istio.io/bypass-inbound-capture: "true"`.
    /// Refuses what replaces the proxy: other templates of the injector, a bootstrap of one's own, an image from another
    /// registry. Advises against volumes that are mounted into the proxy. Ports and ranges that cannot be read are
    /// refused too. Gateways and Pods that decline injection are exempt.
    ///
    /// # Why
    /// A port that is excluded takes plain text, whatever a `PeerAuthentication` with `STRICT` says, and no authorization
    /// policy is asked about it: <https://istio.io/latest/docs/ops/best-practices/security/#understand-traffic-capture-limitations>.
    ///
    /// # Known limits
    /// It does not look at the namespace: on Pods outside the mesh the annotations have no effect, and are refused all
    /// the same. A Pod with the labels of a gateway is taken for one.
    #[derive(Debug, Deserialize, JsonSchema)]
    #[serde(default, rename_all = "camelCase", deny_unknown_fields)]
    pub struct TrafficCaptureBypass {
        /// Ports that may be excluded, such as those of health checks.
        allowed_ports: Vec<u16>,
        /// Templates of the injector that may be used.
        allowed_templates: Vec<String>,
        /// Where an image of the proxy may come from; a registry or a folder in one.
        registries: Vec<String>,
    }
}

impl Default for TrafficCaptureBypass {
    fn default() -> Self {
        let own = |words: &[&str]| words.iter().map(|&word| word.to_owned()).collect();
        Self {
            allowed_ports: Vec::new(),
            allowed_templates: own(&["sidecar", "gateway", "grpc-agent", "grpc-simple", "waypoint"]),
            registries: own(&REGISTRIES),
        }
    }
}

const VOLUMES: [&str; 2] = ["sidecar.istio.io/userVolume", "sidecar.istio.io/userVolumeMount"];

impl Rule for TrafficCaptureBypass {
    const METADATA: Metadata = Metadata {
        name: "traffic-capture-bypass",
        severity: Severity::High,
        kinds: &GroupKind::all_of::<{ WORKLOADS.len() + JOBS.len() }>(&[&WORKLOADS, &JOBS]),
        codes: &["IST0125"],
        doc: Self::DOC,
        ..Metadata::OF_WRITES
    };

    fn check(&self, input: Input<'_>, findings: &mut Findings) -> Result<(), CannotJudge> {
        let kind = &input.request.kind;
        let Some(template) = pod_template(&kind.group, &kind.kind, input.object)? else { return Ok(()) };
        if template.is_gateway()? || PodFacts::of(&template)?.declines_injection() {
            return Ok(());
        }
        for (key, judge) in value::JUDGES {
            let Some(text) = template.annotation(key)? else { continue };
            for bypass in judge(text, self) {
                findings.violation(finding(&template, key, bypass));
            }
        }
        for key in VOLUMES {
            if template.annotation(key)?.is_some() {
                let bypass = Bypass::new("", "mounts volumes into the proxy");
                findings.advise([finding(&template, key, bypass)]);
            }
        }
        for carrier in proxy_configs(&kind.group, &kind.kind, input.object)? {
            // In whichever of its two spellings.
            let Ok(Some(opened)) = carrier.open("nterception") else { continue };
            let mode = field(opened.root(), "interceptionMode");
            let none = mode.is_some_and(|mode| match mode.value() {
                Value::Text(text) => text == "NONE",
                Value::Number(number) => number.as_i64() == Some(2),
                _ => false,
            });
            if let Some(mode) = mode.filter(|_| none) {
                let place = opened.place(mode);
                findings.violation(Finding {
                    path: place.path,
                    inner: place.inner,
                    ..finding(&template, carrier.name, Bypass::new("NONE", "turns interception off"))
                });
            }
        }
        Ok(())
    }
}

fn finding(template: &PodTemplate<'_>, key: &str, bypass: Bypass) -> Finding {
    let Bypass { what, effect } = bypass;
    Finding {
        path: template.annotation_path(key),
        subject: if what.is_empty() { key.to_owned() } else { format!("{key} {what}") },
        value: what.into(),
        message: format!("`{key}` {effect}"),
        wanted: "no such annotation".to_owned(),
        remedy: "remove it, or have it allowed by a parameter of the policy or an exception".to_owned(),
        ..Finding::default()
    }
}
