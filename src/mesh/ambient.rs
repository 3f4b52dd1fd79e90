//! Whether ztunnel takes a Pod's traffic, and whether a Pod is part of the mesh in one way or another.

use std::sync::LazyLock;

use super::injection::{INJECTION, PodFacts, REVISION, injection};
use super::snapshot::Labels;

/// The label of a namespace or a Pod that puts it into the ambient mesh.
pub const DATAPLANE_MODE: &str = "istio.io/dataplane-mode";

/// Why the ambient mesh has no part in a Pod.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum NotCaptured {
    /// Neither the Pod nor its namespace asks for it.
    NotAsked,
    /// The Pod says `none`.
    Pod,
    /// It shares its node's network.
    HostNetwork,
    /// It has a sidecar.
    Sidecar,
}

/// Nothing, where ztunnel takes the traffic of a Pod in a namespace with these labels.
///
/// # Errors
/// Why it does not.
pub fn ambient(labels: &Labels, pod: PodFacts<'_>) -> Result<(), NotCaptured> {
    match pod.dataplane_mode {
        Some("none") => Err(NotCaptured::Pod),
        Some("ambient") => Ok(()),
        _ if labels.get(DATAPLANE_MODE).is_some_and(|mode| mode == "ambient") => Ok(()),
        _ => Err(NotCaptured::NotAsked),
    }?;
    match pod {
        PodFacts { host_network: true, .. } => Err(NotCaptured::HostNetwork),
        PodFacts { injected: true, .. } => Err(NotCaptured::Sidecar),
        _ => Ok(()),
    }
}

/// Whether a Pod is part of the mesh, with a sidecar or without, where injection is not on by default.
///
/// Nothing where that depends on labels of its namespace that are not known.
#[must_use]
pub fn is_in_mesh(namespace: &str, labels: Option<&Labels>, pod: PodFacts<'_>) -> Option<bool> {
    decided(labels, |labels| {
        pod.has_proxy || injection(namespace, labels, pod, false).is_ok() || ambient(labels, pod).is_ok()
    })
}

/// Whether a Pod has a sidecar, or gets one, where injection is not on by default.
///
/// Nothing where that depends on labels of its namespace that are not known.
#[must_use]
pub fn is_injected(namespace: &str, labels: Option<&Labels>, pod: PodFacts<'_>) -> Option<bool> {
    decided(labels, |labels| pod.has_proxy || injection(namespace, labels, pod, false).is_ok())
}

/// What holds with these labels of a namespace or, where they are not known, with whichever it has.
fn decided(labels: Option<&Labels>, holds: impl Fn(&Labels) -> bool) -> Option<bool> {
    if let Some(labels) = labels {
        return Some(holds(labels));
    }
    let mut all = LABELLINGS.iter().map(holds);
    let first = all.next()?;
    all.all(|other| other == first).then_some(first)
}

/// One labelling of each sort that makes a difference. They are made once: most rules about Pods ask, and each for itself.
static LABELLINGS: LazyLock<Vec<Labels>> = LazyLock::new(|| {
    let values: [(&str, &[&str]); 3] =
        [(INJECTION, &["enabled", "disabled"]), (REVISION, &["", "default"]), (DATAPLANE_MODE, &["ambient"])];
    values.into_iter().fold(vec![Labels::new()], |all, (key, values)| {
        let with = |value: &&str| {
            let value = (*value).to_owned();
            all.clone().into_iter().map(move |mut labels| {
                labels.insert(key.to_owned(), value.clone());
                labels
            })
        };
        let more: Vec<Labels> = values.iter().flat_map(with).collect();
        all.into_iter().chain(more).collect()
    })
});

#[cfg(test)]
mod tests {
    use super::*;

    fn labels(pairs: &[(&str, &str)]) -> Labels {
        pairs.iter().map(|&(key, value)| (key.to_owned(), value.to_owned())).collect()
    }

    #[test]
    fn ztunnel_takes_what_asks_for_it() {
        let pod = |dataplane_mode| PodFacts { dataplane_mode, ..PodFacts::default() };
        let asks = pod(Some("ambient"));
        for (namespace, pod, expected) in [
            (None, pod(None), Err(NotCaptured::NotAsked)),
            (Some("none"), pod(None), Err(NotCaptured::NotAsked)),
            (Some("Ambient"), pod(None), Err(NotCaptured::NotAsked)),
            (Some("ambient"), pod(None), Ok(())),
            (Some("ambient"), pod(Some("none")), Err(NotCaptured::Pod)),
            (Some("ambient"), pod(Some("sidecar")), Ok(())),
            (None, asks, Ok(())),
            (Some("none"), asks, Ok(())),
            (None, PodFacts { host_network: true, ..asks }, Err(NotCaptured::HostNetwork)),
            (None, PodFacts { injected: true, ..asks }, Err(NotCaptured::Sidecar)),
        ] {
            let labels = namespace.map_or_else(Labels::new, |mode| labels(&[(DATAPLANE_MODE, mode)]));
            assert_eq!(ambient(&labels, pod), expected, "{labels:?} {pod:?}");
        }
    }

    #[test]
    fn the_mesh_has_sidecars_and_ztunnel() {
        let pod = PodFacts::default();
        assert_eq!(is_in_mesh("shop", Some(&Labels::new()), pod), Some(false));
        assert_eq!(is_in_mesh("shop", Some(&labels(&[(INJECTION, "enabled")])), pod), Some(true));
        assert_eq!(is_in_mesh("shop", Some(&labels(&[(REVISION, "canary")])), pod), Some(true));
        let ambient = labels(&[(INJECTION, "disabled"), (DATAPLANE_MODE, "ambient")]);
        assert_eq!(is_in_mesh("shop", Some(&ambient), pod), Some(true));
    }

    #[test]
    fn labels_that_are_not_known_may_not_matter() {
        let default = PodFacts::default();
        let ambient = PodFacts { dataplane_mode: Some("ambient"), ..default };
        for (pod, expected) in [
            (default, None),
            (PodFacts { inject_label: Some("true"), ..default }, None),
            (PodFacts { inject_label: Some("false"), ..default }, None),
            (PodFacts { inject_label: Some("false"), dataplane_mode: Some("none"), ..default }, Some(false)),
            (PodFacts { host_network: true, ..ambient }, Some(false)),
            (ambient, Some(true)),
            (PodFacts { injected: true, has_proxy: true, ..default }, Some(true)),
            (PodFacts { injected: true, ..default }, None),
        ] {
            assert_eq!(is_in_mesh("shop", None, pod), expected, "{pod:?}");
        }
        for (pod, expected) in [
            (default, None),
            (ambient, None),
            (PodFacts { inject_label: Some("false"), ..ambient }, Some(false)),
            (PodFacts { host_network: true, ..default }, Some(false)),
            (PodFacts { injected: true, has_proxy: true, ..default }, Some(true)),
            (PodFacts { injected: true, ..default }, None),
        ] {
            assert_eq!(is_injected("shop", None, pod), expected, "{pod:?}");
        }
        assert_eq!(is_injected("shop", Some(&labels(&[(DATAPLANE_MODE, "ambient")])), default), Some(false));
        assert_eq!(is_injected("shop", Some(&labels(&[(INJECTION, "enabled")])), default), Some(true));
    }
}
