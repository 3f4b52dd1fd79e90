//! The sorts of metric that the library has not, or not without a lock.

use std::fmt;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use prometheus_client::encoding::{EncodeMetric, MetricEncoder, NoLabelSet};
use prometheus_client::metrics::counter::Counter;
use prometheus_client::metrics::{MetricType, TypedMetric};

/// A label: its name, and one of the few values that it can have.
pub(super) type Label = (&'static str, &'static str);

/// One series for each of a few keys, all there from the start: counting one takes no lock, and none is missing until
/// its first event, which `rate()` would not see.
#[derive(Debug)]
pub(super) struct Each<K, M, const N: usize> {
    series: Arc<[(K, M)]>,
    labels: fn(K) -> [Label; N],
}

impl<K, M, const N: usize> Each<K, M, N> {
    pub(super) fn new(keys: impl IntoIterator<Item = K>, labels: fn(K) -> [Label; N], metric: impl Fn() -> M) -> Self {
        Self { series: keys.into_iter().map(|key| (key, metric())).collect(), labels }
    }

    /// The series of this key.
    pub(super) fn get(&self, key: K) -> Option<&M>
    where
        K: PartialEq,
    {
        self.series.iter().find(|(known, _)| *known == key).map(|(_, metric)| metric)
    }
}

impl<K: PartialEq, const N: usize> Each<K, Counter, N> {
    /// One more.
    pub(super) fn count(&self, key: K) {
        if let Some(counter) = self.get(key) {
            counter.inc();
        }
    }
}

impl<K, M, const N: usize> Clone for Each<K, M, N> {
    fn clone(&self) -> Self {
        Self { series: Arc::clone(&self.series), labels: self.labels }
    }
}

impl<K: Copy, M: EncodeMetric + TypedMetric, const N: usize> EncodeMetric for Each<K, M, N> {
    fn encode(&self, mut encoder: MetricEncoder<'_>) -> fmt::Result {
        self.series.iter().try_for_each(|(key, metric)| metric.encode(encoder.encode_family(&(self.labels)(*key))?))
    }

    fn metric_type(&self) -> MetricType {
        M::TYPE
    }
}

/// How long something took, counted in buckets. Two additions an observation, where the library's takes a lock.
#[derive(Debug)]
pub(super) struct Histogram {
    bounds: &'static [Duration],
    /// One for each bound, and one for what is above them all.
    counts: Box<[AtomicU64]>,
    nanos: AtomicU64,
}

impl Histogram {
    /// A histogram with these upper bounds, the lowest first.
    pub(super) fn new(bounds: &'static [Duration]) -> Self {
        let counts = (0..=bounds.len()).map(|_| AtomicU64::new(0)).collect();
        Self { bounds, counts, nanos: AtomicU64::new(0) }
    }

    pub(super) fn observe(&self, took: Duration) {
        let bucket = self.bounds.partition_point(|bound| *bound < took);
        if let Some(count) = self.counts.get(bucket) {
            count.fetch_add(1, Ordering::Relaxed);
        }
        // In 64 bits there is room for 584 years.
        self.nanos.fetch_add(took.as_nanos() as u64, Ordering::Relaxed);
    }
}

impl TypedMetric for Histogram {
    const TYPE: MetricType = MetricType::Histogram;
}

impl EncodeMetric for Histogram {
    fn encode(&self, mut encoder: MetricEncoder<'_>) -> fmt::Result {
        let bounds = self.bounds.iter().map(Duration::as_secs_f64).chain([f64::INFINITY]);
        let counts = self.counts.iter().map(|count| count.load(Ordering::Relaxed));
        let buckets: Vec<(f64, u64)> = bounds.zip(counts).collect();
        let sum = Duration::from_nanos(self.nanos.load(Ordering::Relaxed)).as_secs_f64();
        let count = buckets.iter().map(|(_, count)| count).sum();
        encoder.encode_histogram::<NoLabelSet>(sum, count, &buckets, None)
    }

    fn metric_type(&self) -> MetricType {
        Self::TYPE
    }
}

/// A fact that seldom changes, as the label of a series that is always 1. Before it is known it is empty.
#[derive(Clone, Debug)]
pub(super) struct Fact {
    label: &'static str,
    value: Arc<Mutex<String>>,
}

impl Fact {
    pub(super) fn new(label: &'static str) -> Self {
        Self { label, value: Arc::default() }
    }

    pub(super) fn set(&self, value: &str) {
        value.clone_into(&mut self.value.lock().unwrap_or_else(PoisonError::into_inner));
    }
}

impl EncodeMetric for Fact {
    fn encode(&self, mut encoder: MetricEncoder<'_>) -> fmt::Result {
        let value = self.value.lock().unwrap_or_else(PoisonError::into_inner);
        encoder.encode_info(&[(self.label, value.as_str())])
    }

    fn metric_type(&self) -> MetricType {
        MetricType::Info
    }
}
