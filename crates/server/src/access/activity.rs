//! What goes on on a connection: whether requests are under way, and since when nothing is.

use std::io;
use std::pin::Pin;
use std::sync::{Arc, Mutex, PoisonError};
use std::task::{Context, Poll, ready};
use std::time::{Duration, Instant};

use axum::body::{Body, Bytes, HttpBody};
use http_body::{Frame, SizeHint};
use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};

use super::settings::LimitSettings;

/// The shortest time between two looks at a connection.
const SHORTEST: Duration = Duration::from_millis(10);

/// What goes on on a connection.
#[derive(Debug)]
pub(super) struct Activity(Mutex<State>);

#[derive(Debug)]
struct State {
    requests: usize,
    /// Since when no request is under way.
    quiet_since: Instant,
    /// When the first byte after that came.
    head_since: Option<Instant>,
    /// HTTP/2 has frames that are no requests, so that bytes say nothing.
    is_http2: bool,
    has_read: bool,
}

impl Default for Activity {
    fn default() -> Self {
        Self(Mutex::new(State {
            requests: 0,
            quiet_since: Instant::now(),
            head_since: None,
            is_http2: false,
            has_read: false,
        }))
    }
}

impl Activity {
    fn with<T>(&self, change: impl FnOnce(&mut State) -> T) -> T {
        change(&mut self.0.lock().unwrap_or_else(PoisonError::into_inner))
    }

    fn read(&self, bytes: &[u8], now: Instant) {
        self.with(|state| {
            if !state.has_read {
                state.has_read = true;
                state.is_http2 = bytes.starts_with(b"PRI");
            }
            if state.requests == 0 && state.head_since.is_none() {
                state.head_since = Some(now);
            }
        });
    }

    /// How long the connection may go on as it is, or why it may not.
    pub(super) fn expires(
        &self,
        limits: &LimitSettings,
        now: Instant,
    ) -> Result<Duration, &'static str> {
        self.with(|state| {
            if state.requests > 0 {
                return Ok(limits.header_timeout.min(limits.idle_timeout).max(SHORTEST));
            }
            let mut ends = (state.quiet_since + limits.idle_timeout, "idle_timeout");
            if let (Some(since), false) = (state.head_since, state.is_http2) {
                ends = ends.min((since + limits.header_timeout, "header_timeout"));
            }
            let wait = ends.0.saturating_duration_since(now);
            if wait.is_zero() {
                return Err(ends.1);
            }
            // A first byte may come meanwhile, and its time is shorter.
            Ok(wait.min(limits.header_timeout / 4).max(SHORTEST))
        })
    }
}

/// A request that is under way, until all of its answer is sent.
#[derive(Debug)]
pub(super) struct Counted(Arc<Activity>);

impl Counted {
    pub(super) fn new(activity: &Arc<Activity>) -> Self {
        activity.with(|state| {
            state.requests += 1;
            state.head_since = None;
        });
        Self(Arc::clone(activity))
    }

    /// `body`, which keeps the request under way.
    pub(super) fn hold(self, body: Body) -> Body {
        Body::new(HeldBody { body, _counted: self })
    }
}

impl Drop for Counted {
    fn drop(&mut self) {
        self.0.with(|state| {
            state.requests -= 1;
            state.quiet_since = Instant::now();
            state.head_since = None;
        });
    }
}

struct HeldBody {
    body: Body,
    _counted: Counted,
}

impl HttpBody for HeldBody {
    type Data = Bytes;
    type Error = axum::Error;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, axum::Error>>> {
        Pin::new(&mut self.body).poll_frame(context)
    }

    fn is_end_stream(&self) -> bool {
        self.body.is_end_stream()
    }

    fn size_hint(&self) -> SizeHint {
        self.body.size_hint()
    }
}

/// A stream that tells when bytes come in.
#[derive(Debug)]
pub(super) struct WatchedStream<S> {
    stream: S,
    activity: Arc<Activity>,
}

impl<S> WatchedStream<S> {
    pub(super) fn new(stream: S, activity: Arc<Activity>) -> Self {
        Self { stream, activity }
    }
}

impl<S: AsyncRead + Unpin> AsyncRead for WatchedStream<S> {
    fn poll_read(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        buffer: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        let before = buffer.filled().len();
        ready!(Pin::new(&mut self.stream).poll_read(context, buffer))?;
        let new = &buffer.filled()[before..];
        if !new.is_empty() {
            self.activity.read(new, Instant::now());
        }
        Poll::Ready(Ok(()))
    }
}

impl<S: AsyncWrite + Unpin> AsyncWrite for WatchedStream<S> {
    fn poll_write(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        bytes: &[u8],
    ) -> Poll<io::Result<usize>> {
        Pin::new(&mut self.stream).poll_write(context, bytes)
    }

    fn poll_flush(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.stream).poll_flush(context)
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.stream).poll_shutdown(context)
    }

    fn is_write_vectored(&self) -> bool {
        self.stream.is_write_vectored()
    }

    fn poll_write_vectored(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        slices: &[io::IoSlice<'_>],
    ) -> Poll<io::Result<usize>> {
        Pin::new(&mut self.stream).poll_write_vectored(context, slices)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const SECOND: Duration = Duration::from_secs(1);

    #[test]
    fn a_head_that_trickles_in_ends_and_so_does_silence() {
        let limits = LimitSettings::default();
        let activity = Arc::new(Activity::default());
        let start = Instant::now();
        for second in 0..10 {
            activity.read(b"a", start + second * SECOND);
            assert!(activity.expires(&limits, start + second * SECOND).is_ok());
        }
        assert_eq!(activity.expires(&limits, start + 10 * SECOND), Err("header_timeout"));
        let request = Counted::new(&activity);
        activity.read(b"a body", start);
        assert!(activity.expires(&limits, start + 3600 * SECOND).is_ok());
        drop(request);
        let end = Instant::now();
        assert!(activity.expires(&limits, end + 119 * SECOND).is_ok());
        assert_eq!(activity.expires(&limits, end + 120 * SECOND), Err("idle_timeout"));
    }

    #[test]
    fn frames_of_http2_are_no_heads() {
        let limits = LimitSettings::default();
        let activity = Activity::default();
        let start = Instant::now();
        activity.read(b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n", start);
        activity.read(b"frame", start + 60 * SECOND);
        assert!(activity.expires(&limits, start + 100 * SECOND).is_ok());
    }
}
