//! `namespace-injection-conflict`.

use schemars::JsonSchema;
use serde::Deserialize;

use crate::mesh::{DATAPLANE_MODE, GroupKind, INJECTION, REVISION, own_label, own_label_path};
use crate::rule::{CannotJudge, Finding, Findings, Input, Metadata, OF_NAMESPACES, Rule, Severity, documented};

documented! {
    /// A namespace asks for one kind of mesh, in words that Istio knows.
    ///
    /// # What it does
    /// Refuses a Namespace with two or three of `istio-injection: enabled`, `istio.io/rev` and
    /// `istio.io/dataplane-mode: ambient`. Refuses values that Istio does not know: of `istio-injection` other than
    /// `enabled` and `disabled`, of `istio.io/dataplane-mode` other than `ambient` and `none`, and an empty
    /// `istio.io/rev`.
    ///
    /// # Why
    /// Of `istio-injection: enabled` and a revision the first one wins: after `kubectl label namespace shop
    /// istio.io/rev=canary` alone all Pods stay with the old control plane, and nothing says so. Any value but `enabled`
    /// turns injection off, `true` and `Enabled` included:
    /// <https://istio.io/latest/docs/reference/config/analysis/ist0123/>,
    /// <https://istio.io/latest/docs/setup/upgrade/canary/#data-plane>.
    ///
    /// # Known limits
    /// Control-plane namespaces are left to `istio-system-injection-disabled`. Whether a revision exists is not known.
    #[derive(Debug, Deserialize, JsonSchema)]
    #[serde(deny_unknown_fields)]
    pub struct NamespaceInjectionConflict {}
}

impl Rule for NamespaceInjectionConflict {
    const METADATA: Metadata = Metadata {
        name: "namespace-injection-conflict",
        severity: Severity::Medium,
        kinds: &[GroupKind { group: "", kind: "Namespace" }],
        subresources: &OF_NAMESPACES,
        codes: &["IST0123"],
        doc: Self::DOC,
        ..Metadata::OF_WRITES
    };

    fn check(&self, input: Input<'_>, findings: &mut Findings) -> Result<(), CannotJudge> {
        let Input { object, request, mesh, .. } = input;
        if mesh.has_control_plane(&request.name) {
            return Ok(());
        }
        let label = |key: &'static str| Ok::<_, CannotJudge>(own_label(object, key)?.map(|value| (key, value)));
        let labels = [label(INJECTION)?, label(REVISION)?, label(DATAPLANE_MODE)?];
        for (key, value) in labels.into_iter().flatten() {
            let known: &[&str] = match key {
                INJECTION => &["enabled", "disabled"],
                DATAPLANE_MODE => &["ambient", "none"],
                _ if value.is_empty() => &["the name of a revision or a tag"],
                _ => continue,
            };
            if !known.contains(&value) {
                findings.violation(unknown(key, value, known));
            }
        }
        let asks = |&(key, value): &(&str, &str)| match key {
            INJECTION => value == "enabled",
            DATAPLANE_MODE => value == "ambient",
            _ => !value.is_empty(),
        };
        // `disabled`, or what Istio takes for that, keeps the revision from counting.
        let off = labels[0].is_some_and(|(_, value)| value != "enabled");
        let asked: Vec<_> =
            labels.into_iter().flatten().filter(asks).filter(|(key, _)| !(off && *key == REVISION)).collect();
        if let [first, second, ..] = *asked {
            findings.violation(conflict(&request.name, first, second, &asked));
        }
        Ok(())
    }
}

fn unknown(key: &str, value: &str, known: &[&str]) -> Finding {
    let effect = match key {
        INJECTION => "turns injection off, as every value but `enabled` does",
        REVISION => "names no revision: nothing is injected",
        _ => "is none that Istio knows: it has no effect",
    };
    Finding {
        path: own_label_path(key),
        subject: key.to_owned(),
        value: value.into(),
        message: format!("the value `{value}` of `{key}` {effect}"),
        wanted: known.join(" or "),
        remedy: "write what is meant".to_owned(),
        ..Finding::default()
    }
}

fn conflict(name: &str, first: (&str, &str), second: (&str, &str), all: &[(&str, &str)]) -> Finding {
    let said: Vec<String> = all.iter().map(|(key, value)| format!("{key}={value}")).collect();
    let effect = match (first.0, second.0) {
        (INJECTION, REVISION) => "the default revision injects, and the other label has no effect",
        _ => "Pods get a sidecar, and ztunnel leaves them alone",
    };
    Finding {
        path: own_label_path(second.0),
        subject: "conflict".to_owned(),
        value: said.clone().into(),
        message: format!("`{}` on one namespace: {effect}", said.join("` and `")),
        wanted: "one of these labels".to_owned(),
        remedy: format!("take one away, for example: kubectl label namespace {name} {}-", first.0),
        ..Finding::default()
    }
}
