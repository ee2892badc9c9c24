//! Everything around the service dies, lies and comes back, all at once, for a while.
//!
//! `AUSCULT_SOAK=1h cargo test -p auscult soak -- --nocapture` runs it for an hour; it takes some
//! seconds otherwise. It ends once the time is over and every trouble has shown in a metric.

use std::collections::{BTreeMap, HashMap, HashSet};
use std::fmt::Write as _;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::{Arc, Mutex};
use std::thread;
use std::time::{Duration, Instant, SystemTime, UNIX_EPOCH};

use auscult_core::{Labels, METRIC_NAME, Timestamp};
use auscult_store::{Folder, History, HistorySettings, LabelMatcher, Log, LogSettings, Selection};
use auscult_telemetry::metrics::{Point, remote_write};
use serde_json::{Value, json};

use crate::service::Service;
use crate::stub::{self, Answer, Request};

/// How long the troubles last unless told.
const SHORT: Duration = Duration::from_secs(12);
/// How long anything that is waited for may take on a slow machine.
const PATIENCE: Duration = Duration::from_secs(180);
/// The slowest answer to "are you alive" that is still an answer.
const ALIVE: Duration = Duration::from_secs(20);
/// Most series that are watched.
const MOST_SERIES: usize = 400;
/// How long each target and receiver is well, and then ill.
const PHASE: u64 = 1_500;

/// What is wrong with a target that is ill.
#[derive(Debug, Clone, Copy, PartialEq)]
enum Trouble {
    Closes,
    Hangs,
    Refuses,
    Garbage,
    CutGzip,
    WrongType,
    NotFinite,
    Reset,
    Past,
    Future,
    Flood,
    Twice,
    TooMuch,
}

const TROUBLES: [Trouble; 13] = [
    Trouble::Closes,
    Trouble::Hangs,
    Trouble::Refuses,
    Trouble::Garbage,
    Trouble::CutGzip,
    Trouble::WrongType,
    Trouble::NotFinite,
    Trouble::Reset,
    Trouble::Past,
    Trouble::Future,
    Trouble::Flood,
    Trouble::Twice,
    Trouble::TooMuch,
];

/// Lines of `auscult_…` metrics that must be above 0 at the end: each trouble shows.
const SHOWN: [&str; 21] = [
    "auscult_scrapes_total{job=\"Closes\",outcome=\"unreachable\"}",
    "auscult_scrapes_total{job=\"Hangs\",outcome=\"timeout\"}",
    "auscult_scrapes_total{job=\"Refuses\",outcome=\"status\"}",
    "auscult_scrapes_total{job=\"Garbage\",outcome=\"malformed\"}",
    "auscult_scrapes_total{job=\"CutGzip\",outcome=\"malformed\"}",
    "auscult_scrapes_total{job=\"WrongType\",outcome=\"malformed\"}",
    "auscult_scrapes_total{job=\"TooMuch\",outcome=\"sample_limit\"}",
    "auscult_samples_total{outcome=\"late\"}",
    "auscult_samples_total{outcome=\"duplicate\"}",
    "auscult_samples_total{outcome=\"invalid\"}",
    "auscult_samples_total{outcome=\"stale\"}",
    "auscult_samples_total{outcome=\"unwatched\"}",
    "auscult_write_requests_total{protocol=\"remote_write\",ending=\"Refused\"}",
    "auscult_write_requests_total{protocol=\"remote_write\",ending=\"Partly\"}",
    "auscult_write_requests_total{protocol=\"otlp_http\",ending=\"Refused\"}",
    "auscult_write_requests_total{protocol=\"otlp_http\",ending=\"Partly\"}",
    "auscult_notification_failures_total{receiver=\"hook\"}",
    "auscult_notification_failures_total{receiver=\"pager\"}",
    "auscult_notifications_sent_total{receiver=\"hook\"}",
    "auscult_notifications_sent_total{receiver=\"pager\"}",
    "auscult_samples_not_stored_total",
];

/// What all parts of the soak share.
#[derive(Debug, Default)]
struct World {
    /// Whether anything may be ill.
    is_ill: AtomicBool,
    /// Whether everything is to end.
    is_over: AtomicBool,
    /// Whether the disk takes nothing.
    disk_is_full: AtomicBool,
    /// Samples that were acknowledged while the disk was well: series and milliseconds.
    acknowledged: Mutex<HashMap<String, Vec<(i64, f64)>>>,
    /// The event of each message that the webhook took, by incident.
    hooked: Mutex<BTreeMap<u64, Vec<String>>>,
    /// When the last alert of each incident ends, as Alertmanager took it.
    paged: Mutex<BTreeMap<u64, String>>,
    floods: AtomicU64,
}

fn now() -> Duration {
    SystemTime::now().duration_since(UNIX_EPOCH).expect("after 1970")
}

fn milliseconds() -> i64 {
    now().as_millis() as i64
}

impl World {
    /// Whether number `number` of something is ill now: each half of the time, out of step.
    fn is_ill(&self, number: u64) -> bool {
        let phase = (now().as_millis() as u64 + number * PHASE / 3) / PHASE;
        self.is_ill.load(Ordering::Relaxed) && phase % 2 == 1
    }

    /// A page of a target that has this trouble.
    fn page(&self, trouble: Trouble, number: u64) -> Answer {
        let mut page = String::new();
        let (at, tenths) = (milliseconds(), now().as_millis() as u64 / 100);
        writeln!(page, "# TYPE steps_total counter\nsteps_total {tenths}").unwrap();
        writeln!(page, "# TYPE load gauge\nload {}", 50 + tenths % 7).unwrap();
        if self.is_ill(number) {
            match trouble {
                Trouble::Closes => return Answer::Close,
                Trouble::Hangs => return Answer::Hang,
                Trouble::Refuses => return Answer::Say(503, "", Vec::new()),
                Trouble::Garbage => page = "\u{1}\u{2}} not { a page\n".to_owned(),
                Trouble::CutGzip => {
                    let cut = b"\x1f\x8b\x08\x00\x00\x00\x00\x00\x00\x03\xcb\x48".to_vec();
                    return Answer::Say(200, "Content-Encoding: gzip\r\n", cut);
                }
                Trouble::WrongType => page.push_str("load{x=\"1\"} many\n"),
                Trouble::NotFinite => page.push_str("odd NaN\nodder +Inf\noddest -Inf\n"),
                Trouble::Reset => page = "# TYPE steps_total counter\nsteps_total 0\n".to_owned(),
                Trouble::Past => page = format!("load 1 {}\n", at - 3_600_000),
                Trouble::Future => page = format!("load 1 {}\n", at + 3_600_000),
                Trouble::Flood => {
                    let flood = self.floods.fetch_add(1, Ordering::Relaxed);
                    (0..40)
                        .for_each(|one| writeln!(page, "new{{id=\"{flood}-{one}\"}} 1").unwrap());
                }
                Trouble::Twice => page = format!("load 1 {0}\nload 2 {0}\n", at - at % 60_000),
                Trouble::TooMuch => {
                    (0..200).for_each(|one| writeln!(page, "much{{id=\"{one}\"}} 1").unwrap());
                }
            }
        }
        Answer::Say(200, "Content-Type: text/plain; version=0.0.4\r\n", page.into_bytes())
    }

    /// What a receiver does that is ill.
    fn is_in_no_mood(&self, number: u64) -> Option<Answer> {
        let moods = [Answer::Close, Answer::Hang, Answer::Say(503, "", Vec::new())];
        let mood = (now().as_millis() as u64 / PHASE / 2) as usize % moods.len();
        self.is_ill(number).then(|| moods.into_iter().nth(mood)).flatten()
    }

    fn hook(&self, request: &Request) -> Answer {
        if let Some(answer) = self.is_in_no_mood(40) {
            return answer;
        }
        let body: Value = serde_json::from_slice(&request.body).expect("JSON");
        let (id, event) = (body["incident"]["id"].as_u64(), body["event"].as_str());
        let (id, event) = (id.expect("a number"), event.expect("a word").to_owned());
        self.hooked.lock().unwrap().entry(id).or_default().push(event);
        Answer::Say(200, "", Vec::new())
    }

    fn page_someone(&self, request: &Request) -> Answer {
        if let Some(answer) = self.is_in_no_mood(41) {
            return answer;
        }
        let alerts: Vec<Value> = serde_json::from_slice(&request.body).expect("JSON");
        for alert in alerts {
            let id = alert["labels"]["incident"].as_str().expect("a label").parse().unwrap();
            let ends = alert["endsAt"].as_str().expect("a time").to_owned();
            self.paged.lock().unwrap().insert(id, ends);
        }
        Answer::Say(200, "", Vec::new())
    }

    /// Remembers a sample that was acknowledged, if it must be on the disk.
    fn acknowledge(&self, was_full: bool, series: &str, at: i64, value: f64) {
        if !was_full && !self.disk_is_full.load(Ordering::SeqCst) {
            let mut acknowledged = self.acknowledged.lock().unwrap();
            acknowledged.entry(series.to_owned()).or_default().push((at, value));
        }
    }

    /// Sends by remote write until it is over, sound requests and bad ones by turns.
    fn push_remote_write(&self, address: &str) {
        let headers = "Content-Type: application/x-protobuf\r\nContent-Encoding: snappy\r\n";
        let send = |headers: &str, body: &[u8]| stub::post(address, "/api/v1/write", headers, body);
        let body = |name: &str, points: &[(i64, f64)]| {
            let labels = [("__name__", name), ("instance", "sender:1"), ("job", "push")];
            let labels = Labels::from_pairs(labels).unwrap();
            let point = |(at, value): &(i64, f64)| Point {
                time: Timestamp::from_nanos(at * 1_000_000),
                value: *value,
            };
            let points: Vec<Point> = points.iter().map(point).collect();
            remote_write::write([(labels.as_ref(), points.as_slice())])
        };
        for turn in 0_u64.. {
            if self.is_over.load(Ordering::Relaxed) {
                return;
            }
            let (at, value) = (milliseconds(), turn as f64);
            let was_full = self.disk_is_full.load(Ordering::SeqCst);
            let sound = body("pushed", &[(at, value)]);
            if send(headers, &sound) == Some(204) {
                self.acknowledge(was_full, "pushed", at, value);
            }
            if self.is_ill(50) {
                match turn % 8 {
                    0 => drop(send(headers, b"no snappy at all")),
                    1 => drop(send(headers, &sound[..sound.len() / 2])),
                    2 => drop(send("Content-Type: text/html\r\n", &sound)),
                    // The same again.
                    3 => drop(send(headers, &sound)),
                    4 => {
                        let odd = [f64::NAN, f64::INFINITY].map(|odd| (at, odd));
                        let _ = send(headers, &body("odd", &odd[..1]));
                        let _ = send(headers, &body("odder", &odd[1..]));
                    }
                    5 => {
                        // An hour ago, and at the end of time.
                        let _ = send(headers, &body("lost", &[(at, 1.0)]));
                        let _ = send(headers, &body("lost", &[(at - 3_600_000, 1.0)]));
                        let _ = send(headers, &body("ahead", &[(i64::MAX / 2_000_000, 1.0)]));
                    }
                    6 => {
                        let flood = self.floods.fetch_add(1, Ordering::Relaxed);
                        (0..40).for_each(|one| {
                            let name = format!("flood_{flood}_{one}");
                            let _ = send(headers, &body(&name, &[(at, 1.0)]));
                        });
                    }
                    _ => drop(send(headers, &nameless())),
                }
            }
            thread::sleep(Duration::from_millis(20));
        }
    }

    /// Sends OTLP in JSON until it is over.
    fn push_otlp(&self, address: &str) {
        let headers = "Content-Type: application/json\r\n";
        let send = |headers: &str, body: &[u8]| stub::post(address, "/v1/metrics", headers, body);
        let gauge = |name: &str, points: Value| {
            let metric = json!({"name": name, "gauge": {"dataPoints": points}});
            let scope = json!({"scopeMetrics": [{"metrics": [metric]}]});
            json!({"resourceMetrics": [scope]}).to_string().into_bytes()
        };
        let point =
            |at: i64, value: f64| json!({"timeUnixNano": format!("{at}000000"), "asDouble": value});
        for turn in 0_u64.. {
            if self.is_over.load(Ordering::Relaxed) {
                return;
            }
            let (at, value) = (milliseconds(), turn as f64);
            let was_full = self.disk_is_full.load(Ordering::SeqCst);
            let sound = gauge("exported", json!([point(at, value)]));
            if send(headers, &sound) == Some(200) {
                self.acknowledge(was_full, "exported", at, value);
            }
            if self.is_ill(51) {
                match turn % 5 {
                    0 => drop(send(headers, &sound[..sound.len() / 2])),
                    1 => drop(send(
                        "Content-Type: application/json\r\nContent-Encoding: gzip\r\n",
                        b"\x1f\x8b\x08\x00",
                    )),
                    2 => drop(send("Content-Type: image/png\r\n", &sound)),
                    // A point without a time, beside a sound one.
                    3 => {
                        let points = json!([{"asDouble": 1.0}, point(at, 1.0)]);
                        let _ = send(headers, &gauge("half", points));
                    }
                    _ => drop(send(
                        headers,
                        &gauge("lost_export", json!([point(at - 7_200_000, 1.0)])),
                    )),
                }
            }
            thread::sleep(Duration::from_millis(20));
        }
    }
}

/// A request in remote write of which one series has labels out of order twice over.
fn nameless() -> Vec<u8> {
    // WriteRequest { timeseries: [ { labels: [ { name: "", value: "x" } ], samples: [ { value: 0, timestamp: 1 } ] } ] }
    let message = [0x0a, 0x0b, 0x0a, 0x05, 0x0a, 0x00, 0x12, 0x01, b'x', 0x12, 0x02, 0x10, 0x01];
    // Snappy: the length, then all of it as a literal.
    let mut packed = vec![message.len() as u8, (message.len() as u8 - 1) << 2];
    packed.extend_from_slice(&message);
    packed
}

/// The configuration: a job for each trouble and a receiver of each kind.
fn configuration(world: &Arc<World>, data: &Path) -> String {
    let mut text = String::from("scrape_configs:\n");
    for (number, trouble) in TROUBLES.into_iter().enumerate() {
        let seen = Arc::clone(world);
        let target = stub::start(move |_| seen.page(trouble, number as u64));
        writeln!(
            text,
            "  - {{job_name: {trouble:?}, scrape_interval: 200ms, scrape_timeout: 150ms, sample_limit: 100, static_configs: [{{targets: ['{target}']}}]}}"
        )
        .unwrap();
    }
    let (hook, pager) = (Arc::clone(world), Arc::clone(world));
    let hook = stub::start(move |request| hook.hook(request));
    let pager = stub::start(move |request| pager.page_someone(request));
    let again = "timeout: 500ms, min_backoff: 20ms, max_backoff: 200ms";
    write!(
        text,
        "delivery:
  webhooks: [{{name: hook, url: 'http://{hook}/', update_every: 0s, {again}}}]
  alertmanagers: [{{name: pager, url: 'http://{pager}', resend: 1s, resolved_for: 1h, {again}}}]
server: {{tick: 100ms, otlp_grpc: none, otlp_http: none}}
detection: {{most_series: {MOST_SERIES}, forget_after: 6s, silent_after: 5s, quiet_after: 1s, reopen_within: 2s}}
storage: {{folder: '{}', retention: 9999d, checkpoint_every: 1s}}
",
        data.display()
    )
    .unwrap();
    text
}

/// The value of a line of own metrics; 0 where there is none.
fn shown(own: &str, name: &str) -> f64 {
    let line = own.lines().find_map(|line| line.strip_prefix(name)?.strip_prefix(' '));
    line.map_or(0.0, |value| value.parse().expect("a number"))
}

/// How much memory the process has, in KiB.
fn resident(service: &Service) -> Option<u64> {
    let status = std::fs::read_to_string(format!("/proc/{}/status", service.child.id())).ok()?;
    let line = status.lines().find_map(|line| line.strip_prefix("VmRSS:"))?;
    line.trim().trim_end_matches(" kB").parse().ok()
}

/// Lets no file of the process grow any more, or lifts that; false where that cannot be done.
fn fill_disk(service: &Service, is_full: bool) -> bool {
    let limit = if is_full { "--fsize=0:" } else { "--fsize=unlimited:" };
    let pid = service.child.id().to_string();
    Command::new("prlimit").args(["--pid", &pid, limit]).status().is_ok_and(|done| done.success())
}

fn wait(what: &str, mut is_so: impl FnMut() -> bool) {
    let start = Instant::now();
    while !is_so() {
        assert!(start.elapsed() < PATIENCE, "waited in vain for {what}");
        thread::sleep(Duration::from_millis(50));
    }
}

/// What is to last so long: `90s`, `15m`, `1h`.
fn how_long() -> Duration {
    let Ok(text) = std::env::var("AUSCULT_SOAK") else { return SHORT };
    let seconds = |unit| match unit {
        "s" => Some(1),
        "m" => Some(60),
        "h" => Some(3600),
        _ => None,
    };
    let (number, unit) = text.split_at(text.len().saturating_sub(1));
    let whole = number.parse::<u64>().ok().zip(seconds(unit));
    let (number, unit) =
        whole.unwrap_or_else(|| panic!("AUSCULT_SOAK={text}: expected such as 1h"));
    Duration::from_secs(number * unit)
}

/// Asks again and again whether the service is alive; the seconds that each answer took.
fn stays_alive(address: &str, world: &World) -> Vec<f64> {
    let mut took = Vec::new();
    while !world.is_over.load(Ordering::Relaxed) {
        let start = Instant::now();
        let answer = stub::ask(address, "GET /-/healthy", "", b"");
        assert_eq!(answer.map(|(status, _)| status), Some(200), "it does not answer");
        assert!(start.elapsed() < ALIVE, "it took {:?} to answer", start.elapsed());
        took.push(start.elapsed().as_secs_f64());
        let (_, own) = stub::ask(address, "GET /metrics", "", b"").expect("an answer");
        assert!(shown(&own, "auscult_series") <= MOST_SERIES as f64, "{own}");
        thread::sleep(Duration::from_millis(50));
    }
    took
}

/// Troubles all around until they have all shown and the time is over; then quiet.
fn storm(service: &Service, world: &World) {
    let start = Instant::now();
    let long = how_long();
    let can_fill = fill_disk(service, false);
    if !can_fill {
        eprintln!("prlimit is not installed: the disk is never full");
    }
    world.is_ill.store(true, Ordering::SeqCst);
    let mut early = None;
    loop {
        thread::sleep(Duration::from_millis(500));
        early = early.or_else(|| resident(service).filter(|_| start.elapsed() > long / 4));
        let is_full = can_fill && start.elapsed().as_secs() % 6 >= 4;
        if is_full != world.disk_is_full.load(Ordering::SeqCst) {
            // Said before, and taken back after: what is sent meanwhile may be on the disk or not.
            world.disk_is_full.store(true, Ordering::SeqCst);
            assert!(fill_disk(service, is_full));
            if !is_full {
                wait("storage", || shown(&service.get("/metrics"), "auscult_storage_up") == 1.0);
                world.disk_is_full.store(false, Ordering::SeqCst);
            }
        }
        let own = service.get("/metrics");
        let is_hidden =
            |name: &&&str| (can_fill || !name.contains("not_stored")) && shown(&own, name) == 0.0;
        let hidden: Vec<_> = SHOWN.iter().filter(is_hidden).collect();
        assert!(start.elapsed() < long + PATIENCE, "never shown: {hidden:#?} in {own}");
        let is_told = !world.hooked.lock().unwrap().is_empty();
        let is_room = !world.disk_is_full.load(Ordering::SeqCst);
        if start.elapsed() >= long && hidden.is_empty() && is_told && is_room {
            break;
        }
    }
    world.is_ill.store(false, Ordering::SeqCst);
    if let (Some(early), Some(late)) = (early, resident(service)) {
        println!("memory: {early} KiB after a quarter of the time, {late} KiB at the end");
        assert!(late < 2 * early + 65_536, "it grows from {early} to {late} KiB");
    }
}

/// All incidents are over, and everybody knows.
fn all_is_told(service: &Service, world: &World) -> usize {
    let waiting = |own: &str, name: &str| {
        shown(own, &format!("auscult_notifications_waiting{{receiver=\"{name}\"}}"))
    };
    wait("the end of all incidents", || {
        let own = service.get("/metrics");
        shown(&own, "auscult_open_incidents") == 0.0
            && waiting(&own, "hook") == 0.0
            && waiting(&own, "pager") == 0.0
    });
    let incidents = service.json("/api/auscult/v1/incidents?limit=10000");
    let incidents = incidents["incidents"].as_array().unwrap();
    assert!(!incidents.is_empty());
    wait("everybody to know", || {
        let (hooked, paged) = (world.hooked.lock().unwrap(), world.paged.lock().unwrap());
        let ended = humantime(now());
        incidents.iter().all(|incident| {
            let id = incident["id"].as_u64().unwrap();
            let last = hooked.get(&id).and_then(|events| events.last());
            let known_here = last.is_some_and(|event| event == "recovered");
            // One that came and went while the pager was away is no news to it.
            known_here && paged.get(&id).is_none_or(|ends| *ends < ended)
        })
    });
    incidents.len()
}

/// A time as alerts bear it, to compare with.
fn humantime(since: Duration) -> String {
    let nanos = i64::try_from(since.as_nanos()).expect("our time");
    auscult_telemetry::format_time(Timestamp::from_nanos(nanos))
}

/// Every sample that was acknowledged while the disk took some is in the history.
fn all_is_stored(data: &Path, world: &World) -> usize {
    let folder = Folder::open(data).expect("nobody has it");
    let log = Log::open(folder.join("log"), LogSettings::default()).unwrap();
    let (history, _) = History::open(folder.join("history"), HistorySettings::default()).unwrap();
    let (from, to) = (Timestamp::from_nanos(0), Timestamp::from_nanos(i64::MAX));
    let acknowledged = world.acknowledged.lock().unwrap();
    let is_ours = |metric: &str| acknowledged.contains_key(metric);
    let ours = Selection::new(vec![vec![LabelMatcher::that(METRIC_NAME, is_ours)]]);
    let found = history.scan(&log, &ours, from, to, usize::MAX).unwrap();
    let mut checked = 0;
    for (name, samples) in acknowledged.iter() {
        let stored: HashSet<(i64, u64)> = found
            .iter()
            .filter(|one| one.labels.as_ref().metric() == name)
            .flat_map(|one| one.samples.iter())
            .map(|(time, value)| (time.nanos() / 1_000_000, value.to_bits()))
            .collect();
        for (at, value) in samples {
            assert!(stored.contains(&(*at, value.to_bits())), "{name} at {at} is lost");
            checked += 1;
        }
    }
    checked
}

#[test]
fn sources_receivers_and_the_disk_die_and_lie_and_nothing_promised_is_lost() {
    let data: PathBuf = crate::call::scratch("soak-data");
    if data.exists() {
        std::fs::remove_dir_all(&data).unwrap();
    }
    let world = Arc::new(World::default());
    let file = crate::call::scratch("soak.yml");
    std::fs::write(&file, configuration(&world, &data)).unwrap();
    // A file that may not grow is an error then, not the end of the process.
    let mut command = Command::new("sh");
    command.args(["-c", r#"trap '' XFSZ; exec "$0" "$@""#, env!("CARGO_BIN_EXE_auscult")]);
    command.args(["serve", "--listen", "127.0.0.1:0", "--config"]).arg(&file);
    let service = Service::spawn(command);
    let address = service.address.as_str();
    let (took, incidents) = thread::scope(|scope| {
        let over = Over(&world);
        scope.spawn(|| world.push_remote_write(address));
        scope.spawn(|| world.push_otlp(address));
        let alive = scope.spawn(|| stays_alive(address, &world));
        // Before anything is ill.
        wait("first samples", || world.acknowledged.lock().unwrap().len() == 2);
        storm(&service, &world);
        let incidents = all_is_told(&service, &world);
        // Two pushed, and of each target two and five that tell of it; floods are forgotten.
        let steady = 2 + 7 * TROUBLES.len();
        wait("floods to be forgotten", || {
            shown(&service.get("/metrics"), "auscult_series") <= steady as f64
        });
        drop(over);
        (alive.join().expect("it stays alive"), incidents)
    });
    service.stop();
    let checked = all_is_stored(&data, &world);
    let mut took = took;
    took.sort_unstable_by(f64::total_cmp);
    let at = |share: f64| took[((took.len() - 1) as f64 * share) as usize];
    println!(
        "{checked} acknowledged samples are there, {incidents} incidents were told; {} looks at health took {:.4} s in the middle, {:.4} s at the 99th percentile, {:.4} s at most",
        took.len(),
        at(0.5),
        at(0.99),
        at(1.0)
    );
    assert!(checked > 100, "{checked}");
}

/// Ends the other threads, when the test fails too.
struct Over<'a>(&'a World);

impl Drop for Over<'_> {
    fn drop(&mut self) {
        self.0.is_over.store(true, Ordering::SeqCst);
    }
}
