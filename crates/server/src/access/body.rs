//! The body of a request, within a time and within the memory for all of them.

use std::pin::Pin;
use std::sync::atomic::{AtomicU8, AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::task::{Context, Poll, ready};
use std::time::Duration;

use axum::body::{Body, Bytes, HttpBody};
use http_body::{Frame, SizeHint};
use tokio::sync::{OwnedSemaphorePermit, Semaphore};
use tokio::time::{Sleep, sleep};

/// Bytes of a permit.
const UNIT: usize = 1024;
/// Unpacked bytes that are always allowed.
const SMALLEST_ALLOWANCE: usize = 64 << 10;

const FINE: u8 = 0;
const LATE: u8 = 1;
const BUSY: u8 = 2;

/// How a body ended, for who answers.
#[derive(Debug, Clone, Default)]
pub(super) struct Fate(Arc<AtomicU8>);

impl Fate {
    /// Whether it took too long.
    pub(super) fn is_late(&self) -> bool {
        self.0.load(Ordering::Relaxed) == LATE
    }

    /// Whether there was no memory for it.
    pub(super) fn is_busy(&self) -> bool {
        self.0.load(Ordering::Relaxed) == BUSY
    }
}

/// How many bytes one byte of a body may become.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Packing {
    /// It is not packed.
    Plain,
    /// It may become this many times as long.
    Times(usize),
    /// It may become as long as any may.
    Unknown,
}

/// The memory that one request holds, given back when the last clone is dropped.
#[derive(Debug)]
pub(super) struct Account {
    memory: Arc<Semaphore>,
    held: Mutex<Option<OwnedSemaphorePermit>>,
    received: AtomicUsize,
    packing: Packing,
    /// Most bytes that any request may become.
    most_unpacked: usize,
}

impl Account {
    pub(super) fn new(memory: Arc<Semaphore>, packing: Packing, most_unpacked: usize) -> Self {
        let (held, received) = (Mutex::default(), AtomicUsize::new(0));
        Self { memory, held, received, packing, most_unpacked }
    }

    /// Permits for a budget of so many bytes.
    pub(super) fn units(bytes: u64) -> usize {
        usize::try_from(bytes / UNIT as u64).unwrap_or(usize::MAX).min(Semaphore::MAX_PERMITS)
    }

    /// Most bytes that what was received may become.
    pub(super) fn allowance(&self) -> usize {
        self.unpacked(self.received.load(Ordering::Relaxed))
    }

    fn unpacked(&self, received: usize) -> usize {
        match self.packing {
            Packing::Plain => self.most_unpacked,
            Packing::Times(times) => {
                received.saturating_mul(times).max(SMALLEST_ALLOWANCE).min(self.most_unpacked)
            }
            Packing::Unknown => self.most_unpacked,
        }
    }

    /// What a request of so many bytes takes, as it came and unpacked.
    fn price(&self, received: usize) -> usize {
        match self.packing {
            Packing::Plain => received,
            _ => received.saturating_add(self.unpacked(received)),
        }
    }

    /// Takes memory for `more` bytes that came; says whether there was enough.
    fn receive(&self, more: usize) -> bool {
        let mut held = self.held.lock().unwrap_or_else(PoisonError::into_inner);
        let received = self.received.load(Ordering::Relaxed).saturating_add(more);
        let units = self.price(received).div_ceil(UNIT);
        let missing =
            units.saturating_sub(held.as_ref().map_or(0, OwnedSemaphorePermit::num_permits));
        let Ok(missing) = u32::try_from(missing) else { return false };
        let Ok(permit) = Arc::clone(&self.memory).try_acquire_many_owned(missing) else {
            return false;
        };
        match held.as_mut() {
            Some(held) => held.merge(permit),
            None => *held = Some(permit),
        }
        self.received.store(received, Ordering::Relaxed);
        true
    }
}

/// A body that ends with an error when it takes too long or too much.
pub(super) struct WatchedBody {
    inner: Body,
    deadline: Pin<Box<Sleep>>,
    account: Option<Arc<Account>>,
    fate: Fate,
}

impl WatchedBody {
    pub(super) fn new(
        inner: Body,
        time: Duration,
        account: Option<Arc<Account>>,
        fate: Fate,
    ) -> Self {
        Self { inner, deadline: Box::pin(sleep(time)), account, fate }
    }

    fn end(&self, fate: u8, reason: &str) -> Poll<Option<Result<Frame<Bytes>, axum::Error>>> {
        self.fate.0.store(fate, Ordering::Relaxed);
        Poll::Ready(Some(Err(axum::Error::new(std::io::Error::other(reason.to_owned())))))
    }
}

impl HttpBody for WatchedBody {
    type Data = Bytes;
    type Error = axum::Error;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, axum::Error>>> {
        if self.fate.0.load(Ordering::Relaxed) != FINE {
            return Poll::Ready(None);
        }
        let Poll::Ready(frame) = Pin::new(&mut self.inner).poll_frame(context) else {
            ready!(self.deadline.as_mut().poll(context));
            return self.end(LATE, "the body took too long");
        };
        let length = match &frame {
            Some(Ok(frame)) => frame.data_ref().map_or(0, Bytes::len),
            _ => 0,
        };
        if self.account.as_ref().is_some_and(|account| !account.receive(length)) {
            return self.end(BUSY, "no memory is left for requests");
        }
        Poll::Ready(frame)
    }

    fn is_end_stream(&self) -> bool {
        self.inner.is_end_stream()
    }

    fn size_hint(&self) -> SizeHint {
        self.inner.size_hint()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn memory(bytes: u64) -> Arc<Semaphore> {
        Arc::new(Semaphore::new(Account::units(bytes)))
    }

    #[test]
    fn memory_is_taken_as_bytes_come_and_given_back() {
        let memory = memory(1 << 20);
        let account = Account::new(Arc::clone(&memory), Packing::Times(10), 800 << 10);
        assert!(account.receive(1) && account.receive(9));
        assert_eq!(account.allowance(), SMALLEST_ALLOWANCE);
        assert!(account.receive(20 << 10));
        assert_eq!(account.allowance(), 10 * (10 + (20 << 10)));
        assert!(memory.available_permits() < 1024 - 220);
        let other = Account::new(Arc::clone(&memory), Packing::Unknown, 800 << 10);
        assert!(!other.receive(10 << 10));
        let plain = Account::new(Arc::clone(&memory), Packing::Plain, 800 << 10);
        assert!(plain.receive(500 << 10) && !plain.receive(500 << 10));
        drop((account, plain));
        assert_eq!(memory.available_permits(), 1024);
        assert!(other.receive(1));
    }

    #[tokio::test]
    async fn a_body_that_takes_too_long_ends() {
        let fate = Fate::default();
        let never =
            Body::from_stream(futures_util::stream::pending::<Result<Bytes, axum::Error>>());
        let body = WatchedBody::new(never, Duration::from_millis(20), None, fate.clone());
        let read = axum::body::to_bytes(Body::new(body), 100).await;
        assert!(read.is_err() && fate.is_late() && !fate.is_busy());
    }
}
