//! How an API server serves the kinds that rules read.

use super::GroupKind;

/// Where objects of a kind stand.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
#[expect(missing_docs, reason = "Kubernetes' words")]
pub enum Scope {
    Cluster,
    Namespaced,
}

impl Scope {
    /// The word of the API.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Cluster => "Cluster",
            Self::Namespaced => "Namespaced",
        }
    }
}

/// How an API server serves a kind.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Served {
    /// The resource: the plural that stands in paths and in rules of webhooks.
    pub plural: &'static str,
    /// The versions, newest first.
    pub versions: &'static [&'static str],
    /// Where its objects stand.
    pub scope: Scope,
}

/// Kinds of one group that are served alike, each with its plural.
struct Family {
    group: &'static str,
    scope: Scope,
    versions: &'static [&'static str],
    kinds: &'static [(&'static str, &'static str)],
}

/// Istio's kinds that are served as `v1` too, from 1.22 on; the others have but one version each.
/// <https://istio.io/latest/blog/2024/v1-apis/>
pub const V1_KINDS: [GroupKind; 11] = [
    GroupKind { group: "networking.istio.io", kind: "DestinationRule" },
    GroupKind { group: "networking.istio.io", kind: "Gateway" },
    GroupKind { group: "networking.istio.io", kind: "ServiceEntry" },
    GroupKind { group: "networking.istio.io", kind: "Sidecar" },
    GroupKind { group: "networking.istio.io", kind: "VirtualService" },
    GroupKind { group: "networking.istio.io", kind: "WorkloadEntry" },
    GroupKind { group: "networking.istio.io", kind: "WorkloadGroup" },
    GroupKind { group: "security.istio.io", kind: "AuthorizationPolicy" },
    GroupKind { group: "security.istio.io", kind: "PeerAuthentication" },
    GroupKind { group: "security.istio.io", kind: "RequestAuthentication" },
    GroupKind { group: "telemetry.istio.io", kind: "Telemetry" },
];

/// The kinds that rules may read.
///
/// From Kubernetes 1.36 and the CRDs of Istio 1.31, Gateway API 1.7 (both channels), the Sail operator, Maistra 2.6,
/// Argo CD 3.4, Argo Rollouts 1.10, Flux 2.6 and Knative Serving 0.51; those that Istio served up to 1.5 from the CRDs of
/// that time. A kind or version that a cluster does not serve
/// does no harm in a webhook's rule, and a version that is missing here is converted to one that is not
/// (`matchPolicy: Equivalent`).
const FAMILIES: &[Family] = &[
    Family { group: "", scope: Scope::Cluster, versions: &["v1"], kinds: &[("Namespace", "namespaces")] },
    Family {
        group: "",
        scope: Scope::Namespaced,
        versions: &["v1"],
        kinds: &[
            ("ConfigMap", "configmaps"),
            ("Pod", "pods"),
            ("PodTemplate", "podtemplates"),
            ("ReplicationController", "replicationcontrollers"),
            ("Service", "services"),
        ],
    },
    Family {
        group: "apps",
        scope: Scope::Namespaced,
        versions: &["v1"],
        kinds: &[
            ("DaemonSet", "daemonsets"),
            ("Deployment", "deployments"),
            ("ReplicaSet", "replicasets"),
            ("StatefulSet", "statefulsets"),
        ],
    },
    Family {
        group: "apps.openshift.io",
        scope: Scope::Namespaced,
        versions: &["v1"],
        kinds: &[("DeploymentConfig", "deploymentconfigs")],
    },
    Family {
        group: "argoproj.io",
        scope: Scope::Namespaced,
        versions: &["v1alpha1"],
        kinds: &[("Application", "applications"), ("Rollout", "rollouts")],
    },
    Family {
        group: "authentication.istio.io",
        scope: Scope::Cluster,
        versions: &["v1alpha1"],
        kinds: &[("MeshPolicy", "meshpolicies")],
    },
    Family {
        group: "authentication.istio.io",
        scope: Scope::Namespaced,
        versions: &["v1alpha1"],
        kinds: &[("Policy", "policies")],
    },
    Family {
        group: "batch",
        scope: Scope::Namespaced,
        versions: &["v1"],
        kinds: &[("CronJob", "cronjobs"), ("Job", "jobs")],
    },
    Family {
        group: "config.istio.io",
        scope: Scope::Namespaced,
        versions: &["v1alpha2"],
        kinds: &[
            ("HTTPAPISpec", "httpapispecs"),
            ("HTTPAPISpecBinding", "httpapispecbindings"),
            ("QuotaSpec", "quotaspecs"),
            ("QuotaSpecBinding", "quotaspecbindings"),
            ("adapter", "adapters"),
            ("attributemanifest", "attributemanifests"),
            ("handler", "handlers"),
            ("instance", "instances"),
            ("rule", "rules"),
            ("template", "templates"),
        ],
    },
    Family {
        group: "extensions.istio.io",
        scope: Scope::Namespaced,
        versions: &["v1alpha1"],
        kinds: &[("TrafficExtension", "trafficextensions"), ("WasmPlugin", "wasmplugins")],
    },
    Family {
        group: "gateway.networking.k8s.io",
        scope: Scope::Cluster,
        versions: &["v1", "v1beta1"],
        kinds: &[("GatewayClass", "gatewayclasses")],
    },
    Family {
        group: "gateway.networking.k8s.io",
        scope: Scope::Namespaced,
        versions: &["v1", "v1beta1"],
        kinds: &[("Gateway", "gateways"), ("HTTPRoute", "httproutes"), ("ReferenceGrant", "referencegrants")],
    },
    Family {
        group: "gateway.networking.k8s.io",
        scope: Scope::Namespaced,
        versions: &["v1"],
        kinds: &[("GRPCRoute", "grpcroutes"), ("ListenerSet", "listenersets")],
    },
    Family {
        group: "gateway.networking.k8s.io",
        scope: Scope::Namespaced,
        versions: &["v1", "v1alpha3"],
        kinds: &[("BackendTLSPolicy", "backendtlspolicies")],
    },
    Family {
        group: "gateway.networking.k8s.io",
        scope: Scope::Namespaced,
        versions: &["v1", "v1alpha3", "v1alpha2"],
        kinds: &[("TLSRoute", "tlsroutes")],
    },
    Family {
        group: "gateway.networking.k8s.io",
        scope: Scope::Namespaced,
        versions: &["v1", "v1alpha2"],
        kinds: &[("TCPRoute", "tcproutes"), ("UDPRoute", "udproutes")],
    },
    // Experimental: it became ListenerSet.
    Family {
        group: "gateway.networking.x-k8s.io",
        scope: Scope::Namespaced,
        versions: &["v1alpha1"],
        kinds: &[("XListenerSet", "xlistenersets")],
    },
    Family {
        group: "helm.toolkit.fluxcd.io",
        scope: Scope::Namespaced,
        versions: &["v2", "v2beta2", "v2beta1"],
        kinds: &[("HelmRelease", "helmreleases")],
    },
    Family {
        group: "install.istio.io",
        scope: Scope::Namespaced,
        versions: &["v1alpha1"],
        kinds: &[("IstioOperator", "istiooperators")],
    },
    Family {
        group: "install.istio.io",
        scope: Scope::Namespaced,
        versions: &["v1alpha2"],
        kinds: &[("IstioControlPlane", "istiocontrolplanes")],
    },
    Family {
        group: "maistra.io",
        scope: Scope::Namespaced,
        versions: &["v2", "v1"],
        kinds: &[("ServiceMeshControlPlane", "servicemeshcontrolplanes")],
    },
    Family {
        group: "networking.istio.io",
        scope: Scope::Namespaced,
        versions: &["v1", "v1beta1", "v1alpha3"],
        kinds: &[
            ("DestinationRule", "destinationrules"),
            ("Gateway", "gateways"),
            ("ServiceEntry", "serviceentries"),
            ("Sidecar", "sidecars"),
            ("VirtualService", "virtualservices"),
            ("WorkloadEntry", "workloadentries"),
            ("WorkloadGroup", "workloadgroups"),
        ],
    },
    Family {
        group: "networking.istio.io",
        scope: Scope::Namespaced,
        versions: &["v1alpha3"],
        kinds: &[("EnvoyFilter", "envoyfilters")],
    },
    Family {
        group: "networking.istio.io",
        scope: Scope::Namespaced,
        versions: &["v1beta1"],
        kinds: &[("ProxyConfig", "proxyconfigs")],
    },
    Family {
        group: "rbac.istio.io",
        scope: Scope::Cluster,
        versions: &["v1alpha1"],
        kinds: &[("ClusterRbacConfig", "clusterrbacconfigs")],
    },
    Family {
        group: "rbac.istio.io",
        scope: Scope::Namespaced,
        versions: &["v1alpha1"],
        kinds: &[
            ("AuthorizationPolicy", "authorizationpolicies"),
            ("RbacConfig", "rbacconfigs"),
            ("ServiceRole", "serviceroles"),
            ("ServiceRoleBinding", "servicerolebindings"),
        ],
    },
    Family {
        group: "sailoperator.io",
        scope: Scope::Cluster,
        versions: &["v1", "v1alpha1"],
        kinds: &[
            ("Istio", "istios"),
            ("IstioCNI", "istiocnis"),
            ("IstioRevision", "istiorevisions"),
            ("IstioRevisionTag", "istiorevisiontags"),
            ("ZTunnel", "ztunnels"),
        ],
    },
    Family {
        group: "security.istio.io",
        scope: Scope::Namespaced,
        versions: &["v1", "v1beta1"],
        kinds: &[
            ("AuthorizationPolicy", "authorizationpolicies"),
            ("PeerAuthentication", "peerauthentications"),
            ("RequestAuthentication", "requestauthentications"),
        ],
    },
    Family {
        group: "serving.knative.dev",
        scope: Scope::Namespaced,
        versions: &["v1"],
        kinds: &[("Configuration", "configurations"), ("Revision", "revisions"), ("Service", "services")],
    },
    Family {
        group: "telemetry.istio.io",
        scope: Scope::Namespaced,
        versions: &["v1", "v1alpha1"],
        kinds: &[("Telemetry", "telemetries")],
    },
];

/// The kinds that rules may read, and how an API server serves them.
pub fn served_kinds() -> impl Iterator<Item = (GroupKind, Served)> {
    let of = |&Family { group, scope, versions, kinds }: &Family| {
        kinds.iter().map(move |&(kind, plural)| (GroupKind { group, kind }, Served { plural, versions, scope }))
    };
    FAMILIES.iter().flat_map(of)
}

/// How an API server serves a kind; nothing for one that no rule may read.
#[must_use]
pub fn served(group: &str, kind: &str) -> Option<Served> {
    served_kinds().find(|(own, _)| own.is(group, kind)).map(|(_, served)| served)
}
