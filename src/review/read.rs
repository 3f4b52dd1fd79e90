//! Reads a review in one pass.
//!
//! The uid goes into a slot as soon as it is seen, so that a review which breaks off later still gets an answer. The
//! API server writes kind, operation and user before the objects: at `object` it is known whether any policy will look
//! at it, and it is built or skipped on the spot. A review in another order is held back as raw text and read again.

use std::borrow::Cow;

use serde::de::DeserializeSeed;

use super::envelope::{Envelope, Objects, Seen};
use crate::object::{Node, ReadError, Tree, json_error};
use crate::rule::{Body, Operation, Request};

/// A review that was read.
#[derive(Debug)]
pub(super) struct Review<'a> {
    /// `request.uid`, to be echoed.
    pub uid: Cow<'a, str>,
    /// What is asked.
    pub request: Request<'a>,
}

/// A review that could not be read, as far as it got.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Broken {
    /// `request.uid`, where it came before the fault. Without one there is nobody to answer.
    pub uid: Option<String>,
    /// Group and kind of the object, where they came before the fault.
    pub kind: Option<(String, String)>,
    /// What is done to which subresource, where that came before the fault.
    pub done: Option<(Operation, String)>,
    /// What is wrong, what was expected.
    pub message: String,
}

/// What a request is about: enough to know which policies judge it.
#[derive(Clone, Copy, Debug)]
pub(super) struct Head<'r> {
    /// API group; empty for core kinds.
    pub group: &'r str,
    /// The kind.
    pub kind: &'r str,
    /// What is done.
    pub operation: Operation,
    /// The subresource; empty for the object itself.
    pub subresource: &'r str,
}

impl<'r> Head<'r> {
    /// What a request that was read is about.
    pub(super) fn of(request: &'r Request<'_>) -> Self {
        let Request { kind, operation, subresource, .. } = request;
        Self { group: &kind.group, kind: &kind.kind, operation: *operation, subresource }
    }
}

/// Reads the body of a call. Objects are built only where `wanted` says that somebody will look at them.
///
/// # Errors
/// Where the body is no `AdmissionReview` of `admission.k8s.io/v1` with a request.
pub(super) fn read<'a>(body: &'a [u8], wanted: &dyn Fn(Head<'_>) -> bool) -> Result<Review<'a>, Box<Broken>> {
    let (text, fault) = match std::str::from_utf8(body) {
        Ok(text) => (text, None),
        // What stands before the fault may hold a uid to answer to.
        Err(error) => {
            let valid = body.get(..error.valid_up_to()).and_then(|valid| std::str::from_utf8(valid).ok());
            let fault = format!("the body is not UTF-8 after byte {}", error.valid_up_to());
            (valid.unwrap_or_default(), Some(fault))
        }
    };
    let mut seen = Seen::default();
    let mut outcome = pass(text, Objects::Wanted(wanted), &mut seen);
    if outcome.is_ok() && seen.skipped && seen.head().is_some_and(wanted) {
        // What decides came after what it decides about.
        seen = Seen::default();
        outcome = pass(text, Objects::Wanted(&|_| true), &mut seen);
    }
    let outcome = fault.map_or(outcome, Err);
    match outcome.and_then(|()| seen.check_envelope()).and_then(|()| seen.check()) {
        Ok(operation) => {
            let uid = seen.uid.take().unwrap_or_default();
            let mut request = seen.finish(operation);
            request.read_judged();
            Ok(Review { uid, request })
        }
        Err(message) => Err(Box::new(seen.broken(message))),
    }
}

/// The request of a review that stands in a file. It needs no uid: nobody waits for an answer.
///
/// # Errors
/// Where the review has no kind or operation, or holds something else than a review does.
pub fn recorded(review: Node<'_>) -> Result<Request<'static>, String> {
    let mut seen = Seen::default();
    Envelope { seen: &mut seen, objects: Objects::Elsewhere }.deserialize(review).map_err(|error| error.to_string())?;
    let operation = seen.check()?;
    let object = |name| match review.at(&["request", name]).filter(|node| !node.is_null()) {
        Some(node) => Body::Read(Tree::object_at(node)),
        None => Body::Absent,
    };
    let (object, old_object) = (object("object"), object("oldObject"));
    Ok(Request { object, old_object, ..seen.finish(operation).without_objects() })
}

fn pass<'a>(text: &'a str, objects: Objects<'_>, seen: &mut Seen<'a>) -> Result<(), String> {
    let mut input = serde_json::Deserializer::from_str(text);
    let outcome = Envelope { seen, objects }.deserialize(&mut input).and_then(|()| input.end());
    outcome.map_err(|error| {
        let ReadError { message, .. } = json_error(text, &error);
        format!("{message} (line {}, column {})", error.line(), error.column())
    })
}

impl<'a> Seen<'a> {
    fn operation(&self) -> Option<Operation> {
        let word = self.operation.as_deref()?;
        Operation::ALL.into_iter().find(|operation| operation.as_str() == word)
    }

    pub(super) fn head(&self) -> Option<Head<'_>> {
        let kind = self.kind.as_ref()?;
        let operation = self.operation()?;
        Some(Head { group: &kind.group, kind: &kind.kind, operation, subresource: &self.subresource })
    }

    /// Whether this is a review that an answer can be given to.
    fn check_envelope(&self) -> Result<(), String> {
        let expect = |field: &str, found: Option<&str>, expected: &str| match found {
            Some(found) if found == expected => Ok(()),
            Some(found) => Err(format!("`{field}` is `{found}`, expected `{expected}`")),
            None => Err(format!("`{field}` is missing, expected `{expected}`")),
        };
        expect("apiVersion", self.api_version.as_deref(), "admission.k8s.io/v1")?;
        expect("kind", self.review_kind.as_deref(), "AdmissionReview")?;
        if self.uid.as_deref().is_none_or(str::is_empty) {
            return Err("`request.uid` is missing".to_owned());
        }
        Ok(())
    }

    /// Whether all is there that a request must have.
    fn check(&self) -> Result<Operation, String> {
        if self.kind.as_ref().is_none_or(|kind| kind.kind.is_empty()) {
            return Err("`request.kind` is missing".to_owned());
        }
        self.operation().ok_or_else(|| {
            let found = self.operation.as_deref().unwrap_or_default();
            format!("`request.operation` is `{found}`, expected one of CREATE, UPDATE, DELETE, CONNECT")
        })
    }

    fn finish(self, operation: Operation) -> Request<'a> {
        let kind = self.kind.unwrap_or_default();
        Request {
            operation,
            request_kind: self.request_kind.unwrap_or_else(|| kind.clone()),
            kind,
            subresource: self.subresource,
            namespace: self.namespace,
            name: self.name,
            user: self.user,
            dry_run: self.dry_run,
            object: self.object,
            old_object: self.old_object,
        }
    }

    fn broken(self, message: String) -> Broken {
        let done = self.operation().map(|operation| (operation, self.subresource.clone().into_owned()));
        Broken {
            done,
            uid: self.uid.filter(|uid| !uid.is_empty()).map(Cow::into_owned),
            kind: self.kind.map(|kind| (kind.group.into_owned(), kind.kind.into_owned())),
            message,
        }
    }
}
