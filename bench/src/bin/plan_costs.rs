//! Measures what a series and a sample cost `auscult serve`, and prints it next to what `auscult plan` reckons with.
//!
//! `plan_costs AUSCULT FOLDER` starts the program `AUSCULT` (a release build) again and again on an empty folder
//! below `FOLDER`, pushes made-up series to it, or lets it scrape them, and reads `/proc`, its own metrics and its
//! files. Prints a line for each figure: the name, what was measured, what `auscult_server::plan::COSTS` says, and
//! their ratio. Linux only. Takes some minutes; nothing else should keep the machine busy.

use std::collections::BTreeMap;
use std::io::{BufRead, BufReader, Read, Write};
use std::net::{TcpListener, TcpStream};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use auscult_core::{Labels, Timestamp};
use auscult_server::plan::COSTS;
use auscult_telemetry::metrics::{Point, remote_write};

/// Series of a request, as many as Prometheus sends at once by default.
const IN_ONE: usize = 2000;
/// Seconds between two samples of a series.
const STEP: i64 = 15;
/// Series of the small and of the large experiment.
const FEW: usize = 40_000;
const MANY: usize = 200_000;
/// Samples of an experiment. All have as many, so that what conversions to history take does not count for series.
const SAMPLES: usize = 66 * MANY;
/// What the long label has.
const LONG: usize = 200;
/// Ticks of the processor's clock in `/proc/PID/stat`, a second. The kernel has told programs 100 for decades.
const TICKS: f64 = 100.0;

/// Labels as a scraped replica has them, with `more` bytes in a label of its own.
fn labels(number: usize, more: usize) -> Labels {
    let (metric, instance) = (number % 500, number / 500);
    let metric = format!("vllm:made_up_metric_{metric}");
    let address = format!("10.0.{}.{}:8000", instance >> 8, instance & 255);
    let filler = "x".repeat(more);
    let mut pairs = vec![
        ("__name__", metric.as_str()),
        ("instance", &address),
        ("job", "llm"),
        ("model_name", "meta-llama/Llama-3.1-70B-Instruct"),
        ("namespace", "inference"),
    ];
    if more > 0 {
        pairs.push(("filler", &filler));
    }
    Labels::from_pairs(pairs).expect("sound labels")
}

/// Nanoseconds that a sample comes late: whole milliseconds, a quarter of a second at most.
fn jitter(number: usize, step: i64) -> i64 {
    let bits = ((number as u64) << 32 | step as u64).wrapping_mul(0xd6e8_feb8_6659_fd93);
    (bits >> 56) as i64 * 1_000_000
}

/// A third of the series is noise, a third small whole numbers, a third mostly constant.
fn reading(number: usize, step: i64) -> f64 {
    let mut bits = ((number as u64) << 32 | step as u64).wrapping_mul(0x9e37_79b9_7f4a_7c15);
    bits = (bits ^ bits >> 29).wrapping_mul(0xbf58_476d_1ce4_e5b9);
    let noise = (bits >> 40) as f64 / f64::from(1 << 24);
    match number % 3 {
        0 => 100.0 + 10.0 * noise,
        1 => (20.0 * noise).floor(),
        _ => f64::from(u8::from(noise > 0.98)),
    }
}

/// A running service, ended when dropped.
struct Service {
    child: Child,
    address: String,
    folder: PathBuf,
}

impl Drop for Service {
    fn drop(&mut self) {
        drop(self.child.kill());
        drop(self.child.wait());
        drop(std::fs::remove_dir_all(&self.folder));
    }
}

impl Service {
    /// With the configuration `more` besides where it listens and stores.
    fn start(program: &str, folder: &Path, more: &str) -> Self {
        let folder = folder.join("plan-costs");
        drop(std::fs::remove_dir_all(&folder));
        std::fs::create_dir_all(&folder).expect("a folder to write to");
        let config = folder.join("auscult.yml");
        let server = "server: {listen: '127.0.0.1:0', otlp_http: none, otlp_grpc: none}\n";
        std::fs::write(&config, format!("{server}storage: {{folder: data}}\n{more}"))
            .expect("a file to write to");
        let mut command = Command::new(program);
        command.args(["serve", "--config"]).arg(&config).current_dir(&folder);
        let mut child = command.stderr(Stdio::piped()).spawn().expect("the program runs");
        let mut lines = BufReader::new(child.stderr.take().expect("piped")).lines();
        let line = lines
            .by_ref()
            .map_while(Result::ok)
            .find(|line| line.contains("auscult listens on"))
            .expect("it says where it listens");
        std::thread::spawn(move || lines.map_while(Result::ok).for_each(drop));
        let address = line.rsplit('/').next().unwrap_or_default().to_owned();
        Self { child, address, folder }
    }

    fn ask(&self, method: &str, path: &str, body: &[u8]) -> String {
        let mut stream = TcpStream::connect(&self.address).expect("it listens");
        write!(
            stream,
            "{method} {path} HTTP/1.1\r\nHost: {}\r\nConnection: close\r\nContent-Type: application/x-protobuf\r\n\
             Content-Encoding: snappy\r\nContent-Length: {}\r\n\r\n",
            self.address,
            body.len()
        )
        .and_then(|()| stream.write_all(body))
        .expect("it takes a request");
        let mut answer = String::new();
        stream.read_to_string(&mut answer).expect("it answers");
        assert!(answer.contains(" 20"), "{answer}");
        answer
    }

    /// Its own metrics without labels.
    fn metrics(&self) -> BTreeMap<String, f64> {
        let page = self.ask("GET", "/metrics", b"");
        let parts = page.lines().filter_map(|line| line.split_once(' '));
        parts.filter_map(|(name, value)| Some((name.to_owned(), value.parse().ok()?))).collect()
    }

    /// Pushes `steps` of the series with these labels, the first at the second `start`; says how many samples and
    /// bytes.
    fn push(&self, series: &[Labels], start: i64, steps: std::ops::Range<i64>) -> (f64, f64) {
        let mut bytes = 0;
        for step in steps.clone() {
            let time = Timestamp::from_seconds(start + step * STEP);
            for (place, some) in series.chunks(IN_ONE).enumerate() {
                let point = |at: usize| {
                    let number = place * IN_ONE + at;
                    let time = Timestamp::from_nanos(time.nanos() + jitter(number, step));
                    [Point { time, value: reading(number, step) }]
                };
                let points: Vec<[Point; 1]> = (0..some.len()).map(point).collect();
                let body = some.iter().zip(&points).map(|(one, point)| (one.as_ref(), &point[..]));
                let body = remote_write::write(body);
                bytes += body.len();
                self.ask("POST", "/api/v1/write", &body);
            }
        }
        ((series.len() as i64 * (steps.end - steps.start)) as f64, bytes as f64)
    }

    /// A figure of `/proc/PID/status` in bytes, such as `VmHWM`.
    fn status(&self, name: &str) -> f64 {
        let path = format!("/proc/{}/status", self.child.id());
        let status = std::fs::read_to_string(path).expect("Linux");
        let line = status.lines().find_map(|line| line.strip_prefix(name)?.strip_prefix(':'));
        let kilobytes = line.and_then(|rest| rest.split_whitespace().next()?.parse::<f64>().ok());
        kilobytes.expect("a number of kilobytes") * 1024.0
    }

    /// Seconds of processor that it has taken.
    fn processor(&self) -> f64 {
        let path = format!("/proc/{}/stat", self.child.id());
        let stat = std::fs::read_to_string(path).expect("Linux");
        let fields = stat.rsplit(") ").next().unwrap_or_default().split(' ');
        let ticks: Vec<f64> = fields.skip(11).take(2).filter_map(|it| it.parse().ok()).collect();
        ticks.iter().sum::<f64>() / TICKS
    }

    /// Bytes of its checkpoint after an orderly end.
    fn checkpoint(mut self) -> f64 {
        let id = self.child.id().to_string();
        drop(Command::new("kill").args(["-TERM", &id]).status());
        drop(self.child.wait());
        let path = self.folder.join("data/state/checkpoint");
        path.metadata().map_or(0.0, |metadata| metadata.len() as f64)
    }
}

/// What one experiment found.
#[derive(Debug, Default)]
struct Found {
    /// Before anything came.
    idle: f64,
    memory: f64,
    /// Of a series, on average.
    label_bytes: f64,
    log_bytes_per_sample: f64,
    push_bytes_per_sample: f64,
    history_bytes_per_sample: f64,
    processor_per_sample: f64,
    checkpoint: f64,
}

/// Pushes `count` series, each with a label of `more` bytes.
fn pushed(program: &str, folder: &Path, config: &str, count: usize, more: usize) -> Found {
    let series: Vec<Labels> = (0..count).map(|number| labels(number, more)).collect();
    let label_bytes: usize = series.iter().map(|one| one.as_ref().bytes().len()).sum();
    let service = Service::start(program, folder, config);
    let (idle, began) = (service.status("VmHWM"), service.processor());
    let now = SystemTime::now().duration_since(UNIX_EPOCH).expect("after 1970").as_secs();
    let steps = (SAMPLES / count) as i64;
    let start = now as i64 - STEP * steps;
    let (first, sent) = service.push(&series, start, 0..30);
    let in_log = service.metrics()["auscult_log_bytes"] - label_bytes as f64;
    let samples = first + service.push(&series, start, 30..steps).0;
    // What is closed is made into history within seconds.
    std::thread::sleep(Duration::from_secs(12));
    let metrics = service.metrics();
    Found {
        idle,
        memory: service.status("VmHWM"),
        label_bytes: label_bytes as f64 / count as f64,
        log_bytes_per_sample: in_log / first,
        push_bytes_per_sample: sent / first,
        history_bytes_per_sample: metrics["auscult_history_bytes"]
            / metrics["auscult_history_samples"],
        processor_per_sample: (service.processor() - began) / samples,
        checkpoint: service.checkpoint() / count as f64,
    }
}

/// Lets it scrape a page of `count` series again and again; seconds of processor a sample.
fn scraped(program: &str, folder: &Path, count: usize) -> f64 {
    let listener = TcpListener::bind("127.0.0.1:0").expect("a free port");
    let address = listener.local_addr().expect("it listens");
    std::thread::spawn(move || {
        for (step, stream) in listener.incoming().map_while(Result::ok).enumerate() {
            let mut page = String::new();
            for number in 0..count {
                let (metric, engine) = (number % 500, number / 500);
                let value = reading(number, step as i64);
                page.push_str(&format!(
                    "made_up_metric_{metric}{{engine=\"{engine}\",model_name=\"meta-llama/Llama-3.1-70B-Instruct\"}} {value}\n"
                ));
            }
            let mut stream = stream;
            // The page is the same whatever is asked for; one request a connection.
            let mut head = [0; 4096];
            if stream.read(&mut head).is_ok() {
                let head = format!(
                    "HTTP/1.1 200 OK\r\nContent-Type: text/plain; version=0.0.4\r\nConnection: close\r\nContent-Length: {}\r\n\r\n",
                    page.len()
                );
                drop(
                    stream
                        .write_all(head.as_bytes())
                        .and_then(|()| stream.write_all(page.as_bytes())),
                );
            }
        }
    });
    let job = format!(
        "scrape_configs: [{{job_name: made-up, scrape_interval: 200ms, static_configs: [{{targets: ['{address}']}}]}}]\n"
    );
    let service = Service::start(program, folder, &job);
    std::thread::sleep(Duration::from_secs(5));
    let judged = |service: &Service| {
        let page = service.ask("GET", "/metrics", b"");
        let line = page
            .lines()
            .find_map(|line| line.strip_prefix("auscult_samples_total{outcome=\"judged\"} "));
        line.and_then(|value| value.parse::<f64>().ok()).expect("a count of judged samples")
    };
    let (before, began) = (judged(&service), service.processor());
    std::thread::sleep(Duration::from_secs(20));
    (service.processor() - began) / (judged(&service) - before)
}

fn main() {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let [program, folder] = arguments.as_slice() else {
        eprintln!("usage: plan_costs AUSCULT FOLDER");
        std::process::exit(2);
    };
    let folder = Path::new(folder);
    let few = pushed(program, folder, "", FEW, 0);
    let long = pushed(program, folder, "", FEW, LONG);
    let many = pushed(program, folder, "", MANY, 0);
    let unwatched = "policies: [{watch: false}]\n";
    let raw_few = pushed(program, folder, unwatched, FEW, 0);
    let raw_many = pushed(program, folder, unwatched, MANY, 0);
    let scraped = scraped(program, folder, FEW);
    let more = (MANY - FEW) as f64;
    let label_byte =
        (long.memory - few.memory) / (FEW as f64 * (long.label_bytes - few.label_bytes));
    let a_series = (many.memory - few.memory) / more;
    let raw = (raw_many.memory - raw_few.memory) / more;
    let of_labels = label_byte * few.label_bytes;
    let measured = [
        ("base_bytes", COSTS.base_bytes, few.idle),
        ("conversion_bytes", COSTS.conversion_bytes, few.memory - few.idle - FEW as f64 * a_series),
        ("bytes_per_series", COSTS.bytes_per_series, raw - of_labels),
        ("bytes_per_label_byte", COSTS.bytes_per_label_byte, label_byte),
        ("bytes_per_detector", COSTS.bytes_per_detector, a_series - raw),
        (
            "processor_seconds_per_pushed_sample",
            COSTS.processor_seconds_per_pushed_sample,
            many.processor_per_sample,
        ),
        (
            "processor_seconds_per_scraped_sample",
            COSTS.processor_seconds_per_scraped_sample,
            scraped,
        ),
        ("log_bytes_per_sample", COSTS.log_bytes_per_sample, many.log_bytes_per_sample),
        ("history_bytes_per_sample", COSTS.history_bytes_per_sample, many.history_bytes_per_sample),
        (
            "checkpoint_bytes_per_detector",
            COSTS.checkpoint_bytes_per_detector,
            few.checkpoint - few.label_bytes,
        ),
        ("push_bytes_per_sample", COSTS.push_bytes_per_sample, many.push_bytes_per_sample),
    ];
    for found in [&few, &long, &many, &raw_few, &raw_many] {
        eprintln!("{found:?}");
    }
    println!("{:37} {:>11} {:>11} {:>6}", "figure", "measured", "reckoned", "ratio");
    for (name, reckoned, measured) in measured {
        println!("{name:37} {measured:11.3e} {reckoned:11.3e} {:6.2}", measured / reckoned);
    }
}
