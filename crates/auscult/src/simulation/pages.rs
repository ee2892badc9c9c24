//! The pages of a simulated fleet over HTTP, for Prometheus or `auscult serve` to scrape.

use std::convert::Infallible;
use std::net::SocketAddr;
use std::time::Duration;

use auscult_simulate::page::Page;
use auscult_telemetry::metrics::exposition::TEXT_CONTENT_TYPE;
use http_body_util::Full;
use hyper::body::Bytes;
use hyper::{Response, StatusCode};
use serde_json::{Value, json};
use tokio::net::TcpListener;

use super::live::{Live, Shown};
use crate::http::{Refused, answer_all, response};

/// A fleet that can be scraped: `/JOB/INSTANCE/metrics` for each page, and `/targets` with all of
/// them as Prometheus's HTTP service discovery wants it.
#[derive(Debug)]
pub(crate) struct PageServer {
    listener: TcpListener,
    live: Live,
}

impl PageServer {
    pub(crate) async fn bind(address: SocketAddr, live: Live) -> std::io::Result<Self> {
        Ok(Self::on(TcpListener::bind(address).await?, live))
    }

    /// On a socket that listens already.
    pub(crate) fn on(listener: TcpListener, live: Live) -> Self {
        Self { listener, live }
    }

    pub(crate) fn address(&self) -> std::io::Result<SocketAddr> {
        self.listener.local_addr()
    }

    /// Answers until it is dropped.
    pub(crate) async fn run(self) -> std::io::Result<Infallible> {
        let address = self.address()?;
        let live = self.live;
        let answer = move |request: hyper::Request<_>| {
            let (live, path) = (live.clone(), request.uri().path().to_owned());
            async move { answer(&live, address, &path).await }
        };
        Ok(answer_all(self.listener, answer).await)
    }
}

async fn answer(
    live: &Live,
    address: SocketAddr,
    path: &str,
) -> Result<Response<Full<Bytes>>, Refused> {
    if path == "/targets" {
        let text = targets(live.pages(), &address.to_string()).to_string();
        return Ok(response(StatusCode::OK, "application/json", text));
    }
    let Some(page) = live.pages().position(|page| self::path(page) == path) else {
        let known: Vec<String> = live.pages().map(self::path).collect();
        let text = format!("there is no {path}; there are /targets and\n{}\n", known.join("\n"));
        return Ok(response(StatusCode::NOT_FOUND, "text/plain", text));
    };
    match live.read(page) {
        Shown::Text(text, latency) => {
            tokio::time::sleep(latency).await;
            Ok(response(StatusCode::OK, TEXT_CONTENT_TYPE, text))
        }
        Shown::Refused => Err(Refused),
        Shown::Hangs => {
            // Longer than any scraper waits.
            tokio::time::sleep(Duration::from_secs(3600)).await;
            Err(Refused)
        }
        Shown::Status(status) => {
            let status = StatusCode::from_u16(status).unwrap_or(StatusCode::INTERNAL_SERVER_ERROR);
            Ok(response(status, "text/plain", String::new()))
        }
    }
}

/// Path of a page.
pub(crate) fn path(page: &Page) -> String {
    format!("/{}/{}/metrics", page.job, page.instance)
}

/// Every page as target groups that a Prometheus server discovers, by HTTP or from a file.
pub(crate) fn targets<'p>(pages: impl Iterator<Item = &'p Page>, address: &str) -> Value {
    let group = |page: &Page| {
        let mut labels = json!({
            "job": page.job,
            "instance": page.instance,
            "__metrics_path__": path(page),
        });
        for (name, value) in &page.labels {
            labels[name] = json!(value);
        }
        json!({ "targets": [address], "labels": labels })
    };
    pages.map(group).collect()
}
