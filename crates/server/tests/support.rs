//! A service to ask, and waiting for what it will say.

use std::net::SocketAddr;
use std::time::{Duration, Instant};

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
