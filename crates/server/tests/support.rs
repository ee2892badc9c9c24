//! A service to ask, waiting for what it will say, and real programs beside it.

use std::net::SocketAddr;
use std::path::PathBuf;
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant, SystemTime, UNIX_EPOCH};

use auscult_server::{Server, ServerSettings};
use serde_json::Value;
use tokio::sync::oneshot;

/// How long anything that is waited for may take on a slow machine.
const PATIENCE: Duration = Duration::from_secs(60);

/// A service on a free port, stopped by dropping the sender.
pub(crate) async fn start(settings: ServerSettings) -> (SocketAddr, oneshot::Sender<()>) {
    let listen = SocketAddr::from(([127, 0, 0, 1], 0));
    let server = Server::bind(ServerSettings { listen, ..settings }).await.unwrap();
    let address = server.address();
    let (stop, stopped) = oneshot::channel::<()>();
    tokio::spawn(server.run(async move { drop(stopped.await) }));
    (address, stop)
}

/// The time of day.
pub(crate) fn now() -> auscult_core::Timestamp {
    let since = SystemTime::now().duration_since(UNIX_EPOCH).unwrap();
    auscult_core::Timestamp::from_nanos(since.as_nanos() as i64)
}

pub(crate) async fn json(url: String) -> Value {
    reqwest::get(url).await.unwrap().json().await.unwrap()
}

/// The own metrics of the service.
pub(crate) async fn own_metrics(address: SocketAddr) -> String {
    reqwest::get(format!("http://{address}/metrics")).await.unwrap().text().await.unwrap()
}

/// Series as they are now, each `labels reading` or `labels ended`, sorted; those that `query` selects.
pub(crate) async fn series(address: SocketAddr, query: &str) -> Vec<String> {
    let page = json(format!("http://{address}/api/auscult/v1/series?{query}")).await;
    let one = |series: &Value| {
        let labels: auscult_core::Labels =
            serde_json::from_value(series["labels"].clone()).unwrap();
        let ended = series["ended"] == Value::Bool(true);
        let reading = if ended { "ended".to_owned() } else { series["reading"].to_string() };
        format!("{labels} {reading}")
    };
    page["series"].as_array().unwrap().iter().map(one).collect()
}

/// Asks `look` until it gives something.
pub(crate) async fn until<T, F: Future<Output = Option<T>>>(what: &str, look: impl Fn() -> F) -> T {
    let start = Instant::now();
    loop {
        if let Some(found) = look().await {
            return found;
        }
        assert!(start.elapsed() < PATIENCE, "waited in vain for {what}");
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
}

/// A program with a folder of its own; both are gone once it is dropped.
pub(crate) struct Peer {
    child: Child,
    folder: PathBuf,
    pub(crate) address: SocketAddr,
}

impl Drop for Peer {
    fn drop(&mut self) {
        drop(self.child.kill());
        drop(self.child.wait());
        drop(std::fs::remove_dir_all(&self.folder));
    }
}

impl Peer {
    /// Starts `program` with what `arguments` makes of its address and folder, and waits until
    /// it answers at `path`; `None` where it is not installed.
    pub(crate) async fn start(
        program: &str,
        path: &str,
        arguments: impl Fn(SocketAddr, &str) -> Vec<String>,
    ) -> Option<Self> {
        Self::start_at(None, program, path, arguments).await
    }

    /// The same at an address that was told, or a free one.
    pub(crate) async fn start_at(
        address: Option<SocketAddr>,
        program: &str,
        path: &str,
        arguments: impl Fn(SocketAddr, &str) -> Vec<String>,
    ) -> Option<Self> {
        let folders = std::env::var_os("PATH")?;
        if !std::env::split_paths(&folders).any(|folder| folder.join(program).is_file()) {
            eprintln!("{program} is not installed: not tested against it");
            return None;
        }
        // Taken and given back: nobody else gets it in the next moment.
        let free = || std::net::TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap();
        let address = address.unwrap_or_else(free);
        let name = format!("auscult-peer-{}-{}", std::process::id(), address.port());
        let folder = std::env::temp_dir().join(name);
        std::fs::create_dir_all(&folder).unwrap();
        let child = Command::new(program)
            .args(arguments(address, &folder.display().to_string()))
            .stdin(Stdio::null())
            .stdout(Stdio::null())
            .stderr(Stdio::null())
            .spawn()
            .unwrap();
        let peer = Self { child, folder, address };
        until(program, || async {
            let answer = reqwest::get(format!("http://{address}{path}")).await;
            answer.is_ok_and(|answer| answer.status() == 200).then_some(())
        })
        .await;
        Some(peer)
    }
    /// Sends it a signal.
    pub(crate) fn signal(&self, signal: &str) {
        let pid = self.child.id().to_string();
        let sent = Command::new("kill").args([&format!("-{signal}"), &pid]).status();
        assert!(sent.unwrap().success());
    }
}
