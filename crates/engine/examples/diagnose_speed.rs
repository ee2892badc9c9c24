//! What the diagnosis of one incident costs, by how many series there are, on one core.
//!
//! `cargo run --release -p auscult-engine --example diagnose_speed -- [HOSTS…]`: a fleet of so many hosts of eight GPUs, each
//! with a replica that serves on all of them, is recorded every 15 seconds, and a card gets too hot. Everything from 45 minutes
//! before to 15 after is diagnosed, wherever the cause may be. Without arguments 1, 12 and 122 hosts: a thousand series, ten
//! thousand, a hundred thousand. Times are seconds of a core (those that passed, where the system does not tell them): first of
//! the whole as the service does it ([`Case`]), then of its steps one by one.

use std::time::Instant;

use auscult_core::{Labels, METRIC_NAME, Timestamp};
use auscult_diagnose::diagnosis::{Doctor, Experience, Report, Weights};
use auscult_diagnose::evidence::Window;
use auscult_diagnose::features::features;
use auscult_diagnose::laws::Laws;
use auscult_diagnose::scene::SceneBuilder;
use auscult_engine::Case;
use auscult_knowledge::Knowledge;
use auscult_simulate::page::{Answer, Values};
use auscult_simulate::scenario::Scenario;
use auscult_simulate::simulation::Simulation;

/// Seconds from one sample to the next.
const STEP: u64 = 15;
/// Seconds after the first sample at which the card gets too hot.
const BEGINS: u64 = 2700;
/// Seconds after the first sample at which it is looked at.
const ENDS: u64 = 3600;
/// Seconds before the first sample: caches and temperatures settle.
const SETTLES: u64 = 600;

fn main() -> Result<(), String> {
    let parse = |text: String| text.parse().map_err(|_| format!("`{text}`: expected hosts"));
    let mut hosts: Vec<usize> = std::env::args().skip(1).map(parse).collect::<Result<_, _>>()?;
    if hosts.is_empty() {
        hosts = vec![1, 12, 122];
    }
    println!(
        "{:>6} {:>8} {:>8} {:>8} | {:>8} {:>8} {:>8} | {:>8} {:>8} {:>8} {:>8} {:>8} {:>8} | answer",
        "hosts",
        "series",
        "known",
        "samples",
        "take",
        "diagnose",
        "peak MB",
        "declare",
        "scene",
        "laws",
        "weigh",
        "report",
        "words"
    );
    hosts
        .into_iter()
        .try_for_each(|hosts| Recording::of(hosts).map(|recording| recording.tell(hosts)))
}

/// The samples of a fleet.
struct Recording {
    /// Seconds since 1970 of the samples.
    times: Vec<Timestamp>,
    began: Timestamp,
    series: Vec<(Labels, Vec<f64>)>,
}

impl Recording {
    fn of(hosts: usize) -> Result<Self, String> {
        let text = format!(
            "scenario: speed\nabout: A card gets too hot.\nseed: 7\nduration: 2h\nfleet:\n  hosts:\n    \
             - {{name: serve, count: {hosts}, gpu: H100}}\n  services:\n    - {{name: chat, model: llama-3.3-70b, \
             engine: vllm, hosts: serve, replicas: {hosts}, gpus: 8, load: 0.6, traffic: chat}}\nfaults:\n  \
             - {{fault: G1, at: {}s, for: 20m, severity: 0.8, onset: sudden, place: serve-0/1, variant: one card}}\n",
            SETTLES + BEGINS
        );
        let scenario = Scenario::read("speed", &text).map_err(|problems| {
            problems.iter().map(|problem| problem.with_source()).collect::<String>()
        })?;
        let plan = scenario.plan().map_err(|mistakes| format!("{mistakes:?}"))?;
        let mut simulation = Simulation::new(&scenario, plan);
        let mut series: Vec<(Labels, Vec<f64>)> = Vec::new();
        let mut firsts = Vec::new();
        for page in simulation.pages() {
            firsts.push(series.len());
            for (name, mut labels) in page.scraped() {
                labels.push((METRIC_NAME, &name));
                let labels = Labels::from_pairs(labels).map_err(|error| error.to_string())?;
                series.push((labels, Vec::with_capacity((ENDS / STEP) as usize)));
            }
        }
        let mut values = Values::default();
        let mut times = Vec::new();
        for second in 1..=SETTLES + ENDS {
            simulation.advance();
            if second <= SETTLES || second % STEP != 0 {
                continue;
            }
            times.push(Timestamp::from_seconds(simulation.time() as i64));
            for (page, first) in firsts.iter().enumerate() {
                let answer = simulation.read(page, &mut values);
                let up = matches!(answer, Answer::Page(seconds) if seconds < 10.0);
                let own = simulation.pages()[page].scraped().count() - 1;
                let page = &mut series[*first..=*first + own];
                for ((_, samples), value) in page.iter_mut().zip(values.iter()) {
                    samples.push(value.filter(|_| up).unwrap_or(f64::NAN));
                }
                page[own].1.push(f64::from(u8::from(up)));
            }
        }
        let began = Timestamp::from_seconds((scenario.start + SETTLES + BEGINS) as i64);
        Ok(Self { times, began, series })
    }

    /// What is read of a series.
    fn samples<'s>(&'s self, values: &'s [f64]) -> impl Iterator<Item = (Timestamp, f64)> + 's {
        let samples = self.times.iter().copied().zip(values.iter().copied());
        samples.filter(|(_, value)| !value.is_nan())
    }

    fn tell(&self, hosts: usize) {
        let until = *self.times.last().expect("the fleet was recorded");
        let samples: usize =
            self.series.iter().map(|(_, values)| self.samples(values).count()).sum();
        let before = memory("VmRSS");
        forget_peak();
        let clock = Clock::start();
        let mut case = Case::new(self.began, until);
        for (labels, values) in &self.series {
            case.series(labels, self.samples(values));
        }
        let take = clock.seconds();
        let clock = Clock::start();
        let (report, _) = case.study();
        let diagnose = clock.seconds();
        let peak = memory("VmHWM").saturating_sub(before) / 1000;
        let (known, [declare, scene, laws, weigh, tell, words]) = self.steps(until);
        println!(
            "{hosts:>6} {:>8} {known:>8} {samples:>8} | {take:>8.3} {diagnose:>8.3} {peak:>8} | {declare:>8.3} {scene:>8.3} \
             {laws:>8.3} {weigh:>8.3} {tell:>8.3} {words:>8.3} | {}",
            self.series.len(),
            report.sentence
        );
    }

    /// How many series tell something, and the seconds of each step.
    fn steps(&self, until: Timestamp) -> (usize, [f64; 6]) {
        let knowledge = Knowledge::embedded();
        let experience = Experience::embedded();
        let doctor = Doctor::new(&knowledge, &experience, Weights::default());
        let start = self.began.seconds() - 2700.0;
        let length = ((until.seconds() - start) / STEP as f64).ceil() as usize + 1;
        let mut known = 0;
        let mut clock = Clock::start();
        let mut lap = || {
            let passed = clock.seconds();
            clock = Clock::start();
            passed
        };
        let mut builder = SceneBuilder::new(&knowledge, start, STEP as f64, length);
        for (labels, values) in &self.series {
            let Some(number) = builder.series(labels) else { continue };
            known += 1;
            for (time, value) in self.samples(values) {
                builder.sample(number, time.seconds(), value);
            }
        }
        let declare = lap();
        let scene = builder.build();
        let built = lap();
        let onset = scene.index(self.began.seconds());
        let window = Window { from: 0, onset, end: scene.index(until.seconds()) + 1 };
        let checked = Laws::check(&scene, &knowledge, window);
        let laws = lap();
        let diagnosis = doctor.diagnose(&scene, window);
        // The laws are checked once more there.
        let weigh = lap() - laws;
        assert_eq!(diagnosis.laws, checked, "the same scene obeys the same laws");
        lap();
        let report = Report::new(&knowledge, &doctor, &scene, window, &diagnosis);
        let told = lap();
        let columns = features(&knowledge, &scene, window);
        let words = lap();
        assert!(!report.causes.is_empty() && !columns.is_empty(), "a fault shows");
        (known, [declare, built, laws, weigh, told, words])
    }
}

/// Seconds since a moment.
struct Clock(Instant, Option<u64>);

impl Clock {
    fn start() -> Self {
        Self(Instant::now(), on_core())
    }

    /// Those that this thread had a core for, where the system tells them: others may be at work beside it.
    fn seconds(&self) -> f64 {
        let on_core = self.1.zip(on_core()).map(|(then, now)| (now - then) as f64 / 1e9);
        on_core.unwrap_or_else(|| self.0.elapsed().as_secs_f64())
    }
}

/// Nanoseconds for which this thread had a core.
fn on_core() -> Option<u64> {
    let told = std::fs::read_to_string("/proc/thread-self/schedstat").ok()?;
    told.split_whitespace().next()?.parse().ok()
}

/// Kilobytes of memory of this process, where the system tells them.
fn memory(what: &str) -> u64 {
    let status = std::fs::read_to_string("/proc/self/status").unwrap_or_default();
    let line = status.lines().find_map(|line| line.strip_prefix(what)?.strip_prefix(':'));
    line.and_then(|line| line.trim().strip_suffix(" kB")?.parse().ok()).unwrap_or(0)
}

/// From here on the most memory is counted anew.
fn forget_peak() {
    // Where the system cannot do it, the peak of the simulation counts, too.
    let _ = std::fs::write("/proc/self/clear_refs", "5");
}
