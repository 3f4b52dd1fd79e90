//! Writes the answer: an `AdmissionReview` with a response.

use std::collections::BTreeMap;

use base64::Engine;
use base64::prelude::BASE64_STANDARD as BASE64;
use serde::Serialize;

use super::message;
use crate::engine::{Decision, Effect, Excepted, Judged};
use crate::policy::Exception;

/// The most causes that one denial lists; a route table of thousands must not make an answer of megabytes.
const CAUSES: usize = 256;

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct Review<'a> {
    api_version: &'static str,
    kind: &'static str,
    response: Response<'a>,
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct Response<'a> {
    uid: &'a str,
    allowed: bool,
    #[serde(skip_serializing_if = "Option::is_none")]
    status: Option<Status<'a>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    patch: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    patch_type: Option<&'static str>,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    warnings: Vec<String>,
    audit_annotations: BTreeMap<&'static str, String>,
}

/// `metav1.Status`, as the API server shows it to the user.
#[derive(Serialize)]
struct Status<'a> {
    status: &'static str,
    message: String,
    reason: &'static str,
    details: Details<'a>,
    code: u16,
}

#[derive(Serialize)]
struct Details<'a> {
    causes: Vec<Cause<'a>>,
}

#[derive(Serialize)]
struct Cause<'a> {
    reason: &'a str,
    message: String,
    field: String,
}

/// The answer to a call of `/validate`: the decision, said in full.
#[must_use]
pub(super) fn answer(uid: &str, decision: &Decision<'_>, set: &str) -> Vec<u8> {
    let denied = || decision.with(Effect::Deny);
    let status = (!decision.is_allowed()).then(|| Status {
        status: "Failure",
        message: message::denial(denied()),
        reason: "Forbidden",
        details: Details { causes: denied().take(CAUSES).map(cause).collect() },
        code: 403,
    });
    let warned = decision.sent.iter().filter(|judged| matches!(judged.effect, Effect::Warn | Effect::Old));
    write(Response {
        uid,
        allowed: status.is_none(),
        status,
        patch: None,
        patch_type: None,
        warnings: message::warnings(warned),
        audit_annotations: audit(decision, set),
    })
}

/// The answer to a call of `/mutate`: the patch, and a warning for everything that it mends. It always allows.
pub(super) fn mutate(uid: &str, decision: &Decision<'_>, set: &str) -> Vec<u8> {
    let patch = decision.patch.as_ref().map(|patch| BASE64.encode(serde_json::to_vec(patch).unwrap_or_default()));
    write(Response {
        uid,
        allowed: true,
        status: None,
        patch_type: patch.is_some().then_some("JSONPatch"),
        patch,
        warnings: message::mended(&decision.removed),
        audit_annotations: BTreeMap::from([("policy-set", set.to_owned())]),
    })
}

fn write(response: Response<'_>) -> Vec<u8> {
    let review = Review { api_version: "admission.k8s.io/v1", kind: "AdmissionReview", response };
    // Strings, numbers and lists alone: serde_json has nothing to refuse.
    serde_json::to_vec(&review).unwrap_or_default()
}

fn cause<'j>(judged: &'j Judged<'_>) -> Cause<'j> {
    let (message, field) = message::cause(judged);
    Cause { reason: judged.policy, message, field }
}

/// The set that judged, and the policies violated with what became of it: `a=deny,b=warn`.
fn audit(decision: &Decision<'_>, set: &str) -> BTreeMap<&'static str, String> {
    let mut annotations = BTreeMap::from([("policy-set", set.to_owned())]);
    if !decision.sent.is_empty() {
        annotations.insert("findings", decision.summary());
    }
    if !decision.exceptions.is_empty() {
        let say = |excepted: &Excepted<'_>| {
            let Exception { reason, owner, expires, .. } = excepted.exception;
            format!("{}: {reason} ({owner}, until {expires})", excepted.policy)
        };
        annotations.insert("exceptions", decision.exceptions.iter().map(say).collect::<Vec<_>>().join("; "));
    }
    annotations
}
