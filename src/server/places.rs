//! Who is connected, and who has to leave: the longest idle when it is full, everybody idle for too long, all at the end.

use std::future::pending;
use std::sync::atomic::{AtomicU64, AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError, Weak};
use std::time::{Duration, Instant};

use tokio::sync::{OwnedSemaphorePermit, Semaphore, oneshot};
use tokio::time::{interval, timeout};

use super::Limits;

/// Nobody has to leave who was busy a moment ago: his next request may be on its way.
const A_MOMENT: Duration = Duration::from_secs(1);

/// Where everybody is busy, somebody may not be after this long.
const ASK_AGAIN: Duration = Duration::from_millis(250);

/// A place for each connection.
pub(super) struct Places {
    limits: Limits,
    free: Arc<Semaphore>,
    /// Those taken, and some that were given back since.
    taken: Mutex<Vec<Weak<Seat>>>,
}

/// The place of one connection, given back with its last holder.
pub(super) struct Seat {
    opened: Instant,
    under_way: AtomicUsize,
    /// When the last request ended, in milliseconds after `opened`.
    rested: AtomicU64,
    leave: Mutex<Option<oneshot::Sender<Leaving>>>,
    /// The semaphore is never closed: there always is one.
    _place: Option<OwnedSemaphorePermit>,
}

/// One request of a connection, as long as it is there.
pub(super) struct UnderWay<'s>(&'s Seat);

/// How a connection has to leave.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Leaving {
    /// Somebody waits for its place: without a farewell, unless a request has come meanwhile.
    AtOnce,
    /// When both sides have finished.
    Politely,
}

/// Completes when the connection has to leave.
pub(super) type Leave = oneshot::Receiver<Leaving>;

impl Places {
    pub(super) fn new(limits: Limits) -> Self {
        Self { limits, free: Arc::new(Semaphore::new(limits.connections)), taken: Mutex::default() }
    }

    /// A place, that of the longest idle if need be.
    pub(super) async fn take(&self) -> (Arc<Seat>, Leave) {
        let mut place = Arc::clone(&self.free).try_acquire_owned().ok();
        while place.is_none() {
            self.make_room();
            let next = timeout(ASK_AGAIN, Arc::clone(&self.free).acquire_owned()).await;
            place = next.ok().and_then(Result::ok);
        }
        let (leave, asked) = oneshot::channel();
        let seat = Arc::new(Seat::new(place, leave));
        let mut taken = lock(&self.taken);
        if taken.len() >= self.limits.connections {
            taken.retain(|seat| seat.strong_count() > 0);
        }
        taken.push(Arc::downgrade(&seat));
        (seat, asked)
    }

    /// Asks the longest idle to leave, if anybody is idle.
    pub(super) fn make_room(&self) {
        let now = Instant::now();
        let seats = self.seats().into_iter().filter(|seat| !seat.is_leaving());
        let idle = seats.filter_map(|seat| Some((seat.idle(now)?, seat)));
        if let Some((idle, seat)) = idle.max_by_key(|(idle, _)| *idle)
            && idle >= A_MOMENT
        {
            tracing::debug!(idle = idle.as_secs_f64(), "no place left: closing the connection idle for longest");
            seat.leave(Leaving::AtOnce);
        }
    }

    /// Asks whoever has been idle for too long to leave, for ever.
    pub(super) async fn clear(&self) -> std::convert::Infallible {
        let mut ticks = interval(self.limits.idle.div_f64(10.0).max(Duration::from_millis(1)));
        loop {
            ticks.tick().await;
            let now = Instant::now();
            let seats = self.seats().into_iter();
            seats
                .filter(|seat| seat.idle(now) >= Some(self.limits.idle))
                .for_each(|seat| seat.leave(Leaving::Politely));
        }
    }

    /// Asks everybody to leave, and completes when all have left.
    pub(super) async fn close(&self) {
        self.seats().iter().for_each(|seat| seat.leave(Leaving::Politely));
        let all = u32::try_from(self.limits.connections).unwrap_or(u32::MAX);
        if self.free.acquire_many(all).await.is_err() {
            pending::<()>().await;
        }
    }

    fn seats(&self) -> Vec<Arc<Seat>> {
        lock(&self.taken).iter().filter_map(Weak::upgrade).collect()
    }
}

impl Seat {
    fn new(place: Option<OwnedSemaphorePermit>, leave: oneshot::Sender<Leaving>) -> Self {
        Self {
            opened: Instant::now(),
            under_way: AtomicUsize::new(0),
            rested: AtomicU64::new(0),
            leave: Mutex::new(Some(leave)),
            _place: place,
        }
    }

    /// A request begins.
    pub(super) fn begin(&self) -> UnderWay<'_> {
        self.under_way.fetch_add(1, Ordering::Relaxed);
        UnderWay(self)
    }

    /// For how long no request has been under way.
    pub(super) fn idle(&self, now: Instant) -> Option<Duration> {
        let rested = self.opened + Duration::from_millis(self.rested.load(Ordering::Relaxed));
        (self.under_way.load(Ordering::Relaxed) == 0).then(|| now.saturating_duration_since(rested))
    }

    fn is_leaving(&self) -> bool {
        lock(&self.leave).is_none()
    }

    fn leave(&self, how: Leaving) {
        if let Some(leave) = lock(&self.leave).take() {
            // Its connection may have ended this moment.
            leave.send(how).ok();
        }
    }
}

impl Drop for UnderWay<'_> {
    fn drop(&mut self) {
        let UnderWay(seat) = self;
        let rested = u64::try_from(seat.opened.elapsed().as_millis()).unwrap_or(u64::MAX);
        seat.rested.store(rested, Ordering::Relaxed);
        seat.under_way.fetch_sub(1, Ordering::Relaxed);
    }
}

/// What is behind these locks is whole at any time: a panic elsewhere does not spoil it.
fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}
