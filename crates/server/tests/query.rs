//! The query API of Prometheus: the same samples and the same questions to a real Prometheus
//! and to us, and what only ours says.

use std::collections::BTreeMap;
use std::net::SocketAddr;
use std::path::PathBuf;
use std::process::Command;
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use auscult_core::{Labels, Timestamp};
use auscult_server::{DataSettings, QuerySettings, ScrapeSettings, ServerSettings};
use auscult_telemetry::metrics::{Point, STALE_BITS, remote_write};
use serde_json::Value;

use crate::support::{Peer, json, own_metrics, start, until};

/// Samples of a series, half an hour of them.
const SAMPLES: i64 = 120;

type Written = Vec<(Labels, Vec<Point>)>;

/// A folder for data; gone once it is dropped.
struct Folder(PathBuf);

impl Folder {
    fn new(name: &str) -> Self {
        let name = format!("auscult-query-{name}-{}", std::process::id());
        let path = std::env::temp_dir().join(name);
        drop(std::fs::remove_dir_all(&path));
        Self(path)
    }

    fn settings(&self) -> ServerSettings {
        ServerSettings { data: Some(DataSettings::new(&self.0)), ..Default::default() }
    }
}

impl Drop for Folder {
    fn drop(&mut self) {
        drop(std::fs::remove_dir_all(&self.0));
    }
}

/// Some minutes ago, in seconds.
fn recently() -> i64 {
    let now = SystemTime::now().duration_since(UNIX_EPOCH).unwrap().as_secs();
    (i64::try_from(now).unwrap() - 60) / 60 * 60
}

fn labels(metric: &str, pairs: &[(&str, &str)]) -> Labels {
    Labels::from_pairs(pairs.iter().copied().chain([("__name__", metric)])).unwrap()
}

/// Series up to `end`: gauges with gaps, marks of an end, NaN and infinities; counters that begin
/// anew; a histogram; what tells more of a target. Values are eighths, so that sums have no
/// rounding. No sample lies on a whole second, so that it does not matter on which side
/// windows are open.
fn made_up(end: i64) -> Written {
    let point = |place: i64, late: i64, value: f64| Point {
        time: Timestamp::from_nanos(
            (end * 1000 - 15_000 * (SAMPLES - place) + 250 + late) * 1_000_000,
        ),
        value,
    };
    let noise = |seed: i64, place: i64| ((place * 7919 + seed * 104_729) % 1009) as f64 / 8.0;
    let mut written = Written::new();
    for host in 0..3_i64 {
        let name = format!("host{host}");
        for gpu in 0..2_i64 {
            let seed = host * 2 + gpu;
            let points = (0..SAMPLES).filter(|place| {
                (place + seed) % 17 != 0 && !(40..60).contains(&(place - 9 * seed))
            });
            let points = points.map(|place| {
                let value = match (seed, place) {
                    (1, 70) => f64::from_bits(STALE_BITS),
                    (2, 30..33) => f64::NAN,
                    (3, 100) => f64::INFINITY,
                    _ => noise(seed, place),
                };
                point(place, 13 * seed, value)
            });
            let labels = labels("power_watts", &[("host", &name), ("gpu", &gpu.to_string())]);
            written.push((labels, points.collect()));
        }
        for code in ["200", "500"] {
            let mut total = 1000.0 * (host + 1) as f64;
            let points = (0..SAMPLES).map(|place| {
                total += noise(host, place).floor();
                if place == 50 + host {
                    total = 3.0;
                }
                point(place, 29 * host, total)
            });
            let labels =
                labels("requests_total", &[("host", &name), ("code", code), ("job", "llm")]);
            written.push((labels, points.collect()));
        }
        let mut counts = [100.0; 5];
        let mut buckets: Vec<Vec<Point>> = vec![Vec::new(); 5];
        for place in 0..SAMPLES {
            let new = [2.0, 5.0, 9.0 + (place % 4) as f64, 14.0, 15.0];
            for (bucket, more) in new.into_iter().enumerate() {
                counts[bucket] += more * (host + 1) as f64;
                buckets[bucket].push(point(place, 5 * host, counts[bucket]));
            }
        }
        for (bound, points) in ["0.1", "0.5", "1", "2.5", "+Inf"].into_iter().zip(buckets) {
            let labels = labels("latency_seconds_bucket", &[("host", &name), ("le", bound)]);
            written.push((labels, points));
        }
        let model = if host < 2 { "llama" } else { "qwen" };
        let ones = (0..SAMPLES).map(|place| point(place, 0, 1.0)).collect();
        written.push((labels("host_info", &[("host", &name), ("model", model)]), ones));
    }
    written
}

async fn write(address: SocketAddr, written: &Written) {
    let body = remote_write::write(
        written.iter().map(|(labels, points)| (labels.as_ref(), points.as_slice())),
    );
    let request = reqwest::Client::new().post(format!("http://{address}/api/v1/write"));
    let request = request.header("content-encoding", "snappy");
    let request = request.header("content-type", "application/x-protobuf");
    let answer = request.body(body).send().await.unwrap();
    assert!(answer.status().is_success(), "{}", answer.text().await.unwrap());
}

/// Asks with a form, as Grafana does; status and body.
async fn ask(address: SocketAddr, path: &str, form: &[(&str, &str)]) -> (u16, Value) {
    let request = reqwest::Client::new().post(format!("http://{address}/api/v1/{path}"));
    let form = reqwest::Url::parse_with_params("http://form/", form).unwrap();
    let request = request.header("content-type", "application/x-www-form-urlencoded");
    let answer = request.body(form.query().unwrap_or_default().to_owned()).send().await.unwrap();
    (answer.status().as_u16(), answer.json().await.unwrap())
}

/// The first half of `written` is in Parquet files, the rest in the log.
async fn ours(
    folder: &Folder,
    written: &Written,
) -> (SocketAddr, tokio::sync::oneshot::Sender<()>) {
    let half = |is_first: bool| {
        let parts = written.iter().map(|(labels, points)| {
            let middle = points.len() / 2;
            let part = if is_first { &points[..middle] } else { &points[middle..] };
            (labels.clone(), part.to_vec())
        });
        parts.collect::<Written>()
    };
    let (address, stop) = start(folder.settings()).await;
    write(address, &half(true)).await;
    drop(stop);
    // The folder is free once the first service has ended.
    let listen = SocketAddr::from(([127, 0, 0, 1], 0));
    let settings = ServerSettings { listen, ..folder.settings() };
    let server =
        until("the folder", || async { auscult_server::Server::bind(settings.clone()).await.ok() })
            .await;
    let address = server.address();
    let (stop, stopped) = tokio::sync::oneshot::channel::<()>();
    tokio::spawn(server.run(async move { drop(stopped.await) }));
    until("the first half in files", || async {
        own_metrics(address).await.contains("auscult_history_files 1\n").then_some(())
    })
    .await;
    write(address, &half(false)).await;
    (address, stop)
}

/// What is asked, and how far answers may differ: 0, or relative where it is computed.
const QUESTIONS: &[(&str, f64)] = &[
    ("power_watts", 0.0),
    (r#"power_watts{host!="host1",gpu=~"0|9"}"#, 0.0),
    (r#"{__name__=~"requests_.+",code!~"2.*"}"#, 0.0),
    (r#"power_watts{absent_label="",host="host0"}"#, 0.0),
    ("power_watts offset 3m", 0.0),
    ("requests_total offset -2m", 0.0),
    ("requests_total @ end() - requests_total @ start()", 0.0),
    ("-power_watts", 0.0),
    ("power_watts * 2 + 1", 0.0),
    ("power_watts > 60", 0.0),
    ("60 < bool power_watts", 0.0),
    ("100 > power_watts", 0.0),
    ("requests_total % 7", 0.0),
    ("2 ^ 3 ^ 2", 0.0),
    ("sum(power_watts)", 0.0),
    ("sum by (host) (requests_total)", 0.0),
    ("avg without (gpu) (power_watts)", 1e-12),
    ("min by (gpu) (power_watts)", 0.0),
    ("max(power_watts) by (gpu)", 0.0),
    ("count by (code) (requests_total)", 0.0),
    ("group by (host) (power_watts)", 0.0),
    ("stddev(requests_total)", 1e-9),
    ("stdvar by (host) (requests_total)", 1e-9),
    ("topk(2, power_watts)", 0.0),
    ("bottomk by (gpu) (1, requests_total)", 0.0),
    ("quantile(0.3, power_watts)", 1e-12),
    (r#"count_values("value", power_watts > bool 60)"#, 0.0),
    ("rate(requests_total[2m])", 1e-9),
    ("irate(requests_total[2m])", 1e-9),
    ("sum by (code) (increase(requests_total[5m]))", 1e-9),
    ("delta(power_watts[3m])", 1e-9),
    ("idelta(power_watts[3m])", 0.0),
    ("deriv(power_watts[4m])", 1e-9),
    ("predict_linear(requests_total[4m], 600)", 1e-9),
    ("avg_over_time(power_watts[3m])", 1e-9),
    ("min_over_time(power_watts[3m])", 0.0),
    ("max_over_time(power_watts[3m])", 0.0),
    ("sum_over_time(power_watts[3m])", 0.0),
    ("count_over_time(power_watts[3m])", 0.0),
    ("quantile_over_time(0.9, power_watts[3m])", 1e-12),
    ("stddev_over_time(requests_total[3m])", 1e-9),
    ("last_over_time(power_watts[1m])", 0.0),
    ("present_over_time(power_watts[1m])", 0.0),
    ("absent_over_time(power_watts{host=\"host9\",gpu=~\"1\"}[1m])", 0.0),
    ("changes(power_watts[5m])", 0.0),
    ("resets(requests_total[10m])", 0.0),
    ("histogram_quantile(0.9, sum by (le) (rate(latency_seconds_bucket[5m])))", 1e-9),
    ("histogram_quantile(0.5, latency_seconds_bucket)", 1e-9),
    ("requests_total{code=\"500\"} / ignoring(code) requests_total{code=\"200\"}", 1e-12),
    ("power_watts * on(host) group_left(model) host_info", 0.0),
    ("host_info * on(host) group_right(model) power_watts", 0.0),
    ("sum by (model) (power_watts * on(host) group_left(model) host_info)", 0.0),
    ("power_watts and on(host) (host_info{model=\"llama\"})", 0.0),
    ("power_watts unless on(host) host_info{model=\"llama\"}", 0.0),
    ("power_watts > 100 or host_info", 0.0),
    (r#"label_replace(power_watts, "id", "$1-x", "host", "host(.)")"#, 0.0),
    (r#"label_join(power_watts, "both", "/", "host", "gpu")"#, 0.0),
    ("abs(power_watts - 60)", 0.0),
    ("clamp(power_watts, 20, 80)", 0.0),
    ("clamp_min(clamp_max(power_watts, 80), 20)", 0.0),
    ("round(power_watts, 0.5)", 0.0),
    ("ceil(power_watts) - floor(power_watts)", 0.0),
    ("sgn(power_watts - 60)", 0.0),
    ("sqrt(power_watts) + ln(requests_total) * exp(host_info)", 1e-12),
    ("log2(power_watts) + on(host, gpu) log10(power_watts)", 1e-12),
    ("scalar(power_watts{host=\"host0\",gpu=\"0\"})", 0.0),
    ("vector(3) + time()", 0.0),
    ("timestamp(power_watts)", 0.0),
    ("timestamp(power_watts + 0)", 0.0),
    ("sort(power_watts)", 0.0),
    ("sort_desc(requests_total)", 0.0),
    ("absent(power_watts{host=\"host9\"})", 0.0),
    ("hour() * 100 + minute()", 0.0),
    (
        "day_of_week(vector(time())) + days_in_month() + day_of_year(vector(86400 * 59)) + year() + month() + day_of_month()",
        0.0,
    ),
    ("max_over_time(rate(requests_total[1m])[5m1ms:30s])", 1e-9),
    ("avg_over_time((power_watts > 20)[4m1ms:])", 1e-9),
    ("sum(rate(requests_total{code=\"500\"}[5m])) / sum(rate(requests_total[5m]))", 1e-9),
];

/// A result as a map from labels (or kind) to times and values.
fn normal(answer: &Value) -> BTreeMap<String, Vec<(f64, String)>> {
    let pair = |pair: &Value| (pair[0].as_f64().unwrap(), pair[1].as_str().unwrap().to_owned());
    let data = &answer["data"];
    let kind = data["resultType"].as_str().unwrap();
    let result = &data["result"];
    if kind == "scalar" || kind == "string" {
        return BTreeMap::from([(kind.to_owned(), vec![pair(result)])]);
    }
    let series = result.as_array().unwrap().iter().map(|one| {
        let samples = match &one["values"] {
            Value::Array(values) => values.iter().map(pair).collect(),
            _ => vec![pair(&one["value"])],
        };
        (format!("{kind} {}", one["metric"]), samples)
    });
    series.collect()
}

/// Where the answers differ by more than `most`, relatively.
fn difference(theirs: &Value, ours: &Value, most: f64) -> Option<String> {
    if theirs["status"] != "success" || ours["status"] != "success" {
        return Some(format!("theirs {theirs}, ours {ours}"));
    }
    let (theirs, ours) = (normal(theirs), normal(ours));
    let names = |answer: &BTreeMap<String, _>| answer.keys().cloned().collect::<Vec<_>>();
    if names(&theirs) != names(&ours) {
        return Some(format!("theirs {:?}, ours {:?}", names(&theirs), names(&ours)));
    }
    for (name, theirs) in &theirs {
        let ours = &ours[name];
        let times =
            |samples: &[(f64, String)]| samples.iter().map(|(time, _)| *time).collect::<Vec<_>>();
        if times(theirs) != times(ours) {
            return Some(format!(
                "{name}: theirs at {:?}, ours at {:?}",
                times(theirs),
                times(ours)
            ));
        }
        for ((time, theirs), (_, ours)) in theirs.iter().zip(ours) {
            let (a, b): (f64, f64) = (theirs.parse().unwrap(), ours.parse().unwrap());
            let is_near = theirs == ours || (a - b).abs() <= most * a.abs().max(b.abs());
            if !is_near {
                return Some(format!("{name} at {time}: theirs {theirs}, ours {ours}"));
            }
        }
    }
    None
}

#[tokio::test]
async fn answers_are_those_of_a_real_prometheus() {
    let Some(peer) = Peer::prometheus("").await else { return };
    let end = recently();
    let written = made_up(end);
    write(peer.address, &written).await;
    let folder = Folder::new("peer");
    let (address, _stop) = ours(&folder, &written).await;
    let mut differences = Vec::new();
    for (query, most) in QUESTIONS {
        let middle = end - 700;
        let mut forms = Vec::new();
        for time in [end, middle] {
            forms.push(("query", vec![("query", (*query).to_owned()), ("time", time.to_string())]));
        }
        let between = [("start", end - 1500), ("end", end + 400), ("step", 37)];
        let between = between.map(|(name, value)| (name, value.to_string()));
        forms.push((
            "query_range",
            [vec![("query", (*query).to_owned())], between.to_vec()].concat(),
        ));
        for (path, form) in forms {
            let form: Vec<(&str, &str)> =
                form.iter().map(|(name, value)| (*name, value.as_str())).collect();
            let (_, theirs) = ask(peer.address, path, &form).await;
            let (_, ours) = ask(address, path, &form).await;
            let found = difference(&theirs, &ours, *most);
            differences.extend(found.map(|found| format!("{path} {query}: {found}")));
        }
    }
    assert!(differences.is_empty(), "{} differ:\n{}", differences.len(), differences.join("\n"));
    for path in ["series", "labels"] {
        let (start, end) = (end - 1800, end);
        let query = format!(
            "{path}?match[]=power_watts&match[]={{model=~\".%2B\"}}&start={start}&end={end}"
        );
        let answer = |address| json(format!("http://{address}/api/v1/{query}"));
        let sorted = |answer: Value| {
            let mut entries: Vec<String> =
                answer["data"].as_array().unwrap().iter().map(Value::to_string).collect();
            entries.sort();
            entries
        };
        assert_eq!(sorted(answer(peer.address).await), sorted(answer(address).await), "{query}");
    }
    for query in [
        "label/le/values",
        "label/__name__/values",
        "label/host/values?match[]=host_info{model=\"qwen\"}",
    ] {
        let answer = |address| json(format!("http://{address}/api/v1/{query}"));
        assert_eq!(answer(peer.address).await, answer(address).await, "{query}");
    }
    errors_are_those_of(peer.address, address).await;
    // It waits for the service, which must go on meanwhile.
    let peer_address = peer.address;
    let seen =
        tokio::task::spawn_blocking(move || promtool_sees_the_same(peer_address, address, end));
    seen.await.unwrap();
}

/// The same mistakes get the same status and kind of error.
async fn errors_are_those_of(peer: SocketAddr, address: SocketAddr) {
    let time = recently().to_string();
    for (path, form) in [
        ("query", vec![("query", "power_watts{")]),
        ("query", vec![("query", "")]),
        ("query", vec![("query", "nosuch(power_watts)")]),
        ("query", vec![("query", "rate(power_watts)")]),
        ("query", vec![("query", "power_watts"), ("time", "soon")]),
        ("query", vec![("query", "power_watts"), ("timeout", "soon")]),
        ("query", vec![("query", "{host=~\".*\"}")]),
        ("query", vec![("query", "power_watts + on(host) requests_total"), ("time", &time)]),
        (
            "query",
            vec![("query", "power_watts + on(host) group_left requests_total"), ("time", &time)],
        ),
        ("query", vec![("query", "host_info + on(host) power_watts"), ("time", &time)]),
        (
            "query",
            vec![
                ("query", "label_replace(power_watts, \"host\", \"\", \"\", \"\")"),
                ("time", &time),
            ],
        ),
        (
            "query",
            vec![("query", "label_replace(power_watts, \"0\", \"\", \"\", \"\")"), ("time", &time)],
        ),
        (
            "query",
            vec![("query", "sum by (gpu) (-{__name__=~\"power_watts|requests_total\"}) + nosuch")],
        ),
        ("query_range", vec![("query", "1"), ("start", "10"), ("end", "5"), ("step", "1")]),
        ("query_range", vec![("query", "1"), ("start", "0"), ("end", "11001"), ("step", "1")]),
        ("query_range", vec![("query", "1"), ("start", "0"), ("end", "5"), ("step", "0")]),
        ("query_range", vec![("query", "1"), ("start", "0"), ("end", "5"), ("step", "x")]),
        ("query_range", vec![("query", "1"), ("end", "5"), ("step", "1")]),
        ("query_range", vec![("query", "\"text\""), ("start", "0"), ("end", "5"), ("step", "1")]),
        ("query_range", vec![("query", "up[5m]"), ("start", "0"), ("end", "5"), ("step", "1")]),
        ("series", vec![]),
        ("series", vec![("match[]", "power_watts{")]),
    ] {
        let (their_status, theirs) = ask(peer, path, &form).await;
        let (our_status, ours) = ask(address, path, &form).await;
        let kinds = (&theirs["status"], &theirs["errorType"], their_status);
        assert_eq!(
            (&ours["status"], &ours["errorType"], our_status),
            kinds,
            "{path} {form:?}: theirs {theirs}, ours {ours}"
        );
    }
}

/// What `promtool query` prints of both, line by line.
fn promtool_sees_the_same(peer: SocketAddr, address: SocketAddr, end: i64) {
    let (start, end) = (format!("--start={}", end - 600), format!("--end={end}"));
    let (time, matcher) = (end.replace("--end", "--time"), "--match=requests_total");
    let cases: [Vec<&str>; 4] = [
        vec!["instant", &time, "URL", "sum by (code) (requests_total)"],
        vec!["range", &start, &end, "--step=1m", "URL", "power_watts"],
        vec!["series", matcher, &start, &end, "URL"],
        vec!["labels", &start, &end, "URL", "host"],
    ];
    for case in cases {
        let printed = |address: SocketAddr| {
            let url = format!("http://{address}");
            let arguments =
                case.iter().map(|argument| if *argument == "URL" { &url } else { *argument });
            let output = Command::new("promtool").arg("query").args(arguments).output();
            let output = output.expect("promtool comes with Prometheus");
            let error = String::from_utf8_lossy(&output.stderr).into_owned();
            assert!(output.status.success(), "{case:?}: {error}");
            let mut lines: Vec<String> =
                String::from_utf8(output.stdout).unwrap().lines().map(str::to_owned).collect();
            assert!(!lines.is_empty(), "{case:?}");
            lines.sort();
            lines
        };
        assert_eq!(printed(peer), printed(address), "{case:?}");
    }
}

fn error(answer: &Value) -> (&str, &str) {
    (answer["errorType"].as_str().unwrap_or_default(), answer["error"].as_str().unwrap_or_default())
}

#[tokio::test]
async fn without_a_folder_numbers_are_answered_and_series_refused_in_words() {
    let (address, _stop) = start(ServerSettings::default()).await;
    write(address, &made_up(recently())).await;
    let (status, answer) = ask(address, "query", &[("query", "1+1"), ("time", "7.5")]).await;
    let expected = r#"{"data":{"result":[7.5,"2"],"resultType":"scalar"},"status":"success"}"#;
    assert_eq!((status, answer.to_string().as_str()), (200, expected));
    for (path, name) in [("query", "query"), ("series", "match[]"), ("labels", "match[]")] {
        let (status, answer) = ask(address, path, &[(name, "power_watts")]).await;
        let (kind, reason) = error(&answer);
        assert_eq!((status, kind), (422, "execution"), "{path}");
        assert!(reason.contains("keeps no samples (--data none)"), "{path}: {reason}");
    }
}

#[tokio::test]
async fn what_a_query_may_take_is_bounded_and_said() {
    let folder = Folder::new("bounds");
    let query = QuerySettings { most_samples: 500, most_points: 50, ..Default::default() };
    let (address, _stop) = start(ServerSettings { query, ..folder.settings() }).await;
    let end = recently();
    write(address, &made_up(end)).await;
    let time = end.to_string();
    let (status, answer) =
        ask(address, "query", &[("query", "sum_over_time(requests_total[1h])"), ("time", &time)])
            .await;
    assert_eq!((status, error(&answer).0), (422, "execution"));
    assert!(error(&answer).1.contains("more than 500 samples"), "{answer}");
    let form = [("query", "1"), ("start", "0"), ("end", "51"), ("step", "1")];
    let (status, answer) = ask(address, "query_range", &form).await;
    assert_eq!(status, 400);
    assert!(error(&answer).1.starts_with("exceeded maximum resolution of 50 points"), "{answer}");
    let form = [("query", "host_info"), ("time", time.as_str()), ("limit", "2")];
    let (_, answer) = ask(address, "query", &form).await;
    assert_eq!(answer["data"]["result"].as_array().unwrap().len(), 2);
    assert_eq!(answer["warnings"][0], "results truncated due to limit");
    let answer = json(format!("http://{address}/api/v1/label/host/values?limit=1")).await;
    assert_eq!(
        (&answer["data"], answer["warnings"].is_array()),
        (&serde_json::json!(["host0"]), true)
    );
    let form = [("query", "host_info"), ("time", time.as_str()), ("lookback_delta", "1ms")];
    let (_, answer) = ask(address, "query", &form).await;
    assert_eq!(answer["data"]["result"], serde_json::json!([]), "no sample is so new");
}

#[tokio::test]
async fn a_query_that_finds_no_turn_in_its_time_is_told_so() {
    let folder = Folder::new("turns");
    let query = QuerySettings { timeout: Duration::ZERO, ..Default::default() };
    let (address, _stop) = start(ServerSettings { query, ..folder.settings() }).await;
    let (status, answer) = ask(address, "query", &[("query", "up")]).await;
    assert_eq!((status, error(&answer)), (503, ("timeout", "the query timed out")));
}

#[tokio::test]
async fn what_scrapes_say_of_metrics_is_handed_on() {
    let page = "# TYPE power_watts gauge\npower_watts 3\n# TYPE tokens counter\ntokens_total 5\n# TYPE wait histogram\nwait_bucket{le=\"+Inf\"} 1\nwait_sum 1\nwait_count 1\n# EOF\n";
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
    let exporter = listener.local_addr().unwrap();
    let content_type = [("content-type", "application/openmetrics-text; version=1.0.0")];
    let app = axum::Router::new()
        .route("/metrics", axum::routing::get(move || async move { (content_type, page) }));
    tokio::spawn(async move { axum::serve(listener, app).await });
    let scrape =
        ScrapeSettings::of_addresses(&[exporter.to_string()], Duration::from_secs(1)).unwrap();
    let folder = Folder::new("metadata");
    let (address, _stop) =
        start(ServerSettings { scrapes: vec![scrape], ..folder.settings() }).await;
    until("a scrape", || async {
        let (_, answer) =
            ask(address, "query", &[("query", "tokens_total + ignoring(job) 0 * up")]).await;
        (answer["data"]["result"][0]["value"][1] == "5").then_some(())
    })
    .await;
    let answer = json(format!("http://{address}/api/v1/metadata?metric=tokens_total")).await;
    let expected =
        serde_json::json!({"tokens_total": [{"type": "counter", "help": "", "unit": ""}]});
    assert_eq!(answer["data"], expected);
    let answer = json(format!("http://{address}/api/v1/metadata")).await;
    assert_eq!(answer["data"]["wait"][0]["type"], "histogram", "{answer}");
    let answer = json(format!("http://{address}/api/v1/metadata?limit=1")).await;
    assert_eq!(answer["data"].as_object().unwrap().len(), 1);
}

#[tokio::test]
async fn clients_learn_which_api_this_is_and_how_queries_look() {
    let (address, _stop) = start(ServerSettings::default()).await;
    let answer = json(format!("http://{address}/api/v1/status/buildinfo")).await;
    assert_eq!(
        (&answer["data"]["version"], &answer["data"]["application"]),
        (&"3.0.0".into(), &"auscult".into())
    );
    let (_, answer) = ask(address, "format_query", &[("query", "sum(rate(a[5m]))by(b)")]).await;
    assert_eq!(answer["data"], "sum by (b) (rate(a[5m]))");
    let (status, answer) = ask(address, "query", &[("query", "holt_winters(a[5m], 1, 1)")]).await;
    assert_eq!((status, error(&answer).0), (400, "bad_data"));
    assert!(error(&answer).1.contains("holt_winters"), "{answer}");
}
