//! What can be asked for, and what is said to whoever asks for something else.

use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::Arc;

use axum::Router;
use axum::body::Bytes;
use axum::extract::{Request, State};
use axum::http::{HeaderMap, HeaderValue, StatusCode, header};
use axum::response::{IntoResponse, Response};
use axum::routing::{get, post};
use jiff::Timestamp;

use super::Judge;
use super::body::{self, BodyError, MAX_BODY};
use super::health::{Health, Phase};
use crate::review::{Endpoint, Reply};

const JSON: HeaderValue = HeaderValue::from_static("application/json");
const TEXT: HeaderValue = HeaderValue::from_static("text/plain; charset=utf-8");

struct Desk {
    judge: Arc<dyn Judge>,
    health: Health,
}

pub(super) fn router(judge: Arc<dyn Judge>, health: Health) -> Router {
    Router::new()
        .route("/validate", post(validate))
        .route("/mutate", post(mutate))
        .route("/livez", get(livez))
        .route("/readyz", get(readyz))
        .fallback(async || Refusal::Path)
        .method_not_allowed_fallback(async || Refusal::Method)
        .with_state(Arc::new(Desk { judge, health }))
}

async fn livez() -> Response {
    plain(StatusCode::OK, "ok\n")
}

async fn readyz(State(desk): State<Arc<Desk>>) -> Response {
    match desk.health.phase() {
        Phase::Ready => plain(StatusCode::OK, "ok\n"),
        Phase::NotReady(reason) => plain(StatusCode::SERVICE_UNAVAILABLE, format!("not ready: {reason}\n")),
        Phase::Draining | Phase::Closing => plain(StatusCode::SERVICE_UNAVAILABLE, "not ready: stopping\n"),
    }
}

async fn validate(State(desk): State<Arc<Desk>>, request: Request) -> Result<Response, Refusal> {
    desk.answer(Endpoint::Validate, request).await
}

async fn mutate(State(desk): State<Arc<Desk>>, request: Request) -> Result<Response, Refusal> {
    desk.answer(Endpoint::Mutate, request).await
}

impl Desk {
    async fn answer(&self, endpoint: Endpoint, request: Request) -> Result<Response, Refusal> {
        if !is_json(request.headers()) {
            return Err(Refusal::MediaType);
        }
        let allowed = body::caller_timeout(request.uri().query()).map_err(Refusal::Timeout)?;
        let body = body::read(request.into_body(), allowed).await?;
        Ok(match self.judge(endpoint, &body) {
            Some(reply) => respond(reply),
            None => plain(StatusCode::INTERNAL_SERVER_ERROR, "a fault in Vigla itself; see its log\n"),
        })
    }

    /// A panic costs this request only. The judge answers it, for it alone knows the uid and what an error leads to;
    /// should it panic again, nothing is left to say.
    fn judge(&self, endpoint: Endpoint, body: &[u8]) -> Option<Reply> {
        let now = Timestamp::now();
        catch_unwind(AssertUnwindSafe(|| self.judge.judge(endpoint, body, now)))
            .or_else(|_| catch_unwind(AssertUnwindSafe(|| self.judge.panicked(endpoint, body, now))))
            .ok()
    }
}

fn respond(reply: Reply) -> Response {
    match reply {
        Reply::Review(body) => ([(header::CONTENT_TYPE, JSON)], body).into_response(),
        Reply::BadRequest(reason) => plain(StatusCode::BAD_REQUEST, reason + "\n"),
    }
}

fn plain(status: StatusCode, text: impl Into<Bytes>) -> Response {
    (status, [(header::CONTENT_TYPE, TEXT)], text.into()).into_response()
}

/// Whether the body is announced as JSON; parameters (`charset=utf-8`) do not matter.
fn is_json(headers: &HeaderMap) -> bool {
    let kind = headers.get(header::CONTENT_TYPE).and_then(|value| value.to_str().ok());
    let essence = kind.and_then(|kind| kind.split(';').next());
    essence.is_some_and(|essence| essence.trim().eq_ignore_ascii_case("application/json"))
}

/// A request that is no review. The answer says in one line what is expected.
#[derive(Debug)]
enum Refusal {
    Path,
    Method,
    MediaType,
    /// The value of `timeout` that is no duration.
    Timeout(String),
    Body(BodyError),
}

impl From<BodyError> for Refusal {
    fn from(error: BodyError) -> Self {
        Self::Body(error)
    }
}

impl IntoResponse for Refusal {
    fn into_response(self) -> Response {
        let closes = matches!(self, Self::Body(_));
        let mut response = match self {
            Self::Path => plain(
                StatusCode::NOT_FOUND,
                "no such path; expected POST /validate, POST /mutate, GET /livez or GET /readyz\n",
            ),
            // axum adds the header `Allow`, which names the methods.
            Self::Method => plain(
                StatusCode::METHOD_NOT_ALLOWED,
                "wrong method; expected POST for /validate and /mutate, GET for /livez and /readyz\n",
            ),
            Self::MediaType => plain(
                StatusCode::UNSUPPORTED_MEDIA_TYPE,
                "wrong content type; expected an AdmissionReview as application/json\n",
            ),
            Self::Timeout(value) => plain(
                StatusCode::BAD_REQUEST,
                format!("`timeout={value}` is no duration; expected one above zero such as 10s or 500ms\n"),
            ),
            Self::Body(BodyError::TooLarge) => plain(
                StatusCode::PAYLOAD_TOO_LARGE,
                format!("the body is too large; expected at most {MAX_BODY} bytes\n"),
            ),
            Self::Body(BodyError::Late) => plain(
                StatusCode::REQUEST_TIMEOUT,
                "the body did not arrive in time; expected all of it within the timeout asked for (10s if none)\n",
            ),
            Self::Body(BodyError::Broken) => {
                plain(StatusCode::BAD_REQUEST, "the body broke off; expected all of what its length announced\n")
            }
        };
        if closes {
            // What is left of the body would be read as the next request.
            response.headers_mut().insert(header::CONNECTION, HeaderValue::from_static("close"));
        }
        response
    }
}
