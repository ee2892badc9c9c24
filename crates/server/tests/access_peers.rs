//! TLS and secrets towards others: between two of us, and with a real Prometheus.

use std::net::SocketAddr;

use auscult_server::{
    AccessSettings, ClientAuth, PrometheusSettings, Role, ScrapeSettings, ServerSettings,
    TlsSettings, UserSettings, hash_password, hash_token,
};
use axum::Router;
use axum::http::{HeaderMap, StatusCode, Uri};
use axum::routing::get;
use tokio::sync::oneshot;

use crate::certificates::{Authority, Folder};
use crate::support::{Peer, own_metrics, start, until};

const TOKEN: &str = "the long token of a reader";

/// A service that speaks TLS, with a reader who has a token or a certificate for `scraper`, and a writer who
/// has a password.
async fn guarded(authority: &Authority, folder: &Folder) -> (SocketAddr, oneshot::Sender<()>) {
    let tls = TlsSettings {
        client_ca_file: Some(folder.write("ca.crt", &authority.pem)),
        client_auth: ClientAuth::Optional,
        ..folder.tls(&authority.sign("auscult", &["localhost"]))
    };
    let reader = UserSettings {
        name: "reader".to_owned(),
        roles: vec![Role::Reader],
        token_hashes: vec![hash_token(TOKEN).unwrap()],
        certificate_names: vec!["scraper".to_owned()],
        ..UserSettings::default()
    };
    let writer = UserSettings {
        name: "prometheus".to_owned(),
        roles: vec![Role::Writer],
        password_hash: Some(hash_password("swordfish").unwrap()),
        ..UserSettings::default()
    };
    let access =
        AccessSettings { tls: Some(tls), users: vec![reader, writer], ..AccessSettings::default() };
    start(ServerSettings { access, ..ServerSettings::default() }).await
}

/// Jobs by their name, each with these lines of YAML, that scrape `target` over TLS.
fn jobs(target: &str, jobs: &[(&str, String)]) -> ServerSettings {
    let job = |(name, lines): &(&str, String)| -> ScrapeSettings {
        let yaml = format!(
            "{{job_name: {name}, scheme: https, scrape_interval: 100ms, static_configs: [{{targets: ['{target}']}}], {lines}}}"
        );
        serde_saphyr::from_str(&yaml).unwrap()
    };
    ServerSettings { scrapes: jobs.iter().map(job).collect(), ..ServerSettings::default() }
}

async fn outcome(address: SocketAddr, job: &str, outcome: &str) {
    let line = format!("auscult_scrapes_total{{job=\"{job}\",outcome=\"{outcome}\"}}");
    until(&line, || async { own_metrics(address).await.contains(&line).then_some(()) }).await;
}

#[tokio::test]
async fn targets_are_scraped_over_tls_with_tokens_passwords_and_certificates() {
    let (authority, folder) = (Authority::new("root"), Folder::new());
    let (target, _stop) = guarded(&authority, &folder).await;
    let ca = folder.write("ca.crt", &authority.pem).display().to_string();
    let stranger = folder.write("stranger.crt", &Authority::new("stranger").pem);
    let stranger = stranger.display().to_string();
    let own = authority.sign("scraper", &[]);
    let certificate = folder.write("scraper.crt", &own.certificate).display().to_string();
    let key = folder.write("scraper.key", &own.key).display().to_string();
    let token_file = folder.write("token", &format!("{TOKEN}\n"));
    let token = format!("authorization: {{credentials: {TOKEN}}}");
    let tls = |rest: &str| format!("tls_config: {{{rest}}}");
    let settings = jobs(
        &format!("localhost:{}", target.port()),
        &[
            ("token", format!("{token}, {}", tls(&format!("ca_file: {ca}")))),
            (
                "file",
                format!(
                    "authorization: {{credentials_file: {}}}, {}",
                    token_file.display(),
                    tls(&format!("ca_file: {ca}"))
                ),
            ),
            (
                "certificate",
                tls(&format!("ca_file: {ca}, cert_file: {certificate}, key_file: {key}")),
            ),
            ("unverified", format!("{token}, {}", tls("insecure_skip_verify: true"))),
            ("stranger", format!("{token}, {}", tls(&format!("ca_file: {stranger}")))),
            ("system", token.clone()),
            ("nobody", tls(&format!("ca_file: {ca}"))),
            (
                "role",
                format!(
                    "basic_auth: {{username: prometheus, password: swordfish}}, {}",
                    tls(&format!("ca_file: {ca}"))
                ),
            ),
            (
                "misnamed",
                format!("{token}, {}", tls(&format!("ca_file: {ca}, server_name: other"))),
            ),
        ],
    );
    let (address, _stop) = start(settings).await;
    for job in ["token", "file", "certificate", "unverified"] {
        outcome(address, job, "ok").await;
    }
    for job in ["stranger", "system", "misnamed"] {
        outcome(address, job, "unreachable").await;
    }
    for job in ["nobody", "role"] {
        outcome(address, job, "status").await;
    }
    // The certificate is for `localhost`, not for an address.
    let settings = jobs(
        &target.to_string(),
        &[
            (
                "named",
                format!("{token}, {}", tls(&format!("ca_file: {ca}, server_name: localhost"))),
            ),
            ("unnamed", format!("{token}, {}", tls(&format!("ca_file: {ca}")))),
        ],
    );
    let (address, _stop) = start(settings).await;
    outcome(address, "named", "ok").await;
    outcome(address, "unnamed", "unreachable").await;
    // A token that is replaced is used from the next scrape on.
    folder.write("token", "another");
    let job = format!(
        "authorization: {{credentials_file: {}}}, {}",
        token_file.display(),
        tls(&format!("ca_file: {ca}"))
    );
    let settings = jobs(&format!("localhost:{}", target.port()), &[("file", job)]);
    let (address, _stop) = start(settings).await;
    outcome(address, "file", "status").await;
    folder.write("token", TOKEN);
    outcome(address, "file", "ok").await;
}

#[tokio::test]
async fn a_server_with_a_past_is_asked_with_a_password_and_not_where_it_leads() {
    let answer = |headers: HeaderMap, uri: Uri| async move {
        // Of `ann:swordfish`.
        let is_ann =
            headers.get("authorization").is_some_and(|value| value == "Basic YW5uOnN3b3JkZmlzaA==");
        match (is_ann, uri.path()) {
            (false, _) => (StatusCode::UNAUTHORIZED, HeaderMap::new(), "{}"),
            (true, path) if path.starts_with("/elsewhere") => {
                let leads = [("location".parse().unwrap(), "/api/v1/query_range".parse().unwrap())];
                (StatusCode::FOUND, HeaderMap::from_iter(leads), "{}")
            }
            (true, _) => {
                let none = r#"{"status":"success","data":{"resultType":"matrix","result":[]}}"#;
                (StatusCode::OK, HeaderMap::new(), none)
            }
        }
    };
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
    let peer = listener.local_addr().unwrap();
    let app = Router::new().route("/{*path}", get(answer));
    tokio::spawn(async move { axum::serve(listener, app).await });
    let source = |path: &str, lines: &str| -> PrometheusSettings {
        let url = format!("http://{peer}{path}");
        let yaml = format!("{{url: '{url}', queries: [up], history: 1m, step: 1s, {lines}}}");
        serde_saphyr::from_str(&yaml).unwrap()
    };
    let ann = "basic_auth: {username: ann, password: swordfish}";
    let prometheuses = vec![
        source("", ann),
        source("/elsewhere/still", ann),
        source("/elsewhere", &format!("{ann}, follow_redirects: false")),
        source("/nobody", "basic_auth: {username: bob, password: swordfish}"),
    ];
    let (address, _stop) =
        start(ServerSettings { prometheuses, ..ServerSettings::default() }).await;
    for (path, outcome) in
        [("", "ok"), ("/elsewhere/still", "ok"), ("/elsewhere", "status"), ("/nobody", "status")]
    {
        let source = format!("http://{peer}{path}");
        let line =
            format!("auscult_source_reads_total{{source=\"{source}\",outcome=\"{outcome}\"}}");
        until(&line, || async { own_metrics(address).await.contains(&line).then_some(()) }).await;
    }
}

#[tokio::test]
async fn prometheus_scrapes_us_with_a_token_and_writes_with_a_password() {
    let (authority, folder) = (Authority::new("root"), Folder::new());
    let (address, _stop) = guarded(&authority, &folder).await;
    let ca = folder.path().join("ca.crt").display().to_string();
    let port = address.port();
    let configuration = format!(
        "
global: {{scrape_interval: 1s}}
scrape_configs:
  - job_name: auscult
    scheme: https
    authorization: {{credentials: {TOKEN}}}
    tls_config: {{ca_file: {ca}}}
    static_configs: [{{targets: ['localhost:{port}']}}]
remote_write:
  - url: https://localhost:{port}/api/v1/write
    basic_auth: {{username: prometheus, password: swordfish}}
    tls_config: {{ca_file: {ca}}}
"
    );
    let Some(_prometheus) = Peer::prometheus(&configuration).await else { return };
    let client = authority.client();
    let url = format!("https://localhost:{port}/api/auscult/v1/series?metric=auscult_connections");
    // It has scraped us, and has written what it scraped.
    until("what Prometheus wrote", || async {
        let answer = client.get(&url).bearer_auth(TOKEN).send().await.unwrap();
        let page: serde_json::Value = answer.json().await.unwrap();
        let labels = &page["series"][0]["labels"];
        (labels["job"] == "auscult").then_some(())
    })
    .await;
    let own = client.get(format!("https://localhost:{port}/metrics")).bearer_auth(TOKEN);
    let own = own.send().await.unwrap().text().await.unwrap();
    assert!(!own.contains("auscult_authentication_failures_total{"), "{own}");
    assert!(own.contains("protocol=\"remote_write\",ending=\"Taken\""), "{own}");
}
