//! `prefer-v1-api`.

use json_patch::jsonptr::PointerBuf;
use schemars::JsonSchema;
use serde::Deserialize;

use crate::mesh::{V1_KINDS, served};
use crate::rule::{CannotJudge, Finding, Findings, Input, Metadata, Rule, Severity, documented};

documented! {
    /// Istio's kinds are written in the version `v1`.
    ///
    /// # What it does
    /// Finds objects that are sent in a version before `v1` where Istio serves `v1` since 1.22: `v1beta1` and `v1alpha3`
    /// of `networking.istio.io`, `v1beta1` of `security.istio.io`, `v1alpha1` of `telemetry.istio.io`. The policy warns.
    ///
    /// # Why
    /// The versions say the same, and `v1` is the one that stays:
    /// <https://istio.io/latest/blog/2024/v1-apis/>. A manifest in `v1` does not have to be touched again, and one that
    /// is written anew is best written so.
    ///
    /// # Known limits
    /// What counts is the version that the user sent; an API server may hand the object on in another. Its policy has
    /// `ratchet: false`, as that version is no property of the object that is stored. A cluster with Istio before 1.22
    /// serves no `v1`. `EnvoyFilter`, `ProxyConfig`, `WasmPlugin` and `TrafficExtension` have none.
    #[derive(Debug, Deserialize, JsonSchema)]
    #[serde(deny_unknown_fields)]
    pub struct PreferV1Api {}
}

impl Rule for PreferV1Api {
    const METADATA: Metadata = Metadata {
        name: "prefer-v1-api",
        severity: Severity::Info,
        kinds: &V1_KINDS,
        doc: Self::DOC,
        ..Metadata::OF_WRITES
    };

    fn check(&self, Input { request, .. }: Input<'_>, findings: &mut Findings) -> Result<(), CannotJudge> {
        let sent = &request.request_kind;
        // Versions stand newest first. One that is not known may be newer still.
        let known = served(&sent.group, &sent.kind).map_or(&[][..], |served| served.versions);
        if let Some((newest, older)) = known.split_first()
            && older.contains(&&*sent.version)
        {
            let wanted = format!("{}/{newest}", sent.group);
            findings.violation(Finding {
                path: PointerBuf::from_tokens(["apiVersion"]),
                subject: "apiVersion".to_owned(),
                value: sent.api_version().into(),
                message: format!("{} is an older version, and says no more than {newest}", sent.api_version()),
                remedy: format!("write apiVersion: {wanted}, and nothing else has to change"),
                wanted,
                ..Finding::default()
            });
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::mesh::served_kinds;

    #[test]
    fn reads_the_kinds_of_istio_that_have_v1_and_more() {
        let with_v1 = served_kinds().filter(|(kind, served)| {
            kind.group.ends_with(".istio.io") && served.versions.first() == Some(&"v1") && served.versions.len() > 1
        });
        assert_eq!(with_v1.map(|(kind, _)| kind).collect::<Vec<_>>(), V1_KINDS);
    }
}
