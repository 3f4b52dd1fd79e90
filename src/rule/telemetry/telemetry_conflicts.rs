//! `telemetry-conflicts`.

use schemars::JsonSchema;
use serde::Deserialize;

use crate::mesh::{GroupKind, telemetry_mode};
use crate::object::Node;
use crate::rule::{CannotJudge, Finding, Findings, Input, Metadata, Rule, Severity, documented};

documented! {
    /// A `Telemetry` says one thing about traces.
    ///
    /// # What it does
    /// Refuses a `Telemetry` with more than one entry under `tracing` for the same mode, and an entry with more than one
    /// provider. Advises against one that says nothing at all.
    ///
    /// # Why
    /// Istio reports spans to one provider; of several it takes one and passes the others over, with a warning that nobody
    /// reads: <https://istio.io/latest/docs/reference/config/telemetry/#Tracing>.
    ///
    /// # Known limits
    /// Other Telemetry objects for the same workloads, and whether a provider exists, are not seen.
    #[derive(Debug, Deserialize, JsonSchema)]
    #[serde(deny_unknown_fields)]
    pub struct TelemetryConflicts {}
}

impl Rule for TelemetryConflicts {
    const METADATA: Metadata = Metadata {
        name: "telemetry-conflicts",
        severity: Severity::Medium,
        kinds: &[GroupKind { group: "telemetry.istio.io", kind: "Telemetry" }],
        doc: Self::DOC,
        ..Metadata::OF_WRITES
    };

    fn check(&self, input: Input<'_>, findings: &mut Findings) -> Result<(), CannotJudge> {
        let spec = input.object.map("spec")?;
        let mut modes = Vec::new();
        for tracing in spec.map_or(Ok(Vec::new()), |spec| spec.maps("tracing"))? {
            let mode = telemetry_mode(tracing)?;
            let subject = format!("tracing {mode}");
            if modes.contains(&mode) {
                let message = "another entry under tracing is for the same requests: one of them has no effect";
                findings.violation(finding(tracing, &subject, message, "one entry"));
            }
            modes.push(mode);
            let providers = tracing.maps("providers")?;
            if let [_, second, ..] = *providers {
                let message = "spans go to one provider: the others have no effect";
                findings.violation(finding(second, &format!("{subject}: providers"), message, "one provider"));
            }
        }
        let said = ["tracing", "metrics", "accessLogging"];
        let says =
            |spec: Node<'_>| said.iter().any(|key| spec.get(key).is_some_and(|list| list.items().next().is_some()));
        if !spec.is_some_and(says) {
            let message = "a Telemetry without tracing, metrics or accessLogging has no effect";
            findings.advise([finding(spec.unwrap_or(input.object), "spec", message, "what is to be told")]);
        }
        Ok(())
    }
}

fn finding(node: Node<'_>, subject: &str, message: &str, wanted: &str) -> Finding {
    Finding {
        path: node.pointer(),
        subject: subject.to_owned(),
        message: message.to_owned(),
        wanted: wanted.to_owned(),
        remedy: "keep the one that is meant".to_owned(),
        ..Finding::default()
    }
}
