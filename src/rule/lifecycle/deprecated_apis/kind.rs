//! Kinds that Istio does not know any more.

use json_patch::jsonptr::PointerBuf;

use crate::mesh::GroupKind;
use crate::rule::{Finding, Resource};

const AUTHENTICATION: &str = "authentication.istio.io";
const MIXER: &str = "config.istio.io";
const RBAC: &str = "rbac.istio.io";

/// Kinds that are gone since Istio 1.6 or, of Mixer, 1.8.
pub(super) const REMOVED: [GroupKind; 18] = [
    GroupKind { group: AUTHENTICATION, kind: "MeshPolicy" },
    GroupKind { group: AUTHENTICATION, kind: "Policy" },
    GroupKind { group: MIXER, kind: "HTTPAPISpec" },
    GroupKind { group: MIXER, kind: "HTTPAPISpecBinding" },
    GroupKind { group: MIXER, kind: "QuotaSpec" },
    GroupKind { group: MIXER, kind: "QuotaSpecBinding" },
    GroupKind { group: MIXER, kind: "adapter" },
    GroupKind { group: MIXER, kind: "attributemanifest" },
    GroupKind { group: MIXER, kind: "handler" },
    GroupKind { group: MIXER, kind: "instance" },
    GroupKind { group: MIXER, kind: "rule" },
    GroupKind { group: MIXER, kind: "template" },
    GroupKind { group: RBAC, kind: "AuthorizationPolicy" },
    GroupKind { group: RBAC, kind: "ClusterRbacConfig" },
    GroupKind { group: RBAC, kind: "RbacConfig" },
    GroupKind { group: RBAC, kind: "ServiceRole" },
    GroupKind { group: RBAC, kind: "ServiceRoleBinding" },
    GroupKind { group: "install.istio.io", kind: "IstioControlPlane" },
];

/// What came in the place of a kind that is gone.
pub(super) fn successor(group: &str, kind: &str) -> Option<&'static str> {
    let gone = REMOVED.iter().any(|removed| removed.is(group, kind));
    gone.then_some(match (group, kind) {
        (AUTHENTICATION, "MeshPolicy") => "a PeerAuthentication of security.istio.io/v1 in the root namespace",
        (AUTHENTICATION, _) => "a PeerAuthentication or RequestAuthentication of security.istio.io/v1",
        (RBAC, "RbacConfig" | "ClusterRbacConfig") => {
            "an AuthorizationPolicy of security.istio.io/v1 that allows nothing, beside those that allow something"
        }
        (RBAC, _) => "an AuthorizationPolicy of security.istio.io/v1",
        (MIXER, "QuotaSpec" | "QuotaSpecBinding") => "rate limits of Envoy's own",
        (MIXER, _) => "a Telemetry of telemetry.istio.io/v1, or an AuthorizationPolicy with the action CUSTOM",
        _ => "values for Istio's charts, or an Istio of sailoperator.io/v1",
    })
}

pub(super) fn removed(kind: &Resource<'_>, successor: &str) -> Finding {
    let api = format!("{} {}", kind.api_version(), kind.kind);
    Finding {
        path: PointerBuf::from_tokens(["apiVersion"]),
        value: api.clone().into(),
        ..super::finding("kind", format!("Istio does not know {api} any more, and nobody reads it"), successor)
    }
}
