//! `auscult benchmark`: the scorecard, from public data.

use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

use auscult_core::SettingsMap;
use auscult_detect::{CATALOGUE, Method};
use clap::Subcommand;

use super::detect::find_method;
use super::method_settings::{self, MethodSettings};
use crate::benchmark::cache::{Cache, Unit, fingerprint};
use crate::benchmark::machine::Machine;
use crate::benchmark::schedule::{self, End};
use crate::benchmark::scorecard::{Rival, ScoreTable, Scorecard, line};
use crate::benchmark::sets::{self, SETS, Set};
use crate::benchmark::worker::{self, Order};
use crate::benchmark::{Mode, baseline, published};
use crate::outcome::{CallError, Outcome};
use crate::plot;
use crate::progress::Progress;

/// Arguments of `auscult benchmark`.
#[derive(Debug, clap::Args)]
pub(crate) struct Arguments {
    #[command(subcommand)]
    what: What,
}

/// What is measured.
#[derive(Debug, Subcommand)]
enum What {
    /// How well each method finds labelled anomalies
    Anomaly(Box<AnomalyArguments>),
    /// How well budgets of false alarms are kept, where nothing is wrong
    Budget(super::benchmark_budget::BudgetArguments),
    /// How well causes are named, on incidents whose cause is known
    Diagnosis(super::benchmark_diagnosis::DiagnosisArguments),
    /// How good choices without labels are, where the truth is known
    Select(super::benchmark_select::SelectArguments),
}

/// Arguments of `auscult benchmark anomaly`.
#[derive(Debug, clap::Args)]
struct AnomalyArguments {
    /// Folder of the public data sets
    #[arg(long, value_name = "DIR", required_unless_present = "worker")]
    data: Option<PathBuf>,

    /// Data sets; those that the folder has, when not given
    #[arg(long, value_name = "NAME", value_delimiter = ',')]
    set: Vec<String>,

    /// Methods, or `all`
    #[arg(short, long, value_name = "METHOD", value_delimiter = ',', default_value = "all")]
    method: Vec<String>,

    /// Only this mode of looking at the data
    #[arg(long, value_name = "MODE")]
    mode: Option<Mode>,

    /// Only series whose name contains this
    #[arg(long, value_name = "TEXT")]
    series: Option<String>,

    /// Form of the answer
    #[arg(short, long, value_name = "FORM", default_value = "markdown")]
    format: Form,

    /// Write the answer to a file instead of standard output
    #[arg(short, long, value_name = "FILE")]
    output: Option<PathBuf>,

    /// Draw the best methods of each data set: .svg, .png or .html
    #[arg(long, value_name = "FILE")]
    plot: Option<PathBuf>,

    /// Seconds that a method has for a data set in one mode
    #[arg(long, value_name = "SECONDS", default_value_t = 600)]
    time_limit: u64,

    /// Folder that keeps results, so that a call that was cut short goes on
    #[arg(long, value_name = "DIR")]
    results: Option<PathBuf>,

    /// Take results of this other build of the program: what a folder in --results is called before the dash
    #[arg(long, value_name = "BUILD")]
    build: Option<String>,

    /// Series judged at once by streaming methods; every core when not given
    #[arg(long, value_name = "N")]
    threads: Option<usize>,

    /// State of the source to name in the scorecard; asked of git when not given
    #[arg(long, value_name = "COMMIT")]
    commit: Option<String>,

    /// No progress
    #[arg(short, long)]
    quiet: bool,

    /// Be a worker: the program calls itself so, and says on standard input what to do
    #[arg(long, hide = true)]
    worker: bool,

    #[command(flatten)]
    settings: MethodSettings,
}

/// How the answer is written.
#[derive(Debug, Clone, Copy, PartialEq, Eq, clap::ValueEnum)]
pub(super) enum Form {
    /// A document with tables.
    Markdown,
    /// Every figure as data.
    Json,
}

pub(crate) fn run(arguments: &Arguments) -> Result<Outcome, CallError> {
    let arguments = match &arguments.what {
        What::Anomaly(arguments) => arguments,
        What::Budget(arguments) => return super::benchmark_budget::run(arguments),
        What::Diagnosis(arguments) => return super::benchmark_diagnosis::run(arguments),
        What::Select(arguments) => return super::benchmark_select::run(arguments),
    };
    if arguments.worker {
        let order: Order =
            serde_json::from_reader(std::io::stdin().lock()).map_err(CallError::input)?;
        return worker::work(&order).map(|()| Outcome::Done);
    }
    let data = arguments.data.as_deref().expect("clap asks for the folder");
    let plot = arguments.plot.as_deref();
    let kind = plot.map(plot::Kind::of_path).transpose()?;
    let methods = methods(arguments)?;
    let sets = chosen_sets(arguments, data)?;
    let scorecard = measure(arguments, data, &sets, &methods)?;
    if let (Some(kind), Some(path)) = (kind, plot) {
        scorecard.ranking().save(kind, path)?;
    }
    write(arguments, &scorecard)?;
    Ok(Outcome::Done)
}

/// The methods asked for, each with its settings.
fn methods(arguments: &AnomalyArguments) -> Result<Vec<(&'static Method, SettingsMap)>, CallError> {
    let all = arguments.method.iter().any(|name| name == "all");
    let chosen: Vec<&'static Method> = if all {
        CATALOGUE.iter().copied().flatten().collect()
    } else {
        arguments.method.iter().map(|name| find_method(name)).collect::<Result<_, _>>()?
    };
    let with_settings = |method: &'static Method| {
        let settings =
            method_settings::for_method(&arguments.settings, method).map_err(CallError::input)?;
        let checked = (method.batch.map(|build| build(&settings).err()).into_iter())
            .chain(method.online.map(|build| build(&settings, 1).err()));
        match checked.flatten().next() {
            Some(error) => Err(CallError::input(format!("method `{}`: {error}", method.name))),
            None => Ok((method, settings)),
        }
    };
    // A method that only learns from labels has nothing to do with these protocols.
    let judges = |method: &&'static Method| method.batch.is_some() || method.online.is_some();
    chosen.into_iter().filter(judges).map(with_settings).collect()
}

/// The data sets and their series.
fn chosen_sets(
    arguments: &AnomalyArguments,
    data: &Path,
) -> Result<Vec<(&'static Set, Vec<String>)>, CallError> {
    let mut chosen = Vec::new();
    for name in &arguments.set {
        let set = sets::find(name).ok_or_else(|| {
            let names: Vec<&str> = SETS.iter().map(|set| set.name).collect();
            CallError::input(format!("no data set `{name}`; there are {}", names.join(", ")))
        })?;
        let series = (set.names)(data).map_err(|_| CallError::input(set.absent(data)))?;
        chosen.push((set, series));
    }
    if arguments.set.is_empty() {
        let there = SETS.iter().filter_map(|set| Some((*set, (set.names)(data).ok()?)));
        chosen.extend(there);
    }
    if let Some(text) = &arguments.series {
        chosen.iter_mut().for_each(|(_, series)| series.retain(|name| name.contains(text)));
    }
    chosen.retain(|(_, series)| !series.is_empty());
    if chosen.is_empty() {
        let each: Vec<String> = SETS
            .iter()
            .map(|set| format!("{} ({}: {})", set.name, set.source, set.layout))
            .collect();
        return Err(CallError::input(format!(
            "{}: no series of a public data set; expected some of {}",
            data.display(),
            each.join("; ")
        )));
    }
    Ok(chosen)
}

/// Runs every unit that is not done yet and gathers all.
fn measure(
    arguments: &AnomalyArguments,
    data: &Path,
    sets: &[(&'static Set, Vec<String>)],
    methods: &[(&'static Method, SettingsMap)],
) -> Result<Scorecard, CallError> {
    let program = std::env::current_exe().map_err(CallError::write("to a worker"))?;
    let bytes = std::fs::read(&program).map_err(CallError::write("to a worker"))?;
    let own = fingerprint(&bytes);
    let build = arguments.build.clone().unwrap_or_else(|| own.clone());
    let results = arguments.results.clone().unwrap_or_else(results_folder);
    let cache = Cache::new(&results, &build);
    let modes = |set: &'static Set| {
        // Few methods can be told a range: without one there is no such table.
        let has_one = |mode: &Mode| {
            *mode != Mode::Told || methods.iter().any(|(method, _)| mode.suits(method))
        };
        let is_asked = |mode: &Mode| arguments.mode.is_none_or(|only| only == *mode);
        set.modes.iter().copied().filter(is_asked).filter(has_one)
    };
    let series_of = |set: &'static Set, series: &[String]| modes(set).count() * series.len();
    let total: usize =
        sets.iter().map(|(set, series)| series_of(set, series) * methods.len()).sum();
    let progress = Progress::new(!arguments.quiet);
    progress.steps("measuring", total as u64);
    let (start, mut before) = (Instant::now(), 0);
    let mut tables = Vec::new();
    for (set, series) in sets {
        let nothing = baseline::nothing(set, data, series)?;
        for mode in modes(set) {
            let mut table = ScoreTable {
                set,
                mode,
                series: series.len(),
                rows: 0,
                lines: Vec::new(),
                absent: Vec::new(),
                published: rivals(set, data, series)?,
                nothing: nothing.clone(),
            };
            for (method, settings) in methods {
                if mode.suits(method) {
                    let unit = Unit {
                        method: method.name.to_owned(),
                        settings: settings.clone(),
                        set: set.name.to_owned(),
                        mode,
                    };
                    let order = Order {
                        data: data.to_owned(),
                        results: results.clone(),
                        build: build.clone(),
                        unit,
                        series: series.clone(),
                        threads: arguments.threads.unwrap_or_else(cores),
                    };
                    let end =
                        finish(&program, &cache, &order, set, arguments.time_limit, |done| {
                            progress.at((before + done) as u64);
                        })?;
                    match line(&cache, &order.unit, series, set.pools(), &end) {
                        Ok((line, rows)) => {
                            table.rows = rows;
                            table.lines.push(line);
                        }
                        Err(absent) => table.absent.push(absent),
                    }
                }
                before += series.len();
                progress.at(before as u64);
            }
            table.sort();
            tables.push(table);
        }
    }
    progress.done();
    if let (true, Some(mode)) = (tables.is_empty(), arguments.mode) {
        let why = format!("no chosen method and data set go with mode `{}`", mode.name());
        return Err(CallError::input(why));
    }
    Ok(Scorecard {
        machine: Machine::here(arguments.commit.as_deref()),
        command: command(arguments),
        other_build: arguments.build.clone().filter(|other| *other != own),
        seconds: start.elapsed().as_secs_f64(),
        time_limit: arguments.time_limit,
        tables,
    })
}

/// Has `order` done, unless everything of it was done before, or could not be in
/// as much time.
fn finish(
    program: &Path,
    cache: &Cache,
    order: &Order,
    set: &Set,
    seconds: u64,
    report: impl Fn(usize),
) -> Result<End, CallError> {
    let all = order.series.iter().all(|name| cache.record(&order.unit, name).is_some());
    if all && (!set.pools() || cache.pooled(&order.unit, &order.series).is_some()) {
        return Ok(End::Done);
    }
    if cache.over(&order.unit, &order.series).is_some_and(|limit| limit >= seconds) {
        return Ok(End::TimeUp);
    }
    let end = schedule::run(program, order, Duration::from_secs(seconds), report)?;
    if end == End::TimeUp {
        cache.keep_over(&order.unit, &order.series, seconds)?;
    }
    Ok(end)
}

/// What others reached on `set`.
fn rivals(set: &Set, data: &Path, series: &[String]) -> Result<Vec<Rival>, CallError> {
    let fixed = set.published.iter().map(|published| Rival {
        who: published.who.to_owned(),
        measures: published.values.iter().map(|(key, value)| ((*key).to_owned(), *value)).collect(),
        note: published.note.to_owned(),
    });
    let Some(letter) = set.in_tsb else { return Ok(fixed.collect()) };
    let table = published::tsb(data, letter, series)?;
    if table.is_empty() {
        return Ok(fixed.collect());
    }
    let rival = |(who, value): (String, f64)| Rival {
        who,
        measures: [("vus_pr".to_owned(), value)].into(),
        note: "batch; mean over the same series".to_owned(),
    };
    Ok(table.into_iter().map(rival).collect())
}

pub(super) fn cores() -> usize {
    std::thread::available_parallelism().map_or(1, std::num::NonZero::get)
}

/// Where results are kept when the person does not say.
fn results_folder() -> PathBuf {
    let cache = std::env::var_os("XDG_CACHE_HOME").map(PathBuf::from);
    let home = std::env::var_os("HOME").map(|home| PathBuf::from(home).join(".cache"));
    cache.or(home).unwrap_or_else(std::env::temp_dir).join("auscult/benchmark")
}

/// The call, as a person would repeat it with folders of their own.
fn command(arguments: &AnomalyArguments) -> String {
    let mut words = vec!["auscult benchmark anomaly --data DIR".to_owned()];
    if !arguments.set.is_empty() {
        words.push(format!("--set {}", arguments.set.join(",")));
    }
    if arguments.method != ["all"] {
        words.push(format!("--method {}", arguments.method.join(",")));
    }
    if let Some(mode) = arguments.mode {
        words.push(format!("--mode {}", mode.name()));
    }
    if let Some(text) = &arguments.series {
        words.push(format!("--series {text}"));
    }
    for (name, value) in &arguments.settings.0 {
        words.push(format!("--{} {value}", name.replace('_', "-")));
    }
    words.push(format!("--time-limit {}", arguments.time_limit));
    words.join(" ")
}

/// Writes the answer.
fn write(arguments: &AnomalyArguments, scorecard: &Scorecard) -> Result<(), CallError> {
    let text = match arguments.format {
        Form::Markdown => {
            let picture =
                arguments.plot.as_deref().map(|plot| beside(arguments.output.as_deref(), plot));
            scorecard.markdown(picture.as_deref())
        }
        Form::Json => {
            let json = serde_json::to_string_pretty(scorecard).expect("figures are plain data");
            json + "\n"
        }
    };
    put(arguments.output.as_deref(), &text)
}

/// Writes `text` to a file, or to standard output.
pub(super) fn put(output: Option<&Path>, text: &str) -> Result<(), CallError> {
    match output {
        Some(path) => {
            std::fs::write(path, text).map_err(CallError::write(path.display().to_string()))
        }
        None => {
            use std::io::Write;
            let mut out = std::io::stdout().lock();
            out.write_all(text.as_bytes()).map_err(CallError::write("standard output"))
        }
    }
}

/// How a document at `output` names `picture`.
fn beside(output: Option<&Path>, picture: &Path) -> String {
    let folder = output.and_then(Path::parent).unwrap_or(Path::new(""));
    picture.strip_prefix(folder).unwrap_or(picture).display().to_string()
}
