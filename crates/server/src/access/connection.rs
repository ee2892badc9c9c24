//! Connections: as many as may be, encrypted where that is wanted, closed when nothing comes.

use std::collections::HashMap;
use std::net::{IpAddr, SocketAddr};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};

use axum::Router;
use axum::body::Body;
use axum::extract::Request;
use hyper::body::Incoming;
use hyper::service::service_fn;
use hyper_util::rt::{TokioExecutor, TokioIo, TokioTimer};
use hyper_util::server::conn::auto::Builder;
use tokio::io::{AsyncRead, AsyncWrite};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::watch;
use tokio::task::JoinSet;
use tower_service::Service;

use super::Access;
use super::activity::{Activity, Counted, WatchedStream};
use super::certificate;
use super::routes::GuardedRouter;
use super::throttle::source;

/// How long to wait when no connection can be accepted, such as for want of file descriptors.
const PAUSE: Duration = Duration::from_millis(200);
/// How often a peer that speaks HTTP/2 is asked whether it is still there, while requests are under way.
const PING: Duration = Duration::from_secs(60);
/// Requests at once on one connection of HTTP/2.
const STREAMS: u32 = 128;
/// How long requests under way may take once the service stops.
const LAST: Duration = Duration::from_secs(30);

/// Who is at the other end of a connection.
#[derive(Debug, Clone)]
pub(super) struct Peer {
    pub(super) address: SocketAddr,
    /// The end that is ours.
    pub(super) local: SocketAddr,
    /// Names in its certificate, which was verified.
    pub(super) names: Arc<[String]>,
}

/// Connections by address.
#[derive(Debug, Default)]
pub(super) struct Connections(Mutex<Count>);

#[derive(Debug, Default)]
struct Count {
    all: usize,
    by_source: HashMap<IpAddr, usize>,
}

/// One of the connections, until it is dropped.
#[derive(Debug)]
struct Place {
    access: Arc<Access>,
    source: IpAddr,
}

impl Place {
    /// A place for a connection from `address`, or why there is none.
    fn take(access: &Arc<Access>, address: IpAddr) -> Result<Self, &'static str> {
        let source = source(address);
        let mut count = access.connections.0.lock().unwrap_or_else(PoisonError::into_inner);
        if count.all >= access.limits.connections {
            return Err("connections");
        }
        let of_source = count.by_source.entry(source).or_default();
        if *of_source >= access.limits.connections_per_address {
            return Err("connections_per_address");
        }
        *of_source += 1;
        count.all += 1;
        access.metrics.connections.inc();
        Ok(Self { access: Arc::clone(access), source })
    }
}

impl Drop for Place {
    fn drop(&mut self) {
        let connections = &self.access.connections.0;
        let mut count = connections.lock().unwrap_or_else(PoisonError::into_inner);
        count.all -= 1;
        if let Some(of_source) = count.by_source.get_mut(&self.source) {
            *of_source -= 1;
            if *of_source == 0 {
                count.by_source.remove(&self.source);
            }
        }
        self.access.metrics.connections.dec();
    }
}

/// Answers what comes in at `listener` until `stopped`; requests under way are answered first.
pub(crate) async fn serve(
    listener: TcpListener,
    app: GuardedRouter,
    access: Arc<Access>,
    mut stopped: watch::Receiver<bool>,
) {
    let app = app.into_inner();
    let mut tasks = JoinSet::new();
    while !*stopped.borrow() {
        let accepted = tokio::select! {
            accepted = listener.accept() => accepted,
            // Without a sender nobody can stop it any more, and it should.
            changed = stopped.changed() => match changed {
                Ok(()) => continue,
                Err(_) => break,
            },
        };
        while tasks.try_join_next().is_some() {}
        let (stream, address) = match accepted {
            Ok(accepted) => accepted,
            Err(error) if is_of_one_connection(&error) => continue,
            Err(error) => {
                tracing::error!("no connection can be accepted: {error}");
                tokio::time::sleep(PAUSE).await;
                continue;
            }
        };
        match Place::take(&access, address.ip()) {
            Ok(place) => {
                tasks.spawn(greet(stream, address, place, app.clone(), stopped.clone()));
            }
            Err(reason) => access.metrics.refused_connection(reason),
        }
    }
    drop(listener);
    let all = async { while tasks.join_next().await.is_some() {} };
    // Who does not read an answer cannot keep the service from stopping.
    let _ = tokio::time::timeout(LAST, all).await;
}

fn is_of_one_connection(error: &std::io::Error) -> bool {
    use std::io::ErrorKind;
    matches!(
        error.kind(),
        ErrorKind::ConnectionRefused | ErrorKind::ConnectionAborted | ErrorKind::ConnectionReset
    )
}

/// Shakes hands, where TLS is spoken, and answers.
async fn greet(
    stream: TcpStream,
    address: SocketAddr,
    place: Place,
    app: Router,
    stopped: watch::Receiver<bool>,
) {
    let access = Arc::clone(&place.access);
    let Ok(local) = stream.local_addr() else { return };
    // A small answer should not wait for another; without it everything works, later.
    let _ = stream.set_nodelay(true);
    let mut peer = Peer { address, local, names: Arc::default() };
    let Some(tls) = &access.tls else {
        return answer(stream, peer, &access, app, stopped).await;
    };
    let time = access.limits.handshake_timeout;
    match tokio::time::timeout(time, tls.acceptor().accept(stream)).await {
        Err(_) => access.metrics.refused_connection("handshake_timeout"),
        Ok(Err(error)) => {
            access.metrics.refused_connection("handshake");
            tracing::debug!(%address, "no TLS: {error}");
        }
        Ok(Ok(stream)) => {
            let certificates = stream.get_ref().1.peer_certificates();
            if let Some(first) = certificates.and_then(<[_]>::first) {
                peer.names = certificate::names(first).into();
            }
            answer(stream, peer, &access, app, stopped).await;
        }
    }
}

/// Answers requests until the other end or `stopped` ends it, or nothing comes.
async fn answer<S>(
    stream: S,
    peer: Peer,
    access: &Access,
    app: Router,
    mut stopped: watch::Receiver<bool>,
) where
    S: AsyncRead + AsyncWrite + Unpin + Send + 'static,
{
    let activity = Arc::new(Activity::default());
    let of_requests = Arc::clone(&activity);
    let service = service_fn(move |request: hyper::Request<Incoming>| {
        let mut request: Request = request.map(Body::new);
        request.extensions_mut().insert(peer.clone());
        let counted = Counted::new(&of_requests);
        let answered = app.clone().call(request);
        async move { answered.await.map(|response| response.map(|body| counted.hold(body))) }
    });
    let mut builder = Builder::new(TokioExecutor::new());
    builder.http1().timer(TokioTimer::new()).header_read_timeout(None);
    builder
        .http2()
        .timer(TokioTimer::new())
        .keep_alive_interval(PING)
        .max_concurrent_streams(STREAMS);
    let stream = TokioIo::new(WatchedStream::new(stream, Arc::clone(&activity)));
    let mut connection = std::pin::pin!(builder.serve_connection(stream, service));
    let mut is_ending = *stopped.borrow();
    if is_ending {
        connection.as_mut().graceful_shutdown();
    }
    loop {
        let wait = match activity.expires(&access.limits, Instant::now()) {
            Ok(wait) => wait,
            Err(reason) => {
                access.metrics.refused_connection(reason);
                return;
            }
        };
        tokio::select! {
            // How a connection ended is the business of who made it.
            _ = connection.as_mut() => return,
            () = tokio::time::sleep(wait) => {}
            _ = stopped.changed(), if !is_ending => {
                is_ending = true;
                connection.as_mut().graceful_shutdown();
            }
        }
    }
}
