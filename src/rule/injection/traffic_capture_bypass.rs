//! `traffic-capture-bypass`.

mod proxy;
mod value;

use schemars::JsonSchema;
use serde::Deserialize;

use crate::mesh::{POD_TEMPLATES, PodFacts, PodTemplate, REGISTRIES, pod_template};
use crate::rule::{CannotJudge, Finding, Findings, Input, Metadata, Rule, Severity, documented};
use value::Bypass;

documented! {
    /// Traffic of a Pod goes through its proxy, and the proxy is Istio's own.
    ///
    /// # What it does
    /// Refuses annotations of a pod template by which traffic goes past the proxy: ports, address ranges and interfaces
    /// that are excluded (`traffic.sidecar.istio.io/exclude…`), inclusions that are not `*` and so exclude the rest, an
    /// interception mode `NONE` (also in `proxy.istio.io/config`), `ambient.istio.io/bypass-inbound-capture: "true"`, and
    /// interfaces of the Pod's own in `istio.io/reroute-virtual-interfaces`, which is for bridges inside it.
    /// Refuses what replaces the proxy: other templates of the injector, a bootstrap of one's own, an image from another
    /// registry, by annotation or in a container `istio-proxy`, and `proxy.istio.io/overrides`. Advises against volumes
    /// that are mounted into the proxy. Ports and ranges that cannot be read are refused too. Gateways are exempt, and
    /// Pods that decline injection but for what ztunnel reads.
    ///
    /// # Why
    /// A port that is excluded takes plain text, whatever a `PeerAuthentication` with `STRICT` says, and no authorization
    /// policy is asked about it: <https://istio.io/latest/docs/ops/best-practices/security/#understand-traffic-capture-limitations>.
    ///
    /// # Known limits
    /// It does not look at the namespace: on Pods outside the mesh the annotations have no effect, and are refused all
    /// the same. A Pod with the labels of a gateway is taken for one. Of a Pod that was injected, the image of the proxy and
    /// what was laid over it are not judged: the injector writes both.
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
        kinds: &POD_TEMPLATES,
        codes: &["IST0125"],
        doc: Self::DOC,
        ..Metadata::OF_WRITES
    };

    fn check(&self, input: Input<'_>, findings: &mut Findings) -> Result<(), CannotJudge> {
        let kind = &input.request.kind;
        let Some(template) = pod_template(&kind.group, &kind.kind, input.object)? else { return Ok(()) };
        if template.is_gateway()? {
            return Ok(());
        }
        let facts = PodFacts::of(&template)?;
        // Without a sidecar ztunnel may still capture them.
        let declines = facts.declines_injection();
        for (key, judge) in value::JUDGES.into_iter().filter(|(key, _)| !declines || value::AMBIENT.contains(key)) {
            let Some(text) = template.annotation(key)? else { continue };
            for bypass in judge(text, self) {
                findings.violation(finding(&template, key, bypass));
            }
        }
        if declines {
            return Ok(());
        }
        for key in VOLUMES {
            if template.annotation(key)?.is_some() {
                let bypass = Bypass::new("", "mounts volumes into the proxy");
                findings.advise([finding(&template, key, bypass)]);
            }
        }
        // What the injector leaves behind in a Pod says nothing of who wanted it so.
        if kind.kind != "Pod" || !facts.has_proxy {
            proxy::overridden(&template, self, findings)?;
        }
        proxy::not_intercepting(&kind.group, &kind.kind, input.object, &template, findings)?;
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
