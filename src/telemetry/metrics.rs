//! What is counted, for Prometheus: names, labels and their meaning in one place.
//!
//! Whoever knows of an event calls one of the methods here. What happens at every call takes atomic additions alone.

mod label;
mod series;

use std::sync::atomic::AtomicU64;
use std::time::{Duration, Instant};

use jiff::Timestamp;
use prometheus_client::encoding::text::encode;
use prometheus_client::metrics::counter::Counter;
use prometheus_client::metrics::family::Family;
use prometheus_client::metrics::gauge::Gauge;
use prometheus_client::metrics::info::Info;
use prometheus_client::registry::{Metric, Registry, Unit};

use super::COMMIT;
use super::verdict::{Verdict, effective};
use crate::engine::Kind;
use crate::policy::PolicySet;
use crate::review::{Endpoint, Record};
pub use label::{Called, ErrorKind, Reload};
use label::{Class, Said};
use series::{Each, Fact, Histogram, Label};

/// What [`Metrics::text`] is written in.
pub const CONTENT_TYPE: &str = "application/openmetrics-text; version=1.0.0; charset=utf-8";

/// Judging a usual review takes some 20 µs; what takes longer than a tenth of a second is hostile.
const EVALUATION: &[Duration] = &[
    Duration::from_micros(10),
    Duration::from_micros(25),
    Duration::from_micros(50),
    Duration::from_micros(100),
    Duration::from_micros(250),
    Duration::from_micros(500),
    Duration::from_millis(1),
    Duration::from_millis(5),
    Duration::from_millis(25),
    Duration::from_millis(100),
    Duration::from_secs(1),
];

/// With the body's way over the network; up to the 3 s, 10 s and 30 s that API servers are told to wait.
const REQUEST: &[Duration] = &[
    Duration::from_micros(50),
    Duration::from_micros(100),
    Duration::from_micros(250),
    Duration::from_micros(500),
    Duration::from_millis(1),
    Duration::from_millis(5),
    Duration::from_millis(25),
    Duration::from_millis(100),
    Duration::from_millis(500),
    Duration::from_secs(1),
    Duration::from_secs(3),
    Duration::from_secs(10),
    Duration::from_secs(30),
];

/// The counters of one process. A new one takes a field, its line in `default`, and somebody to feed it.
#[derive(Debug)]
pub struct Metrics {
    registry: Registry,
    reviews: Each<(Endpoint, Verdict), Counter, 2>,
    policies: Family<Said, Counter>,
    requests: Each<(Called, Class), Counter, 2>,
    in_flight: Each<Endpoint, Gauge, 1>,
    request_duration: Each<Endpoint, Histogram, 1>,
    evaluation_duration: Each<Endpoint, Histogram, 1>,
    errors: Each<ErrorKind, Counter, 1>,
    set: Fact,
    loaded: Gauge<f64, AtomicU64>,
    expired_exceptions: Gauge,
    reloads: Each<(Reload, bool), Counter, 2>,
    certificate_expiry: Gauge<f64, AtomicU64>,
    snapshot: Gauge<f64, AtomicU64>,
}

impl Default for Metrics {
    fn default() -> Self {
        let mut r = Registry::with_prefix("vigla");
        let build = [("version", env!("CARGO_PKG_VERSION")), ("commit", COMMIT.unwrap_or("unknown"))];
        r.register("build", "What is running", Info::new(build));
        let reviews = Each::new(pairs(Endpoint::ALL, Verdict::ALL), review_labels, Counter::default);
        let requests = Each::new(pairs(Called::ALL, Class::ALL), request_labels, Counter::default);
        let reloads = Each::new(pairs(Reload::ALL, [true, false]), reload_labels, Counter::default);
        let errors = Each::new(ErrorKind::ALL, |kind| [("kind", kind.as_str())], Counter::default);
        Self {
            reviews: add(&mut r, "reviews", "Reviews answered, by verdict", reviews),
            policies: add(&mut r, "policy_decisions", "Reviews that a policy had a say in", Family::default()),
            requests: add(&mut r, "http_requests", "Requests answered, by class of the HTTP status", requests),
            in_flight: add(&mut r, "http_requests_in_flight", "Requests under way", each(Gauge::default)),
            request_duration: add_seconds(
                &mut r,
                "http_request_duration",
                "From a request's head to its answer",
                each(|| Histogram::new(REQUEST)),
            ),
            evaluation_duration: add_seconds(
                &mut r,
                "evaluation_duration",
                "From a whole body to its answer: reading, judging, writing",
                each(|| Histogram::new(EVALUATION)),
            ),
            errors: add(&mut r, "errors", "What went wrong with calls and connections", errors),
            set: add(&mut r, "policy_set", "The policies in force, by the hash of their documents", Fact::new("hash")),
            loaded: add_seconds(
                &mut r,
                "policy_set_loaded_timestamp",
                "When the policies in force were loaded",
                Gauge::default(),
            ),
            expired_exceptions: add(&mut r, "expired_exceptions", "Exceptions past their last day", Gauge::default()),
            reloads: add(&mut r, "reloads", "Changed files that were taken up or refused", reloads),
            certificate_expiry: add_seconds(
                &mut r,
                "certificate_expiry_timestamp",
                "When the serving certificate expires",
                Gauge::default(),
            ),
            snapshot: add_seconds(
                &mut r,
                "snapshot_timestamp",
                "When what is known of the cluster was true at last; 0 where nothing is known",
                Gauge::default(),
            ),
            registry: r,
        }
    }
}

impl Metrics {
    /// These policies judge from now on.
    pub fn loaded(&self, set: &PolicySet, now: Timestamp) {
        self.set.set(set.hash());
        self.loaded.set(now.as_duration().as_secs_f64());
    }

    /// So many exceptions from the policies in force hold no longer.
    pub fn expired_exceptions(&self, count: usize) {
        self.expired_exceptions.set(i64::try_from(count).unwrap_or(i64::MAX));
    }

    /// Files have changed, and what stands in them was taken up or refused.
    pub fn reloaded(&self, what: Reload, taken_up: bool) {
        self.reloads.count((what, taken_up));
    }

    /// The certificate in use is valid until then.
    pub fn certificate_expires(&self, not_after: Timestamp) {
        self.certificate_expiry.set(not_after.as_duration().as_secs_f64());
    }

    /// What is known of the cluster was true then, at last.
    pub fn snapshot_as_of(&self, instant: Timestamp) {
        self.snapshot.set(instant.as_duration().as_secs_f64());
    }

    /// A call of a webhook begins.
    #[must_use]
    pub fn call(&self, endpoint: Endpoint) -> Call<'_> {
        if let Some(gauge) = self.in_flight.get(endpoint) {
            gauge.inc();
        }
        Call { metrics: self, endpoint, started: Instant::now() }
    }

    /// A request was answered with this HTTP status.
    pub fn answered(&self, called: Called, status: u16) {
        self.requests.count((called, Class::of(status)));
    }

    /// A review was answered like this.
    pub fn decided(&self, record: &Record<'_>, verdict: Verdict) {
        self.reviews.count((record.endpoint, verdict));
        let Record { endpoint, decision, fault, .. } = record;
        if fault.is_none() && decision.sent.iter().any(|judged| judged.kind == Kind::Error) {
            self.error(ErrorKind::CannotJudge);
        }
        if !decision.contradicting.is_empty() {
            self.error(ErrorKind::ContradictingFixes);
        }
        // One with a thousand findings counts once: findings stand policy by policy.
        for alike in effective(record).chunk_by(Said::is_same) {
            if let Some(judged) = alike.first() {
                self.policies.get_or_create(&Said::of(*endpoint, judged)).inc();
            }
        }
    }

    /// Reading a review, judging it and writing the answer took this long.
    pub fn evaluated(&self, endpoint: Endpoint, took: Duration) {
        if let Some(histogram) = self.evaluation_duration.get(endpoint) {
            histogram.observe(took);
        }
    }

    /// Something went wrong.
    pub fn error(&self, kind: ErrorKind) {
        self.errors.count(kind);
    }

    /// Everything, in the format of [`CONTENT_TYPE`].
    #[must_use]
    pub fn text(&self) -> String {
        let mut text = String::new();
        // Writing to a String cannot fail.
        let _ = encode(&mut text, &self.registry);
        text
    }
}

/// A call under way; it ends when this is dropped, answered or not.
#[derive(Debug)]
pub struct Call<'m> {
    metrics: &'m Metrics,
    endpoint: Endpoint,
    /// When it began.
    pub started: Instant,
}

impl Call<'_> {
    /// It was answered with this HTTP status.
    pub fn answered(&self, status: u16) {
        self.metrics.answered(Called::Webhook(self.endpoint), status);
        if let Some(histogram) = self.metrics.request_duration.get(self.endpoint) {
            histogram.observe(self.started.elapsed());
        }
    }
}

impl Drop for Call<'_> {
    fn drop(&mut self) {
        if let Some(gauge) = self.metrics.in_flight.get(self.endpoint) {
            gauge.dec();
        }
    }
}

/// Enters a metric; the name gets the prefix, and the suffix of its type.
fn add<M: Metric + Clone>(registry: &mut Registry, name: &str, help: &str, metric: M) -> M {
    registry.register(name, help, metric.clone());
    metric
}

/// The same for what is measured in seconds, as the end of its name will say.
fn add_seconds<M: Metric + Clone>(registry: &mut Registry, name: &str, help: &str, metric: M) -> M {
    registry.register_with_unit(name, help, Unit::Seconds, metric.clone());
    metric
}

fn each<M>(metric: impl Fn() -> M) -> Each<Endpoint, M, 1> {
    Each::new(Endpoint::ALL, |endpoint| [("endpoint", endpoint.as_str())], metric)
}

fn pairs<A: Copy, B: Copy>(ones: impl IntoIterator<Item = A>, others: impl AsRef<[B]>) -> Vec<(A, B)> {
    let others = others.as_ref();
    ones.into_iter().flat_map(|one| others.iter().map(move |other| (one, *other))).collect()
}

fn review_labels((endpoint, verdict): (Endpoint, Verdict)) -> [Label; 2] {
    [("endpoint", endpoint.as_str()), ("verdict", verdict.as_str())]
}

fn request_labels((called, class): (Called, Class)) -> [Label; 2] {
    [("endpoint", called.as_str()), ("code", class.as_str())]
}

fn reload_labels((what, taken_up): (Reload, bool)) -> [Label; 2] {
    [("what", what.as_str()), ("result", if taken_up { "taken_up" } else { "refused" })]
}
