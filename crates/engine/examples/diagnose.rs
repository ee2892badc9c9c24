//! How well simulated faults are diagnosed.
//!
//! `cargo run --release -p auscult-engine --example diagnose -- [OPTION…] FAULT…` plays scenarios of
//! each fault (`all`, `G1`, `T1+G1`, `healthy`) and says how often the true cause came first.
//!
//! `--numbers A-B` which scenarios (default 101-103); `--learn FILE` adds what they showed to the
//! past incidents in FILE; `--experience FILE` diagnoses with those; `--show` prints each answer;
//! `--signals` what moved.

use std::collections::BTreeMap;
use std::fmt::Write as _;
use std::path::PathBuf;
use std::sync::Mutex;
use std::sync::atomic::{AtomicUsize, Ordering};

use auscult_core::{Labels, METRIC_NAME};
use auscult_diagnose::diagnosis::{Diagnosis, Doctor, Experience, Weights};
use auscult_diagnose::evidence::{Judge, Window};
use auscult_diagnose::scene::{Event, LogLine, Scene, SceneBuilder, SeriesNumber};
use auscult_knowledge::{Knowledge, Subject};
use auscult_simulate::fault::{LOOKALIKES, faults};
use auscult_simulate::page::{Answer, Page, Values};
use auscult_simulate::random::Random;
use auscult_simulate::scenario::{Plan, Scenario, scenario_text};
use auscult_simulate::simulation::Simulation;

/// Seconds from one sample to the next.
const STEP: u64 = 15;
/// Seconds at the beginning of a scenario that are left out: caches and temperatures settle.
const SETTLES: f64 = 600.0;

/// What a scenario was about, and what came of it.
struct Case {
    fault: String,
    places: Vec<String>,
    scene: Scene,
    window: Window,
}

fn main() -> Result<(), String> {
    let mut numbers = 101..=103;
    let mut wanted = Vec::new();
    let (mut learn, mut known) = (None, None);
    let (mut show, mut signals) = (false, false);
    let mut arguments = std::env::args().skip(1);
    while let Some(argument) = arguments.next() {
        let mut value = || arguments.next().ok_or(format!("{argument} needs a value"));
        match argument.as_str() {
            "--numbers" => {
                let text = value()?;
                let (from, to) = text.split_once('-').ok_or("expected A-B")?;
                let parse = |text: &str| text.parse::<usize>().map_err(|error| error.to_string());
                numbers = parse(from)?..=parse(to)?;
            }
            "--learn" => learn = Some(PathBuf::from(value()?)),
            "--experience" => known = Some(PathBuf::from(value()?)),
            "--show" => show = true,
            "--signals" => signals = true,
            "all" => wanted.extend(faults().chain(LOOKALIKES).map(|fault| fault.id.to_owned())),
            _ => wanted.push(argument),
        }
    }
    let knowledge = Knowledge::embedded();
    let read = |path: &PathBuf| -> Experience {
        let text = std::fs::read_to_string(path).ok();
        text.and_then(|text| serde_json::from_str(&text).ok()).unwrap_or_default()
    };
    let experience = known.as_ref().map(read).unwrap_or_default();
    let doctor = Doctor::new(&knowledge, &experience, Weights::default());
    let learnt = Mutex::new(learn.as_ref().map(read).unwrap_or_default());
    let jobs: Vec<(String, usize)> = wanted
        .iter()
        .flat_map(|fault| numbers.clone().map(move |number| (fault.clone(), number)))
        .collect();
    let next = AtomicUsize::new(0);
    let results: Mutex<BTreeMap<usize, Outcome>> = Mutex::default();
    let work = || {
        loop {
            let place = next.fetch_add(1, Ordering::Relaxed);
            let Some((fault, number)) = jobs.get(place) else { break };
            let case = play(&knowledge, fault, *number);
            let diagnosis = doctor.diagnose(&case.scene, case.window);
            let mut text = String::new();
            if show {
                print(&mut text, fault, *number, &case, &diagnosis);
            }
            if signals {
                print_signals(&mut text, &knowledge, &case);
            }
            if learn.is_some() {
                remember(&doctor, &knowledge, &case, &mut learnt.lock().expect("no panic"));
            }
            let outcome = Outcome::of(&case, &diagnosis, text);
            results.lock().expect("no thread panicked").insert(place, outcome);
        }
    };
    std::thread::scope(|scope| {
        let threads = std::thread::available_parallelism().map_or(1, usize::from);
        (0..threads).for_each(|_| drop(scope.spawn(work)));
    });
    let results = results.into_inner().expect("no thread panicked");
    let learnt = learnt.into_inner().expect("no thread panicked");
    let mut tables: BTreeMap<&str, Score> = BTreeMap::new();
    let mut confusions: BTreeMap<(String, String), usize> = BTreeMap::new();
    let mut bins = [(0.0, 0.0, 0_usize); 10];
    for (place, outcome) in &results {
        let (fault, _) = &jobs[*place];
        print!("{}", outcome.text);
        let table = tables.entry(fault).or_default();
        table.cases += 1;
        table.first += usize::from(outcome.right);
        table.third += usize::from(outcome.among_three);
        table.there += usize::from(outcome.there);
        if !outcome.right {
            *confusions.entry((fault.clone(), outcome.first.clone())).or_default() += 1;
        }
        let bin = &mut bins[((outcome.said * 10.0) as usize).min(9)];
        *bin = (bin.0 + outcome.said, bin.1 + f64::from(u8::from(outcome.right)), bin.2 + 1);
    }
    let (mut sum, mut least) = (Score::default(), Vec::new());
    for (fault, score) in &tables {
        if score.first < score.cases {
            let others = confusions.iter().filter(|((truth, _), _)| truth == fault);
            let others: Vec<String> =
                others.map(|((_, other), count)| format!("{other}×{count}")).collect();
            least.push(format!("{fault:6} {score} instead {}", others.join(" ")));
        }
        sum.add(score);
    }
    least.iter().for_each(|line| println!("{line}"));
    println!("all    {sum}");
    let total: usize = bins.iter().map(|bin| bin.2).sum();
    let error: f64 = bins.iter().map(|bin| (bin.0 - bin.1).abs() / total.max(1) as f64).sum();
    println!("calibration error {error:.3}");
    for (place, (said, right, count)) in bins.iter().enumerate().filter(|(_, bin)| bin.2 > 0) {
        let count = *count as f64;
        println!(
            "  {:.1}: said {:.2}, right {:.2}, {count}",
            place as f64 / 10.0,
            said / count,
            right / count
        );
    }
    if let Some(path) = learn {
        let text = serde_json::to_string(&learnt).map_err(|error| error.to_string())?;
        std::fs::write(path, text).map_err(|error| error.to_string())?;
    }
    Ok(())
}

/// What came of a case.
struct Outcome {
    first: String,
    said: f64,
    right: bool,
    among_three: bool,
    there: bool,
    text: String,
}

impl Outcome {
    fn of(case: &Case, diagnosis: &Diagnosis, text: String) -> Self {
        let (first, said) = best(diagnosis);
        // What only looks like a fault may be called healthy as well.
        let benign = case.fault.starts_with('L') || case.fault == "healthy";
        let is_true = |fault: &str| {
            case.fault.split('+').any(|truth| truth == fault)
                || benign && (fault.starts_with('L') || fault == "healthy")
        };
        let rank = diagnosis.causes.iter().position(|cause| is_true(&cause.fault));
        let right = is_true(&first);
        let there = rank
            .map(|rank| &diagnosis.causes[rank])
            .is_some_and(|cause| case.places.contains(&placed(&cause.kind, &cause.place)));
        let among_three = right || rank.is_some_and(|rank| rank < 3);
        Self { first, said, right, among_three, there, text }
    }
}

#[derive(Default)]
struct Score {
    cases: usize,
    first: usize,
    third: usize,
    there: usize,
}

impl Score {
    fn add(&mut self, other: &Self) {
        self.cases += other.cases;
        self.first += other.first;
        self.third += other.third;
        self.there += other.there;
    }
}

impl std::fmt::Display for Score {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let share = |count: usize| count as f64 / self.cases.max(1) as f64;
        write!(
            formatter,
            "of {:4}: first {:.3}, among three {:.3}, place {:.3}",
            self.cases,
            share(self.first),
            share(self.third),
            share(self.there)
        )
    }
}

/// What comes first, health and the unknown among it.
fn best(diagnosis: &Diagnosis) -> (String, f64) {
    let others = [("healthy", diagnosis.healthy), ("unknown", diagnosis.unknown)];
    let others = others.map(|(name, probability)| (name.to_owned(), probability));
    let causes = diagnosis.causes.iter().map(|cause| (cause.fault.clone(), cause.probability));
    let all = causes.chain(others);
    all.max_by(|one, other| one.1.total_cmp(&other.1)).expect("there is something")
}

/// A target as scenarios call it.
fn placed(kind: &str, name: &str) -> String {
    match kind {
        "replica" => {
            let name = name.rsplit_once(':').map_or(name, |(name, _)| name);
            name.rsplit_once('-')
                .map_or(name.to_owned(), |(service, number)| format!("{service}/{number}"))
        }
        "port" => {
            let mut parts = name.split('/');
            let host = parts.next().unwrap_or_default();
            let device = parts.next().unwrap_or_default();
            let number = device.trim_start_matches(|letter: char| !letter.is_ascii_digit());
            let number = number.rsplit_once('_').map_or(number, |(_, number)| number);
            format!("{host}/port-{number}")
        }
        "storage" => "storage".to_owned(),
        _ => name.to_owned(),
    }
}

fn play(knowledge: &Knowledge, fault: &str, number: usize) -> Case {
    let name = format!("{fault}/{number}");
    let text = scenario_text(&name).unwrap_or_else(|| panic!("no scenario {name}"));
    let scenario = Scenario::read(&name, &text).unwrap_or_else(|_| panic!("{name} cannot be read"));
    let plan = scenario.plan().unwrap_or_else(|_| panic!("{name} cannot be planned"));
    let mut simulation = Simulation::new(&scenario, plan);
    let start = scenario.start as f64;
    let plan = simulation.plan().clone();
    let (begins, ends) = plan.faults.iter().fold((f64::INFINITY, 0.0_f64), |(from, to), fault| {
        (from.min(fault.course.start), to.max(fault.course.end))
    });
    let healthy = plan.faults.is_empty();
    let (begins, ends) = if healthy { (3000.0, 4200.0) } else { (begins, ends) };
    let seconds = scenario.duration.as_secs().min(ends as u64 + STEP);
    let length = (seconds / STEP) as usize + 1;
    let mut builder = SceneBuilder::new(knowledge, start, STEP as f64, length);
    let pages: Vec<Vec<Option<SeriesNumber>>> =
        simulation.pages().iter().map(|page| declare(&mut builder, page)).collect();
    let mut values = Values::default();
    let mut lines = Vec::new();
    for second in 1..=seconds {
        simulation.advance();
        simulation.take_log_lines(&mut lines);
        if second % STEP != 0 {
            continue;
        }
        let time = simulation.time() as f64;
        for (page, series) in pages.iter().enumerate() {
            let answer = simulation.read(page, &mut values);
            let up = matches!(answer, Answer::Page(seconds) if seconds < 10.0);
            let (own, others) = series.split_last().expect("`up`");
            if up {
                for (number, value) in others.iter().zip(values.iter()) {
                    if let (Some(number), Some(value)) = (number, value) {
                        builder.sample(*number, time, value);
                    }
                }
            }
            if let Some(own) = own {
                builder.sample(*own, time, f64::from(u8::from(up)));
            }
        }
    }
    builder.expect_events();
    for fault in &plan.faults {
        if let Some(kind) = fault.change {
            for place in &fault.places {
                let target = plan.name(*place);
                builder.event(Event {
                    time: start + fault.course.start,
                    kind: kind.word().to_owned(),
                    target,
                });
            }
        }
    }
    for line in lines.into_iter().filter(|line| !line.is_step) {
        let source = simulation.logs()[line.log].of.clone();
        builder.log(LogLine { time: start + line.seconds, source, text: line.text });
    }
    let scene = builder.build();
    // Nobody knows exactly when something began.
    let mut random = Random::member(number as u64, fault, 7);
    let began = begins + 60.0 * (random.uniform() * 2.0 - 1.0);
    let onset = scene.index(start + began);
    let from = scene.index(start + SETTLES);
    let window = Window { from, onset, end: scene.index(start + ends) };
    let places = places(&plan);
    Case {
        fault: if healthy { "healthy".to_owned() } else { fault.to_owned() },
        places,
        scene,
        window,
    }
}

fn places(plan: &Plan) -> Vec<String> {
    let places = plan.faults.iter().flat_map(|fault| fault.places.iter());
    places.map(|place| plan.name(*place)).collect()
}

/// Declares the series of a page, and `up` last.
fn declare(builder: &mut SceneBuilder<'_>, page: &Page) -> Vec<Option<SeriesNumber>> {
    let series = page.scraped().map(|(name, mut labels)| {
        labels.push((METRIC_NAME, &name));
        let labels = Labels::from_pairs(labels).expect("pages carry each label once");
        builder.series(&labels)
    });
    series.collect()
}

/// Adds what a case showed to past incidents.
fn remember(doctor: &Doctor<'_>, knowledge: &Knowledge, case: &Case, learnt: &mut Experience) {
    let mut judge = Judge::new(&case.scene, knowledge, case.window);
    let mut kinds: BTreeMap<(&str, bool), usize> = BTreeMap::new();
    let is_ill = |kind: &str, name: &str| case.places.contains(&placed(kind, name));
    for target in case.scene.targets() {
        *kinds.entry((&target.kind, is_ill(&target.kind, &target.name))).or_default() += 1;
    }
    for (number, target) in case.scene.targets().iter().enumerate() {
        let is_ill = is_ill(&target.kind, &target.name);
        let weight = 1.0 / kinds[&(target.kind.as_str(), is_ill)] as f64;
        for statement in doctor.vocabulary(&target.kind) {
            let Some(holds) = judge.judge(statement, number).holds else { continue };
            if is_ill {
                learnt.learn_fault(&case.fault, &statement.text, holds, weight);
            } else if case.fault == "healthy" {
                learnt.learn_health(&target.kind, &statement.text, holds, weight);
            }
        }
    }
}

fn print(text: &mut String, fault: &str, number: usize, case: &Case, diagnosis: &Diagnosis) {
    let _ = writeln!(
        text,
        "{fault}/{number} at {}: healthy {:.3}, unknown {:.3}",
        case.places.join(" "),
        diagnosis.healthy,
        diagnosis.unknown
    );
    for cause in diagnosis.causes.iter().take(3) {
        let _ = writeln!(
            text,
            "  {:.3} {} {} at {} ({:.2})",
            cause.probability, cause.fault, cause.name, cause.place, cause.here
        );
    }
    let truth = diagnosis.causes.iter().find(|cause| cause.fault == case.fault);
    for cause in diagnosis.causes.first().into_iter().chain(truth) {
        let _ = writeln!(text, "  {}:", cause.fault);
        for evidence in cause.evidence.iter().take(14) {
            let _ = writeln!(
                text,
                "    {:+.2} {} {:?} {}",
                evidence.weight, evidence.statement, evidence.finding.holds, evidence.finding.seen
            );
        }
    }
}

/// Prints what moved, target by target.
fn print_signals(text: &mut String, knowledge: &Knowledge, case: &Case) {
    let _ = writeln!(text, "== {} at {}", case.fault, case.places.join(" "));
    let mut judge = Judge::new(&case.scene, knowledge, case.window);
    for (number, target) in case.scene.targets().iter().enumerate() {
        let mut names: Vec<(String, Option<(String, String)>)> = Vec::new();
        for track in &target.tracks {
            let mut add = |label| {
                let name = (track.signal.clone(), label);
                if !names.contains(&name) {
                    names.push(name);
                }
            };
            add(None);
            for (label, value) in track.labels.iter() {
                if matches!(
                    label,
                    "finished_reason"
                        | "reason"
                        | "outcome"
                        | "served"
                        | "class"
                        | "error_type"
                        | "mode"
                        | "device"
                        | "mountpoint"
                        | "kind"
                        | "category"
                        | "worker"
                ) {
                    add(Some((label.to_owned(), value.to_owned())));
                }
            }
        }
        for (name, label) in names {
            let subject = Subject::Signal { name: name.clone(), label: label.clone(), per: None };
            let Some(numbers) = judge.numbers(number, &subject) else { continue };
            let (rise, fall) = (numbers.rise(), numbers.fall());
            let gone = numbers.there_before > 0.5 && numbers.there_at_end < 0.2;
            if rise.max(fall) >= 2.5 || gone {
                let label =
                    label.map(|(name, value)| format!("{{{name}={value}}}")).unwrap_or_default();
                let _ = writeln!(
                    text,
                    "  {} {} {name}{label}: {:.4} → {:.4} (end {:.4}) rise {rise:.1} fall {fall:.1} there {:.2}",
                    target.kind,
                    target.name,
                    numbers.before[2],
                    numbers.after[2],
                    numbers.tail,
                    numbers.there_at_end
                );
            }
        }
    }
}
