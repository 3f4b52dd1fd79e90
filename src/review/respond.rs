//! From the body of a call to the body of its answer.

use jiff::Timestamp;

use super::{Broken, Endpoint, Review, allow, answer, read};
use crate::engine::{Decision, cannot_read, decide};
use crate::policy::PolicySet;
use crate::rule::Request;

/// What goes back over the wire.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Reply {
    /// An `AdmissionReview` with a response (HTTP 200).
    Review(Vec<u8>),
    /// The body has no uid, so there is no review to answer (HTTP 400): a plain reason.
    BadRequest(String),
}

/// Who asked for what, and what came of it: all that a log may hold. Never the object.
#[derive(Debug)]
pub struct Record<'r> {
    /// `request.uid`.
    pub uid: &'r str,
    /// The request, where it could be read.
    pub request: Option<&'r Request<'r>>,
    /// What was decided; nothing on `/mutate`, which judges nothing yet.
    pub decision: Option<&'r Decision<'r>>,
    /// What was wrong with the review, where it could not be read.
    pub fault: Option<&'r str>,
}

/// Answers a call. `log` is told of every review that has a uid.
pub fn respond(
    set: &PolicySet,
    endpoint: Endpoint,
    body: &[u8],
    now: Timestamp,
    log: &mut dyn FnMut(&Record<'_>),
) -> Reply {
    let judges = endpoint == Endpoint::Validate;
    let wanted = |group: &str, kind: &str, operation, subresource: &str| {
        judges && set.matching(group, kind, operation, subresource).next().is_some()
    };
    match read(body, &|head| wanted(head.group, head.kind, head.operation, head.subresource)) {
        Ok(Review { uid, request }) => {
            let decision = judges.then(|| decide(set, &request, now));
            log(&Record { uid: &uid, request: Some(&request), decision: decision.as_ref(), fault: None });
            reply(set, &uid, decision.as_ref())
        }
        Err(broken) => unreadable(set, endpoint, &broken, now, log),
    }
}

/// Answers a call whose judging failed by a fault of ours: every policy of its kind answers by its `onError`.
pub fn respond_to_fault(
    set: &PolicySet,
    endpoint: Endpoint,
    body: &[u8],
    now: Timestamp,
    log: &mut dyn FnMut(&Record<'_>),
) -> Reply {
    let message = "a fault of Vigla's own; its log has the place".to_owned();
    let broken = match read(body, &|_| false) {
        Ok(Review { uid, request }) => {
            let kind = (request.kind.group.into_owned(), request.kind.kind.into_owned());
            Broken { uid: Some(uid.into_owned()), kind: Some(kind), message }
        }
        Err(broken) => broken,
    };
    unreadable(set, endpoint, &broken, now, log)
}

fn unreadable(
    set: &PolicySet,
    endpoint: Endpoint,
    broken: &Broken,
    now: Timestamp,
    log: &mut dyn FnMut(&Record<'_>),
) -> Reply {
    let Broken { uid: Some(uid), kind, message } = broken else {
        return Reply::BadRequest(format!("no AdmissionReview with a uid: {}", broken.message));
    };
    let decision = (endpoint == Endpoint::Validate).then(|| {
        let kind = kind.as_ref().map(|(group, kind)| (group.as_str(), kind.as_str()));
        cannot_read(set, kind, message, now)
    });
    log(&Record { uid, request: None, decision: decision.as_ref(), fault: Some(message) });
    reply(set, uid, decision.as_ref())
}

fn reply(set: &PolicySet, uid: &str, decision: Option<&Decision<'_>>) -> Reply {
    Reply::Review(match decision {
        Some(decision) => answer(uid, decision, set.hash()),
        None => allow(uid),
    })
}
