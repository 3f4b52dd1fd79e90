//! Istio's semantics as functions, and what is known of the mesh and its cluster.

mod address;
mod ambient;
mod annotation;
mod attachment;
mod authorization;
mod canonical;
mod carrier;
mod container;
mod destination_rule;
mod environment;
mod envoy_filter;
mod export;
mod gateway;
mod glob;
mod helm_parameter;
mod host;
mod injection;
mod install;
mod istio_chart;
mod kind;
mod label;
mod mesh_config;
mod metadata;
mod ownership;
mod pod_template;
mod port;
pub mod protobuf;
mod proxy_config;
mod release;
mod route;
mod served;
mod service_port;
mod snapshot;
mod string_match;
mod telemetry;
mod tenant;
mod virtual_service;

pub use address::{Cidr, Reserved, reserved};
pub use ambient::{DATAPLANE_MODE, NotCaptured, ambient, is_in_mesh, is_injected};
pub use annotation::{ANNOTATIONS, Known, LABELS, is_istio_key, is_true, known_annotation, known_label};
pub use attachment::{Attachment, TargetRef, attachment, is_mesh_wide};
pub use authorization::{Authorization, AuthorizationRule, Clause, Condition, DRY_RUN, Field, dry_run};
pub use canonical::{LATEST, NAME_LABELS, REVISION_LABELS};
pub use carrier::{Carrier, Opened, Place, Unreadable};
pub use container::{Container, ContainerList, EPHEMERAL_CONTAINERS, REGISTRIES};
pub use destination_rule::{ClientTls, TrafficPolicy, traffic_policies};
pub use environment::{Variable, variable};
pub use envoy_filter::{EnvoyPatch, envoy_patches};
pub use export::{Export, export, service_export};
pub use gateway::{GATEWAYS, Listener, Server, ServerTls, WEAK_TLS, is_internal_gateway, listeners, servers};
pub use glob::Glob;
pub use host::{Form, Host, HostScope, ScopedHost, ServiceHost, Wildcard, service_host};
pub use injection::{
    INJECT, INJECTION, NotInjected, OVERRIDES, PodFacts, REVISION, Revision, SIDECAR_STATUS, injection,
};
pub use install::{HELM_VALUES, HelmValue, HelmValues, INSTALLATIONS, helm_values};
pub use kind::GroupKind;
pub use label::{check_label_key, check_label_value, is_dns_label, is_label_value, is_subdomain};
pub use mesh_config::{MESH_CONFIGS, mesh_configs};
pub use metadata::{own_annotation, own_annotation_path, own_label, own_label_path};
pub use ownership::{is_controlled, is_owned};
pub use pod_template::{JOBS, POD_METADATA, POD_TEMPLATES, PodTemplate, WORKLOADS, WORKLOADS_AND_JOBS, pod_template};
pub use port::{IstioPort, Protocol, service_entry_ports};
pub use proxy_config::{PROXY_CONFIG, PROXY_CONFIGS, proxy_configs};
pub use release::{APPLICATION, RELEASES, is_refresh};
pub use route::{Backend, ROUTES, Reference, RouteRule, parents, route_rules};
pub use served::{Scope, Served, V1_KINDS, served, served_kinds};
pub use service_port::{ServicePort, service_ports};
pub use snapshot::{Labels, Snapshot, labels};
pub use string_match::StringMatch;
pub use telemetry::telemetry_mode;
pub use tenant::{Asked, GatewayName, OwnedHost, Refusal, Tenant, Tenants};
pub use virtual_service::{Destination, GatewayRef, Route, RouteList, VirtualService};

/// What every rule takes as given about the mesh: what Settings say, else Istio's defaults.
#[derive(Clone, Debug, PartialEq)]
pub struct Mesh {
    /// Where configuration for the whole mesh stands; none: not said, and Istio's default is only likely.
    ///
    /// <https://istio.io/latest/docs/reference/config/istio.mesh.v1alpha1/#MeshConfig> (`rootNamespace`)
    pub root_namespace: Option<String>,
    /// Where control planes run.
    pub control_plane_namespaces: Vec<String>,
    /// Namespaces for mesh-wide configuration such as `EnvoyFilter`.
    ///
    /// Istio's API reference for `EnvoyFilter` names its example root namespace `istio-config`:
    /// <https://istio.io/latest/docs/reference/config/networking/envoy-filter/>.
    pub config_namespaces: Vec<String>,
    /// Where gateways run.
    pub gateway_namespaces: Vec<String>,
    /// The domain of Services.
    pub cluster_domain: String,
    /// Names of ConfigMaps with shared mesh configuration.
    pub shared_mesh_configs: Vec<String>,
    /// Who owns which hosts.
    pub tenants: Tenants,
}

impl Default for Mesh {
    fn default() -> Self {
        let own = |names: &[&str]| names.iter().map(|&name| name.to_owned()).collect();
        Self {
            root_namespace: None,
            control_plane_namespaces: own(&["istio-system"]),
            config_namespaces: own(&["istio-config"]),
            gateway_namespaces: own(&["istio-ingress", "istio-egress", "istio-eastwest", "istio-gateways"]),
            cluster_domain: "cluster.local".to_owned(),
            shared_mesh_configs: Vec::new(),
            tenants: Tenants::default(),
        }
    }
}

impl Mesh {
    /// The root namespace, Istio's default where nobody said another.
    #[must_use]
    pub fn root(&self) -> &str {
        self.root_namespace.as_deref().unwrap_or("istio-system")
    }

    /// Whether a control plane stands in a namespace.
    #[must_use]
    pub fn has_control_plane(&self, namespace: &str) -> bool {
        self.control_plane_namespaces.iter().any(|own| own == namespace)
    }

    /// Whether gateways run in a namespace.
    #[must_use]
    pub fn has_gateways(&self, namespace: &str) -> bool {
        self.gateway_namespaces.iter().any(|own| own == namespace)
    }

    /// Whether the platform's own configuration stands in a namespace.
    #[must_use]
    pub fn has_config(&self, namespace: &str) -> bool {
        self.config_namespaces.iter().any(|own| own == namespace)
    }

    /// Whether the mesh itself lives in a namespace: a control plane, or what holds for all of it.
    #[must_use]
    pub fn lives_in(&self, namespace: &str) -> bool {
        namespace == self.root() || self.has_control_plane(namespace)
    }

    /// Whether what stands in a namespace may be for the whole mesh: it is a config or gateway namespace, or the root.
    #[must_use]
    pub fn may_route_for_all(&self, namespace: &str) -> bool {
        self.has_config(namespace) || self.has_gateways(namespace) || namespace == self.root()
    }
}
