//! `gateway-selector`.

use json_patch::jsonptr::PointerBuf;
use schemars::JsonSchema;
use serde::Deserialize;

use crate::mesh::{Attachment, GroupKind, attachment};
use crate::rule::{CannotJudge, Finding, Findings, Input, Metadata, Rule, Severity, documented};

documented! {
    /// A Gateway selects the gateway workloads that it configures.
    ///
    /// # What it does
    /// Refuses an Istio Gateway without `selector`, or with an empty one.
    ///
    /// # Why
    /// Without labels it applies to every gateway workload of the mesh: a server meant for the egress gateway of one
    /// team opens its port on the public ingress as well. The reference says which workloads a selector reaches:
    /// <https://istio.io/latest/docs/reference/config/networking/gateway/#Gateway>.
    ///
    /// # Known limits
    /// Whether a workload has the labels, and whether its Service has the ports, is not looked up.
    #[derive(Debug, Deserialize, JsonSchema)]
    #[serde(deny_unknown_fields)]
    pub struct GatewaySelector {}
}

impl Rule for GatewaySelector {
    const METADATA: Metadata = Metadata {
        name: "gateway-selector",
        severity: Severity::High,
        kinds: &[GroupKind { group: "networking.istio.io", kind: "Gateway" }],
        doc: Self::DOC,
        ..Metadata::OF_WRITES
    };

    fn check(&self, input: Input<'_>, findings: &mut Findings) -> Result<(), CannotJudge> {
        if !matches!(attachment("Gateway", input.object)?, Attachment::Everything) {
            return Ok(());
        }
        let path = PointerBuf::from_tokens(["spec", "selector"]);
        findings.violation(Finding {
            value: input.object.at(&["spec", "selector"]).map(|node| node.to_json()).unwrap_or_default(),
            path,
            subject: "selector".to_owned(),
            message: "a Gateway without a selector applies to every gateway workload of the mesh".to_owned(),
            wanted: "at least one label".to_owned(),
            remedy: "name the gateway's labels under spec.selector, such as `istio: ingressgateway`".to_owned(),
            ..Finding::default()
        });
        Ok(())
    }
}
