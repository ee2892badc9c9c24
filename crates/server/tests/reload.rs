//! Settings that change while the service runs.

use std::net::SocketAddr;
use std::sync::{Arc, Mutex};

use auscult_server::{ScrapeSettings, Server, ServerSettings, SettingsSource};
use axum::Router;
use axum::routing::get;
use tokio::net::TcpListener;
use tokio::sync::oneshot;

use crate::support::{series, until};

/// Settings that a test may change.
#[derive(Debug, Clone)]
struct Changing(Arc<Mutex<Result<ServerSettings, String>>>);

impl SettingsSource for Changing {
    fn has_changed(&self) -> bool {
        false
    }

    fn read(&mut self) -> Result<ServerSettings, String> {
        self.0.lock().unwrap().clone()
    }
}

async fn exporter(page: &'static str) -> SocketAddr {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    let app = Router::new().route("/metrics", get(move || async move { page }));
    tokio::spawn(async move { axum::serve(listener, app).await });
    address
}

fn job(name: &str, target: SocketAddr) -> ScrapeSettings {
    let yaml = format!(
        "{{job_name: {name}, scrape_interval: 50ms, static_configs: [{{targets: ['{target}']}}]}}"
    );
    serde_saphyr::from_str(&yaml).unwrap()
}

fn scraping(jobs: Vec<ScrapeSettings>) -> ServerSettings {
    let listen = SocketAddr::from(([127, 0, 0, 1], 0));
    ServerSettings { listen, scrapes: jobs, ..ServerSettings::default() }
}

#[tokio::test]
async fn what_stays_goes_on_what_is_gone_ends_and_what_is_new_begins() {
    let power = exporter("power 310\n").await;
    let heat = exporter("heat 61\n").await;
    let kept = job("kept", power);
    let settings = scraping(vec![kept.clone(), job("gone", power)]);
    let source = Changing(Arc::new(Mutex::new(Ok(settings.clone()))));
    let server = Server::bind(settings).await.unwrap().reloading(source.clone());
    let (address, reloader) = (server.address(), server.reloader());
    let (_stop, stopped) = oneshot::channel::<()>();
    tokio::spawn(server.run(async move { drop(stopped.await) }));
    let seen = async |query: &str, expected: &[String]| {
        until(&format!("{expected:?}"), || async {
            (series(address, query).await == expected).then_some(())
        })
        .await;
    };
    let label = |job: &str, target: SocketAddr| format!("{{instance=\"{target}\",job=\"{job}\"}}");
    let power_of = |job: &str| format!("power{}", label(job, power));
    seen(
        "metric=power",
        &[format!("{} 310.0", power_of("gone")), format!("{} 310.0", power_of("kept"))],
    )
    .await;
    *source.0.lock().unwrap() = Ok(scraping(vec![job("new", heat), kept.clone()]));
    assert_eq!(reloader.reload().await, Ok(()));
    // Its series are told to have ended, at once.
    seen(
        "metric=power",
        &[format!("{} ended", power_of("gone")), format!("{} 310.0", power_of("kept"))],
    )
    .await;
    seen("metric=heat", &[format!("heat{} 61.0", label("new", heat))]).await;
    // One job that cannot be keeps all others as they are.
    let twice = vec![kept.clone(), kept];
    *source.0.lock().unwrap() = Ok(scraping(twice));
    let refused = reloader.reload().await.unwrap_err();
    assert!(refused.contains("another job has the same job_name"), "{refused}");
    *source.0.lock().unwrap() = Err("auscult.yml:1:1: is odd".to_owned());
    assert_eq!(reloader.reload().await, Err("auscult.yml:1:1: is odd".to_owned()));
    seen("metric=heat", &[format!("heat{} 61.0", label("new", heat))]).await;
}
