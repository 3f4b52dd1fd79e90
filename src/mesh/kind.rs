//! Kinds of objects, whatever their version, and in front of which of them nobody may stand.

use std::fmt;

use serde::Serialize;

/// Webhook and admission policy configurations, CustomResourceDefinition, APIService, the *Reviews,
/// CertificateSigningRequest, Lease, EndpointSlice, Event.
const NEVER_GROUPS: [&str; 9] = [
    "admissionregistration.k8s.io",
    "apiextensions.k8s.io",
    "apiregistration.k8s.io",
    "authentication.k8s.io",
    "authorization.k8s.io",
    "certificates.k8s.io",
    "coordination.k8s.io",
    "discovery.k8s.io",
    "events.k8s.io",
];
const NEVER_CORE: [&str; 3] = ["Endpoints", "Event", "Node"];

/// A kind of object in its API group, whatever the version.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize)]
pub struct GroupKind {
    /// API group; empty for core kinds.
    pub group: &'static str,
    /// The kind.
    pub kind: &'static str,
}

impl GroupKind {
    /// Whether it is the kind of that name in that group.
    #[must_use]
    pub fn is(self, group: &str, kind: &str) -> bool {
        self.group == group && self.kind == kind
    }

    /// Whether no webhook of ours ever asks for it: a cluster could not start, elect, authorize or mend itself where
    /// the webhook does not answer.
    #[must_use]
    pub fn is_never_intercepted(&self) -> bool {
        NEVER_GROUPS.contains(&self.group) || (self.group.is_empty() && NEVER_CORE.contains(&self.kind))
    }

    /// Several lists as one, for rules that read more than one of them. Lists of another total length do not compile.
    #[must_use]
    #[expect(clippy::indexing_slicing, reason = "for constants: past the end the build fails")]
    pub const fn all_of<const N: usize>(lists: &[&[Self]]) -> [Self; N] {
        let mut all = [Self { group: "", kind: "" }; N];
        let (mut filled, mut list) = (0, 0);
        while list < lists.len() {
            let mut at = 0;
            while at < lists[list].len() {
                all[filled] = lists[list][at];
                filled += 1;
                at += 1;
            }
            list += 1;
        }
        assert!(filled == N, "the lists are shorter");
        all
    }
}

impl fmt::Display for GroupKind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if self.group.is_empty() { f.write_str(self.kind) } else { write!(f, "{}.{}", self.kind, self.group) }
    }
}
