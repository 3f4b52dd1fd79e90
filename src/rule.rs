//! Rules: what is checked, in code. One file a rule, one static list of them all.

mod amount;
mod documentation;
pub mod egress;
pub mod extension;
mod finding;
pub mod gateway;
pub mod injection;
pub mod installation;
pub mod labels;
pub mod lifecycle;
mod request;
pub mod routing;
pub mod security;
pub mod telemetry;
pub mod workload;

pub use crate::mesh::{GroupKind, Scope, Served, served, served_kinds};
pub use documentation::Documentation;
pub(crate) use documentation::documented;
pub(crate) use finding::Words;
pub use finding::{CannotJudge, Finding, Findings};
pub(crate) use request::OF_NAMESPACES;
pub use request::{Body, Operation, Request, Resource, User};

use schemars::{JsonSchema, Schema};
use serde::Serialize;
use serde::de::DeserializeOwned;

use crate::mesh::{Labels, Mesh};
use crate::object::{Node, ShapeError};

/// What a rule is, beside its code.
#[derive(Debug)]
pub struct Metadata {
    /// Its name, in kebab-case; also that of its file, its built-in policy and its folder under `policies/`.
    pub name: &'static str,
    /// How much it matters. Information: it decides nothing.
    pub severity: Severity,
    /// The kinds it reads, in all their versions.
    pub kinds: &'static [GroupKind],
    /// The operations it judges.
    pub operations: &'static [Operation],
    /// The subresources it judges, of those kinds that have them; the object itself is the empty one.
    pub subresources: &'static [&'static str],
    /// The kinds in which it can mend what it finds: its violations there may carry edits.
    pub mends: &'static [GroupKind],
    /// Codes of other tools that it answers to: `IST0102`, `KIA1104`.
    pub codes: &'static [&'static str],
    /// Its doc comment: the first sentence and the headings of [`Documentation`] that are not written elsewhere.
    pub doc: &'static str,
}

impl Metadata {
    /// What most rules have in common: they judge what is written, and mend nothing.
    const OF_WRITES: Self = Self {
        name: "",
        severity: Severity::Info,
        kinds: &[],
        operations: &[Operation::Create, Operation::Update],
        subresources: &[""],
        mends: &[],
        codes: &[],
        doc: "",
    };

    /// Whether this is its name, or a code of another tool that it answers to.
    #[must_use]
    pub fn answers(&self, name: &str) -> bool {
        self.name == name || self.codes.iter().any(|code| code.eq_ignore_ascii_case(name))
    }
}

/// How much a finding matters.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize)]
#[serde(rename_all = "lowercase")]
#[expect(missing_docs, reason = "the words say it")]
pub enum Severity {
    Info,
    Low,
    Medium,
    High,
    Critical,
}

impl Severity {
    /// The word for it.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Info => "info",
            Self::Low => "low",
            Self::Medium => "medium",
            Self::High => "high",
            Self::Critical => "critical",
        }
    }
}

/// What a rule judges.
#[derive(Clone, Copy, Debug)]
pub struct Input<'r> {
    /// The object of the request or, on DELETE and where the state before matters, the old one.
    pub object: Node<'r>,
    /// The request: its namespace, name and operation count, not the object's own.
    pub request: &'r Request<'r>,
    /// What is taken as given about the mesh.
    pub mesh: &'r Mesh,
    /// The labels of the request's namespace, where they are known. A Namespace has its own in the object.
    pub namespace_labels: Option<&'r Labels>,
}

/// A rule with its parameters read.
///
/// The type holds the parameters: what may stand under `params` of a policy.
pub trait Rule: DeserializeOwned + JsonSchema + Send + Sync + 'static {
    /// What the rule is.
    const METADATA: Metadata;

    /// Judges an object.
    ///
    /// # Errors
    /// Where something cannot be judged. What was found until then counts all the same.
    fn check(&self, input: Input<'_>, findings: &mut Findings) -> Result<(), CannotJudge>;
}

/// [`Rule::check`] of a rule whose type is not known: what a compiled policy holds.
pub trait Check: Send + Sync {
    /// See [`Rule::check`].
    ///
    /// # Errors
    /// As [`Rule::check`].
    fn check(&self, input: Input<'_>, findings: &mut Findings) -> Result<(), CannotJudge>;
}

impl<R: Rule> Check for R {
    fn check(&self, input: Input<'_>, findings: &mut Findings) -> Result<(), CannotJudge> {
        Rule::check(self, input, findings)
    }
}

/// One line of [`RULES`]: a rule, how its parameters are read, and its built-in policy.
pub struct Entry {
    /// What the rule is.
    pub metadata: Metadata,
    /// Reads the parameters.
    pub compile: fn(Node<'_>) -> Result<Box<dyn Check>, ShapeError>,
    /// The JSON Schema of the parameters.
    pub schema: fn() -> Schema,
    /// The text of `policies/<name>/policy.yaml`.
    pub policy: &'static str,
    /// The text of `policies/<name>/suite.yaml`: the cases that test it.
    pub suite: &'static str,
    /// The text of `policies/<name>/denied.yaml`: an object that it denies, with the Namespace or Settings that this needs.
    pub denied: &'static str,
    /// The text of `policies/<name>/allowed.yaml`: an object that it has nothing to say of, likewise.
    pub allowed: &'static str,
}

impl Entry {
    pub(crate) const fn of<R: Rule>(policy: &'static str) -> Self {
        Self {
            metadata: R::METADATA,
            compile: |params| {
                let rule: R = serde::Deserialize::deserialize(params)?;
                Ok(Box::new(rule))
            },
            schema: || {
                let mut schema = schemars::schema_for!(R);
                // The rule's name and whole page; they have places of their own.
                schema.remove("title");
                schema.remove("description");
                schema
            },
            policy,
            suite: "",
            denied: "",
            allowed: "",
        }
    }
}

/// A rule with what stands in its policy's folder, embedded.
macro_rules! entry {
    ($rule:ty, $name:literal) => {
        Entry {
            suite: include_str!(concat!("../policies/", $name, "/suite.yaml")),
            denied: include_str!(concat!("../policies/", $name, "/denied.yaml")),
            allowed: include_str!(concat!("../policies/", $name, "/allowed.yaml")),
            ..Entry::of::<$rule>(include_str!(concat!("../policies/", $name, "/policy.yaml")))
        }
    };
}

/// Every rule there is, by name. Documentation, `vigla rules`, schemas and the webhook's rules come from this list.
pub static RULES: &[Entry] = &[
    entry!(telemetry::access_logging::AccessLogging, "access-logging"),
    entry!(security::authz_broad_source::AuthzBroadSource, "authz-broad-source"),
    entry!(security::authz_host_match::AuthzHostMatch, "authz-host-match"),
    entry!(security::authz_http_fields_tcp::AuthzHttpFieldsTcp, "authz-http-fields-tcp"),
    entry!(security::authz_no_allow_all::AuthzNoAllowAll, "authz-no-allow-all"),
    entry!(security::authz_not_enforced::AuthzNotEnforced, "authz-not-enforced"),
    entry!(security::authz_safe_patterns::AuthzSafePatterns, "authz-safe-patterns"),
    entry!(security::authz_scope::AuthzScope, "authz-scope"),
    entry!(workload::container_resources::ContainerResources, "container-resources"),
    entry!(workload::default_namespace::DefaultNamespace, "default-namespace"),
    entry!(lifecycle::deprecated_apis::DeprecatedApis, "deprecated-apis"),
    entry!(routing::destinationrule_resilience::DestinationruleResilience, "destinationrule-resilience"),
    entry!(routing::destinationrule_subsets::DestinationruleSubsets, "destinationrule-subsets"),
    entry!(security::destinationrule_tls_disabled::DestinationruleTlsDisabled, "destinationrule-tls-disabled"),
    entry!(
        security::destinationrule_tls_verification::DestinationruleTlsVerification,
        "destinationrule-tls-verification"
    ),
    entry!(egress::egress_registry_only::EgressRegistryOnly, "egress-registry-only"),
    entry!(extension::envoyfilter_hygiene::EnvoyfilterHygiene, "envoyfilter-hygiene"),
    entry!(extension::envoyfilter_namespace::EnvoyfilterNamespace, "envoyfilter-namespace"),
    entry!(routing::export_scope::ExportScope, "export-scope"),
    entry!(gateway::gateway_https_redirect::GatewayHttpsRedirect, "gateway-https-redirect"),
    entry!(gateway::gateway_namespace::GatewayNamespace, "gateway-namespace"),
    entry!(gateway::gateway_port_protocol::GatewayPortProtocol, "gateway-port-protocol"),
    entry!(gateway::gateway_selector::GatewaySelector, "gateway-selector"),
    entry!(gateway::gateway_tls::GatewayTls, "gateway-tls"),
    entry!(gateway::gateway_wildcard_hosts::GatewayWildcardHosts, "gateway-wildcard-hosts"),
    entry!(
        injection::hold_application_until_proxy_starts::HoldApplicationUntilProxyStarts,
        "hold-application-until-proxy-starts"
    ),
    entry!(workload::image_auto_without_injection::ImageAutoWithoutInjection, "image-auto-without-injection"),
    entry!(workload::image_tag::ImageTag, "image-tag"),
    entry!(injection::inject_annotation_deprecated::InjectAnnotationDeprecated, "inject-annotation-deprecated"),
    entry!(injection::istio_system_injection_disabled::IstioSystemInjectionDisabled, "istio-system-injection-disabled"),
    entry!(installation::mesh_config_baseline::MeshConfigBaseline, "mesh-config-baseline"),
    entry!(injection::misplaced_annotations::MisplacedAnnotations, "misplaced-annotations"),
    entry!(injection::namespace_injection_conflict::NamespaceInjectionConflict, "namespace-injection-conflict"),
    entry!(injection::namespace_mesh_enrollment::NamespaceMeshEnrollment, "namespace-mesh-enrollment"),
    entry!(installation::no_demo_profile::NoDemoProfile, "no-demo-profile"),
    entry!(telemetry::no_full_trace_sampling::NoFullTraceSampling, "no-full-trace-sampling"),
    entry!(injection::no_injection_bypass::NoInjectionBypass, "no-injection-bypass"),
    entry!(security::peerauthentication_strict::PeerauthenticationStrict, "peerauthentication-strict"),
    entry!(lifecycle::persona_ownership::PersonaOwnership, "persona-ownership"),
    entry!(workload::pod_security::PodSecurity, "pod-security"),
    entry!(lifecycle::prefer_v1_api::PreferV1Api, "prefer-v1-api"),
    entry!(workload::probes::Probes, "probes"),
    entry!(lifecycle::protect_mesh_baseline::ProtectMeshBaseline, "protect-mesh-baseline"),
    entry!(telemetry::proxy_log_level::ProxyLogLevel, "proxy-log-level"),
    entry!(extension::proxyconfig_cr::ProxyconfigCr, "proxyconfig-cr"),
    entry!(security::requestauthn_hygiene::RequestauthnHygiene, "requestauthn-hygiene"),
    entry!(labels::require_app_version_labels::RequireAppVersionLabels, "require-app-version-labels"),
    entry!(workload::reserved_ports::ReservedPorts, "reserved-ports"),
    entry!(injection::revision_labels::RevisionLabels, "revision-labels"),
    entry!(egress::service_exposure::ServiceExposure, "service-exposure"),
    entry!(egress::service_port_naming::ServicePortNaming, "service-port-naming"),
    entry!(egress::serviceentry_hosts::ServiceentryHosts, "serviceentry-hosts"),
    entry!(egress::serviceentry_ports::ServiceentryPorts, "serviceentry-ports"),
    entry!(injection::sidecar_ambient_conflict::SidecarAmbientConflict, "sidecar-ambient-conflict"),
    entry!(injection::sidecar_resources::SidecarResources, "sidecar-resources"),
    entry!(egress::sidecar_scope::SidecarScope, "sidecar-scope"),
    entry!(telemetry::telemetry_conflicts::TelemetryConflicts, "telemetry-conflicts"),
    entry!(routing::tenant_hosts::TenantHosts, "tenant-hosts"),
    entry!(injection::traffic_capture_bypass::TrafficCaptureBypass, "traffic-capture-bypass"),
    entry!(injection::uid_1337_reserved::Uid1337Reserved, "uid-1337-reserved"),
    entry!(routing::virtualservice_canary_weights::VirtualserviceCanaryWeights, "virtualservice-canary-weights"),
    entry!(
        routing::virtualservice_cross_namespace_host::VirtualserviceCrossNamespaceHost,
        "virtualservice-cross-namespace-host"
    ),
    entry!(routing::virtualservice_fault_injection::VirtualserviceFaultInjection, "virtualservice-fault-injection"),
    entry!(routing::virtualservice_fqdn::VirtualserviceFqdn, "virtualservice-fqdn"),
    entry!(routing::virtualservice_retries::VirtualserviceRetries, "virtualservice-retries"),
    entry!(routing::virtualservice_timeout::VirtualserviceTimeout, "virtualservice-timeout"),
    entry!(
        routing::virtualservice_unreachable_route::VirtualserviceUnreachableRoute,
        "virtualservice-unreachable-route"
    ),
    entry!(routing::virtualservice_wildcard_host::VirtualserviceWildcardHost, "virtualservice-wildcard-host"),
    entry!(extension::wasm_supply_chain::WasmSupplyChain, "wasm-supply-chain"),
];

/// The rule of that name.
#[must_use]
pub fn find(name: &str) -> Option<&'static Entry> {
    RULES.iter().find(|entry| entry.metadata.name == name)
}
