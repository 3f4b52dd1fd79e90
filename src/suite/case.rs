//! One case: its request, and what is known around it.

use jiff::Timestamp;
use jiff::civil::{Date, Time};
use jiff::tz::Offset;

use super::Surroundings;
use super::document::{CaseSaid, Expect};
use crate::manifest::{self, Content, Defaults, Item};
use crate::mesh::Snapshot;
use crate::object::{Node, Position, ShapeError, Tree};
use crate::policy::{Document, LoadError, LoadErrors, PolicySet, Single};
use crate::rule::{Body, Operation, Request, User};

/// A case that can be judged.
pub(super) struct Case {
    pub(super) name: String,
    pub(super) why: Option<String>,
    pub(super) place: Position,
    pub(super) request: Request<'static>,
    pub(super) snapshot: Snapshot,
    pub(super) now: Timestamp,
    /// The policy with the parameters of this case, where it has its own.
    pub(super) set: Option<PolicySet>,
    pub(super) expect: Expect,
}

/// Reads one case of a suite.
pub(super) struct Reader<'r> {
    pub(super) document: &'r Document<'r>,
    pub(super) said: &'r CaseSaid,
    pub(super) node: Node<'r>,
    pub(super) around: &'r Surroundings<'r>,
    /// The policy under the settings of the suite.
    pub(super) single: &'r Single<'r>,
}

impl<'r> Reader<'r> {
    /// A member of the case; absent and `null` are the same.
    fn member(&self, name: &str) -> Option<Node<'r>> {
        self.node.get(name).filter(|node| !node.is_null())
    }

    /// An error at a member of the case or at its nearest parent that exists.
    fn error(&self, member: &str, message: impl Into<String>) -> LoadError {
        self.document.error(&ShapeError::new(self.node.nearest([member]), message.into()))
    }

    pub(super) fn read(&self) -> Result<Case, Vec<LoadError>> {
        let one = |error| vec![error];
        if self.node.get("cluster").is_some() {
            let message = "`cluster` cannot be given yet: there is no snapshot of a cluster that could hold it";
            return Err(one(self.error("cluster", message)));
        }
        let expect = self.expect().map_err(one)?;
        let request = self.request().map_err(one)?;
        let snapshot = self.snapshot(&request).map_err(one)?;
        let today = self.said.now.unwrap_or(self.around.today);
        let now = midnight(today).ok_or_else(|| one(self.error("now", format!("`{today}` is out of range"))))?;
        let set = self.set().map_err(|LoadErrors(errors)| errors)?;
        let start = self.node.nearest(["name"]).span().map_or(0, |span| span.start as usize);
        let CaseSaid { name, why, .. } = self.said;
        let place = self.document.source.position(start);
        Ok(Case { name: name.clone(), why: why.clone(), place, request, snapshot, now, set, expect })
    }

    fn expect(&self) -> Result<Expect, LoadError> {
        match &self.said.expect {
            None => Err(self.error("expect", "this case expects nothing; say `expect`")),
            Some(Expect::Findings(expected)) if expected.is_empty() => {
                Err(self.error("expect", "this case expects nothing; write `expect: allow` for a request that passes"))
            }
            Some(expect) => Ok(expect.clone()),
        }
    }

    /// The policy with the parameters of this case.
    fn set(&self) -> Result<Option<PolicySet>, LoadErrors> {
        self.member("params").map(|params| self.single.load(Some(params))).transpose()
    }

    fn snapshot(&self, request: &Request<'_>) -> Result<Snapshot, LoadError> {
        let mut snapshot = Snapshot::default();
        let Some(labels) = &self.said.namespace_labels else { return Ok(snapshot) };
        if request.namespace.is_empty() {
            return Err(self.error("namespaceLabels", format!("a {} is in no namespace", request.kind.kind)));
        }
        if request.is_namespace() {
            return Err(self.error("namespaceLabels", "a Namespace has its own labels; they stand in the object"));
        }
        snapshot.namespaces.insert(request.namespace.to_string(), labels.clone().into());
        Ok(snapshot)
    }

    fn operation(&self) -> Operation {
        let default = if self.said.old_object.is_some() { Operation::Update } else { Operation::Create };
        self.said.operation.unwrap_or(default)
    }

    fn request(&self) -> Result<Request<'static>, LoadError> {
        let said = self.said;
        if said.user.is_none() && !said.groups.is_empty() {
            return Err(self.error("groups", "`groups` are those of a `user`; say who asks"));
        }
        let own = |text: &String| text.clone().into();
        let user =
            said.user.as_ref().map(|name| User { name: own(name), groups: said.groups.iter().map(own).collect() });
        let defaults = Defaults { operation: self.operation(), namespace: said.namespace.clone(), user };
        let mut request = self.judged(&defaults)?;
        if said.namespace.as_ref().is_some_and(|named| *named != request.namespace) {
            let message = format!("`namespace` is for objects that name none; this one is in `{}`", request.namespace);
            return Err(self.error("namespace", message));
        }
        self.old_object(&mut request)?;
        if let Some(kind) = &said.request_kind {
            request.request_kind = kind.resource();
        }
        request.subresource = said.subresource.clone().unwrap_or_default().into();
        request.dry_run = said.dry_run;
        Ok(request)
    }

    /// The request for what is judged: an object in place, in a file or, to be deleted, the old one.
    fn judged(&self, defaults: &Defaults) -> Result<Request<'static>, LoadError> {
        let named = |name: &'static str| self.member(name).map(|node| (name, node));
        let old = named("oldObject").filter(|_| defaults.operation == Operation::Delete);
        match (named("object"), named("file"), old) {
            (Some(_), Some(_), _) => Err(self.error("file", "give `object` or `file`, not both")),
            (Some(_), _, Some(_)) | (_, Some(_), Some(_)) => {
                Err(self.error("oldObject", "what is deleted is one object; give it once"))
            }
            (None, Some(_), None) => self.in_file(defaults),
            (Some((name, node)), ..) if node.get("kind").and_then(Node::as_str) == Some("List") => {
                Err(self.error(name, "a List holds objects and is none; give one of them"))
            }
            (Some((name, node)), None, None) | (None, None, Some((name, node))) => manifest::request(node, defaults)
                .map_err(|error| match error.offset {
                    Some(offset) => self.document.source.error(Some(offset), error.message),
                    None => self.error(name, error.message),
                }),
            (None, None, None) => Err(self.error("object", "nothing to judge; give `object` or `file`")),
        }
    }

    fn old_object(&self, request: &mut Request<'_>) -> Result<(), LoadError> {
        match (request.operation, self.member("oldObject")) {
            (Operation::Update, Some(old)) => request.old_object = Body::Read(Tree::object_at(old)),
            (Operation::Update, None) => {
                return Err(self.error("operation", "an UPDATE needs `oldObject`, the object as it is stored"));
            }
            (Operation::Create | Operation::Connect, Some(_)) => {
                let message = format!("a {} has no `oldObject`", request.operation);
                return Err(self.error("oldObject", message));
            }
            (Operation::Create | Operation::Connect, None) | (Operation::Delete, _) => {}
        }
        Ok(())
    }

    fn in_file(&self, defaults: &Defaults) -> Result<Request<'static>, LoadError> {
        let path = self.said.file.as_deref().unwrap_or_default();
        let refuse = |what: String| self.error("file", format!("`{path}` {what}"));
        if path.starts_with('/') {
            return Err(refuse("is no relative path; it is looked for beside the suite".to_owned()));
        }
        let text = (self.around.files)(&self.document.source.file, path).map_err(refuse)?;
        let mut contents = manifest::read(text.text(), defaults);
        match (contents.pop(), contents.is_empty()) {
            (Some(Content::Item(item)), true) if item.recorded => {
                Err(refuse("is a recorded review; expected the object alone".to_owned()))
            }
            (Some(Content::Item(item)), true) => Ok(owned(*item)),
            (Some(Content::Unreadable { message, offset }), _) => Err(text.error(Some(offset), message)),
            (Some(_), true) => Err(refuse("holds no Kubernetes object".to_owned())),
            (None, _) => Err(refuse("is empty; expected one Kubernetes object".to_owned())),
            (Some(_), false) => Err(refuse("holds more than one document; expected one object".to_owned())),
        }
    }
}

/// The request without what it borrows from its text.
fn owned(item: Item<'_>) -> Request<'static> {
    let own = |body: &Body<'_>| body.node().map_or(Body::Absent, |node| Body::Read(Tree::object_at(node)));
    let (object, old_object) = (own(&item.request.object), own(&item.request.old_object));
    Request { object, old_object, ..item.request.without_objects() }
}

fn midnight(day: Date) -> Option<Timestamp> {
    Offset::UTC.to_timestamp(day.to_datetime(Time::midnight())).ok()
}
