//! `destinationrule-tls-verification`.

use schemars::JsonSchema;
use serde::Deserialize;

use crate::mesh::{Attachment, ClientTls, attachment, traffic_policies};
use crate::object::{Node, WrongType};
use crate::rule::{CannotJudge, Finding, Findings, GroupKind, Input, Metadata, Rule, Severity, Words, documented};

documented! {
    /// A `DestinationRule` that starts TLS verifies whom it speaks to.
    ///
    /// # What it does
    /// Looks at TLS settings with mode `SIMPLE` or `MUTUAL`, in the traffic policy of the rule, of its subsets, and of the
    /// ports of both. Refuses `insecureSkipVerify`, and `MUTUAL` without a certificate of the client's own. Advises
    /// against an `sni` without `subjectAltNames`, and against a `credentialName` in a rule without a workload selector,
    /// which sidecars ignore.
    ///
    /// # Why
    /// TLS without verification is encrypted for whoever sits in between. Istio takes the names from the request where a
    /// rule says neither `sni` nor `subjectAltNames`; where it says an `sni` alone, every certificate of that authority
    /// will do: `setAutoSniAndAutoSanValidation` of
    /// <https://github.com/istio/istio/blob/master/pilot/pkg/networking/core/cluster_tls.go>. The fields:
    /// <https://istio.io/latest/docs/reference/config/networking/destination-rule/#ClientTLSSettings>.
    ///
    /// # Known limits
    /// A gateway reads `credentialName` without a selector; which proxies a rule reaches is not seen. What files and
    /// secrets hold is not seen either.
    #[derive(Debug, Deserialize, JsonSchema)]
    #[serde(rename_all = "camelCase", deny_unknown_fields)]
    pub struct DestinationruleTlsVerification {
        /// A rule that names neither `caCertificates` nor `credentialName` is a violation. Istio before 1.21 verified
        /// nothing there; since then the authorities of the proxy's system count.
        #[serde(default)]
        require_authority: bool,
    }
}

impl Rule for DestinationruleTlsVerification {
    const METADATA: Metadata = Metadata {
        name: "destinationrule-tls-verification",
        severity: Severity::High,
        kinds: &[GroupKind { group: "networking.istio.io", kind: "DestinationRule" }],
        codes: &["IST0128", "IST0129"],
        doc: Self::DOC,
        ..Metadata::OF_WRITES
    };

    fn check(&self, Input { object, .. }: Input<'_>, findings: &mut Findings) -> Result<(), CannotJudge> {
        let host = object.map("spec")?.map_or(Ok(None), |spec| spec.text("host"))?.unwrap_or_default();
        let selects = matches!(attachment("DestinationRule", object)?, Attachment::Workloads);
        for policy in traffic_policies(object)? {
            if let Some(tls) = policy.tls()?.filter(|tls| matches!(tls.mode, "SIMPLE" | "MUTUAL")) {
                self.judge(&tls, selects, &format!("{host} {}", policy.subject()), findings)?;
            }
        }
        Ok(())
    }
}

impl DestinationruleTlsVerification {
    fn judge(
        &self,
        tls: &ClientTls<'_>,
        selects: bool,
        subject: &str,
        findings: &mut Findings,
    ) -> Result<(), WrongType> {
        let ClientTls { node, mode } = *tls;
        let says = |field: &str| node.text(field).map(|text| text.is_some_and(|text| !text.is_empty()));
        let (credential, authority) = (says("credentialName")?, says("caCertificates")?);
        if node.boolean("insecureSkipVerify")? == Some(true) {
            findings.violation(finding(node, "insecureSkipVerify", subject, SKIPS));
        }
        if mode == "MUTUAL" && !credential && !(says("clientCertificate")? && says("privateKey")?) {
            findings.violation(finding(node, "clientCertificate", subject, NO_CLIENT));
        }
        if self.require_authority && !credential && !authority {
            findings.violation(finding(node, "caCertificates", subject, NO_AUTHORITY));
        }
        if says("sni")? && node.texts("subjectAltNames")?.is_empty() {
            findings.advise([finding(node, "subjectAltNames", subject, NO_NAMES)]);
        }
        if credential && !selects {
            findings.advise([finding(node, "credentialName", subject, IGNORED)]);
        }
        Ok(())
    }
}

const SKIPS: Words = [
    "the server's certificate is not verified: whoever sits in between is trusted",
    "verification",
    "take insecureSkipVerify away, and name the authority in caCertificates where it is a private one",
];
const NO_CLIENT: Words = [
    "mutual TLS without a certificate of the client's own",
    "clientCertificate and privateKey, or credentialName",
    "name the client's certificate and key, or use SIMPLE",
];
const NO_AUTHORITY: Words = [
    "no authority is named by which the server's certificate is verified",
    "caCertificates or credentialName",
    "name the file with the authority's certificate in caCertificates",
];
const NO_NAMES: Words = [
    "with an sni and no subjectAltNames, every certificate of the authority is accepted",
    "the names that the server's certificate has",
    "list them in subjectAltNames, or take sni away: both are the request's host then",
];
const IGNORED: Words = [
    "sidecars ignore credentialName in a rule without a workload selector, and so its authority and certificates",
    "a workloadSelector, if sidecars are meant",
    "add a workloadSelector; for a gateway nothing is to do",
];

fn finding(tls: Node<'_>, field: &str, subject: &str, words: Words) -> Finding {
    Finding::below(tls, &[field], subject).in_words(words)
}
