//! A cache that holds too little: real servers of vLLM, and a simulated one.

use std::collections::BTreeMap;
use std::io::Read;

use auscult_simulate::page::{Answer, Page, Values};
use auscult_simulate::scenario::Scenario;
use auscult_simulate::simulation::Simulation;

use super::compare::{Response, Signal, level, rate};
use super::page::number;
use super::table::{Fault, Table, time_of_day};

/// Recordings of `examples/data/real_servers/vllm`, and when the cache was made small: number, samples, from, to.
const REAL: [(&str, &[u8], &str, &str); 2] = [
    (
        "1",
        include_bytes!("../../../../examples/data/real_servers/vllm/kv-pressure-1.csv.gz"),
        "T00:33:39.721Z",
        "T00:37:41.773Z",
    ),
    (
        "2",
        include_bytes!("../../../../examples/data/real_servers/vllm/kv-pressure-2.csv.gz"),
        "T00:42:05.216Z",
        "T00:46:25.678Z",
    ),
];

/// The simulated server: as few requests run at once before as in the recordings, and its cache is made
/// as small. There, requests held 1.9 and 1.0 blocks of the cache on average, and two were left to them.
const SCENARIO: &str = "
scenario: kv-pressure
seed: 1
duration: 60m
fleet:
  hosts:
    - {name: serve, count: 1, gpu: H100, gpus: 1}
  services:
    - {name: chat, model: llama-3.1-8b, engine: vllm, hosts: serve, replicas: 1, gpus: 1, load: 0.1}
faults:
  - {dial: replica.restarted, value: 1, at: 40m, for: 10m}
  - {dial: replica.kv_need, value: NEED, at: 40m, for: 10m}
";
/// How full that cache would be of what was held before: in the first run.
const NEED: f64 = 0.93;
const FROM: f64 = 2400.0;
const TO: f64 = 3000.0;
/// Seconds from one reading to the next, as in the recordings.
const STEP: u64 = 5;

/// What is compared.
pub(crate) const SIGNALS: &[Signal] = &[
    level("vllm:num_requests_waiting", "requests that wait"),
    level("vllm:kv_cache_usage_perc", "share of the cache that is held"),
    rate("vllm:num_preemptions_total", "preemptions a second"),
    rate("vllm:request_success_total", "answers a second"),
    level("vllm:time_to_first_token_seconds", "seconds to the first token"),
    level("vllm:request_queue_time_seconds", "seconds in the queue"),
    level("vllm:e2e_request_latency_seconds", "seconds of an answer"),
    level("vllm:request_prompt_tokens", "tokens of a prompt"),
    level("vllm:request_generation_tokens", "tokens of an answer"),
];

/// The section of the page, and of how many responses how many have the same direction.
pub(crate) fn section() -> String {
    let all = all();
    let names: Vec<&str> = all.iter().map(|(name, ..)| name.as_str()).collect();
    let mut rows =
        format!("| signal | {} | |\n|---|{}---|\n", names.join(" | "), "---|".repeat(all.len()));
    let mut alike = 0;
    for signal in SIGNALS {
        let responses = all.iter().map(|(_, table, fault)| Response::of(table, signal, fault));
        let responses: Vec<Response> = responses.collect();
        let is_alike = are_alike(&responses);
        alike += usize::from(is_alike);
        let cell =
            |of: &Response| format!("{} → {}, {}", number(of.before), number(of.during), of.word());
        let cells: Vec<String> = responses.iter().map(cell).collect();
        let mark = if is_alike { "" } else { "differs" };
        rows.push_str(&format!("| {} | {} | {mark} |\n", signal.about, cells.join(" | ")));
    }
    format!(
        "\n## A cache that holds too little\n\n\
         Two real servers of vLLM were started anew with three blocks of KV cache, one of them for itself, under a load whose requests held 1.9 and 1.0 blocks on average before\n\
         ([`kv-pressure`](../examples/real-servers/README.md)). The simulated vLLM is as another model on another machine, with as few requests at once, and its cache is left the same part of what was\n\
         held (1 / {NEED} of it). What is held against each other is which way signals go: {alike} of {} alike. Its prompts are thousands of tokens: the longest no longer fit and are refused, so that what is answered is shorter.\n\n{rows}",
        SIGNALS.len()
    )
}

/// Whether the simulated response, the last, has the direction of a real one.
pub(crate) fn are_alike(responses: &[Response]) -> bool {
    let Some((simulated, real)) = responses.split_last() else { return true };
    real.iter().any(|real| real.word() == simulated.word())
}

/// The real runs with their numbers, then the simulated one; what was done in each, and when.
pub(crate) fn all() -> Vec<(String, Table, Fault)> {
    let mut all: Vec<_> = REAL.iter().map(real).collect();
    all.push(simulated());
    all
}

fn fault(from: f64, to: f64) -> Fault {
    Fault { name: "kv-pressure".to_owned(), from, to, drained: to }
}

/// What the series of a name add up to at each time.
type Sums = BTreeMap<String, BTreeMap<u64, f64>>;

fn real((number, packed, from, to): &(&str, &[u8], &str, &str)) -> (String, Table, Fault) {
    let mut text = String::new();
    flate2::read::GzDecoder::new(*packed).read_to_string(&mut text).expect("it can be unpacked");
    let mut lines = text.lines();
    let mut sums = Sums::new();
    let head: Vec<&str> = lines.next().unwrap_or_default().split(',').collect();
    assert_eq!(head[..3], ["time", "__name__", "value"]);
    let mut begin = None;
    for line in lines {
        let cells: Vec<&str> = line.splitn(4, ',').collect();
        let at = time_of_day(cells[0]);
        let begin = *begin.get_or_insert(at);
        let value: f64 = cells[2].parse().expect("a number");
        let sum = sums.entry(cells[1].to_owned()).or_default();
        // Tenths of a second: all of a scrape have one time.
        *sum.entry(((at - begin) * 10.0).round() as u64).or_default() += value;
    }
    let begin = begin.expect("a recording has rows");
    let fault = fault(time_of_day(from) - begin, time_of_day(to) - begin);
    (format!("real {number}"), table(&sums), fault)
}

fn simulated() -> (String, Table, Fault) {
    let scenario = Scenario::read("kv-pressure", &SCENARIO.replace("NEED", &NEED.to_string()))
        .expect("it can be read");
    let mut simulation = Simulation::new(&scenario, scenario.plan().expect("it can be planned"));
    let names = |page: &Page| page.scraped().map(|(name, _)| name).collect();
    let pages: Vec<Vec<String>> = simulation.pages().iter().map(names).collect();
    let (mut sums, mut values) = (Sums::new(), Values::default());
    for second in 1..=TO as u64 {
        simulation.advance();
        if second % STEP != 0 || (second as f64) < FROM - 300.0 {
            continue;
        }
        for (page, names) in pages.iter().enumerate() {
            let Answer::Page(_) = simulation.read(page, &mut values) else { continue };
            for (name, value) in names.iter().zip(values.iter()) {
                if let Some(value) = value.filter(|_| name.starts_with("vllm:")) {
                    *sums.entry(name.clone()).or_default().entry(second * 10).or_default() += value;
                }
            }
        }
    }
    ("simulated".to_owned(), table(&sums), fault(FROM, TO))
}

/// A row for each time, a column for each signal; of a distribution the mean of what came since the row before.
fn table(sums: &Sums) -> Table {
    let columns: Vec<String> = SIGNALS.iter().map(|signal| signal.column.to_owned()).collect();
    let mut table = Table::new(columns);
    let times = sums["vllm:num_requests_waiting"].keys();
    let mut last: BTreeMap<&str, (f64, f64)> = BTreeMap::new();
    for time in times {
        let told = |name: &str| sums.get(name).and_then(|sum| sum.get(time)).copied();
        let mut mean = |column: &'static str| {
            let part = |part: &str| told(&format!("{column}_{part}"));
            let (sum, count) = (part("sum")?, part("count")?);
            let before = last.insert(column, (sum, count));
            let (past_sum, past) = before.filter(|(_, past)| *past <= count).unwrap_or_default();
            (before.is_some() && count > past).then(|| (sum - past_sum) / (count - past))
        };
        let row = SIGNALS
            .iter()
            .map(|signal| told(signal.column).or_else(|| mean(signal.column)).unwrap_or(f64::NAN));
        table.push(*time as f64 / 10.0, row.collect());
    }
    table
}
