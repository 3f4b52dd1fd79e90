//! Whether a Pod gets a sidecar: the selectors of the injector's webhooks, then what istiod itself looks at.

use super::{Labels, PodTemplate};
use crate::object::WrongType;

/// A namespace's label: `enabled` injects by the default revision, every other value nothing at all.
pub const INJECTION: &str = "istio-injection";
/// The label of a namespace or a Pod with the revision that injects.
pub const REVISION: &str = "istio.io/rev";
/// The label of a Pod, and the annotation that came before it.
pub const INJECT: &str = "sidecar.istio.io/inject";

/// The annotation by which the injector leaves word.
pub const SIDECAR_STATUS: &str = "sidecar.istio.io/status";
/// The annotation of containers that the injector lays over its own. It notes there what it found in a Pod, and takes
/// what a template says for that: `reapplyOverwrittenContainers` of
/// <https://github.com/istio/istio/blob/master/pkg/kube/inject/webhook.go>.
pub const OVERRIDES: &str = "proxy.istio.io/overrides";
/// The annotation that chooses what is injected.
const TEMPLATES: &str = "inject.istio.io/templates";

/// Namespaces in which istiod injects nothing, whoever asks. Its own is not among them.
const NEVER: [&str; 4] = ["kube-system", "kube-public", "kube-node-lease", "local-path-storage"];

/// What Istio looks at to tell whether a Pod is part of the mesh.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct PodFacts<'t> {
    /// The label `sidecar.istio.io/inject`.
    pub inject_label: Option<&'t str>,
    /// The annotation of the same name; it counts where there is no label.
    pub inject_annotation: Option<&'t str>,
    /// The label `istio.io/rev`.
    pub revision: Option<&'t str>,
    /// The label `istio.io/dataplane-mode`.
    pub dataplane_mode: Option<&'t str>,
    /// Whether it shares its node's network.
    pub host_network: bool,
    /// Whether it says that it was injected already: [`SIDECAR_STATUS`]. ztunnel believes that.
    pub injected: bool,
    /// Whether it says so and has a container for the proxy: the annotation alone is easily written.
    pub has_proxy: bool,
}

impl<'t> PodFacts<'t> {
    /// Reads them from a template.
    ///
    /// # Errors
    /// Where one of them has another type than the API gives it.
    pub fn of(template: &PodTemplate<'t>) -> Result<Self, WrongType> {
        let injected = template.annotation(SIDECAR_STATUS)?.is_some();
        Ok(Self {
            inject_label: template.label(INJECT)?,
            inject_annotation: template.annotation(INJECT)?,
            revision: template.label(REVISION)?,
            dataplane_mode: template.label(super::DATAPLANE_MODE)?,
            host_network: template.spec.map_or(Ok(None), |spec| spec.boolean("hostNetwork"))?.unwrap_or(false),
            injected,
            has_proxy: injected && template.proxy()?.is_some(),
        })
    }

    /// Whether the Pod itself says that nothing is injected into it. Values are case-sensitive.
    #[must_use]
    pub fn declines_injection(&self) -> bool {
        self.inject_label.or(self.inject_annotation) == Some("false")
    }
}

/// Which control plane injects.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Revision<'a> {
    /// The default one.
    Default,
    /// The one of that revision or tag. Where there is none of that name nothing is injected, and nothing says so.
    Named(&'a str),
}

/// Why no sidecar is injected.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum NotInjected {
    /// The namespace has the label `istio-injection` with a value other than `enabled`; the Pod has no say.
    Namespace,
    /// The Pod's label says `false`.
    PodLabel,
    /// The Pod's annotation says `false`, and there is no label.
    PodAnnotation,
    /// Neither the namespace nor the Pod asks for it. The annotation cannot: no webhook selects by it.
    NotAsked,
    /// The revision asked for is the empty one, which no webhook serves.
    EmptyRevision,
    /// It shares its node's network.
    HostNetwork,
    /// Istio injects nothing in this namespace.
    SystemNamespace,
}

/// Which revision injects a sidecar into a Pod of a namespace with these labels, where one does.
///
/// `by_default` is Istio's `sidecarInjectorWebhook.enableNamespacesByDefault`, which is off where nobody set it. The
/// injector's `neverInjectSelector` and `alwaysInjectSelector` are empty where nobody filled them.
///
/// # Errors
/// Why there is none.
pub fn injection<'a>(
    namespace: &str,
    labels: &'a Labels,
    pod: PodFacts<'a>,
    by_default: bool,
) -> Result<Revision<'a>, NotInjected> {
    let revision = webhook(labels, pod, by_default)?;
    if pod.host_network {
        return Err(NotInjected::HostNetwork);
    }
    if NEVER.contains(&namespace) {
        return Err(NotInjected::SystemNamespace);
    }
    // A label of any value hides the annotation; a value that is neither word leaves it at the policy, which injects.
    if pod.declines_injection() {
        return Err(NotInjected::PodAnnotation);
    }
    Ok(revision)
}

/// The webhook that the API server calls, by the selectors of Istio's chart.
fn webhook<'a>(labels: &'a Labels, pod: PodFacts<'a>, by_default: bool) -> Result<Revision<'a>, NotInjected> {
    let namespace_revision = labels.get(REVISION).map(String::as_str);
    match (labels.get(INJECTION).map(String::as_str), namespace_revision.or(pod.revision), pod.inject_label) {
        (Some(value), ..) if value != "enabled" => Err(NotInjected::Namespace),
        (_, _, Some("false")) => Err(NotInjected::PodLabel),
        (Some(_), ..) => Ok(Revision::Default),
        (None, Some(""), _) => Err(NotInjected::EmptyRevision),
        (None, Some(revision), _) => Ok(Revision::Named(revision)),
        (None, None, Some("true")) => Ok(Revision::Default),
        (None, None, None) if by_default => Ok(Revision::Default),
        (None, None, _) => Err(NotInjected::NotAsked),
    }
}

impl PodTemplate<'_> {
    /// Whether it asks for the injector's template for gateways: what is injected is then no sidecar.
    ///
    /// # Errors
    /// Where the annotation is no string.
    pub fn uses_gateway_template(&self) -> Result<bool, WrongType> {
        let templates = self.annotation(TEMPLATES)?.unwrap_or_default();
        Ok(templates.split(',').any(|template| template.trim() == "gateway"))
    }

    /// Whether what runs is a gateway of Istio's: by the injector's template, by what istiod labels those that it makes
    /// itself, or by the labels of Istio's own charts.
    ///
    /// # Errors
    /// Where a label or the annotation is no string.
    pub fn is_gateway(&self) -> Result<bool, WrongType> {
        let chart = ["ingressgateway", "egressgateway", "eastwestgateway"];
        Ok(self.uses_gateway_template()?
            || self.label("gateway.networking.k8s.io/gateway-name")?.is_some()
            || self.label("gateway.istio.io/managed")?.is_some()
            || self.label("istio")?.is_some_and(|istio| chart.contains(&istio)))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use NotInjected::{EmptyRevision, HostNetwork, Namespace, NotAsked, PodAnnotation, PodLabel, SystemNamespace};
    use Revision::{Default, Named};

    type Label = Option<&'static str>;

    const ON: Label = Some("true");
    const OFF: Label = Some("false");

    fn labels(injection: Label, revision: Label) -> Labels {
        let own = |key: &str, value: Label| value.map(|value| (key.to_owned(), value.to_owned()));
        own(INJECTION, injection).into_iter().chain(own(REVISION, revision)).collect()
    }

    #[test]
    fn the_webhooks_select_as_istios_chart_says() {
        for (injection, revision, inject_label, pod_revision, expected) in [
            (Some("enabled"), None, None, None, Ok(Default)),
            (Some("enabled"), Some("canary"), None, Some("stable"), Ok(Default)),
            (Some("enabled"), None, Some("no"), None, Ok(Default)),
            (Some("enabled"), None, OFF, None, Err(PodLabel)),
            (Some("enabled"), Some("canary"), OFF, Some("stable"), Err(PodLabel)),
            (Some("disabled"), None, ON, None, Err(Namespace)),
            (Some("disabled"), Some("canary"), ON, Some("stable"), Err(Namespace)),
            (Some("true"), None, ON, None, Err(Namespace)),
            (Some("Enabled"), None, None, None, Err(Namespace)),
            (Some(""), None, ON, None, Err(Namespace)),
            (None, Some("canary"), None, None, Ok(Named("canary"))),
            (None, Some("canary"), ON, Some("stable"), Ok(Named("canary"))),
            (None, Some("canary"), OFF, None, Err(PodLabel)),
            (None, Some(""), ON, Some("stable"), Err(EmptyRevision)),
            (None, None, None, Some("stable"), Ok(Named("stable"))),
            (None, None, ON, Some("stable"), Ok(Named("stable"))),
            (None, None, OFF, Some("stable"), Err(PodLabel)),
            (None, None, ON, Some(""), Err(EmptyRevision)),
            (None, None, ON, None, Ok(Default)),
            (None, None, Some("True"), None, Err(NotAsked)),
            (None, None, OFF, None, Err(PodLabel)),
            (None, None, None, None, Err(NotAsked)),
        ] {
            let labels = labels(injection, revision);
            let pod = PodFacts { inject_label, revision: pod_revision, ..PodFacts::default() };
            assert_eq!(super::injection("shop", &labels, pod, false), expected, "{labels:?} {pod:?}");
        }
    }

    #[test]
    fn all_namespaces_may_be_injected_by_default() {
        let none = Labels::new();
        for (namespace, inject_label, revision, expected) in [
            ("shop", None, None, Ok(Default)),
            ("istio-system", None, None, Ok(Default)),
            ("kube-system", None, None, Err(SystemNamespace)),
            ("local-path-storage", None, None, Err(SystemNamespace)),
            ("shop", Some("yes"), None, Err(NotAsked)),
            ("shop", OFF, None, Err(PodLabel)),
            ("shop", None, Some("stable"), Ok(Named("stable"))),
        ] {
            let pod = PodFacts { inject_label, revision, ..PodFacts::default() };
            assert_eq!(injection(namespace, &none, pod, true), expected, "{namespace} {pod:?}");
        }
        assert_eq!(injection("shop", &labels(Some("disabled"), None), PodFacts::default(), true), Err(Namespace));
    }

    #[test]
    fn istiod_looks_at_the_pod_once_more() {
        let enabled = labels(Some("enabled"), None);
        for (namespace, inject_label, inject_annotation, host_network, expected) in [
            ("shop", None, None, true, Err(HostNetwork)),
            ("shop", ON, None, true, Err(HostNetwork)),
            ("kube-system", ON, None, false, Err(SystemNamespace)),
            ("istio-system", None, None, false, Ok(Default)),
            ("shop", None, OFF, false, Err(PodAnnotation)),
            ("shop", None, Some("False"), false, Ok(Default)),
            // The label hides the annotation, whatever it says.
            ("shop", ON, OFF, false, Ok(Default)),
            ("shop", Some(""), OFF, false, Ok(Default)),
        ] {
            let pod = PodFacts { inject_label, inject_annotation, host_network, ..PodFacts::default() };
            assert_eq!(injection(namespace, &enabled, pod, false), expected, "{namespace} {pod:?}");
        }
        // The annotation cannot ask: no webhook selects by it.
        let pod = PodFacts { inject_annotation: ON, ..PodFacts::default() };
        assert_eq!(injection("shop", &Labels::new(), pod, false), Err(NotAsked));
    }
}
