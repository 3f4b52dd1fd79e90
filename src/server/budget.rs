//! Memory for large bodies: how much of them may be held at once, and how much may be judged at once.

use tokio::sync::{Semaphore, SemaphorePermit};
use tokio::time::{Instant, timeout_at};

use super::body::{BodyError, MAX_BODY};

/// A body up to this size takes nothing from the budget: a usual review must not wait behind large ones, whoever sent
/// those. HTTP/1 has one body a connection at a time, so that the cap on connections bounds these.
pub(super) const UNCOUNTED: usize = 64 * 1024;

/// Bodies that are arriving or judged, together.
const ARRIVING: usize = 64 * 1024 * 1024;

/// Bodies that are judged, together. One may become a tree of thirty times its size (`[0,0,…]`), and the threads are as
/// many as the machine has cores.
const JUDGED: usize = MAX_BODY;

/// A permit is for this much: tokio counts them in 32 bits.
const UNIT: usize = 1024;

/// What is left for large bodies. Whoever waits is served in turn.
pub(super) struct Budget {
    arriving: Semaphore,
    judged: Semaphore,
}

impl Default for Budget {
    fn default() -> Self {
        Self { arriving: Semaphore::new(ARRIVING / UNIT), judged: Semaphore::new(JUDGED / UNIT) }
    }
}

impl Budget {
    /// Room for a body of this size that is about to arrive.
    pub(super) async fn arrive(&self, size: usize, until: Instant) -> Result<SemaphorePermit<'_>, BodyError> {
        take(&self.arriving, size, until).await
    }

    /// Room to judge a body of this size, where it needs any.
    pub(super) async fn judge(&self, size: usize, until: Instant) -> Result<Option<SemaphorePermit<'_>>, BodyError> {
        if size <= UNCOUNTED {
            return Ok(None);
        }
        take(&self.judged, size, until).await.map(Some)
    }
}

async fn take(from: &Semaphore, size: usize, until: Instant) -> Result<SemaphorePermit<'_>, BodyError> {
    let units = u32::try_from(size.min(MAX_BODY).div_ceil(UNIT)).unwrap_or(u32::MAX);
    match timeout_at(until, from.acquire_many(units)).await {
        Ok(Ok(permit)) => Ok(permit),
        // Nobody closes the semaphore; it would mean that there is no room either.
        Ok(Err(_)) | Err(_) => Err(BodyError::Crowded),
    }
}
