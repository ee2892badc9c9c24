//! Sends made-up metrics by remote write: as many series as you like, at their own pace or flat out.
//!
//! `load ADDRESS SERIES INTERVAL SECONDS [SENDERS]` posts to `http://ADDRESS/api/v1/write`
//! a sample of each series every `INTERVAL` seconds for `SECONDS` seconds; an interval of 0
//! sends as fast as answers come, with times 15 seconds apart. Bodies are made once and only
//! patched, so that the sender takes as little of the machine as it can. Prints a line of JSON.

use std::io::{BufRead, BufReader, Read, Write};
use std::net::TcpStream;
use std::time::{Duration, Instant, SystemTime, UNIX_EPOCH};

use auscult_core::{Labels, Timestamp};
use auscult_telemetry::metrics::{Point, remote_write};

/// Series of a request, as many as Prometheus sends at once by default.
const IN_ONE: usize = 2000;
/// A value that nothing else in a message looks like.
const MARK: f64 = 1.234_567_890_123e-77;

/// The series of a request, and where their values and times lie in it.
struct Body {
    message: Vec<u8>,
    values: Vec<usize>,
}

impl Body {
    /// For the series with these numbers.
    fn new(numbers: std::ops::Range<usize>) -> Self {
        let labels: Vec<Labels> = numbers.map(labels).collect();
        // Any time of our day takes six bytes.
        let point = [Point { time: Timestamp::from_seconds(1_700_000_000), value: MARK }];
        let compressed = remote_write::write(labels.iter().map(|l| (l.as_ref(), point.as_slice())));
        let message = snap::raw::Decoder::new().decompress_vec(&compressed).expect("our own");
        let mark = MARK.to_bits().to_le_bytes();
        let places = message.windows(8).enumerate().filter(|(_, window)| *window == mark);
        let values = places.map(|(place, _)| place).collect();
        Self { message, values }
    }

    /// The message with samples of `time`, compressed.
    fn at(&mut self, milliseconds: u64, step: u64) -> Vec<u8> {
        for (number, place) in self.values.iter().enumerate() {
            let value = reading(number as u64, step);
            self.message[*place..place + 8].copy_from_slice(&value.to_bits().to_le_bytes());
            let mut rest = milliseconds;
            for byte in 0..6 {
                let more = if byte < 5 { 0x80 } else { 0 };
                self.message[place + 9 + byte] = (rest & 0x7f) as u8 | more;
                rest >>= 7;
            }
        }
        snap::raw::Encoder::new().compress_vec(&self.message).expect("it fits in memory")
    }
}

/// Ten labels, as a scraped replica has.
fn labels(number: usize) -> Labels {
    let (metric, instance) = (number % 500, number / 500);
    let (metric, pod) = (format!("vllm:made_up_metric_{metric}"), format!("llm-7f9c-{instance}"));
    let address = format!("10.{}.{}.{}:8000", instance >> 16, instance >> 8 & 255, instance & 255);
    let shard = format!("{}", instance % 8);
    Labels::from_pairs([
        ("__name__", metric.as_str()),
        ("cluster", "eu-west-1"),
        ("container", "server"),
        ("engine", &shard),
        ("instance", &address),
        ("job", "llm"),
        ("model_name", "meta-llama/Llama-3.1-70B-Instruct"),
        ("namespace", "inference"),
        ("node", &format!("gpu-node-{}", instance / 8)),
        ("pod", &pod),
    ])
    .expect("sound labels")
}

/// A level of its own, with noise and a slow swing.
fn reading(number: u64, step: u64) -> f64 {
    let mut bits = (number << 32 | step).wrapping_mul(0x9e37_79b9_7f4a_7c15);
    bits = (bits ^ bits >> 29).wrapping_mul(0xbf58_476d_1ce4_e5b9);
    let noise = (bits >> 40) as f64 / f64::from(1 << 24);
    100.0 + number as f64 + 10.0 * noise + 5.0 * (step as f64 / 200.0).sin()
}

/// Sends the requests of some series until time is up; gives the seconds that each took.
fn send(
    address: &str,
    mut bodies: Vec<Body>,
    interval: f64,
    seconds: f64,
    place: usize,
) -> (u64, Vec<f64>) {
    let stream = TcpStream::connect(address).expect("the service listens");
    stream.set_nodelay(true).expect("a TCP option");
    let mut answers = BufReader::new(stream.try_clone().expect("a socket can be shared"));
    let mut stream = stream;
    let start = Instant::now();
    let began =
        SystemTime::now().duration_since(UNIX_EPOCH).expect("after 1970").as_millis() as u64;
    let (mut samples, mut took) = (0, Vec::new());
    let count = bodies.len();
    for step in 0.. {
        for (at, body) in bodies.iter_mut().enumerate() {
            // Requests are spread evenly over the interval, as scrapes are.
            let due = (step as f64 + (at as f64 + place as f64 / 8.0) / count as f64) * interval;
            let due = Duration::from_secs_f64(due);
            if start.elapsed().as_secs_f64() >= seconds {
                return (samples, took);
            }
            std::thread::sleep(due.saturating_sub(start.elapsed()));
            let milliseconds = if interval > 0.0 {
                began + start.elapsed().as_millis() as u64
            } else {
                began + 15_000 * step
            };
            let bytes = body.at(milliseconds, step);
            let sent = Instant::now();
            write!(
                stream,
                "POST /api/v1/write HTTP/1.1\r\nHost: {address}\r\nContent-Type: application/x-protobuf\r\n\
                 Content-Encoding: snappy\r\nX-Prometheus-Remote-Write-Version: 0.1.0\r\nContent-Length: {}\r\n\r\n",
                bytes.len()
            )
            .and_then(|()| stream.write_all(&bytes))
            .expect("the service takes it");
            answered(&mut answers);
            took.push(sent.elapsed().as_secs_f64());
            samples += body.values.len() as u64;
        }
    }
    unreachable!("steps have no end")
}

/// Reads an answer that has to say that all is well.
fn answered(answers: &mut BufReader<TcpStream>) {
    let (mut line, mut length, mut status) = (String::new(), 0, String::new());
    loop {
        line.clear();
        answers.read_line(&mut line).expect("the service answers");
        if status.is_empty() {
            status = line.trim().to_owned();
        }
        let lower = line.to_ascii_lowercase();
        if let Some(value) = lower.strip_prefix("content-length:") {
            length = value.trim().parse().expect("a length");
        }
        if line.trim().is_empty() {
            break;
        }
    }
    let mut body = vec![0; length];
    answers.read_exact(&mut body).expect("the body of the answer");
    let text = String::from_utf8_lossy(&body);
    assert!(status.contains(" 20"), "{status}: {text}");
}

fn main() {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let (address, numbers) = match arguments.as_slice() {
        [address, numbers @ ..] if (3..=4).contains(&numbers.len()) => (address, numbers),
        _ => {
            eprintln!("usage: load ADDRESS SERIES INTERVAL SECONDS [SENDERS]");
            std::process::exit(2);
        }
    };
    let numbers: Vec<f64> =
        numbers.iter().map(|text| text.parse().expect("numbers after the address")).collect();
    let (series, interval, seconds) = (numbers[0] as usize, numbers[1], numbers[2]);
    let senders = numbers.get(3).map_or(2, |senders| *senders as usize).max(1);
    let mut shares: Vec<Vec<Body>> = (0..senders).map(|_| Vec::new()).collect();
    for (place, first) in (0..series).step_by(IN_ONE).enumerate() {
        shares[place % senders].push(Body::new(first..series.min(first + IN_ONE)));
    }
    let start = Instant::now();
    let sent: Vec<(u64, Vec<f64>)> = std::thread::scope(|scope| {
        let threads: Vec<_> = shares
            .into_iter()
            .enumerate()
            .map(|(place, bodies)| {
                scope.spawn(move || send(address, bodies, interval, seconds, place))
            })
            .collect();
        threads.into_iter().map(|thread| thread.join().expect("a sender ends")).collect()
    });
    let elapsed = start.elapsed().as_secs_f64();
    let samples: u64 = sent.iter().map(|(samples, _)| samples).sum();
    let mut took: Vec<f64> = sent.into_iter().flat_map(|(_, took)| took).collect();
    took.sort_unstable_by(f64::total_cmp);
    let at = |share: f64| took.get((share * took.len() as f64) as usize).copied().unwrap_or(0.0);
    let line = serde_json::json!({
        "series": series,
        "samples": samples,
        "seconds": elapsed,
        "samples_per_second": samples as f64 / elapsed,
        "requests": took.len(),
        "answer_seconds": { "p50": at(0.5), "p99": at(0.99), "max": took.last() },
    });
    println!("{line}");
}
