//! The objects of a cluster, kind by kind and page by page, as the API server writes them.

use std::collections::BTreeSet;
use std::fmt;

use k8s_openapi::apimachinery::pkg::apis::meta::v1::ListMeta;
use kube::api::{ApiResource, DynamicObject, GetParams, ListParams};
use kube::core::Request;
use kube::discovery::{Discovery, Scope, verbs};
use kube::{Client, Resource};
use serde::Deserialize;

use crate::rule::GroupKind;

/// Most objects of a page; kubectl's own.
const PAGE: u32 = 500;

/// The objects of a kind, in the version that the API server holds for the most stable.
#[derive(Debug)]
pub struct Listing {
    resource: ApiResource,
    within: Within,
}

#[derive(Debug)]
enum Within {
    Cluster,
    Namespace(String),
    /// The Namespace itself. Those of one namespace may read it who may not list them.
    Itself(String),
}

/// Some objects.
#[derive(Debug)]
pub struct Page {
    /// A list, or an object, in JSON.
    pub text: String,
    /// What to ask the next page by; none: this was the last one.
    pub next: Option<String>,
}

/// Those of `kinds` that the API server serves and lists. With `namespace` only what stands in it, and itself.
///
/// # Errors
/// Where the API server does not say what it serves.
pub async fn listings(
    client: &Client,
    kinds: &BTreeSet<GroupKind>,
    namespace: Option<&str>,
) -> kube::Result<Vec<Listing>> {
    let groups: Vec<&str> = kinds.iter().map(|kind| kind.group).collect();
    let served = Discovery::new(client.clone()).filter(&groups).run_aggregated().await?;
    let mut listings = Vec::new();
    for kind in kinds {
        let resources = served.get(kind.group).map(|group| group.resources_by_stability()).unwrap_or_default();
        let found = resources.into_iter().find(|(resource, _)| resource.kind == kind.kind);
        let Some((resource, abilities)) = found.filter(|(_, abilities)| abilities.supports_operation(verbs::LIST))
        else {
            continue;
        };
        let within = match namespace.map(str::to_owned) {
            None => Within::Cluster,
            Some(namespace) if abilities.scope == Scope::Namespaced => Within::Namespace(namespace),
            Some(namespace) if kind.is("", "Namespace") => Within::Itself(namespace),
            Some(_) => continue,
        };
        listings.push(Listing { resource, within });
    }
    Ok(listings)
}

impl Listing {
    /// The first page, or the one after it that `next` names.
    ///
    /// # Errors
    /// Where the API server does not answer with one.
    pub async fn page(&self, client: &Client, next: Option<String>) -> kube::Result<Page> {
        let path = |namespace| Request::new(DynamicObject::url_path(&self.resource, namespace));
        let list = ListParams { limit: Some(PAGE), continue_token: next, ..ListParams::default() };
        let request = match &self.within {
            Within::Cluster => path(None).list(&list),
            Within::Namespace(namespace) => path(Some(namespace)).list(&list),
            Within::Itself(namespace) => path(None).get(namespace, &GetParams::default()),
        };
        let text = client.request_text(request.map_err(kube::Error::BuildRequest)?).await?;
        let head: Head = serde_json::from_str(&text).map_err(kube::Error::SerdeError)?;
        Ok(Page { text, next: head.metadata.continue_.filter(|next| !next.is_empty()) })
    }
}

/// By the name that kubectl takes.
impl fmt::Display for Listing {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let ApiResource { group, plural, .. } = &self.resource;
        if group.is_empty() { f.write_str(plural) } else { write!(f, "{plural}.{group}") }
    }
}

/// What of a page is not for judging.
#[derive(Deserialize)]
struct Head {
    metadata: ListMeta,
}
