//! One text, document by document.

use std::borrow::Cow;

use serde_json::value::RawValue;

use super::list::{Single, singles};
use super::metadata;
use super::scope::is_cluster_scoped;
use super::{Content, Item};
use crate::object::{Document, Node, ReadError, Tree, json_error, read_json_at, read_yaml, split_documents};
use crate::review;
use crate::rule::{Body, Operation, Request, Resource, User};

/// What files do not say of a request.
#[derive(Clone, Debug)]
pub struct Defaults {
    /// What is done to every object.
    pub operation: Operation,
    /// The namespace of objects that name none.
    pub namespace: Option<String>,
    /// Who asks.
    pub user: Option<User<'static>>,
}

/// Reads a text without its byte order mark: YAML or JSON, many documents, lists, recorded reviews.
#[must_use]
pub fn read<'a>(text: &'a str, defaults: &Defaults) -> Vec<Content<'a>> {
    let mut reader = Reader { defaults, contents: Vec::new(), document: 0 };
    for document in split_documents(text) {
        reader.document(document);
    }
    reader.contents
}

struct Reader<'d, 'a> {
    defaults: &'d Defaults,
    contents: Vec<Content<'a>>,
    document: usize,
}

/// JSON text and where it starts in the file.
#[derive(Clone, Copy)]
struct Json<'a> {
    text: &'a str,
    start: usize,
}

impl<'a> Reader<'_, 'a> {
    /// What stands between two document markers: one YAML document, or JSON values one after another.
    fn document(&mut self, document: Document<'a>) {
        let (values, json_error) = json_body(document).map(json_values).unwrap_or_default();
        if !values.is_empty() && json_error.is_none() {
            return self.json(values);
        }
        match (read_yaml(document), json_error) {
            (Ok(tree), _) => self.tree(&tree, document.start()),
            // What was meant as JSON gets JSON's complaint, and what stands before the fault is judged.
            (Err(_), Some(error)) => {
                self.json(values);
                self.unreadable(error, document.start());
            }
            (Err(error), None) => self.unreadable(error, document.start()),
        }
    }

    fn json(&mut self, values: Vec<Json<'a>>) {
        for Json { text, start } in values {
            match read_json_at(text, start) {
                Ok(tree) => self.tree(&tree, start),
                Err(error) => self.unreadable(error, start),
            }
        }
    }

    fn unreadable(&mut self, error: ReadError, start: usize) {
        self.document += 1;
        self.contents.push(unreadable(error, start));
    }

    fn tree(&mut self, tree: &Tree<'a>, start: usize) {
        self.document += 1;
        for single in singles(tree.root()) {
            let content = single.map_or_else(|error| unreadable(error, start), |single| self.object(single, start));
            self.contents.push(content);
        }
    }

    fn object(&self, single: Single<'_>, start: usize) -> Content<'a> {
        let Single { node, api_version, kind } = single;
        let start = metadata::start(node).unwrap_or(start);
        if !single.is_object() {
            return Content::Foreign { offset: start };
        }
        let (group, version) = api_version.split_once('/').unwrap_or(("", api_version));
        if group == "policies.vigla.dev" {
            return Content::Ours;
        }
        let recorded = group == "admission.k8s.io" && kind == "AdmissionReview";
        let request = if recorded {
            review::recorded(node).map_err(|message| ReadError { message, offset: None })
        } else {
            request_for(node, Resource::owned(group, version, kind), self.defaults)
        };
        match request {
            Ok(request) => {
                let assumed_namespace = !recorded && self.defaults.namespace.is_none() && assumed(node, &request);
                Content::Item(Box::new(Item { document: self.document, request, assumed_namespace, recorded }))
            }
            Err(error) => unreadable(error, start),
        }
    }
}

/// The request that asks for `object`.
///
/// # Errors
/// Where it is no Kubernetes object, or names itself by something else than strings.
pub fn request(object: Node<'_>, defaults: &Defaults) -> Result<Request<'static>, ReadError> {
    let text = |key: &str| object.get(key).and_then(Node::as_str).filter(|text| !text.is_empty());
    let (Some(api_version), Some(kind)) = (text("apiVersion"), text("kind")) else {
        let message = "not a Kubernetes object: it has no `apiVersion` and `kind`".to_owned();
        return Err(ReadError { message, offset: None });
    };
    let (group, version) = api_version.split_once('/').unwrap_or(("", api_version));
    request_for(object, Resource::owned(group, version, kind), defaults)
}

fn request_for(object: Node<'_>, kind: Resource<'static>, defaults: &Defaults) -> Result<Request<'static>, ReadError> {
    let name = metadata::field(object, "name")?.to_owned();
    let namespace = match metadata::field(object, "namespace")?.to_owned() {
        _ if is_cluster_scoped(&kind.group, &kind.kind) => {
            let is_namespace = kind.group.is_empty() && kind.kind == "Namespace";
            if is_namespace { name.clone() } else { String::new() }
        }
        empty if empty.is_empty() => defaults.namespace.clone().unwrap_or_else(|| "default".to_owned()),
        namespace => namespace,
    };
    let body = Body::Read(Tree::object_at(object));
    let deletes = defaults.operation == Operation::Delete;
    let (object, old_object) = if deletes { (Body::Absent, body) } else { (body, Body::Absent) };
    Ok(Request {
        operation: defaults.operation,
        request_kind: kind.clone(),
        kind,
        subresource: Cow::Borrowed(""),
        namespace: namespace.into(),
        name: name.into(),
        user: defaults.user.clone(),
        dry_run: false,
        object,
        old_object,
    })
}

fn unreadable<'a>(ReadError { message, offset }: ReadError, start: usize) -> Content<'a> {
    Content::Unreadable { message, offset: offset.unwrap_or(start) }
}

/// Whether a request has a namespace that its object does not name.
fn assumed(object: Node<'_>, request: &Request<'_>) -> bool {
    let named = object.at(&["metadata", "namespace"]).and_then(Node::as_str).is_some_and(|name| !name.is_empty());
    !named && !is_cluster_scoped(&request.kind.group, &request.kind.kind)
}

/// The text of a document that starts as JSON does.
fn json_body(document: Document<'_>) -> Option<Json<'_>> {
    let rest = document.text().strip_prefix("---").unwrap_or(document.text());
    let text = rest.trim_start();
    let start = document.start() + (document.text().len() - text.len());
    // `{{` starts no JSON, but many a template.
    (text.starts_with('{') && !text.starts_with("{{")).then_some(Json { text, start })
}

/// The JSON values of a text, one after another, up to a fault.
fn json_values(Json { text, start }: Json<'_>) -> (Vec<Json<'_>>, Option<ReadError>) {
    let text = text.trim_end();
    let text = text.strip_suffix("\n...").unwrap_or(text);
    let mut values = Vec::new();
    let mut stream = serde_json::Deserializer::from_str(text).into_iter::<&RawValue>();
    while let Some(value) = stream.next() {
        match value {
            Ok(raw) => {
                let end = stream.byte_offset();
                values.push(Json { text: raw.get(), start: start + end - raw.get().len() });
            }
            Err(error) => {
                let ReadError { message, offset } = json_error(text, &error);
                return (values, Some(ReadError { message, offset: offset.map(|offset| start + offset) }));
            }
        }
    }
    (values, None)
}
