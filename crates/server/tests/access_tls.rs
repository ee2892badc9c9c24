//! TLS and mutual TLS, with real handshakes.

use std::net::SocketAddr;
use std::path::PathBuf;

use auscult_server::{
    AccessSettings, ClientAuth, Port, Role, Server, ServerSettings, TlsSettings, TlsVersion,
    UserSettings, hash_token,
};
use reqwest::{Client, StatusCode};
use tokio::sync::oneshot;

use crate::certificates::{Authority, Folder};
use crate::support::{start, until};

fn with_tls(tls: TlsSettings) -> ServerSettings {
    let access = AccessSettings { tls: Some(tls), ..AccessSettings::default() };
    ServerSettings { access, ..ServerSettings::default() }
}

/// What `client` gets at `path` over TLS; `None` without a connection.
async fn status(client: &Client, address: SocketAddr, path: &str) -> Option<StatusCode> {
    let url = format!("https://localhost:{}{path}", address.port());
    client.get(url).send().await.ok().map(|answer| answer.status())
}

#[tokio::test]
async fn all_ports_speak_tls_and_nothing_else() {
    let (authority, folder) = (Authority::new("root"), Folder::new());
    let tls = folder.tls(&authority.sign("auscult", &["localhost"]));
    let any = SocketAddr::from(([127, 0, 0, 1], 0));
    let (otlp_http, otlp_grpc) = (Port::At(any), Port::At(any));
    let settings = ServerSettings { listen: any, otlp_http, otlp_grpc, ..with_tls(tls) };
    let server = Server::bind(settings).await.unwrap();
    assert_eq!(server.scheme(), "https");
    let main = server.address();
    let http = server.otlp_http_address().unwrap();
    let grpc = server.otlp_grpc_address().unwrap();
    let (_stop, stopped) = oneshot::channel::<()>();
    tokio::spawn(server.run(async move { drop(stopped.await) }));
    let client = authority.client();
    assert_eq!(status(&client, main, "/-/healthy").await, Some(StatusCode::OK));
    let url = format!("https://localhost:{}/v1/metrics", http.port());
    let sent = client.post(url).header("content-type", "application/json").body("{}");
    assert_eq!(sent.send().await.unwrap().status(), StatusCode::OK);
    let method = "opentelemetry.proto.collector.metrics.v1.MetricsService/Export";
    let url = format!("https://localhost:{}/{method}", grpc.port());
    let sent = client.post(url).header("content-type", "application/grpc").body(vec![0; 5]);
    let answer = sent.send().await.unwrap();
    // Only HTTP/2 carries gRPC, so both ends have agreed on it in the handshake.
    assert_eq!(answer.version(), reqwest::Version::HTTP_2);
    assert_eq!(answer.status(), StatusCode::OK);
    assert!(!answer.headers().contains_key("grpc-status"), "{answer:?}");
    let stranger = Authority::new("another root").client();
    for address in [main, http, grpc] {
        assert_eq!(status(&stranger, address, "/").await, None);
        assert!(reqwest::get(format!("http://{address}/-/healthy")).await.is_err());
    }
    let metrics = client.get(format!("https://localhost:{}/metrics", main.port()));
    let metrics = metrics.send().await.unwrap().text().await.unwrap();
    assert!(metrics.contains("auscult_refused_connections_total{reason=\"handshake\"}"));
}

#[tokio::test]
async fn a_new_certificate_is_taken_while_connections_stay() {
    let (old, new, folder) = (Authority::new("old"), Authority::new("new"), Folder::new());
    let tls = folder.tls(&old.sign("auscult", &["localhost"]));
    let (address, _stop) = start(with_tls(tls)).await;
    let of_old = old.client();
    assert_eq!(status(&of_old, address, "/-/healthy").await, Some(StatusCode::OK));
    let next = new.sign("auscult", &["localhost"]);
    // Between the two files the key does not fit, and the certificate stays as it was.
    folder.write("server.crt", &next.certificate);
    until("a failure to be counted", || async {
        let url = format!("https://localhost:{}/metrics", address.port());
        let own = of_old.get(url).send().await.unwrap().text().await.unwrap();
        own.contains("auscult_certificate_reloads_total{outcome=\"failed\"} 1").then_some(())
    })
    .await;
    assert_eq!(status(&old.client(), address, "/-/healthy").await, Some(StatusCode::OK));
    folder.write("server.key", &next.key);
    until("the new certificate", || async { status(&new.client(), address, "/-/healthy").await })
        .await;
    assert_eq!(status(&old.client(), address, "/-/healthy").await, None);
    // This one still has its connection of before.
    assert_eq!(status(&of_old, address, "/-/healthy").await, Some(StatusCode::OK));
}

/// A service that asks for certificates of `authority`, with a user of the name `collector`.
async fn asking(
    asked: ClientAuth,
    clients: &Authority,
    own: &Authority,
    folder: &Folder,
) -> (SocketAddr, oneshot::Sender<()>) {
    let tls = TlsSettings {
        client_ca_file: Some(folder.write("clients.crt", &clients.pem)),
        client_auth: asked,
        ..folder.tls(&own.sign("auscult", &["localhost"]))
    };
    let writer = UserSettings {
        name: "collector".to_owned(),
        roles: vec![Role::Writer],
        certificate_names: vec!["gpu1.example.com".to_owned()],
        ..UserSettings::default()
    };
    let reader = UserSettings {
        name: "reader".to_owned(),
        roles: vec![Role::Reader],
        token_hashes: vec![hash_token("the long token of a reader").unwrap()],
        ..UserSettings::default()
    };
    let settings = with_tls(tls);
    let access = AccessSettings { users: vec![writer, reader], ..settings.access };
    start(ServerSettings { access, ..settings }).await
}

#[tokio::test]
async fn who_must_show_a_certificate_gets_no_connection_without_one() {
    let (own, clients, folder) = (Authority::new("own"), Authority::new("clients"), Folder::new());
    let (address, _stop) = asking(ClientAuth::Require, &clients, &own, &folder).await;
    assert_eq!(status(&own.client(), address, "/-/healthy").await, None);
    let forged = Authority::new("clients").sign("x", &["gpu1.example.com"]);
    assert_eq!(status(&own.client_as(&forged), address, "/-/healthy").await, None);
    let known = own.client_as(&clients.sign("x", &["gpu1.example.com"]));
    assert_eq!(status(&known, address, "/-/healthy").await, Some(StatusCode::OK));
    assert_eq!(status(&known, address, "/metrics").await, Some(StatusCode::FORBIDDEN));
    let unknown = own.client_as(&clients.sign("gpu2.example.com", &["gpu2.example.com"]));
    assert_eq!(status(&unknown, address, "/metrics").await, Some(StatusCode::UNAUTHORIZED));
}

#[tokio::test]
async fn who_may_show_a_certificate_can_prove_it_otherwise() {
    let (own, clients, folder) = (Authority::new("own"), Authority::new("clients"), Folder::new());
    let (address, _stop) = asking(ClientAuth::Optional, &clients, &own, &folder).await;
    let url = format!("https://localhost:{}/metrics", address.port());
    let ask = own.client().get(url).bearer_auth("the long token of a reader");
    assert_eq!(ask.send().await.unwrap().status(), StatusCode::OK);
    let by_name = own.client_as(&clients.sign("gpu1.example.com", &[]));
    assert_eq!(status(&by_name, address, "/metrics").await, Some(StatusCode::FORBIDDEN));
    let forged = Authority::new("clients").sign("gpu1.example.com", &[]);
    assert_eq!(status(&own.client_as(&forged), address, "/metrics").await, None);
}

#[tokio::test]
async fn tls_that_cannot_be_is_refused_in_words() {
    let (authority, folder) = (Authority::new("root"), Folder::new());
    let tls = folder.tls(&authority.sign("auscult", &["localhost"]));
    let refused = |tls: TlsSettings| async move {
        let listen = SocketAddr::from(([127, 0, 0, 1], 0));
        let settings = ServerSettings { listen, ..with_tls(tls) };
        Server::bind(settings).await.unwrap_err().to_string()
    };
    let clients = Some(folder.write("clients.crt", &authority.pem));
    let unasked = TlsSettings { client_ca_file: clients, ..tls.clone() };
    assert!(refused(unasked).await.contains("client_auth: optional or require"));
    let unknown = TlsSettings { client_auth: ClientAuth::Require, ..tls.clone() };
    assert!(refused(unknown).await.contains("client_auth needs a client_ca_file"));
    let swapped = TlsSettings { cert_file: tls.key_file.clone(), ..tls.clone() };
    assert!(refused(swapped).await.contains("cert_file holds no certificate"));
    let other = folder.write("other.key", &authority.sign("other", &[]).key);
    let unfit = TlsSettings { key_file: other, ..tls.clone() };
    assert!(refused(unfit).await.starts_with("access: cert_file and key_file cannot be used"));
    let none = TlsSettings { key_file: PathBuf::from("/nowhere/key"), ..tls };
    assert!(refused(none).await.contains("key_file `/nowhere/key` cannot be read"));
}

#[tokio::test]
async fn old_versions_of_tls_are_not_spoken() {
    let (authority, folder) = (Authority::new("root"), Folder::new());
    let tls = folder.tls(&authority.sign("auscult", &["localhost"]));
    let tls = TlsSettings { min_version: TlsVersion::Tls13, ..tls };
    let (address, _stop) = start(with_tls(tls)).await;
    let root = reqwest::Certificate::from_pem(authority.pem.as_bytes()).unwrap();
    let old = Client::builder()
        .tls_built_in_root_certs(false)
        .add_root_certificate(root)
        .max_tls_version(reqwest::tls::Version::TLS_1_2)
        .build()
        .unwrap();
    assert_eq!(status(&old, address, "/-/healthy").await, None);
    assert_eq!(status(&authority.client(), address, "/-/healthy").await, Some(StatusCode::OK));
}
