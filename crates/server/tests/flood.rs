//! More new series than may be watched: what is known goes on, the rest is counted, and room comes
//! back once the flood is over.

use std::time::{Duration, SystemTime, UNIX_EPOCH};

use auscult_core::{Labels, Timestamp};
use auscult_engine::EngineSettings;
use auscult_server::ServerSettings;
use auscult_telemetry::metrics::{Point, remote_write};

use crate::service::write;
use crate::support::{own_metrics, start, until};

const MOST: usize = 1000;

/// A sample, now, of each series called `name` with a number among `numbers`.
fn body(name: &str, numbers: std::ops::Range<usize>) -> Vec<u8> {
    let now = SystemTime::now().duration_since(UNIX_EPOCH).unwrap().as_nanos() as i64;
    let point = [Point { time: Timestamp::from_nanos(now), value: 1.0 }];
    let labels: Vec<Labels> = numbers
        .map(|number| {
            let number = number.to_string();
            Labels::from_pairs([("__name__", name), ("id", &number), ("job", "llm")]).unwrap()
        })
        .collect();
    remote_write::write(labels.iter().map(|labels| (labels.as_ref(), point.as_slice())))
}

fn line(own: &str, name: &str) -> u64 {
    let found = own.lines().find_map(|line| line.strip_prefix(name)?.strip_prefix(' '));
    found.unwrap_or_else(|| panic!("no {name} in {own}")).parse().unwrap()
}

#[tokio::test(flavor = "multi_thread")]
async fn beyond_the_limit_new_series_are_counted_and_known_ones_go_on() {
    let engine = EngineSettings { most_series: MOST, ..EngineSettings::default() };
    let (address, _stop) = start(ServerSettings { engine, ..Default::default() }).await;
    assert_eq!(write(address, body("known", 0..10)).await.status(), 204);
    // Up to the limit, and far beyond it: all of it is taken.
    for part in 0..10 {
        let flood = body("flood", part * 500..(part + 1) * 500);
        assert_eq!(write(address, flood).await.status(), 204);
    }
    assert_eq!(write(address, body("known", 0..10)).await.status(), 204);
    let own = own_metrics(address).await;
    let samples = |outcome| line(&own, &format!("auscult_samples_total{{outcome=\"{outcome}\"}}"));
    assert_eq!(line(&own, "auscult_series"), MOST as u64);
    assert_eq!(line(&own, "auscult_series_limit"), MOST as u64);
    assert_eq!(samples("unwatched"), 5000 - (MOST as u64 - 10));
    assert_eq!(samples("judged"), 20 + MOST as u64 - 10);
}

#[tokio::test(flavor = "multi_thread")]
async fn once_a_flood_is_over_there_is_room_again() {
    let engine = EngineSettings {
        most_series: MOST,
        forget_after: Duration::from_secs(1),
        ..EngineSettings::default()
    };
    let tick = Duration::from_millis(100);
    let (address, _stop) = start(ServerSettings { engine, tick, ..Default::default() }).await;
    assert_eq!(write(address, body("flood", 0..2 * MOST)).await.status(), 204);
    // What goes on being sent is watched as soon as there is room, and nothing else.
    until("room", || async {
        assert_eq!(write(address, body("known", 0..10)).await.status(), 204);
        (line(&own_metrics(address).await, "auscult_series") == 10).then_some(())
    })
    .await;
}
