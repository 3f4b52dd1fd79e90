//! Reading a request's body: up to a size, and no longer than the caller waits.

use std::time::Duration;

use axum::body::{Body, Bytes, HttpBody};
use http_body_util::BodyExt;
use tokio::time::timeout;

/// Largest body. An UPDATE carries two objects, and the API server accepts objects of up to 3 MB.
pub(super) const MAX_BODY: usize = 8 * 1024 * 1024;

/// Up to this much of a body that nobody wants is still read and thrown away, and for no longer than this.
const DISCARDED: usize = 8 * MAX_BODY;
const DISCARDING: Duration = Duration::from_secs(5);

/// What the API server waits when it does not say.
const DEFAULT_TIMEOUT: Duration = Duration::from_secs(10);
/// The longest that Kubernetes lets a webhook take.
const MAX_TIMEOUT: Duration = Duration::from_secs(30);

/// Why there is no body to judge.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum BodyError {
    TooLarge,
    Late,
    /// The caller broke off, or its framing is wrong.
    Broken,
}

/// How long the caller waits, from the query that the API server appends (`?timeout=10s`). The error is the value that
/// is no duration.
pub(super) fn caller_timeout(query: Option<&str>) -> Result<Duration, String> {
    let parameters = query.into_iter().flat_map(|query| query.split('&'));
    let value = parameters.filter_map(|pair| match pair.split_once('=') {
        Some(("timeout", value)) => Some(value),
        None if pair == "timeout" => Some(""),
        _ => None,
    });
    match value.into_iter().next() {
        None => Ok(DEFAULT_TIMEOUT),
        Some(text) => match go_duration(text) {
            Some(duration) if !duration.is_zero() => Ok(duration.min(MAX_TIMEOUT)),
            _ => Err(text.to_owned()),
        },
    }
}

/// A duration as Go prints and reads it: `10s`, `1m30s`, `1.5s`, `300ms`.
fn go_duration(text: &str) -> Option<Duration> {
    let mut rest = text;
    let mut seconds = 0.0;
    while !rest.is_empty() {
        let (number, tail) = rest.split_at_checked(rest.find(|c: char| !is_numeric(c))?)?;
        let (unit, tail) = tail.split_at_checked(tail.find(is_numeric).unwrap_or(tail.len()))?;
        let unit = match unit {
            "ns" => 1e-9,
            "us" => 1e-6,
            "ms" => 1e-3,
            "s" => 1.0,
            "m" => 60.0,
            "h" => 3600.0,
            _ => return None,
        };
        seconds += number.parse::<f64>().ok()? * unit;
        rest = tail;
    }
    Duration::try_from_secs_f64(seconds).ok()
}

fn is_numeric(c: char) -> bool {
    c.is_ascii_digit() || c == '.'
}

/// Reads the whole body within `allowed`.
pub(super) async fn read(body: &mut Body, allowed: Duration) -> Result<Bytes, BodyError> {
    timeout(allowed, collect(body)).await.unwrap_or(Err(BodyError::Late))
}

async fn collect(body: &mut Body) -> Result<Bytes, BodyError> {
    let declared = declared(body);
    if declared > MAX_BODY {
        return Err(BodyError::TooLarge);
    }
    let first = next_piece(body).await?.unwrap_or_default();
    // A review of the usual size comes in one piece, which is judged where it lies.
    if body.is_end_stream() && first.len() <= MAX_BODY {
        return Ok(first);
    }
    // The declared size at once: growing step by step would copy a large body once more. Memory that the caller does
    // not fill is never touched.
    let mut whole = Vec::with_capacity(declared.max(first.len()));
    let mut piece = Some(first);
    while let Some(bytes) = piece {
        if whole.len() + bytes.len() > MAX_BODY {
            return Err(BodyError::TooLarge);
        }
        whole.extend_from_slice(&bytes);
        piece = next_piece(body).await?;
    }
    Ok(whole.into())
}

/// Reads on without keeping anything, so that a refusal reaches a caller who is still sending. Answered earlier, one over
/// HTTP/1 would find its connection reset; over HTTP/2 the stream is, and curl then drops the answer that came with it.
pub(super) async fn discard(mut body: Body) {
    if declared(&body) > DISCARDED {
        return;
    }
    let discarding = async {
        let mut left = DISCARDED;
        while let Ok(Some(bytes)) = next_piece(&mut body).await {
            match left.checked_sub(bytes.len()) {
                Some(rest) => left = rest,
                None => break,
            }
        }
    };
    timeout(DISCARDING, discarding).await.ok();
}

/// What is still to come, as far as the caller announced it.
fn declared(body: &Body) -> usize {
    usize::try_from(body.size_hint().lower()).unwrap_or(usize::MAX)
}

/// The next bytes; trailers are passed over.
async fn next_piece(body: &mut Body) -> Result<Option<Bytes>, BodyError> {
    while let Some(frame) = body.frame().await {
        if let Ok(bytes) = frame.map_err(|_| BodyError::Broken)?.into_data() {
            return Ok(Some(bytes));
        }
    }
    Ok(None)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn accepts_durations_as_go_prints_them() {
        let read = |text| caller_timeout(Some(text)).map(|duration| duration.as_millis());
        assert_eq!(read("timeout=10s"), Ok(10_000));
        assert_eq!(read("timeout=300ms"), Ok(300));
        assert_eq!(read("timeout=1.5s"), Ok(1_500));
        assert_eq!(read("timeout=2s500ms"), Ok(2_500));
        assert_eq!(read("a=b&timeout=3s&timeout=4s"), Ok(3_000), "the first one counts");
    }

    #[test]
    fn caps_the_timeout_and_has_a_default() {
        assert_eq!(caller_timeout(None), Ok(DEFAULT_TIMEOUT));
        assert_eq!(caller_timeout(Some("dryRun=All")), Ok(DEFAULT_TIMEOUT));
        assert_eq!(caller_timeout(Some("timeout=1m0s")), Ok(MAX_TIMEOUT));
        assert_eq!(caller_timeout(Some("timeout=999999999h")), Ok(MAX_TIMEOUT));
    }

    #[test]
    fn rejects_what_is_no_duration() {
        for text in ["", "10", "s", "10x", "-1s", ".s", "1..5s", "0s", "1e3s", "10s ", "ten", "NaNs", "1sx", "%31s"] {
            assert_eq!(caller_timeout(Some(&format!("timeout={text}"))), Err(text.to_owned()));
        }
        assert_eq!(caller_timeout(Some("timeout")), Err(String::new()));
        let endless = format!("timeout={}h", "9".repeat(400));
        assert!(caller_timeout(Some(&endless)).is_err());
    }
}
