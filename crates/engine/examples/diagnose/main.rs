//! How well simulated faults are diagnosed.
//!
//! `cargo run --release -p auscult-engine --example diagnose -- [OPTION…] FAULT…` plays scenarios of
//! each fault (`all`, `lookalikes`, `G1`, `T1+G1`, `pairs`, `held-out-pairs`, `healthy`) and says how often the true cause came first.
//!
//! | option | |
//! |---|---|
//! | `--numbers A-B` | which scenarios (default 101-103) |
//! | `--learn FILE` | adds what they showed to the past incidents in FILE; diagnoses with those before |
//! | `--experience FILE` | diagnoses with the past incidents in FILE |
//! | `--without SHARE` | leaves out this share of the signals, drawn for each scenario |
//! | `--onset estimated` | tells only 20 minutes in which it began; otherwise the onset to a minute |
//! | `--fleet rich` | in fleets that have more than the fault needs |
//! | `--fleet small` | in fleets of one host with one replica or two; without faults that take more |
//! | `--look early` | 45 to 240 seconds after it began; when the fault ends otherwise |
//! | `--exporters some` | where half of the kinds of exporters are missing, drawn for each scenario |
//! | `--changes untold` | where nobody tells of changes |
//! | `--handbook incomplete` | where the handbook has not heard of the true cause |
//! | `--witness MODEL` | also hears the tree or forest in this file, which `auscult learn` made of a fault log |
//! | `--show` | prints each answer with its evidence |
//! | `--signals` | prints what moved |
//! | `--laws` | prints which laws are broken, and which exclude the true cause |
//! | `--findings FILE` | writes every statement's verdict at every target |
//! | `--fit FILE,…` | fits the weights of evidence in `--learn FILE` to findings that were written before |
//! | `--check FILE,…` | says what comes first of findings that were written before |
//!
//! Same numbers and experience give the same output, and the same bytes in FILE.

mod case;
mod findings;
mod fit;
mod learn;
mod outcome;
mod show;

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::sync::Mutex;
use std::sync::atomic::{AtomicUsize, Ordering};

use auscult_diagnose::diagnosis::{Doctor, Experience, Fitting, Weights, Witness};
use auscult_diagnose::features::features;
use auscult_knowledge::Knowledge;
use auscult_simulate::fault::{LOOKALIKES, faults};

use case::{Course, Fleet, play};
use outcome::Outcome;

/// What is asked for.
#[derive(Default)]
struct Options {
    numbers: Vec<usize>,
    faults: Vec<String>,
    learn: Option<PathBuf>,
    experience: Option<PathBuf>,
    findings: Option<PathBuf>,
    fit: Vec<PathBuf>,
    check: Vec<PathBuf>,
    course: Course,
    /// Whether the handbook has not heard of the true cause.
    incomplete: bool,
    witness: Option<PathBuf>,
    show: bool,
    signals: bool,
    laws: bool,
}

impl Options {
    fn read(mut arguments: impl Iterator<Item = String>) -> Result<Self, String> {
        let mut options = Self { numbers: (101..=103).collect(), ..Self::default() };
        while let Some(argument) = arguments.next() {
            let mut value = || arguments.next().ok_or(format!("{argument} needs a value"));
            match argument.as_str() {
                "--numbers" => options.numbers = numbers(&value()?)?,
                "--learn" => options.learn = Some(PathBuf::from(value()?)),
                "--experience" => options.experience = Some(PathBuf::from(value()?)),
                "--findings" => options.findings = Some(PathBuf::from(value()?)),
                "--fit" => options.fit = value()?.split(',').map(PathBuf::from).collect(),
                "--check" => options.check = value()?.split(',').map(PathBuf::from).collect(),
                "--without" => {
                    let text = value()?;
                    let share = text.parse().ok().filter(|share| (0.0..1.0).contains(share));
                    let refuse = || format!("--without {text}: expected a share from 0 to below 1");
                    options.course.without = share.ok_or_else(refuse)?;
                }
                "--onset" => options.course.estimated = chosen("--onset", &value()?, "estimated")?,
                "--fleet" => options.course.fleet = Fleet::named(&value()?)?,
                "--look" => options.course.early = chosen("--look", &value()?, "early")?,
                "--exporters" => options.course.sparse = chosen("--exporters", &value()?, "some")?,
                "--changes" => options.course.untold = chosen("--changes", &value()?, "untold")?,
                "--handbook" => options.incomplete = chosen("--handbook", &value()?, "incomplete")?,
                "--witness" => options.witness = Some(PathBuf::from(value()?)),
                "--show" => options.show = true,
                "--signals" => options.signals = true,
                "--laws" => options.laws = true,
                "all" => {
                    let all = faults().chain(LOOKALIKES);
                    options.faults.extend(all.map(|fault| fault.id.to_owned()));
                }
                "lookalikes" => {
                    options.faults.extend(LOOKALIKES.iter().map(|fault| fault.id.to_owned()))
                }
                "pairs" => options.faults.extend(pairs(false)),
                "held-out-pairs" => options.faults.extend(pairs(true)),
                unknown if unknown.starts_with("--") => {
                    return Err(format!(
                        "{unknown} is no option; the head of this file lists them"
                    ));
                }
                _ => options.faults.push(argument),
            }
        }
        Ok(options)
    }
}

fn numbers(text: &str) -> Result<Vec<usize>, String> {
    let refuse = || format!("--numbers {text}: expected A-B");
    let (from, to) = text.split_once('-').ok_or_else(refuse)?;
    let parse = |text: &str| text.parse::<usize>().map_err(|_| refuse());
    Ok((parse(from)?..=parse(to)?).collect())
}

fn chosen(option: &str, value: &str, known: &str) -> Result<bool, String> {
    if value == known { Ok(true) } else { Err(format!("{option} {value}: expected `{known}`")) }
}

/// One pair of faults in so many is never learnt from.
const HELD_OUT: usize = 64;

/// Every two faults at once: those that are held out, or the others.
fn pairs(held_out: bool) -> impl Iterator<Item = String> {
    let each = faults().enumerate().flat_map(|(place, one)| {
        faults().skip(place + 1).map(move |other| format!("{}+{}", one.id, other.id))
    });
    let each =
        each.enumerate().filter(move |(number, _)| number.is_multiple_of(HELD_OUT) == held_out);
    each.map(|(_, pair)| pair)
}

/// What a case yields.
struct Looked {
    outcome: Outcome,
    text: String,
    found: Option<Vec<learn::Found>>,
    verdicts: Option<String>,
}

fn main() -> Result<(), String> {
    let options = Options::read(std::env::args().skip(1))?;
    let knowledge = Knowledge::embedded();
    let known = options.experience.as_ref().or(options.learn.as_ref());
    let experience = known.map(read).transpose()?.unwrap_or_default();
    let doctor = Doctor::new(&knowledge, &experience, Weights::default());
    if !options.fit.is_empty() {
        return fit(&options, &knowledge, &doctor);
    }
    if !options.check.is_empty() {
        return fit::check(&options.check, &knowledge, &experience, &doctor);
    }
    let witness = options.witness.as_ref();
    let witness = witness.map(|path| Witness::from_file(&knowledge, path)).transpose()?;
    let jobs: Vec<(&str, usize)> = options
        .faults
        .iter()
        .flat_map(|fault| options.numbers.iter().map(move |number| (fault.as_str(), *number)))
        .filter(|(fault, number)| options.course.fleet.can_have(fault, *number))
        .collect();
    let left_out = options.faults.len() * options.numbers.len() - jobs.len();
    if left_out > 0 {
        println!("left out: {left_out}, as no such fleet can have them");
    }
    let next = AtomicUsize::new(0);
    let results: Mutex<BTreeMap<usize, Looked>> = Mutex::default();
    let work = || {
        loop {
            let place = next.fetch_add(1, Ordering::Relaxed);
            let Some((fault, number)) = jobs.get(place) else { break };
            let result = if options.incomplete {
                let mut lacks = knowledge.clone();
                for fault in fault.split('+') {
                    lacks.forget_fault(fault);
                }
                let doctor = Doctor::new(&lacks, &experience, Weights::default());
                look_at(&options, &lacks, (&doctor, witness.as_ref()), fault, *number)
            } else {
                look_at(&options, &knowledge, (&doctor, witness.as_ref()), fault, *number)
            };
            results.lock().expect("no thread panicked").insert(place, result);
        }
    };
    std::thread::scope(|scope| {
        let threads = std::thread::available_parallelism().map_or(1, usize::from);
        (0..threads).for_each(|_| drop(scope.spawn(work)));
    });
    let results: Vec<Looked> =
        results.into_inner().expect("no thread panicked").into_values().collect();
    results.iter().for_each(|result| print!("{}", result.text));
    if let Some(path) = &options.findings {
        let lines = results.iter().filter_map(|result| result.verdicts.as_deref());
        let text: String =
            [&*findings::head(&knowledge, &doctor)].into_iter().chain(lines).collect();
        std::fs::write(path, text).map_err(|error| format!("{}: {error}", path.display()))?;
    }
    if let Some(path) = &options.learn {
        // In the order of the cases, whichever thread was first: sums depend on it.
        let mut learnt = read(path)?;
        for ((fault, _), result) in jobs.iter().zip(&results) {
            learn::remember(
                &doctor,
                fault,
                result.found.as_deref().unwrap_or_default(),
                &mut learnt,
            );
        }
        write(path, &learnt)?;
    }
    let outcomes: Vec<Outcome> = results.into_iter().map(|result| result.outcome).collect();
    if options.incomplete {
        outcome::report_strange(&outcomes);
    } else {
        outcome::report(&outcomes);
    }
    Ok(())
}

/// Past incidents; none where there is no such file.
fn read(path: &PathBuf) -> Result<Experience, String> {
    match std::fs::read_to_string(path) {
        Ok(text) => {
            serde_json::from_str(&text).map_err(|error| format!("{}: {error}", path.display()))
        }
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => Ok(Experience::default()),
        Err(error) => Err(format!("{}: {error}", path.display())),
    }
}

fn write(path: &Path, experience: &Experience) -> Result<(), String> {
    let mut text = serde_json::to_string(experience).map_err(|error| error.to_string())?;
    text.push('\n');
    std::fs::write(path, text).map_err(|error| format!("{}: {error}", path.display()))
}

/// Fits the weights of past incidents to findings.
fn fit(options: &Options, knowledge: &Knowledge, doctor: &Doctor<'_>) -> Result<(), String> {
    let path =
        options.learn.as_ref().ok_or("--fit needs --learn FILE, which it is written into")?;
    let mut lessons = Vec::new();
    for findings in &options.fit {
        lessons.extend(fit::lessons(findings, doctor)?);
    }
    println!("{} incidents", lessons.len());
    let mut experience = read(path)?;
    experience.fit(knowledge, Weights::default(), &lessons, Fitting::default());
    write(path, &experience)
}

fn look_at(
    options: &Options,
    knowledge: &Knowledge,
    (doctor, witness): (&Doctor<'_>, Option<&Witness>),
    fault: &str,
    number: usize,
) -> Looked {
    let case = play(knowledge, fault, number, options.course);
    let columns = || features(knowledge, &case.scene, case.window);
    let heard = witness.map(|witness| doctor.hearing(witness, &columns()));
    let doctor = heard.as_ref().unwrap_or(doctor);
    let diagnosis = doctor.diagnose(&case.scene, case.window);
    let mut text = String::new();
    if options.show {
        show::print(&mut text, fault, number, &case, &diagnosis);
    }
    if options.signals {
        show::print_signals(&mut text, knowledge, &case);
    }
    if options.laws {
        show::print_laws(&mut text, knowledge, number, &case, &diagnosis.laws);
    }
    let together = if fault.contains('+') {
        doctor.together(&case.scene, case.window, &diagnosis, 3)
    } else {
        Vec::new()
    };
    let second = doctor.second(&case.scene, case.window, &diagnosis);
    Looked {
        outcome: Outcome::of(&case, &diagnosis, &together, second.as_ref()),
        text,
        found: options.learn.is_some().then(|| learn::found(doctor, knowledge, &case)),
        verdicts: options
            .findings
            .is_some()
            .then(|| findings::lines(doctor, &case, number, &diagnosis)),
    }
}
