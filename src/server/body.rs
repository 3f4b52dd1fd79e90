//! Reading a request's body: up to a size, and no longer than the caller waits.

use std::time::Duration;

use axum::body::{Body, Bytes, HttpBody};
use axum::http::Version;
use http_body_util::BodyExt;
use tokio::sync::SemaphorePermit;
use tokio::time::{Instant, timeout, timeout_at};

use super::budget::{Budget, UNCOUNTED};

/// Largest body. An UPDATE carries two objects, and the API server accepts objects of up to 3 MB.
pub(super) const MAX_BODY: usize = 8 * 1024 * 1024;

/// Up to this much of a body that nobody wants is still read and thrown away, and for no longer than this.
const DISCARDED: usize = 8 * MAX_BODY;
const DISCARDING: Duration = Duration::from_secs(5);

/// Why there is no body to judge.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum BodyError {
    TooLarge,
    Late,
    /// Other large bodies left no room for this one.
    Crowded,
    /// The caller broke off, or its framing is wrong.
    Broken,
}

/// A body as a whole, and its part of the budget.
pub(super) struct Received<'b> {
    pub(super) bytes: Bytes,
    _room: [Option<SemaphorePermit<'b>>; 2],
}

/// How a body is to be read.
pub(super) struct Reader<'b> {
    budget: &'b Budget,
    /// Up to this size it is not counted.
    uncounted: usize,
    /// Until when it waits for room: half of the caller's time, the other half is for the bytes, or the refusal.
    waits: Instant,
    ends: Instant,
}

impl<'b> Reader<'b> {
    /// For a request that came at `now`, whose caller waits as long as `allowed`.
    pub(super) fn new(budget: &'b Budget, version: Version, now: Instant, allowed: Duration) -> Self {
        // Over HTTP/2 one connection may have many bodies under way.
        let uncounted = if version == Version::HTTP_2 { 0 } else { UNCOUNTED };
        Self { budget, uncounted, waits: now + allowed / 2, ends: now + allowed }
    }

    /// Reads the whole body.
    pub(super) async fn read(&self, body: &mut Body) -> Result<Received<'b>, BodyError> {
        timeout_at(self.ends, self.collect(body)).await.unwrap_or(Err(BodyError::Late))
    }

    async fn collect(&self, body: &mut Body) -> Result<Received<'b>, BodyError> {
        let announced = announced(body);
        if announced.is_some_and(|size| size > MAX_BODY) {
            return Err(BodyError::TooLarge);
        }
        let first = next_piece(body).await?.unwrap_or_default();
        // A review of the usual size comes in one piece, which is judged where it lies: nobody can hold it half sent.
        if body.is_end_stream() && first.len() <= UNCOUNTED {
            return Ok(Received { bytes: first, _room: [None, None] });
        }
        let (bytes, room) = self.assemble(body, announced, first).await?;
        let judge = self.budget.judge(bytes.len(), self.ends).await?;
        Ok(Received { bytes, _room: [room, judge] })
    }

    /// The body from its pieces. Room is taken once and for all of it, so that no two bodies wait for each other: the
    /// announced size, or that of the largest.
    async fn assemble(
        &self,
        body: &mut Body,
        announced: Option<usize>,
        first: Bytes,
    ) -> Result<(Bytes, Option<SemaphorePermit<'b>>), BodyError> {
        let mut room = None;
        let mut whole = Vec::new();
        let mut piece = Some(first);
        while let Some(bytes) = piece {
            let size = whole.len() + bytes.len();
            if size > MAX_BODY {
                return Err(BodyError::TooLarge);
            }
            if room.is_none() && announced.unwrap_or(size) > self.uncounted {
                room = Some(self.budget.arrive(announced.unwrap_or(MAX_BODY), self.waits).await?);
            }
            // The announced size at once: growing step by step would copy a large body once more. Memory that the caller
            // does not fill is never touched.
            whole.reserve(announced.unwrap_or(size).saturating_sub(whole.len()));
            whole.extend_from_slice(&bytes);
            piece = next_piece(body).await?;
        }
        Ok((whole.into(), room))
    }
}

/// Reads on without keeping anything, so that a refusal reaches a caller who is still sending. Answered earlier, one over
/// HTTP/1 would find its connection reset; over HTTP/2 the stream is, and curl then drops the answer that came with it.
pub(super) async fn discard(mut body: Body) {
    if announced(&body).is_some_and(|size| size > DISCARDED) {
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

/// What is still to come, where the caller announced it.
fn announced(body: &Body) -> Option<usize> {
    body.size_hint().exact().map(|size| usize::try_from(size).unwrap_or(usize::MAX))
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
