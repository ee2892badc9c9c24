//! What a replay of recordings tells.

use std::collections::HashMap;
use std::fmt::Write as _;
use std::sync::{Arc, Mutex};

use auscult_core::Timestamp;
use auscult_engine::EngineSettings;
use auscult_server::{
    Backtest, BacktestSettings, Backtested, PrometheusSettings, RecordedFile, Recording,
};
use auscult_telemetry::Input;
use axum::Router;
use axum::extract::Query;
use axum::routing::get;

const START: i64 = 1_700_000_000;
const STEP: i64 = 15;
const REPLICAS: usize = 6;

/// A repeatable number from 0 to 1.
fn noise(seed: u64) -> f64 {
    let mut bits = seed.wrapping_add(0x9e37_79b9_7f4a_7c15);
    bits = (bits ^ (bits >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
    bits = (bits ^ (bits >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
    ((bits ^ (bits >> 31)) >> 11) as f64 / (1_u64 << 53) as f64
}

/// Six replicas with four metrics each: replica 2 has a fault at step 3000 that lasts, and all
/// send nothing for eight minutes from step 4000 on. Rows lie in no order.
fn recording(shuffled: bool) -> Recording {
    let mut rows = Vec::new();
    for step in (0..4300).filter(|step| !(4000..4032).contains(step)) {
        for replica in 0..REPLICAS {
            let mut row = format!("{},r{replica}", START + STEP * step);
            for metric in 0..4 {
                let fault = if replica == 2 && step >= 3000 && metric < 3 { 60.0 } else { 0.0 };
                let seed = (step as u64) << 16 | (replica as u64) << 8 | metric;
                write!(row, ",{}", 100.0 + 10.0 * noise(seed) + fault).unwrap();
            }
            rows.push(row);
        }
    }
    if shuffled {
        for place in (1..rows.len()).rev() {
            rows.swap(place, (noise(place as u64) * place as f64) as usize);
        }
    }
    let text = format!("time,instance,a,b,c,d\n{}\n", rows.join("\n"));
    let input = Input::Bytes { name: "fleet.csv".to_owned(), bytes: text.into_bytes().into() };
    let labels = vec!["instance".to_owned()];
    Recording::File(Box::new(RecordedFile { labels, ..RecordedFile::new(input) }))
}

fn told(recordings: Vec<Recording>, settings: BacktestSettings) -> Backtested {
    Backtest::open(recordings, settings).unwrap().run(|_| ()).unwrap()
}

fn sharded(shards: usize) -> BacktestSettings {
    let engine = EngineSettings { shards, ..EngineSettings::default() };
    BacktestSettings { engine, ..BacktestSettings::default() }
}

fn time(step: i64) -> Timestamp {
    Timestamp::from_seconds(START + STEP * step)
}

#[test]
fn the_same_recording_tells_the_same_whatever_its_order_and_the_shards() {
    let one = told(vec![recording(false)], sharded(16));
    assert_eq!((one.series, one.targets), (4 * REPLICAS, REPLICAS));
    assert_eq!(one.counts.judged, 4268 * 4 * REPLICAS as u64);
    let fault = one.stories.iter().find(|story| {
        story.incident.targets.iter().any(|target| target.get("instance") == Some("r2"))
    });
    let fault = fault.expect("the fault is told");
    assert_eq!(fault.incident.began, time(3000));
    assert!(fault.notices[0].seconds() - time(3000).seconds() <= 60.0);
    let silent = one.stories.iter().flat_map(|story| &story.incident.members);
    let silent = silent.filter(|member| member.reasons[0].ends_with("of the target send nothing"));
    assert_eq!(silent.count(), REPLICAS, "silence within a gap is noticed: {:#?}", one.stories);
    for (shuffled, shards) in [(false, 16), (true, 16), (true, 1)] {
        let other = told(vec![recording(shuffled)], sharded(shards));
        assert_eq!(one.stories, other.stories, "shuffled: {shuffled}, {shards} shards");
    }
}

#[test]
fn only_what_lies_in_the_time_is_replayed_and_only_what_is_asked_for_is_told() {
    let all = told(vec![recording(false)], BacktestSettings::default());
    let cut = BacktestSettings { to: Some(time(2999)), ..BacktestSettings::default() };
    let before = told(vec![recording(false)], cut);
    assert_eq!(before.span, (time(0), time(2999)));
    let earlier = all.stories.iter().filter(|story| story.incident.noticed <= time(2999));
    let numbers: Vec<u64> = earlier.map(|story| story.incident.id).collect();
    let told_then: Vec<u64> = before.stories.iter().map(|story| story.incident.id).collect();
    assert_eq!(told_then, numbers, "what comes later changes nothing");
    let late = BacktestSettings { tell_from: Some(time(3990)), ..BacktestSettings::default() };
    let late = told(vec![recording(false)], late);
    assert_eq!(late.span, (time(3990), time(4299)));
    let noticed = |story: &auscult_server::Story| story.notices[0] >= time(3990);
    assert!(!late.stories.is_empty() && late.stories.iter().all(noticed), "{late:#?}");
    let nothing = BacktestSettings { from: Some(time(9999)), ..BacktestSettings::default() };
    let error = Backtest::open(vec![recording(false)], nothing).unwrap().run(|_| ()).unwrap_err();
    assert!(error.to_string().starts_with("nothing was recorded in the time"), "{error}");
}

#[test]
fn ticks_follow_the_records_of_a_slow_file_unless_they_are_set() {
    let text = (0..40).map(|row| format!("{},{row}\n", START + 300 * row)).collect::<String>();
    let bytes = format!("time,value\n{text}").into_bytes().into();
    let file = RecordedFile::new(Input::Bytes { name: "slow.csv".to_owned(), bytes });
    let tick = |is_exact| {
        let settings = BacktestSettings { is_exact, ..BacktestSettings::default() };
        let recordings = vec![Recording::File(Box::new(file.clone()))];
        Backtest::open(recordings, settings).unwrap().tick().as_secs()
    };
    assert_eq!((tick(false), tick(true)), (300, 15));
}

#[tokio::test]
async fn the_past_of_a_server_is_replayed_between_the_times_that_are_given() {
    let asked: Arc<Mutex<Vec<(f64, f64)>>> = Arc::default();
    let log = Arc::clone(&asked);
    let range = move |Query(query): Query<HashMap<String, String>>| {
        let number = |name: &str| query[name].parse::<f64>().unwrap();
        let (start, end, step) = (number("start"), number("end"), number("step"));
        log.lock().unwrap().push((start, end));
        let value = |time: f64| {
            let noise = (time / step * 0.618_034).fract();
            if time >= (START + STEP * 900) as f64 { 50.0 + noise } else { 10.0 + noise }
        };
        let count = ((end - start) / step) as usize + 1;
        let times = (0..count).map(|place| start + place as f64 * step);
        let values: Vec<String> =
            times.map(|time| format!("[{time},\"{}\"]", value(time))).collect();
        let body = format!(
            r#"{{"data":{{"result":[{{"metric":{{"__name__":"queue","job":"llm"}},"values":[{}]}}]}}}}"#,
            values.join(",")
        );
        async move { body }
    };
    let app = Router::new().route("/api/v1/query_range", get(range));
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    tokio::spawn(async move { axum::serve(listener, app).await });
    let settings = BacktestSettings {
        from: Some(time(0)),
        to: Some(time(1000)),
        ..BacktestSettings::default()
    };
    let server = PrometheusSettings::new(format!("http://{address}"), vec!["queue".to_owned()]);
    let recordings = vec![Recording::Prometheus(Box::new(server))];
    let told = tokio::task::spawn_blocking(move || told(recordings, settings)).await.unwrap();
    let asked = asked.lock().unwrap().clone();
    let (first, last) = (asked.first().unwrap().0, asked.last().unwrap().1);
    // The first whole step after the beginning, the last one before the end.
    assert_eq!(first, ((START + STEP - 1) / STEP * STEP) as f64);
    assert_eq!(last, ((START + 1000 * STEP) / STEP * STEP) as f64);
    assert_eq!(told.counts.judged, 1000);
    let noticed: Vec<f64> = told.stories.iter().map(|one| one.notices[0].seconds()).collect();
    assert!(noticed.iter().any(|time| (time - (START + STEP * 900) as f64).abs() <= 60.0));
}

#[test]
fn what_cannot_be_replayed_is_refused_in_words() {
    let folder = std::env::temp_dir().join(format!("auscult-none-{}", std::process::id()));
    let refused = |recording| {
        let opened = Backtest::open(vec![recording], BacktestSettings::default());
        opened.expect_err("it cannot be").to_string()
    };
    let empty = refused(Recording::Folder(folder.clone()));
    assert!(empty.ends_with("holds no samples of a service"), "{empty}");
    assert!(!folder.exists(), "nothing is made");
    let bytes = b"a,b\n1,2\n".as_slice().into();
    let timeless = RecordedFile::new(Input::Bytes { name: "timeless.csv".to_owned(), bytes });
    let timeless = refused(Recording::File(Box::new(timeless)));
    assert_eq!(timeless, "timeless.csv: it has no column that says when; name one");
    let server = PrometheusSettings::new("ftp://a", vec!["up".to_owned()]);
    let server = refused(Recording::Prometheus(Box::new(server)));
    assert!(server.contains("scheme `ftp` is not spoken"), "{server}");
}
