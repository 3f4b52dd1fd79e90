//! What is said to whoever sends something else than a review.

use axum::body::{Body, Bytes};
use axum::http::{HeaderValue, StatusCode, header};
use axum::response::{IntoResponse, Response};

use super::body::{self, BodyError, MAX_BODY};
use crate::telemetry::metrics::ErrorKind;

const TEXT: HeaderValue = HeaderValue::from_static("text/plain; charset=utf-8");

/// A line of plain text.
pub(super) fn plain(status: StatusCode, text: impl Into<Bytes>) -> Response {
    (status, [(header::CONTENT_TYPE, TEXT)], text.into()).into_response()
}

/// A request that is no review. The answer says in one line what is expected.
#[derive(Debug)]
pub(super) enum Refusal {
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

impl Refusal {
    /// The answer, once the caller has sent what he wanted to send and will listen. Who was late or broke off has no
    /// more to say.
    pub(super) async fn answer(self, rest: Body) -> Response {
        self.log();
        if !matches!(self, Self::Body(BodyError::Late | BodyError::Broken)) {
            body::discard(rest).await;
        }
        self.into_response()
    }

    /// What is counted. Whoever is wrong altogether is his own business, here as in the log.
    pub(super) fn kind(&self) -> Option<ErrorKind> {
        Some(match self {
            Self::Path | Self::Method | Self::MediaType => return None,
            Self::Timeout(_) => ErrorKind::BadTimeout,
            Self::Body(BodyError::Broken) => ErrorKind::BrokenBody,
            Self::Body(BodyError::TooLarge) => ErrorKind::LargeBody,
            Self::Body(BodyError::Late) => ErrorKind::LateBody,
            Self::Body(BodyError::Crowded) => ErrorKind::Crowded,
        })
    }

    /// A review that the API server sent and nobody judged is the operator's business; a caller who is wrong altogether
    /// is his own. What he sent is not repeated: it may be anything.
    fn log(&self) {
        let why = match self {
            Self::Path | Self::Method | Self::MediaType => return tracing::debug!("refused: {self:?}"),
            Self::Timeout(_) => "400, a timeout that is no duration",
            Self::Body(BodyError::Broken) => "400, the body broke off",
            Self::Body(BodyError::TooLarge) => "413, the body is too large",
            Self::Body(BodyError::Late) => "408, the body came too late",
            Self::Body(BodyError::Crowded) => "503, other large bodies left no room for this one",
        };
        tracing::warn!("a request was refused: {why}");
    }
}

impl IntoResponse for Refusal {
    fn into_response(self) -> Response {
        let closes = matches!(self, Self::Body(_));
        let mut response = match self {
            Self::Path => plain(
                StatusCode::NOT_FOUND,
                "no such path here; expected POST /validate, /mutate or, unless --ops-listen moves them, GET /livez, /readyz, /metrics\n",
            ),
            // axum adds the header `Allow`, which names the methods.
            Self::Method => plain(
                StatusCode::METHOD_NOT_ALLOWED,
                "wrong method; expected POST for /validate and /mutate, GET for /livez, /readyz and /metrics\n",
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
            Self::Body(BodyError::Crowded) => plain(
                StatusCode::SERVICE_UNAVAILABLE,
                "too many large bodies at once, and no room for this one in half the timeout; try again\n",
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
