//! Injection, ambient and canonical service against a second, plainer reading of Istio: its webhooks as selectors.

#![allow(clippy::unwrap_used, reason = "helpers of tests are tests")]

use proptest::option::of;
use proptest::prelude::*;
use proptest::sample::select;
use serde_json::json;
use vigla::mesh::{Labels, PodFacts, ambient, injection, is_in_mesh, pod_template};
use vigla::object::read_json;

/// A requirement of a label selector.
enum Is {
    In(&'static [&'static str]),
    NotIn(&'static [&'static str]),
    Absent,
}

impl Is {
    /// As Kubernetes matches: what is absent is not in any list.
    fn met(&self, value: Option<&String>) -> bool {
        match (self, value) {
            (Self::In(values), Some(value)) => values.contains(&value.as_str()),
            (Self::NotIn(values), Some(value)) => !values.contains(&value.as_str()),
            (Self::In(_), None) => false,
            (Self::NotIn(_) | Self::Absent, None) => true,
            (Self::Absent, Some(_)) => false,
        }
    }
}

type Selector = &'static [(&'static str, Is)];

const NAME: &str = "kubernetes.io/metadata.name";
const INJECTION: &str = "istio-injection";
const REV: &str = "istio.io/rev";
const INJECT: &str = "sidecar.istio.io/inject";
const SYSTEM: [&str; 4] = ["kube-system", "kube-public", "kube-node-lease", "local-path-storage"];

/// The webhooks of revisions `canary` and `default`, by (revision, namespace's selector, Pod's selector).
const WEBHOOKS: [(&str, Selector, Selector); 7] = [
    ("canary", &[(REV, Is::In(&["canary"])), (INJECTION, Is::Absent)], &[(INJECT, Is::NotIn(&["false"]))]),
    (
        "canary",
        &[(REV, Is::Absent), (INJECTION, Is::Absent)],
        &[(INJECT, Is::NotIn(&["false"])), (REV, Is::In(&["canary"]))],
    ),
    ("default", &[(REV, Is::In(&["default"])), (INJECTION, Is::Absent)], &[(INJECT, Is::NotIn(&["false"]))]),
    (
        "default",
        &[(REV, Is::Absent), (INJECTION, Is::Absent)],
        &[(INJECT, Is::NotIn(&["false"])), (REV, Is::In(&["default"]))],
    ),
    ("default", &[(INJECTION, Is::In(&["enabled"]))], &[(INJECT, Is::NotIn(&["false"]))]),
    ("default", &[(INJECTION, Is::Absent), (REV, Is::Absent)], &[(INJECT, Is::In(&["true"])), (REV, Is::Absent)]),
    (
        "default",
        &[(INJECTION, Is::Absent), (REV, Is::Absent), (NAME, Is::NotIn(&SYSTEM))],
        &[(INJECT, Is::Absent), (REV, Is::Absent)],
    ),
];

#[derive(Clone, Debug)]
struct Sample {
    namespace: &'static str,
    namespace_labels: Labels,
    labels: Labels,
    annotations: Labels,
    host_network: bool,
    container: &'static str,
}

fn map(key: &'static str, values: &'static [&'static str]) -> impl Strategy<Value = Labels> {
    of(select(values))
        .prop_map(move |value| value.map(|value| (key.to_owned(), value.to_owned())).into_iter().collect())
}

fn joined(maps: impl Strategy<Value = Vec<Labels>>) -> impl Strategy<Value = Labels> {
    maps.prop_map(|maps| maps.into_iter().flatten().collect())
}

fn sample() -> impl Strategy<Value = Sample> {
    let revision = || map(REV, &["", "canary", "default"]).boxed();
    let mode = || map("istio.io/dataplane-mode", &["ambient", "none", "x"]).boxed();
    let inject = || map(INJECT, &["true", "false", "False", ""]).boxed();
    let injection = map(INJECTION, &["enabled", "disabled", "Enabled", ""]).boxed();
    let status = map("sidecar.istio.io/status", &["{}"]).boxed();
    (
        select(&["shop", "istio-system", "kube-system"][..]),
        joined(vec![injection, revision(), mode()]),
        joined(vec![inject(), revision(), mode()]),
        joined(vec![inject(), status]),
        any::<bool>(),
        select(&["cart", "istio-proxy"][..]),
    )
        .prop_map(|(namespace, namespace_labels, labels, annotations, host_network, container)| Sample {
            namespace,
            namespace_labels,
            labels,
            annotations,
            host_network,
            container,
        })
}

impl Sample {
    /// The revision that injects.
    fn injected_by(&self, by_default: bool) -> Option<&'static str> {
        let mut namespace_labels = self.namespace_labels.clone();
        namespace_labels.insert(NAME.to_owned(), self.namespace.to_owned());
        let meets = |labels: &Labels, selector: Selector| selector.iter().all(|(key, is)| is.met(labels.get(*key)));
        let webhooks = WEBHOOKS.iter().take(if by_default { 7 } else { 6 });
        let mut called =
            webhooks.filter(|(_, namespace, pod)| meets(&namespace_labels, namespace) && meets(&self.labels, pod));
        let (revision, ..) = called.next()?;
        assert!(called.next().is_none(), "the chart's selectors exclude each other: {self:?}");
        let said = self.labels.get(INJECT).or_else(|| self.annotations.get(INJECT));
        let never = self.host_network || SYSTEM.contains(&self.namespace) || said.is_some_and(|said| said == "false");
        (!never).then_some(*revision)
    }

    fn captured(&self) -> bool {
        let mode = |labels: &Labels| labels.get("istio.io/dataplane-mode").cloned().unwrap_or_default();
        let asked = mode(&self.namespace_labels) == "ambient" || mode(&self.labels) == "ambient";
        let sidecar = self.annotations.contains_key("sidecar.istio.io/status");
        asked && mode(&self.labels) != "none" && !self.host_network && !sidecar
    }

    fn in_mesh(&self) -> bool {
        let sidecar = self.annotations.contains_key("sidecar.istio.io/status") && self.container == "istio-proxy";
        sidecar || self.injected_by(false).is_some() || self.captured()
    }

    fn with_facts<T>(&self, look: impl FnOnce(PodFacts<'_>) -> T) -> T {
        let metadata = json!({"labels": self.labels, "annotations": self.annotations});
        let spec = json!({"hostNetwork": self.host_network, "containers": [{"name": self.container}]});
        let text = json!({"metadata": metadata, "spec": spec}).to_string();
        let tree = read_json(&text).unwrap();
        look(PodFacts::of(&pod_template("", "Pod", tree.root()).unwrap().unwrap()).unwrap())
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(4096))]

    #[test]
    fn injection_is_what_the_charts_webhooks_and_istiod_make_of_it(sample in sample(), by_default: bool) {
        use vigla::mesh::Revision::{Default, Named};
        sample.with_facts(|pod| {
            let found = injection(sample.namespace, &sample.namespace_labels, pod, by_default);
            let found = found.ok().map(|revision| match revision {
                Default => "default".to_owned(),
                Named(name) => name.to_owned(),
            });
            prop_assert_eq!(found.as_deref(), sample.injected_by(by_default));
            Ok(())
        })?;
    }

    #[test]
    fn ambient_takes_what_asks_and_can_be_taken(sample in sample()) {
        sample.with_facts(|pod| {
            prop_assert_eq!(ambient(&sample.namespace_labels, pod).is_ok(), sample.captured());
            Ok(())
        })?;
    }

    /// Without labels the answer is the one that every labelling gives, or none.
    #[test]
    fn what_labels_decide_is_not_guessed(sample in sample()) {
        sample.with_facts(|pod| {
            let known = is_in_mesh(sample.namespace, Some(&sample.namespace_labels), pod);
            prop_assert_eq!(known, Some(sample.in_mesh()));
            if let Some(unknown) = is_in_mesh(sample.namespace, None, pod) {
                prop_assert_eq!(Some(unknown), known);
            }
            Ok(())
        })?;
    }

    #[test]
    fn the_canonical_service_falls_through_empty_labels(
        names in (of("[a-c]?"), of("[a-c]?"), of("[a-c]?")),
        revisions in (of("[0-9]?"), of("[0-9]?"), of("[0-9]?")),
    ) {
        let said = |value: &Option<String>| value.clone().filter(|value| !value.is_empty());
        let name = said(&names.0).or(said(&names.1)).or(said(&names.2)).unwrap_or("cart".to_owned());
        let revision = said(&revisions.0).or(said(&revisions.1)).or(said(&revisions.2)).unwrap_or("latest".to_owned());
        let text = json!({"metadata": {"labels": {
            "service.istio.io/canonical-name": names.0, "app.kubernetes.io/name": names.1, "app": names.2,
            "service.istio.io/canonical-revision": revisions.0, "app.kubernetes.io/version": revisions.1,
            "version": revisions.2,
        }}}).to_string();
        let tree = read_json(&text).unwrap();
        let template = pod_template("", "Pod", tree.root()).unwrap().unwrap();
        let (found, at) = template.canonical("cart").unwrap();
        prop_assert_eq!((&*found, at), (&*name, &*revision));
    }
}
