//! What labels may say: the words of enums and the names of policies, never anything of a request.

use prometheus_client::encoding::EncodeLabelSet;

use crate::engine::{Judged, Kind};
use crate::review::Endpoint;

/// What was called.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Called {
    /// A webhook, in the right way.
    Webhook(Endpoint),
    /// Another path, or another method: turned away.
    Other,
}

impl Called {
    pub(super) const ALL: [Self; 3] = [Self::Webhook(Endpoint::Validate), Self::Webhook(Endpoint::Mutate), Self::Other];

    pub(super) fn as_str(self) -> &'static str {
        match self {
            Self::Webhook(endpoint) => endpoint.as_str(),
            Self::Other => "other",
        }
    }
}

/// The class of an HTTP status.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Class {
    Success,
    Caller,
    Server,
}

impl Class {
    pub(super) const ALL: [Self; 3] = [Self::Success, Self::Caller, Self::Server];

    /// The class of a status that Vigla answers with: it neither redirects nor continues.
    pub(super) fn of(status: u16) -> Self {
        match status {
            ..400 => Self::Success,
            400..500 => Self::Caller,
            500.. => Self::Server,
        }
    }

    pub(super) fn as_str(self) -> &'static str {
        match self {
            Self::Success => "2xx",
            Self::Caller => "4xx",
            Self::Server => "5xx",
        }
    }
}

/// What is taken up while the process runs.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Reload {
    /// Policies and Settings, as a whole.
    Policies,
    /// The serving certificate.
    Certificate,
    /// The CAs of clients.
    Clients,
}

impl Reload {
    pub(super) const ALL: [Self; 3] = [Self::Policies, Self::Certificate, Self::Clients];

    pub(super) fn as_str(self) -> &'static str {
        match self {
            Self::Policies => "policies",
            Self::Certificate => "certificate",
            Self::Clients => "clients",
        }
    }
}

/// What went wrong with a call or a connection, beyond a caller who is wrong altogether.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ErrorKind {
    /// A policy could not judge a request.
    CannotJudge,
    /// Fixes of two policies contradict each other, and both were left out.
    ContradictingFixes,
    /// A review broke off after its uid, or its object cannot be read.
    UnreadableReview,
    /// A body is no review with a uid.
    NoReview,
    /// Judging panicked: a fault of Vigla's own.
    Panic,
    /// `?timeout=` is no duration.
    BadTimeout,
    /// A body broke off.
    BrokenBody,
    /// A body is larger than any review.
    LargeBody,
    /// A body did not arrive in the time that the caller gives.
    LateBody,
    /// Other large bodies left no room for this one.
    Crowded,
    /// A TLS handshake failed or took too long: the API server trusts another CA, or somebody probes the port.
    Handshake,
    /// Connections could not be accepted: no descriptors or no memory left.
    Accept,
}

impl ErrorKind {
    pub(super) const ALL: [Self; 12] = [
        Self::CannotJudge,
        Self::ContradictingFixes,
        Self::UnreadableReview,
        Self::NoReview,
        Self::Panic,
        Self::BadTimeout,
        Self::BrokenBody,
        Self::LargeBody,
        Self::LateBody,
        Self::Crowded,
        Self::Handshake,
        Self::Accept,
    ];

    pub(super) fn as_str(self) -> &'static str {
        match self {
            Self::CannotJudge => "cannot_judge",
            Self::ContradictingFixes => "contradicting_fixes",
            Self::UnreadableReview => "unreadable_review",
            Self::NoReview => "no_review",
            Self::Panic => "panic",
            Self::BadTimeout => "bad_timeout",
            Self::BrokenBody => "broken_body",
            Self::LargeBody => "large_body",
            Self::LateBody => "late_body",
            Self::Crowded => "crowded",
            Self::Handshake => "handshake",
            Self::Accept => "accept",
        }
    }
}

/// What a policy said of a request.
#[derive(Clone, Debug, PartialEq, Eq, Hash, EncodeLabelSet)]
pub(super) struct Said {
    endpoint: &'static str,
    policy: String,
    action: String,
    finding: &'static str,
    effect: &'static str,
}

impl Said {
    /// Whether both are the same to be counted, found out without making the labels.
    pub(super) fn is_same(one: &Judged<'_>, other: &Judged<'_>) -> bool {
        let key = |judged: &Judged<'_>| (judged.action, judged.kind, judged.effect);
        one.policy == other.policy && key(one) == key(other)
    }

    pub(super) fn of(endpoint: Endpoint, judged: &Judged<'_>) -> Self {
        Self {
            endpoint: endpoint.as_str(),
            policy: judged.policy.to_owned(),
            action: format!("{:?}", judged.action),
            finding: match judged.kind {
                Kind::Violation => "violation",
                Kind::Advice => "advice",
                Kind::Error => "error",
            },
            effect: judged.effect.as_str(),
        }
    }
}
