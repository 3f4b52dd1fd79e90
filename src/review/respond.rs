//! From the body of a call to the body of its answer.

use jiff::Timestamp;

use super::{Broken, Endpoint, Head, Review, answer, mutate, read};
use crate::engine::{Decision, Phase, cannot_read, decide};
use crate::mesh::Snapshot;
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
    /// Which webhook was called.
    pub endpoint: Endpoint,
    /// `request.uid`.
    pub uid: &'r str,
    /// The request, where it could be read.
    pub request: Option<&'r Request<'r>>,
    /// What was decided.
    pub decision: &'r Decision<'r>,
    /// What was wrong with the review, where it could not be read.
    pub fault: Option<&'r str>,
}

/// Answers a call. `log` is told of every review that has a uid.
pub fn respond(
    set: &PolicySet,
    snapshot: &Snapshot,
    endpoint: Endpoint,
    body: &[u8],
    now: Timestamp,
    log: &mut dyn FnMut(&Record<'_>),
) -> Reply {
    let wanted = |head: Head<'_>| {
        let mut policies = set.matching(head.group, head.kind, head.operation, head.subresource);
        policies.any(|policy| endpoint == Endpoint::Validate || policy.may_patch(head.group, head.kind))
    };
    let phase = match endpoint {
        Endpoint::Validate => Phase::Sent,
        Endpoint::Mutate => Phase::Mended,
    };
    match read(body, &wanted) {
        Ok(Review { uid, request }) => {
            // Where no policy may patch, the object was not even read.
            let head = Head::of(&request);
            let decision = if endpoint == Endpoint::Mutate && !wanted(head) {
                Decision::default()
            } else {
                decide(set, &request, snapshot, now, phase)
            };
            log(&Record { endpoint, uid: &uid, request: Some(&request), decision: &decision, fault: None });
            reply(set, endpoint, &uid, &decision)
        }
        Err(broken) => unreadable(set, endpoint, &broken, log),
    }
}

/// Answers a call whose judging failed by a fault of ours: every policy of its kind answers by its `onError`.
pub fn respond_to_fault(set: &PolicySet, endpoint: Endpoint, body: &[u8], log: &mut dyn FnMut(&Record<'_>)) -> Reply {
    let message = "a fault of Vigla's own; its log has the place".to_owned();
    let broken = match read(body, &|_| false) {
        Ok(Review { uid, request }) => {
            let kind = (request.kind.group.into_owned(), request.kind.kind.into_owned());
            let done = Some((request.operation, request.subresource.into_owned()));
            Broken { uid: Some(uid.into_owned()), kind: Some(kind), done, message }
        }
        Err(broken) => *broken,
    };
    unreadable(set, endpoint, &broken, log)
}

fn unreadable(set: &PolicySet, endpoint: Endpoint, broken: &Broken, log: &mut dyn FnMut(&Record<'_>)) -> Reply {
    let Broken { uid: Some(uid), kind, done, message } = broken else {
        return Reply::BadRequest(format!("no AdmissionReview with a uid: {}", broken.message));
    };
    let kind = kind.as_ref().map(|(group, kind)| (group.as_str(), kind.as_str()));
    let done = done.as_ref().map(|(operation, subresource)| (*operation, subresource.as_str()));
    let decision = cannot_read(set, kind, done, message);
    log(&Record { endpoint, uid, request: None, decision: &decision, fault: Some(message) });
    reply(set, endpoint, uid, &decision)
}

fn reply(set: &PolicySet, endpoint: Endpoint, uid: &str, decision: &Decision<'_>) -> Reply {
    Reply::Review(match endpoint {
        Endpoint::Validate => answer(uid, decision, set.hash()),
        Endpoint::Mutate => mutate(uid, decision, set.hash()),
    })
}
