//! How telling others goes, as the service's own metrics.

use std::collections::BTreeMap;
use std::sync::atomic::AtomicU64;
use std::sync::{Mutex, PoisonError};

use auscult_core::Timestamp;
use prometheus_client::encoding::EncodeLabelSet;
use prometheus_client::metrics::counter::Counter;
use prometheus_client::metrics::family::Family;
use prometheus_client::metrics::gauge::Gauge;
use prometheus_client::registry::Registry;

use super::words::since;
use crate::clock;

#[derive(Debug, Clone, PartialEq, Eq, Hash, EncodeLabelSet)]
struct ReceiverLabels {
    receiver: String,
}

/// What was counted of a receiver.
#[derive(Debug, Default)]
pub(crate) struct Tally {
    /// What it took.
    pub(crate) sent: u64,
    /// Attempts that failed.
    pub(crate) failures: u64,
    /// What it would never take, or did not for too long.
    pub(crate) given_up: u64,
    /// What was dropped as something newer says it, or for want of room.
    pub(crate) dropped: u64,
    pub(crate) waiting: usize,
    /// Since when the oldest waits.
    pub(crate) oldest: Option<Timestamp>,
}

/// One tally for each receiver.
#[derive(Debug, Default)]
pub(crate) struct DeliveryMetrics {
    receivers: Mutex<BTreeMap<String, Tally>>,
}

impl DeliveryMetrics {
    /// Counts something of a receiver.
    pub(crate) fn count(&self, receiver: &str, count: impl FnOnce(&mut Tally)) {
        let mut receivers = self.receivers.lock().unwrap_or_else(PoisonError::into_inner);
        match receivers.get_mut(receiver) {
            Some(tally) => count(tally),
            None => count(receivers.entry(receiver.to_owned()).or_default()),
        }
    }

    /// What `of` makes of each receiver, by name.
    pub(crate) fn map<T>(&self, of: impl Fn(&str, &Tally) -> T) -> Vec<T> {
        let receivers = self.receivers.lock().unwrap_or_else(PoisonError::into_inner);
        receivers.iter().map(|(name, tally)| of(name, tally)).collect()
    }

    /// Adds everything as it is now.
    pub(crate) fn register(&self, registry: &mut Registry) {
        let (sent, failures) = (Family::<ReceiverLabels, Counter>::default(), Family::default());
        let (given_up, dropped) = (Family::default(), Family::default());
        let waiting = Family::<ReceiverLabels, Gauge>::default();
        let oldest = Family::<ReceiverLabels, Gauge<f64, AtomicU64>>::default();
        let now = clock::now();
        for (receiver, tally) in &*self.receivers.lock().unwrap_or_else(PoisonError::into_inner) {
            let labels = ReceiverLabels { receiver: receiver.clone() };
            for (family, count) in [
                (&sent, tally.sent),
                (&failures, tally.failures),
                (&given_up, tally.given_up),
                (&dropped, tally.dropped),
            ] {
                family.get_or_create(&labels).inc_by(count);
            }
            waiting.get_or_create(&labels).set(i64::try_from(tally.waiting).unwrap_or(i64::MAX));
            let age = tally.oldest.map_or(0.0, |oldest| since(oldest, now).as_secs_f64());
            oldest.get_or_create(&labels).set(age);
        }
        registry.register("notifications_sent", "Messages that a receiver took", sent);
        let help = "Attempts to send a message that failed";
        registry.register("notification_failures", help, failures);
        let help = "Messages that a receiver will never take, or did not for too long";
        registry.register("notifications_given_up", help, given_up);
        let help = "Messages that were not sent as a newer one says it all, or too many waited";
        registry.register("notifications_dropped", help, dropped);
        registry.register("notifications_waiting", "Messages that wait", waiting);
        let help = "Seconds that the oldest message has been waiting";
        registry.register("notifications_oldest_waiting_seconds", help, oldest);
    }
}
