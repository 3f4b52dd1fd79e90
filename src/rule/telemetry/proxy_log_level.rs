//! `proxy-log-level`.

use schemars::JsonSchema;
use serde::Deserialize;

use crate::mesh::{GroupKind, HELM_VALUES, POD_TEMPLATES, Place, PodTemplate, helm_values, pod_template};
use crate::object::{Edit, WrongType, quoted};
use crate::rule::{CannotJudge, Finding, Findings, Input, Metadata, Rule, Severity, documented};

documented! {
    /// Proxies and control planes do not log for debugging.
    ///
    /// # What it does
    /// Refuses the levels `trace` and `debug`: in the annotations `sidecar.istio.io/logLevel`, `componentLogLevel` and
    /// `agentLogLevel` of a pod template, in the Helm values `global.proxy.logLevel`, `global.proxy.componentLogLevel` and
    /// `global.logging.level` of `IstioOperator`, `Istio`, `IstioRevision`, `HelmRelease` and `Application`, and in the
    /// arguments of `istio-proxy` and istiod. Advises against `info` in `logLevel`. With `action: Patch` an annotation `logLevel` becomes `warning`, and
    /// the other two are taken away.
    ///
    /// # Why
    /// At these levels a proxy writes several lines for every request, headers and tokens among them, and takes a
    /// multiple of its CPU: <https://istio.io/latest/docs/ops/diagnostic-tools/component-logging/>.
    ///
    /// # Known limits
    /// A level that is set while the proxy runs (`istioctl proxy-config log`) is not seen, nor one in an environment or in a file
    /// of values that a `HelmRelease` or an `Application` names.
    #[derive(Debug, Deserialize, JsonSchema)]
    #[serde(deny_unknown_fields)]
    pub struct ProxyLogLevel {}
}

const LEVEL: &str = "sidecar.istio.io/logLevel";

/// Annotations with levels.
const ANNOTATIONS: [&str; 3] = [LEVEL, "sidecar.istio.io/componentLogLevel", "sidecar.istio.io/agentLogLevel"];

/// Helm values with levels.
const VALUES: [(&[&str], &str); 3] = [
    (&["global", "proxy"], "logLevel"),
    (&["global", "proxy"], "componentLogLevel"),
    (&["global", "logging"], "level"),
];

/// Arguments with levels.
const ARGUMENTS: [&str; 3] = ["--proxyLogLevel", "--proxyComponentLogLevel", "--log_output_level"];

/// Containers with such arguments: the proxy and istiod.
const CONTAINERS: [&str; 2] = ["istio-proxy", "discovery"];

impl Rule for ProxyLogLevel {
    const METADATA: Metadata = Metadata {
        name: "proxy-log-level",
        severity: Severity::Medium,
        kinds: &GroupKind::all_of::<{ POD_TEMPLATES.len() + HELM_VALUES.len() }>(&[&POD_TEMPLATES, &HELM_VALUES]),
        mends: &POD_TEMPLATES,
        doc: Self::DOC,
        ..Metadata::OF_WRITES
    };

    fn check(&self, input: Input<'_>, findings: &mut Findings) -> Result<(), CannotJudge> {
        let kind = &input.request.kind;
        for values in helm_values((&kind.group, &kind.kind), input.object)? {
            for (path, name) in VALUES {
                for value in values.all(path, name)? {
                    report(value.text()?, &value.place, name, &[], findings);
                }
            }
        }
        let Some(template) = pod_template(&kind.group, &kind.kind, input.object)? else { return Ok(()) };
        for key in ANNOTATIONS {
            let Some(text) = template.annotation(key)? else { continue };
            let path = template.annotation_path(key);
            let fix = match key {
                LEVEL => Edit::Set { path: path.clone(), value: "warning".into() },
                _ => Edit::Remove { path: path.clone() },
            };
            let place = Place { path, inner: None };
            report(text, &place, key, &[fix], findings);
            if key == LEVEL && text.eq_ignore_ascii_case("info") {
                findings.advise([finding(&place, key, text, "writes a line for every connection")]);
            }
        }
        arguments(&template, findings)?;
        Ok(())
    }
}

/// Judges the arguments of the proxy and of istiod, which may stand in its command: `--name=level`, or the level in the
/// next one.
fn arguments(template: &PodTemplate<'_>, findings: &mut Findings) -> Result<(), WrongType> {
    for container in template.listed_containers()?.iter().filter(|container| CONTAINERS.contains(&container.name)) {
        let mut named: Option<&str> = None;
        let command = container.node.texts("command")?;
        for (node, argument) in command.into_iter().chain(container.node.texts("args")?) {
            let (name, level) = match (named.take(), argument.split_once('=')) {
                (Some(name), _) => (name, argument),
                (None, Some(pair)) => pair,
                (None, None) => {
                    named = Some(argument).filter(|name| ARGUMENTS.contains(name));
                    continue;
                }
            };
            if ARGUMENTS.contains(&name) {
                report(level, &node.into(), &format!("{} {name}", container.subject()), &[], findings);
            }
        }
    }
    Ok(())
}

/// Judges levels, those of single components (`http:debug,rbac:trace`) included.
fn report(text: &str, place: &Place, subject: &str, fix: &[Edit], findings: &mut Findings) {
    for item in text.split(',').map(str::trim) {
        let level = item.rsplit_once(':').map_or(item, |(_, level)| level).trim();
        if ["trace", "debug"].iter().any(|loud| level.eq_ignore_ascii_case(loud)) {
            let finding = finding(place, subject, item, "is a level for debugging");
            findings.violation(Finding { fix: fix.to_vec(), ..finding });
        }
    }
}

fn finding(place: &Place, subject: &str, level: &str, what: &str) -> Finding {
    Finding {
        path: place.path.clone(),
        inner: place.inner.clone(),
        subject: subject.to_owned(),
        value: level.into(),
        message: format!("the log level {} {what}", quoted(level)),
        wanted: "`warning` or `error`".to_owned(),
        remedy: "write `warning`; for a single proxy and a short time use istioctl proxy-config log".to_owned(),
        ..Finding::default()
    }
}
