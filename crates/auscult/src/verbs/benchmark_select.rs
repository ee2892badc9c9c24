//! `auscult benchmark select`: how good choices without labels are, on public data.

use std::path::PathBuf;
use std::time::Duration;

use serde_json::json;

use super::detect::find_method;
use crate::benchmark::sets;
use crate::outcome::{CallError, Outcome};
use crate::progress::Progress;
use crate::selection::{Learning, UNSEEN_FILE, UNSEEN_STREAM, study};

/// Arguments of `auscult benchmark select`.
#[derive(Debug, clap::Args)]
pub(super) struct SelectArguments {
    /// Folder of the public data sets
    #[arg(long, value_name = "DIR")]
    data: PathBuf,

    /// Data sets
    #[arg(long, value_name = "NAME", value_delimiter = ',', default_value = "smd,asd")]
    set: Vec<String>,

    /// Methods to choose among; every one when not given
    #[arg(short, long, value_name = "METHOD", value_delimiter = ',')]
    method: Vec<String>,

    /// Choose among methods that read a file as a whole too, as who has one would
    #[arg(long)]
    whole: bool,

    /// Rows of each training part that the choice is made from
    #[arg(long, value_name = "N", default_value_t = 20_000)]
    rows: usize,

    /// Seconds that the choice for one series may take
    #[arg(long, value_name = "SECONDS", default_value_t = 300)]
    time_limit: u64,

    /// No progress
    #[arg(short, long)]
    quiet: bool,
}

pub(super) fn run(arguments: &SelectArguments) -> Result<Outcome, CallError> {
    let methods =
        arguments.method.iter().map(|name| find_method(name)).collect::<Result<Vec<_>, _>>()?;
    let progress = Progress::new(!arguments.quiet);
    let mut documents = Vec::new();
    for name in &arguments.set {
        let set =
            sets::find(name).ok_or_else(|| CallError::input(format!("no data set `{name}`")))?;
        progress.say("choosing");
        let cases = study::study(
            set,
            &arguments.data,
            &methods,
            !arguments.whole,
            arguments.rows,
            Duration::from_secs(arguments.time_limit.max(1)),
            |case| {
                progress.warn(&format!(
                    "{}: chose {} ({:.3}), best {} ({:.3})",
                    case.series, case.choice, case.chosen, case.best, case.oracle
                ));
            },
        )?;
        if cases.is_empty() {
            return Err(CallError::input(set.absent(&arguments.data)));
        }
        let mean = |of: &dyn Fn(&study::Case) -> f64| {
            cases.iter().map(of).sum::<f64>() / cases.len() as f64
        };
        let (chosen, oracle) = (mean(&|case| case.chosen), mean(&|case| case.oracle));
        let fixed = study::best_fixed(&cases);
        let unseen = if arguments.whole {
            format!("{UNSEEN_FILE} ({})", Learning::Batch.word())
        } else {
            UNSEEN_STREAM.to_owned()
        };
        documents.push(json!({
            "set": name,
            "series": cases.len(),
            "correlation": mean(&|case| case.correlation.unwrap_or(0.0)),
            "chosen": chosen,
            "oracle": oracle,
            "reached": chosen / oracle,
            "oracle_fused": mean(&|case| case.oracle_fused),
            "unseen": study::mean_of(&cases, &unseen),
            "best_fixed": fixed,
            "cases": cases,
        }));
    }
    progress.done();
    println!("{}", serde_json::to_string_pretty(&documents).expect("figures are plain data"));
    Ok(Outcome::Done)
}
