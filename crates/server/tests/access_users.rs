//! Users, roles, and what browsers may do, as clients see it.

use std::time::{Duration, Instant};

use auscult_server::{
    AccessSettings, Role, ServerSettings, UserSettings, hash_password, hash_token,
};
use reqwest::{Client, Method, Response, StatusCode};

use crate::support::{own_metrics, start};

const TOKEN: &str = "the long token of an operator";

fn with_users() -> ServerSettings {
    let ann = UserSettings {
        name: "ann".to_owned(),
        roles: vec![Role::Reader],
        password_hash: Some(hash_password("swordfish").unwrap()),
        ..UserSettings::default()
    };
    let operator = UserSettings {
        name: "operator".to_owned(),
        roles: vec![Role::Operator],
        token_hashes: vec![hash_token(TOKEN).unwrap()],
        ..UserSettings::default()
    };
    let access = AccessSettings { users: vec![ann, operator], ..AccessSettings::default() };
    ServerSettings { access, ..ServerSettings::default() }
}

#[tokio::test]
async fn a_right_password_is_let_in_and_wrong_ones_are_counted_and_slow() {
    let (address, _stop) = start(with_users()).await;
    let ask = |password: &'static str| async move {
        let request = Client::new().get(format!("http://{address}/metrics"));
        request.basic_auth("ann", Some(password)).send().await.unwrap()
    };
    let nobody = reqwest::get(format!("http://{address}/metrics")).await.unwrap();
    assert_eq!(nobody.status(), StatusCode::UNAUTHORIZED);
    let challenges: Vec<_> = nobody.headers().get_all("www-authenticate").iter().collect();
    assert_eq!(
        challenges,
        [r#"Basic realm="auscult", charset="UTF-8""#, r#"Bearer realm="auscult""#]
    );
    let begin = Instant::now();
    for _ in 0..4 {
        let answer = ask("Swordfish").await;
        assert_eq!(answer.status(), StatusCode::UNAUTHORIZED);
    }
    // 0.1, 0.2 and 0.4 seconds at least before the second, third and fourth.
    assert!(begin.elapsed() >= Duration::from_millis(690), "{:?}", begin.elapsed());
    let answer = ask("swordfish").await;
    assert_eq!(answer.status(), StatusCode::OK);
    let own = answer.text().await.unwrap();
    for line in [
        "auscult_authentication_failures_total{reason=\"wrong\"} 4",
        "auscult_authentication_failures_total{reason=\"missing\"} 1",
    ] {
        assert!(own.contains(line), "{own}");
    }
    // Health is for everybody.
    for path in ["healthy", "ready"] {
        let answer = reqwest::get(format!("http://{address}/-/{path}")).await.unwrap();
        assert_eq!(answer.status(), StatusCode::OK);
    }
    let request = Client::new().post(format!("http://{address}/api/v1/write"));
    let answer = request.basic_auth("ann", Some("swordfish")).send().await.unwrap();
    assert_eq!(answer.status(), StatusCode::FORBIDDEN);
    let words = answer.text().await.unwrap();
    assert_eq!(words, "user `ann` has the role reader; this needs writer\n");
}

#[tokio::test]
async fn pages_of_other_sites_change_nothing_and_read_what_settings_allow() {
    let grafana = "https://grafana.example.com";
    let mut settings = with_users();
    settings.access.cors_origins = vec![grafana.to_owned()];
    let (address, _stop) = start(settings).await;
    let ask = |method: Method, path: &str, origin: String| {
        let request = Client::new().request(method, format!("http://{address}{path}"));
        let request = request.bearer_auth(TOKEN).header("origin", origin);
        async move { request.send().await.unwrap() }
    };
    let allowed = |answer: &Response| {
        let header = answer.headers().get("access-control-allow-origin");
        header.map(|value| value.to_str().unwrap().to_owned())
    };
    let write = "/v1/metrics";
    for evil in ["https://evil.example.com", "null", "http://localhost:1", "file://"] {
        let answer = ask(Method::POST, write, evil.to_owned()).await;
        assert_eq!(answer.status(), StatusCode::FORBIDDEN, "{evil}");
        let answer = ask(Method::GET, "/metrics", evil.to_owned()).await;
        assert_eq!((answer.status(), allowed(&answer)), (StatusCode::OK, None), "{evil}");
    }
    for fine in [grafana.to_owned(), format!("http://{address}"), format!("https://{address}")] {
        let answer = ask(Method::POST, write, fine).await;
        // It gets as far as to be read.
        assert_eq!(answer.status(), StatusCode::UNSUPPORTED_MEDIA_TYPE);
    }
    let answer = ask(Method::GET, "/metrics", grafana.to_owned()).await;
    assert_eq!(allowed(&answer).as_deref(), Some(grafana));
    assert_eq!(answer.headers()["vary"], "origin");
    let question = |origin: &str| {
        let url = format!("http://{address}/api/auscult/v1/series");
        let request = Client::new().request(Method::OPTIONS, url).header("origin", origin);
        let request = request.header("access-control-request-method", "GET");
        async move { request.send().await.unwrap() }
    };
    let answer = question(grafana).await;
    assert_eq!(answer.status(), StatusCode::NO_CONTENT);
    assert_eq!(allowed(&answer).as_deref(), Some(grafana));
    assert!(
        answer.headers()["access-control-allow-headers"].to_str().unwrap().contains("authoriz")
    );
    assert_eq!(allowed(&question("https://evil.example.com").await), None);
}

#[tokio::test]
async fn a_name_that_was_made_to_lead_to_loopback_is_not_served() {
    let (address, _stop) = start(ServerSettings::default()).await;
    let ask = |host: &'static str, to| {
        let request = Client::new().get(format!("http://{to}/metrics")).header("host", host);
        async move { request.send().await.unwrap().status() }
    };
    for host in ["localhost", "localhost:9709", "127.0.0.1", "[::1]:80", "a.localhost"] {
        assert_eq!(ask(host, address).await, StatusCode::OK, "{host}");
    }
    assert_eq!(ask("evil.example.com", address).await, StatusCode::MISDIRECTED_REQUEST);
    let own = own_metrics(address).await;
    assert!(own.contains("auscult_refused_requests_total{reason=\"host\"} 1"), "{own}");
    let known = vec!["auscult.example.com".to_owned()];
    let access = AccessSettings { allowed_hosts: known, ..AccessSettings::default() };
    let settings = ServerSettings { access, ..ServerSettings::default() };
    let (address, _stop) = start(settings).await;
    assert_eq!(ask("Auscult.example.com:80", address).await, StatusCode::OK);
    assert_eq!(ask("evil.example.com", address).await, StatusCode::MISDIRECTED_REQUEST);
    // Who needs a secret is not served by a name alone.
    let (address, _stop) = start(with_users()).await;
    assert_eq!(ask("behind.example.com", address).await, StatusCode::UNAUTHORIZED);
}
