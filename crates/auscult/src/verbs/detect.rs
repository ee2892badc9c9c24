//! `auscult detect`: anomalies in columns or series.

use std::collections::BTreeSet;
use std::io::{IsTerminal, Write};
use std::path::PathBuf;

use auscult_core::SettingsMap;
use auscult_detect::ensemble::{AlarmBudget, BudgetMode};
use auscult_detect::joint::LEAST_PEERS;
use auscult_detect::{Channels, Method, Threshold};
use auscult_telemetry::{Input, Kind, Table};

use super::input::{InputArguments, input};
use super::method_settings::{self, MethodSettings};
use crate::detection::counters::Counters;
use crate::detection::finding::Finding;
use crate::detection::plan::{Mode, Plan};
use crate::detection::series::{Series, Split, split};
use crate::detection::source::Source;
use crate::detection::tally::Tally;
use crate::detection::whole::{self, Judged};
use crate::detection::{keep::Keep, stream};
use crate::outcome::{CallError, Outcome};
use crate::plot;
use crate::progress::Progress;
use crate::report::{Format, Report};
use crate::selection::Learning;
use crate::selection::choice::Choice;

/// The method when the person names none: it needs no settings and did best on the
/// public data of the scorecard, but has to learn from some hundred rows first.
const DEFAULT_METHOD: &str = "pot-ensemble";
/// The method for inputs too short for the default one.
const SHORT_METHOD: &str = "seasonal-trend";
/// Fewer rows than this are short: the default method would learn from most of them.
const SHORT_ROWS: usize = 1000;
/// The method when the person says which rows are anomalies.
const LABELLED_METHOD: &str = "random-forest";
/// Findings that a table shows when the person does not say how many.
const TABLE_TOP: usize = 20;
/// Rows of a series that a plot explains, to draw the expected band.
const TRACED: usize = 1500;

/// Arguments of `auscult detect`.
#[derive(Debug, Clone, clap::Args)]
pub(crate) struct Arguments {
    #[command(flatten)]
    input: InputArguments,

    /// Columns to judge; every numeric column when not given
    #[arg(short, long, value_name = "NAME", value_delimiter = ',')]
    column: Vec<String>,

    /// Columns that are counters, which only grow or begin anew at 0: judged by their rates
    /// per second, or per row without a column of times
    #[arg(long, value_name = "NAME", value_delimiter = ',')]
    counter: Vec<String>,

    /// Columns whose values tell series apart
    #[arg(short, long, value_name = "NAME", value_delimiter = ',')]
    group_by: Vec<String>,

    /// Method of detection; `auscult methods` lists them [default: pot-ensemble; seasonal-trend
    /// for a file of less than 1,000 rows; random-forest with --label]
    #[arg(short, long, value_name = "METHOD")]
    method: Option<String>,

    /// Take method, settings and threshold from a configuration of `auscult select`
    #[arg(long, value_name = "FILE", conflicts_with = "method")]
    config: Option<PathBuf>,

    /// Score above which a row is an anomaly; each method has a default
    #[arg(short, long, value_name = "SCORE", value_parser = non_negative, conflicts_with = "contamination")]
    threshold: Option<f64>,

    /// Share of the rows to report instead of a threshold, such as 0.01
    #[arg(long, value_name = "SHARE", value_parser = share)]
    contamination: Option<f64>,

    /// False alarms that are bearable per series, such as 1/week, instead of a threshold:
    /// the bar follows the history of each series; needs a method that judges row by row
    #[arg(long, value_name = "N/PERIOD", conflicts_with_all = ["threshold", "contamination"])]
    budget: Option<AlarmBudget>,

    /// Whether a time full of true anomalies may bring more alarms (soft) or never (hard)
    #[arg(long, value_name = "MODE", default_value = "soft", requires = "budget")]
    budget_mode: BudgetModeFlag,

    /// Judge each row by the rows before it only, as a live service does
    #[arg(long)]
    online: bool,

    /// Learn what is normal from this file, instead of from the input itself
    #[arg(long, value_name = "FILE")]
    train: Option<PathBuf>,

    /// Column that says which rows are anomalies (1, true, anomaly), for methods that learn from
    /// labels; with --budget, anomalies that are confirmed: they do not spend it
    #[arg(long, value_name = "NAME")]
    label: Option<String>,

    /// Judge several columns one by one even if the method could judge them jointly
    #[arg(long)]
    separately: bool,

    /// Form of the answer
    #[arg(short, long, value_name = "FORM", default_value = "table")]
    format: Format,

    /// Write the answer to a file instead of standard output
    #[arg(short, long, value_name = "FILE")]
    output: Option<PathBuf>,

    /// Draw series, expected band and anomalies: .svg, .png or .html
    #[arg(long, value_name = "FILE")]
    plot: Option<PathBuf>,

    /// How many of the strangest to show: a number or `all` [default: 20 in a table, else all]
    #[arg(long, value_name = "N", value_parser = top)]
    top: Option<Top>,

    /// Give every judged row, not just the anomalies
    #[arg(long)]
    all_rows: bool,

    /// Exit with code 1 if there is an anomaly
    #[arg(long)]
    fail_on_anomaly: bool,

    /// No progress, no paragraph: just the findings
    #[arg(short, long)]
    quiet: bool,

    #[command(flatten)]
    settings: MethodSettings,
}

/// How a budget is kept, as a flag.
#[derive(Debug, Clone, Copy, clap::ValueEnum)]
enum BudgetModeFlag {
    Soft,
    Hard,
}

/// How many findings to show.
#[derive(Debug, Clone, Copy)]
enum Top {
    All,
    Strangest(usize),
}

fn top(text: &str) -> Result<Top, String> {
    match text {
        "all" => Ok(Top::All),
        _ => text.parse().map(Top::Strangest).map_err(|_| "expected a number or `all`".to_owned()),
    }
}

fn non_negative(text: &str) -> Result<f64, String> {
    match text.parse::<f64>() {
        Ok(score) if score.is_finite() && score >= 0.0 => Ok(score),
        _ => Err("expected a number that is not negative".to_owned()),
    }
}

fn share(text: &str) -> Result<f64, String> {
    match text.parse::<f64>() {
        Ok(share) if (0.0..=0.5).contains(&share) => Ok(share),
        _ => {
            Err("expected a share from 0 to 0.5, such as 0.01 for one row in a hundred".to_owned())
        }
    }
}

pub(crate) fn run(arguments: &Arguments) -> Result<Outcome, CallError> {
    let choice = arguments.config.as_deref().map(Choice::read).transpose()?;
    let mut arguments = arguments.clone();
    if let (Some(choice), true) = (&choice, arguments.column.is_empty()) {
        arguments.column.clone_from(&choice.columns);
        if arguments.counter.is_empty() {
            arguments.counter.clone_from(&choice.counters);
        }
    }
    let arguments = &arguments;
    let named =
        choice.as_ref().map(|choice| choice.method.as_str()).or(arguments.method.as_deref());
    // Whatever is wrong with the call is said before anything is read.
    let planned = named.map(|name| plan(arguments, name, choice.as_ref())).transpose()?;
    let plot_kind = arguments.plot.as_deref().map(plot::Kind::of_path).transpose()?;
    let top = match (arguments.top, arguments.format) {
        (Some(Top::All), _) => None,
        (Some(Top::Strangest(top)), _) => Some(top),
        (None, Format::Table) if !arguments.all_rows => Some(TABLE_TOP),
        (None, _) => None,
    };
    let mut keep = Keep::strangest(top);
    let progress = Progress::new(!arguments.quiet);
    let mut source = look(arguments, arguments.input.inputs()?)?;
    let plan = match planned {
        Some(plan) => plan,
        None => plan(arguments, default_method(arguments, &source)?, None)?,
    };
    let columns = Columns::choose(arguments, &source, &plan)?;
    source.narrow(columns.wanted(arguments));
    let streams = stream::can(&plan, &source)
        && plot_kind.is_none()
        && !arguments.all_rows
        && arguments.train.is_none();
    let mut counters = columns.counters(arguments);
    let mut tally = if streams {
        let how = columns.split(arguments, &plan);
        stream::judge(&mut source, &how, &plan, &mut counters, &mut keep, &progress)?
    } else {
        let traced = if plot_kind.is_some() { TRACED } else { 0 };
        let table = counters.rates(source.table(&progress)?)?;
        let judged = whole(arguments, &table, &columns, &plan, traced, &progress)?;
        judged.iter().for_each(|(series, _)| counters.look(series));
        if let (Some(kind), Some(path)) = (plot_kind, &arguments.plot) {
            progress.say("drawing");
            plot::detection::draw(&judged, plan.method).save(kind, path)?;
        }
        let mut tally = Tally { rows: table.rows() as u64, series: Vec::new() };
        for (_, judged) in judged {
            judged.findings.into_iter().for_each(|finding| keep.take(finding));
            tally.series.push(judged.tally);
        }
        tally
    };
    tally.series.iter_mut().for_each(|series| counters.tell(series));
    progress.done();
    write(arguments, &plan, keep, &tally)?;
    let found = tally.sum(|series| series.anomalies) > 0;
    Ok(if found && arguments.fail_on_anomaly { Outcome::Found } else { Outcome::Done })
}

/// The method for `source` when the person names none.
fn default_method(arguments: &Arguments, source: &Source) -> Result<&'static str, CallError> {
    if arguments.label.is_some() && arguments.budget.is_none() {
        return Ok(LABELLED_METHOD);
    }
    let follows = arguments.online || arguments.budget.is_some() || arguments.train.is_some();
    let is_long = follows || source.has_rows(SHORT_ROWS)?;
    Ok(if is_long { DEFAULT_METHOD } else { SHORT_METHOD })
}

/// The plan that the arguments make with the method called `name`, which a
/// configuration may have chosen.
fn plan(arguments: &Arguments, name: &str, choice: Option<&Choice>) -> Result<Plan, CallError> {
    let method = find_method(name)?;
    let mut given = arguments.settings.clone();
    if let Some(choice) = choice {
        // A flag on the command line overrides the file.
        for (setting, value) in &choice.settings {
            given.0.entry(setting.clone()).or_insert_with(|| value.clone());
        }
    }
    let settings = method_settings::for_method(&given, method).map_err(CallError::input)?;
    let online = choice.is_some_and(|choice| choice.learning == Some(Learning::Online));
    let mode = mode(arguments, online, method)?;
    let chosen = choice.and_then(|choice| choice.threshold);
    let threshold = match (arguments.threshold, arguments.contamination, chosen) {
        (Some(score), _, _) | (None, None, Some(score)) => Threshold::Score(score),
        (None, Some(share), _) => Threshold::Share(share),
        (None, None, None) => method.threshold,
    };
    if arguments.budget.is_some() && mode != Mode::Online {
        let why = if method.online.is_some() {
            "add --online".to_owned()
        } else {
            format!("method `{}` does not", method.name)
        };
        return Err(CallError::input(format!("--budget needs judging row by row; {why}")));
    }
    let budget_mode = match arguments.budget_mode {
        BudgetModeFlag::Soft => BudgetMode::Soft,
        BudgetModeFlag::Hard => BudgetMode::Hard,
    };
    let budget = arguments.budget.map(|budget| (budget, budget_mode));
    check(method, mode, &settings)?;
    let separately = arguments.separately || method.channels == Channels::One;
    Ok(Plan {
        method,
        settings,
        mode,
        threshold,
        budget,
        joint: !separately,
        all_rows: arguments.all_rows,
    })
}

pub(super) fn find_method(name: &str) -> Result<&'static Method, CallError> {
    auscult_detect::find(name).ok_or_else(|| {
        let names = auscult_detect::CATALOGUE.iter().copied().flatten().map(|method| method.name);
        let nearest = auscult_core::nearest(name, names);
        let hint =
            nearest.map_or_else(String::new, |nearest| format!(" did you mean `{nearest}`?"));
        CallError::input(format!("no method `{name}`;{hint} `auscult methods` lists them"))
    })
}

fn mode(arguments: &Arguments, online: bool, method: &Method) -> Result<Mode, CallError> {
    let refuse = |why: &str| Err(CallError::input(format!("method `{}` {why}", method.name)));
    let confirms = arguments.label.is_some() && arguments.budget.is_some();
    if arguments.label.is_some() && !confirms {
        return match method.labelled {
            Some(_) => Ok(Mode::Labelled),
            None => refuse("does not learn from labels; leave --label out, or use `random-forest`"),
        };
    }
    if arguments.online || online || confirms {
        return match method.online {
            Some(_) => Ok(Mode::Online),
            None if arguments.online => refuse("has no online form; leave --online out"),
            None => refuse("does not judge row by row, which a budget needs"),
        };
    }
    match (method.batch, method.online) {
        (Some(_), _) => Ok(Mode::Batch),
        (None, Some(_)) => Ok(Mode::Online),
        (None, None) => refuse("learns from labels; name their column with --label"),
    }
}

/// Builds the method once, so that a wrong setting is refused before any reading.
fn check(method: &Method, mode: Mode, settings: &SettingsMap) -> Result<(), CallError> {
    let refuse = |error| CallError::input(format!("method `{}`: {error}", method.name));
    match mode {
        Mode::Batch => {
            method.batch.map(|build| build(settings)).transpose().map(drop).map_err(refuse)
        }
        Mode::Online => {
            method.online.map(|build| build(settings, 2)).transpose().map(drop).map_err(refuse)
        }
        Mode::Labelled => {
            method.labelled.map(|build| build(settings)).transpose().map(drop).map_err(refuse)
        }
    }
}

/// Opens `inputs` to see which columns there are.
fn look(arguments: &Arguments, inputs: Vec<Input>) -> Result<Source, CallError> {
    let mut options = arguments.input.options();
    options.words.clone_from(&arguments.group_by);
    Source::look(inputs, options)
}

/// The columns that take part.
#[derive(Debug)]
struct Columns {
    /// To be judged, as the input names them.
    judged: Vec<String>,
    /// The same, as the findings name them: counters by their rates.
    titles: Vec<String>,
    /// The column of times.
    time: Option<String>,
}

impl Columns {
    /// Out of those that `source` has.
    fn choose(arguments: &Arguments, source: &Source, plan: &Plan) -> Result<Self, CallError> {
        let wanted = arguments.column.iter().chain(&arguments.counter).chain(&arguments.label);
        for name in wanted {
            if !source.fields().iter().any(|field| field.name == *name) {
                return Err(no_column(name, source));
            }
        }
        Self::new(arguments, judged(arguments, source, plan)?, source)
    }

    /// `judged`, with the times of `source`.
    fn new(arguments: &Arguments, judged: Vec<String>, source: &Source) -> Result<Self, CallError> {
        let time = source.time().map(str::to_owned);
        let title = |name: &String| {
            if !arguments.counter.contains(name) {
                return Ok(name.clone());
            }
            let title = Counters::title(name, time.is_some());
            if judged.contains(&title) {
                let why = format!("column `{title}` is there already; leave out `{name}`");
                return Err(CallError::input(why));
            }
            Ok(title)
        };
        let titles = judged.iter().map(title).collect::<Result<_, _>>()?;
        Ok(Self { judged, titles, time })
    }

    /// The counters among them, not read yet.
    fn counters<'a>(&'a self, arguments: &'a Arguments) -> Counters<'a> {
        // Named twice, a counter is one nevertheless.
        let counters: BTreeSet<String> = arguments.counter.iter().cloned().collect();
        let counters = counters.into_iter().collect();
        Counters::new(counters, &arguments.group_by, self.time.as_deref())
    }

    /// Every column that is needed.
    fn wanted(&self, arguments: &Arguments) -> Vec<String> {
        let others = arguments.group_by.iter().chain(&arguments.label);
        self.judged.iter().chain(others).cloned().collect()
    }

    fn split<'a>(&'a self, arguments: &'a Arguments, plan: &Plan) -> Split<'a> {
        Split {
            columns: &self.titles,
            joint: plan.joint,
            group_by: &arguments.group_by,
            label: arguments.label.as_deref(),
            time: self.time.as_deref(),
            order: plan.method.order,
        }
    }
}

/// The sentence for a column that is not there.
fn no_column(name: &str, source: &Source) -> CallError {
    let names = || source.fields().iter().map(|field| field.name.as_str());
    let hint = match auscult_core::nearest(name, names()) {
        Some(nearest) => format!("did you mean `{nearest}`?"),
        None => {
            let some: Vec<&str> = names().take(8).collect();
            let more = if names().count() > 8 { ", …" } else { "" };
            format!("there are `{}`{more}", some.join("`, `"))
        }
    };
    CallError::input(format!("no column `{name}`; {hint}"))
}

/// The columns to judge: the given ones, or all numbers.
fn judged(arguments: &Arguments, source: &Source, plan: &Plan) -> Result<Vec<String>, CallError> {
    let judged: Vec<String> = if arguments.column.is_empty() {
        let numbers = source.fields().iter().filter(|field| field.kind == Kind::Numbers);
        numbers
            .map(|field| field.name.clone())
            .filter(|name| arguments.label.as_ref() != Some(name))
            .collect()
    } else {
        arguments.column.clone()
    };
    let judged = with_counters(judged, &arguments.counter);
    if judged.is_empty() {
        let words =
            source.fields().iter().map(|field| format!("`{}` ({})", field.name, field.kind));
        let words: Vec<String> = words.take(8).collect();
        return Err(CallError::input(format!(
            "no column of numbers to judge; there are {}",
            words.join(", ")
        )));
    }
    if plan.method.channels == Channels::Several && (judged.len() < 2 || !plan.joint) {
        return Err(CallError::input(format!(
            "method `{}` judges columns against one another and needs at least two at once",
            plan.method.name
        )));
    }
    if plan.method.name == "peers" && judged.len() < LEAST_PEERS {
        return Err(CallError::input(format!(
            "method `peers` compares the members of a group, a column each, and needs at least \
             {LEAST_PEERS} to say who is odd; there are {}",
            judged.len()
        )));
    }
    Ok(judged)
}

/// `judged`, and those of `counters` that are not among them.
fn with_counters(mut judged: Vec<String>, counters: &[String]) -> Vec<String> {
    for counter in counters {
        if !judged.contains(counter) {
            judged.push(counter.clone());
        }
    }
    judged
}

/// Judges a table series by series.
fn whole(
    arguments: &Arguments,
    table: &Table,
    columns: &Columns,
    plan: &Plan,
    traced: usize,
    progress: &Progress,
) -> Result<Vec<(Series, Judged)>, CallError> {
    let series = split(table, 1, &columns.split(arguments, plan))?;
    let train = match &arguments.train {
        None => Vec::new(),
        Some(path) => {
            let mut source = look(arguments, vec![input(path)])?;
            let columns = Columns::new(arguments, columns.judged.clone(), &source)?;
            source.narrow(columns.wanted(arguments));
            let table = columns.counters(arguments).rates(source.table(progress)?)?;
            split(&table, 1, &columns.split(arguments, plan))?
        }
    };
    progress.steps("judging", series.len() as u64);
    let mut all = Vec::with_capacity(series.len());
    for one in series {
        let teacher = train.iter().find(|train| train.name == one.name);
        if arguments.train.is_some() && teacher.is_none() {
            let title = one.name.title();
            return Err(CallError::input(format!("the training file has no series {title}")));
        }
        let judged = whole::judge(&one, teacher, plan, traced)?;
        progress.step();
        all.push((one, judged));
    }
    Ok(all)
}

/// Writes the answer.
fn write(arguments: &Arguments, plan: &Plan, keep: Keep, tally: &Tally) -> Result<(), CallError> {
    let (findings, left_out): (Vec<Finding>, u64) = keep.into_order();
    let report = Report {
        method: plan.method,
        settings: &plan.settings,
        findings: &findings,
        left_out,
        tally,
        grouped: !arguments.group_by.is_empty(),
        rates: !arguments.counter.is_empty(),
        quiet: arguments.quiet,
    };
    match &arguments.output {
        Some(path) => {
            let name = path.display().to_string();
            let file = std::fs::File::create(path).map_err(CallError::write(&name))?;
            let mut file = std::io::BufWriter::new(file);
            report.write(arguments.format, &mut file)?;
            file.flush().map_err(CallError::write(&name))?;
            if !arguments.quiet && arguments.format != Format::Table {
                eprintln!("{}", report.summary());
            }
        }
        None => {
            if arguments.format == Format::Parquet && std::io::stdout().is_terminal() {
                return Err(CallError::input(
                    "Parquet is not for terminals; name a file with --output",
                ));
            }
            let mut out = std::io::BufWriter::new(std::io::stdout());
            report.write(arguments.format, &mut out)?;
            out.flush().map_err(CallError::write("standard output"))?;
        }
    }
    Ok(())
}
