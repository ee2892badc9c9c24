//! An Alertmanager that is away, hangs, or refuses for a while, and what it is told afterwards.

use std::time::Duration;

use auscult_server::{AlertmanagerSettings, DeliverySettings, ServerSettings};
use tokio::net::TcpListener;

use crate::alertmanager::send_up;
use crate::delivery::{
    Got, Receiver, fall, hundred_seconds_ago, settings, until_shown, until_taken, webhook,
};
use crate::support::{own_metrics, start, until};

/// Beside a webhook that is well.
fn beside(well: &Receiver, alertmanager: AlertmanagerSettings) -> ServerSettings {
    let settings = settings(vec![webhook("well", well.url())]);
    let delivery =
        DeliverySettings { alertmanagers: vec![alertmanager], ..settings.delivery.clone() };
    ServerSettings { delivery, ..settings }
}

/// One that is tried again soon and not waited for long.
fn impatient(url: String) -> AlertmanagerSettings {
    AlertmanagerSettings {
        name: Some("pager".to_owned()),
        timeout: Duration::from_millis(200),
        min_backoff: Duration::from_millis(5),
        max_backoff: Duration::from_millis(20),
        ..AlertmanagerSettings::new(url)
    }
}

/// Whether the only alert that came last fires.
fn fires(got: &[Got]) -> Option<bool> {
    let alerts = got.iter().rfind(|got| got.status == 200)?.json();
    let alert = &alerts[0];
    let end = alert["endsAt"].as_str().unwrap();
    // While it fires, it ends beyond the next time that it is told.
    Some(*end > *auscult_telemetry::format_time(crate::support::now()))
}

#[tokio::test(flavor = "multi_thread")]
async fn one_that_is_away_is_told_of_what_is_true_once_it_is_there() {
    let well = Receiver::start(|_| (200, "")).await;
    let address = TcpListener::bind("127.0.0.1:0").await.unwrap().local_addr().unwrap();
    let pager = impatient(format!("http://{address}"));
    let (service, _stop) = start(beside(&well, pager)).await;
    let begin = hundred_seconds_ago();
    fall(service, begin).await;
    until_taken(&well, &["opened"]).await;
    until_shown(service, r#"auscult_notifications_waiting{receiver="pager"} 1"#).await;
    let own = own_metrics(service).await;
    assert!(!own.contains(r#"notification_failures_total{receiver="pager"} 0"#), "{own}");
    let pager = Receiver::listen(TcpListener::bind(address).await.unwrap(), |_| (200, ""));
    until("the alert", || async { fires(&pager.got()).filter(|fires| *fires) }).await;
    until_shown(service, r#"auscult_notifications_waiting{receiver="pager"} 0"#).await;
    send_up(service, begin, 60, 1.0).await;
    until("its end", || async { fires(&pager.got()).filter(|fires| !*fires) }).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn one_that_hangs_holds_up_neither_samples_nor_other_receivers() {
    let well = Receiver::start(|_| (200, "")).await;
    // It takes connections and never answers.
    let hanging = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let pager = impatient(format!("http://{}", hanging.local_addr().unwrap()));
    let (service, _stop) = start(beside(&well, pager)).await;
    let begin = hundred_seconds_ago();
    fall(service, begin).await;
    until_taken(&well, &["opened"]).await;
    until("two attempts", || async {
        let own = own_metrics(service).await;
        let name = r#"auscult_notification_failures_total{receiver="pager"} "#;
        let failures = own.lines().find_map(|line| line.strip_prefix(name));
        failures.is_some_and(|failures| failures.parse::<u64>().unwrap() >= 2).then_some(())
    })
    .await;
    send_up(service, begin, 60, 1.0).await;
    until_taken(&well, &["opened", "recovered"]).await;
    // It comes round; what opened and ended meanwhile is no news to it.
    until_shown(service, r#"auscult_notifications_waiting{receiver="pager"} 0"#).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn one_that_refuses_for_a_while_is_told_of_the_end_of_what_it_was_told_of() {
    let well = Receiver::start(|_| (200, "")).await;
    let moody = |number| if (1..6).contains(&number) { (503, "") } else { (200, "") };
    let pager = Receiver::start(moody).await;
    let settings = beside(&well, impatient(format!("http://{}", pager.address)));
    let (service, _stop) = start(settings).await;
    let begin = hundred_seconds_ago();
    fall(service, begin).await;
    until("the alert", || async { fires(&pager.got()).filter(|fires| *fires) }).await;
    send_up(service, begin, 60, 1.0).await;
    until("its end", || async { fires(&pager.got()).filter(|fires| !*fires) }).await;
    until_shown(service, r#"auscult_notification_failures_total{receiver="pager"} 5"#).await;
}
