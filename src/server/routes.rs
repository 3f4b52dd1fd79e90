//! What can be asked for, and what is said to whoever asks for something else.

use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::Arc;

use axum::Router;
use axum::body::Body;
use axum::extract::{Request, State};
use axum::http::request::Parts;
use axum::http::{HeaderMap, HeaderValue, StatusCode, header};
use axum::response::{IntoResponse, Response};
use axum::routing::{get, post};
use jiff::Timestamp;
use tokio::time::Instant;

use super::Judge;
use super::body::Reader;
use super::budget::Budget;
use super::health::{Health, Phase};
use super::refusal::{Refusal, plain};
use super::timeout::caller_timeout;
use crate::review::{Endpoint, Reply};
use crate::telemetry::Metrics;
use crate::telemetry::metrics::{CONTENT_TYPE, Called, ErrorKind};

const JSON: HeaderValue = HeaderValue::from_static("application/json");

/// What answers need.
pub(super) struct Desk {
    judge: Arc<dyn Judge>,
    metrics: Arc<Metrics>,
    health: Health,
    budget: Budget,
}

/// Everything, at one port.
pub(super) fn all(desk: Arc<Desk>) -> Router {
    finish(review_routes().merge(ops_routes()), desk)
}

/// Reviews alone.
pub(super) fn reviews(desk: Arc<Desk>) -> Router {
    finish(review_routes(), desk)
}

/// Probes and metrics alone.
pub(super) fn ops(desk: Arc<Desk>) -> Router {
    finish(ops_routes(), desk)
}

fn review_routes() -> Router<Arc<Desk>> {
    Router::new().route(Endpoint::Validate.path(), post(validate)).route(Endpoint::Mutate.path(), post(mutate))
}

fn ops_routes() -> Router<Arc<Desk>> {
    Router::new().route("/livez", get(livez)).route("/readyz", get(readyz)).route("/metrics", get(metrics_text))
}

fn finish(routes: Router<Arc<Desk>>, desk: Arc<Desk>) -> Router {
    routes
        .fallback(async |State(desk): State<Arc<Desk>>, request| desk.turn_away(Refusal::Path, request).await)
        .method_not_allowed_fallback(async |State(desk): State<Arc<Desk>>, request| {
            desk.turn_away(Refusal::Method, request).await
        })
        .with_state(desk)
}

async fn livez() -> Response {
    plain(StatusCode::OK, "ok\n")
}

async fn readyz(State(desk): State<Arc<Desk>>) -> Response {
    let (status, phase) = match desk.health.phase() {
        Phase::Ready => (StatusCode::OK, "ok".to_owned()),
        Phase::NotReady(reason) => (StatusCode::SERVICE_UNAVAILABLE, format!("not ready: {reason}")),
        Phase::Draining | Phase::Closing => (StatusCode::SERVICE_UNAVAILABLE, "not ready: stopping".to_owned()),
    };
    plain(status, format!("{phase}\n{}", desk.health.details()))
}

async fn metrics_text(State(desk): State<Arc<Desk>>) -> Response {
    ([(header::CONTENT_TYPE, HeaderValue::from_static(CONTENT_TYPE))], desk.metrics.text()).into_response()
}

async fn validate(State(desk): State<Arc<Desk>>, request: Request) -> Response {
    desk.answer(Endpoint::Validate, request).await
}

async fn mutate(State(desk): State<Arc<Desk>>, request: Request) -> Response {
    desk.answer(Endpoint::Mutate, request).await
}

impl Desk {
    pub(super) fn new(judge: Arc<dyn Judge>, metrics: Arc<Metrics>, health: Health) -> Arc<Self> {
        Arc::new(Self { judge, metrics, health, budget: Budget::default() })
    }

    async fn answer(&self, endpoint: Endpoint, request: Request) -> Response {
        let call = self.metrics.call(endpoint);
        let (head, mut body) = request.into_parts();
        let answer = match self.review(endpoint, call.started.into(), &head, &mut body).await {
            Ok(answer) => answer,
            Err(refusal) => {
                if let Some(kind) = refusal.kind() {
                    self.metrics.error(kind);
                }
                refusal.answer(body).await
            }
        };
        call.answered(answer.status().as_u16());
        answer
    }

    /// Answers who has the path or the method wrong.
    async fn turn_away(&self, refusal: Refusal, request: Request) -> Response {
        let answer = refusal.answer(request.into_body()).await;
        self.metrics.answered(Called::Other, answer.status().as_u16());
        answer
    }

    async fn review(
        &self,
        endpoint: Endpoint,
        came: Instant,
        head: &Parts,
        body: &mut Body,
    ) -> Result<Response, Refusal> {
        if !is_json(&head.headers) {
            return Err(Refusal::MediaType);
        }
        let allowed = caller_timeout(head.uri.query()).map_err(Refusal::Timeout)?;
        let received = Reader::new(&self.budget, head.version, came, allowed).read(body).await?;
        let body = &received.bytes;
        Ok(match self.judge(endpoint, body) {
            Some(Reply::Review(review)) => ([(header::CONTENT_TYPE, JSON)], review).into_response(),
            Some(Reply::BadRequest(reason)) => {
                self.metrics.error(ErrorKind::NoReview);
                // The reason may quote the body, which may hold a secret: it is for the caller alone.
                tracing::warn!(bytes = body.len(), "{endpoint:?} answered 400: no AdmissionReview with a uid");
                plain(StatusCode::BAD_REQUEST, reason + "\n")
            }
            None => plain(StatusCode::INTERNAL_SERVER_ERROR, "a fault in Vigla itself; see its log\n"),
        })
    }

    /// A panic costs this request only. The judge answers it, for it alone knows the uid and what an error leads to;
    /// should it panic again, nothing is left to say.
    fn judge(&self, endpoint: Endpoint, body: &[u8]) -> Option<Reply> {
        let now = Timestamp::now();
        catch_unwind(AssertUnwindSafe(|| self.judge.judge(endpoint, body, now)))
            .or_else(|_| {
                self.metrics.error(ErrorKind::Panic);
                catch_unwind(AssertUnwindSafe(|| self.judge.panicked(endpoint, body, now)))
            })
            .ok()
    }
}

/// Whether the body is announced as JSON; parameters (`charset=utf-8`) do not matter.
fn is_json(headers: &HeaderMap) -> bool {
    let kind = headers.get(header::CONTENT_TYPE).and_then(|value| value.to_str().ok());
    let essence = kind.and_then(|kind| kind.split(';').next());
    essence.is_some_and(|essence| essence.trim().eq_ignore_ascii_case("application/json"))
}
