//! The webhook configurations that a set of policies needs: which requests an API server has to ask about.
//!
//! No request is asked about twice: the validating webhooks share the requests out, and all policies judge one where it
//! arrives. Those that some policy may deny are refused while nobody answers, all others are let through.
//!
//! What the engine allows or leaves unmended whatever it holds, because a controller owns it, is not asked about: Pods of
//! a Deployment come back while nobody answers. Nor are ConfigMaps that are no mesh config, and what Argo CD notes in its
//! Applications.

use std::collections::{BTreeMap, BTreeSet};

use k8s_openapi::ByteString;
use k8s_openapi::api::admissionregistration::v1::{
    MatchCondition, MutatingWebhook, MutatingWebhookConfiguration, RuleWithOperations, ServiceReference,
    ValidatingWebhook, ValidatingWebhookConfiguration, WebhookClientConfig,
};
use k8s_openapi::apimachinery::pkg::apis::meta::v1::{LabelSelector, LabelSelectorRequirement, ObjectMeta};
use thiserror::Error;

use crate::mesh::{APPLICATION, EPHEMERAL_CONTAINERS, Mesh, POD_TEMPLATES};
#[cfg(doc)]
use crate::mesh::{is_controlled, is_owned, is_refresh, mesh_configs};
use crate::policy::{PolicySet, Subscription};
use crate::review::Endpoint;
use crate::rule::{GroupKind, Operation, served};

/// The name of both configurations.
///
/// The API server calls mutating webhooks in the order of their configurations' names. This one comes before `istio-`,
/// with which the names of Istio's injectors and revision tags begin: labels are mended before Istio reads them.
pub const NAME: &str = "admission.vigla.dev";

/// Longer than we take by orders of magnitude, and short enough for whoever waits while nobody answers.
const TIMEOUT_SECONDS: i32 = 3;

/// The label that the API server gives every namespace, whatever its user sends.
/// <https://kubernetes.io/docs/reference/labels-annotations-taints/#kubernetes-io-metadata-name>
const NAMESPACE_NAME: &str = "kubernetes.io/metadata.name";

/// Where the API server finds Vigla.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Address {
    /// `https://HOST[:PORT]`.
    Url(String),
    /// A Service.
    Service {
        /// Its namespace.
        namespace: String,
        /// Its name.
        name: String,
        /// Its port; the API's default is 443.
        port: Option<u16>,
    },
}

const NAMESPACE: GroupKind = GroupKind { group: "", kind: "Namespace" };
const CONFIG_MAP: GroupKind = GroupKind { group: "", kind: "ConfigMap" };

/// A rule reads a kind of which nobody knows how it is served.
#[derive(Debug, Error, PartialEq, Eq)]
#[error("{0} is missing in the table of kinds: how an API server serves it is not known")]
pub struct UnknownKind(GroupKind);

/// The configuration that has `/validate` asked whatever some policy of `set` judges.
///
/// # Errors
/// Where a rule reads a kind that [`served`] does not know.
pub fn validating(
    set: &PolicySet,
    address: &Address,
    ca: Option<&str>,
) -> Result<ValidatingWebhookConfiguration, UnknownKind> {
    let mut webhooks = Vec::new();
    for (core, may_deny) in [(true, true), (true, false), (false, true), (false, false)] {
        let wanted = |wanted: &Subscription| wanted.core == core && wanted.may_deny == may_deny;
        let Some(rules) = rules(set.subscriptions().filter(wanted))? else { continue };
        let kinds: BTreeSet<GroupKind> = set.subscriptions().filter(wanted).map(|wanted| wanted.kind).collect();
        let ownable: BTreeSet<GroupKind> = kinds.iter().copied().filter(|kind| POD_TEMPLATES.contains(kind)).collect();
        let not_owned = (!ownable.is_empty()).then(|| not_owned(&ownable));
        let mesh_config = kinds.contains(&CONFIG_MAP).then(|| mesh_config(set.mesh()));
        let no_refresh = kinds.contains(&APPLICATION).then(no_refresh);
        let deleted = |wanted: Subscription| wanted.kind == NAMESPACE && wanted.operation == Operation::Delete;
        let of_mesh = set.subscriptions().filter(wanted).any(deleted).then(|| mesh_namespace(set.mesh()));
        let below = |wanted: Subscription| wanted.kind == NAMESPACE && !wanted.subresource.is_empty();
        let other_labels = set.subscriptions().filter(wanted).any(below).then(other_labels);
        let conditions = [not_owned, mesh_config, no_refresh, of_mesh, other_labels].into_iter().flatten();
        let conditions: Vec<MatchCondition> = conditions.collect();
        let (verb, failure_policy) = if may_deny { ("deny", "Fail") } else { ("warn", "Ignore") };
        webhooks.push(ValidatingWebhook {
            name: name(verb, core),
            client_config: client_config(address, Endpoint::Validate, ca),
            rules: Some(rules),
            failure_policy: Some(failure_policy.to_owned()),
            match_policy: Some("Equivalent".to_owned()),
            namespace_selector: core.then(|| selector(set)),
            side_effects: "None".to_owned(),
            timeout_seconds: Some(TIMEOUT_SECONDS),
            admission_review_versions: vec!["v1".to_owned()],
            match_conditions: Some(conditions).filter(|conditions| !conditions.is_empty()),
            object_selector: None,
        });
    }
    Ok(ValidatingWebhookConfiguration { metadata: metadata(), webhooks: Some(webhooks) })
}

/// The configuration that has `/mutate` asked whatever some policy of `set` may patch.
///
/// It never refuses: what it leaves unmended is judged by `/validate`. Nor is it asked again where a later webhook
/// changes the object: a second call for every Pod that Istio injects would mend nothing, for Istio writes nothing that
/// is mended here, and where two webhooks contradict each other a denial says so.
///
/// # Errors
/// As [`validating`].
pub fn mutating(
    set: &PolicySet,
    address: &Address,
    ca: Option<&str>,
) -> Result<MutatingWebhookConfiguration, UnknownKind> {
    let mut webhooks = Vec::new();
    for core in [true, false] {
        let wanted = |wanted: &Subscription| wanted.core == core && wanted.may_patch;
        let Some(rules) = rules(set.subscriptions().filter(wanted))? else { continue };
        webhooks.push(MutatingWebhook {
            name: name("mend", core),
            client_config: client_config(address, Endpoint::Mutate, ca),
            rules: Some(rules),
            failure_policy: Some("Ignore".to_owned()),
            match_policy: Some("Equivalent".to_owned()),
            namespace_selector: core.then(|| selector(set)),
            reinvocation_policy: Some("Never".to_owned()),
            side_effects: "None".to_owned(),
            timeout_seconds: Some(TIMEOUT_SECONDS),
            admission_review_versions: vec!["v1".to_owned()],
            match_conditions: Some(vec![not_controlled()]),
            object_selector: None,
        });
    }
    Ok(MutatingWebhookConfiguration { metadata: metadata(), webhooks: Some(webhooks) })
}

fn metadata() -> ObjectMeta {
    ObjectMeta { name: Some(NAME.to_owned()), ..ObjectMeta::default() }
}

fn name(verb: &str, core: bool) -> String {
    format!("{verb}.{}.vigla.dev", if core { "core" } else { "mesh" })
}

/// A Namespace counts by its own labels here, as it does in [`PolicySet::excludes`] by its own name.
fn selector(set: &PolicySet) -> LabelSelector {
    let requirement = LabelSelectorRequirement {
        key: NAMESPACE_NAME.to_owned(),
        operator: "NotIn".to_owned(),
        values: Some(set.excluded_namespaces().map(str::to_owned).collect()),
    };
    LabelSelector { match_expressions: Some(vec![requirement]), match_labels: None }
}

/// The opposite of [`is_owned`] for these kinds, in CEL. Nothing in it can fail: that would refuse a request. A request
/// for the object itself has no subresource.
fn not_owned(kinds: &BTreeSet<GroupKind>) -> MatchCondition {
    let list = |kinds: &mut dyn Iterator<Item = &GroupKind>| {
        let kinds: Vec<String> = kinds.map(|kind| format!("'{}/{}'", kind.group, kind.kind)).collect();
        kinds.join(", ")
    };
    let (ownable, carriers) = (list(&mut kinds.iter()), list(&mut POD_TEMPLATES.iter()));
    let no_owner = no_owner(
        "(request.operation == 'DELETE' ? oldObject : object)",
        &format!(
            "\n  && (owner.apiVersion.contains('/') ? owner.apiVersion.split('/')[0] : '') + '/' + owner.kind in\n  \
             [{carriers}]"
        ),
    );
    let expression = format!(
        "!(request.kind.group + '/' + request.kind.kind in\n  [{ownable}])\n\
         || (has(request.subResource) && request.subResource == '{EPHEMERAL_CONTAINERS}')\n|| {no_owner}"
    );
    MatchCondition { name: "not-owned".to_owned(), expression }
}

/// Of ConfigMaps those alone that [`mesh_configs`] looks into, in CEL: rules read no others, and there are many. And
/// those of a request without a name: what is still to get one, and each of a collection that is deleted.
fn mesh_config(mesh: &Mesh) -> MatchCondition {
    let named = [vec!["istio".to_owned()], mesh.shared_mesh_configs.clone()].concat();
    let expression = format!(
        "request.kind.group + '/' + request.kind.kind != '/ConfigMap'\n\
         || (request.namespace in [{}]\n  && (!has(request.name) || request.name in [{}] || request.name.startsWith('istio-')))",
        list(&mesh.control_plane_namespaces),
        list(&named)
    );
    MatchCondition { name: "mesh-config".to_owned(), expression }
}

/// The opposite of [`is_refresh`] for an UPDATE of an Application, in CEL.
fn no_refresh() -> MatchCondition {
    let GroupKind { group, kind } = APPLICATION;
    let expression = format!(
        "request.kind.group + '/' + request.kind.kind != '{group}/{kind}'\n|| request.operation != 'UPDATE'\n\
         || !has(object.spec) || !has(oldObject.spec) || object.spec != oldObject.spec\n\
         || has(object.operation) && has(object.operation.sync)\n  \
         && (has(object.operation.sync.source) || has(object.operation.sync.sources))"
    );
    MatchCondition { name: "no-refresh".to_owned(), expression }
}

/// Of the Namespaces that are deleted those alone in which the mesh itself lives, in CEL: rules mind no other, and teams
/// delete theirs while nobody answers. And those of a request without a name: each of a collection that is deleted.
fn mesh_namespace(mesh: &Mesh) -> MatchCondition {
    let named = [vec![mesh.root().to_owned()], mesh.control_plane_namespaces.clone()].concat();
    let expression = format!(
        "request.operation != 'DELETE' || request.kind.group + '/' + request.kind.kind != '/Namespace'\n\
         || !has(request.name) || request.name in [{}]",
        list(&named)
    );
    MatchCondition { name: "mesh-namespace".to_owned(), expression }
}

/// Of what is done to a Namespace by a subresource that alone which changes its labels, in CEL: rules mind nothing else,
/// and one that is deleted loses its finalizers while nobody answers.
fn other_labels() -> MatchCondition {
    let labels = |object: &str| format!("(has({object}.metadata.labels) ? {object}.metadata.labels : {{}})");
    let expression = format!(
        "request.kind.group + '/' + request.kind.kind != '/Namespace'\n|| !has(request.subResource)\n|| {} != {}",
        labels("object"),
        labels("oldObject")
    );
    MatchCondition { name: "other-labels".to_owned(), expression }
}

/// Strings in CEL.
fn list(names: &[String]) -> String {
    names.iter().map(|name| format!("'{name}'")).collect::<Vec<_>>().join(", ")
}

/// The opposite of [`is_controlled`], in CEL.
fn not_controlled() -> MatchCondition {
    MatchCondition { name: "not-controlled".to_owned(), expression: no_owner("object", "") }
}

/// No `owner` is the controller of the object, and more.
fn no_owner(object: &str, and: &str) -> String {
    let owners = format!("{object}.metadata.ownerReferences");
    format!("!has({owners})\n|| !{owners}.exists(owner, has(owner.controller) && owner.controller{and})")
}

fn client_config(address: &Address, endpoint: Endpoint, ca: Option<&str>) -> WebhookClientConfig {
    let ca_bundle = ca.map(|ca| ByteString(ca.as_bytes().to_vec()));
    let path = endpoint.path();
    match address {
        Address::Url(url) => WebhookClientConfig { ca_bundle, url: Some(format!("{url}{path}")), service: None },
        Address::Service { namespace, name, port } => {
            let service = ServiceReference {
                namespace: namespace.clone(),
                name: name.clone(),
                path: Some(path.to_owned()),
                port: port.map(i32::from),
            };
            WebhookClientConfig { ca_bundle, service: Some(service), url: None }
        }
    }
}

/// The rules for these requests; none for none. What is served alike and asked about alike shares one.
fn rules(wanted: impl Iterator<Item = Subscription>) -> Result<Option<Vec<RuleWithOperations>>, UnknownKind> {
    let mut operations: BTreeMap<(GroupKind, &str), BTreeSet<Operation>> = BTreeMap::new();
    for Subscription { kind, subresource, operation, .. } in wanted {
        operations.entry((kind, subresource)).or_default().insert(operation);
    }
    let mut resources: BTreeMap<_, Vec<String>> = BTreeMap::new();
    for ((kind, subresource), operations) in operations {
        let served = served(kind.group, kind.kind).ok_or(UnknownKind(kind))?;
        let resource = [served.plural, subresource].join("/");
        let alike = (kind.group, served.scope, served.versions, operations);
        resources.entry(alike).or_default().push(resource.trim_end_matches('/').to_owned());
    }
    let texts = |texts: &[&str]| Some(texts.iter().map(|&text| text.to_owned()).collect());
    let rules = resources.into_iter().map(|((group, scope, versions, operations), resources)| RuleWithOperations {
        api_groups: texts(&[group]),
        api_versions: texts(versions),
        operations: Some(operations.into_iter().map(|operation| operation.as_str().to_owned()).collect()),
        resources: Some(resources),
        scope: Some(scope.as_str().to_owned()),
    });
    let rules: Vec<RuleWithOperations> = rules.collect();
    Ok((!rules.is_empty()).then_some(rules))
}
