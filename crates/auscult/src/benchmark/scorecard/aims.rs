//! What was aimed at, beside what was reached.

use super::super::Mode;
use super::{Line, ScoreTable};
use crate::selection::trust::{MEASURED, Trust};

/// A figure that the project set itself, before it was measured.
#[derive(Debug)]
struct Aim {
    set: &'static str,
    mode: Mode,
    /// Whose figure; the best method's where it names none.
    method: Option<&'static str>,
    /// The measure, and what it is called.
    measure: (&'static str, &'static str),
    /// To be passed.
    wanted: f64,
    decimals: usize,
    /// Why this figure.
    why: &'static str,
}

const DEFAULT: Option<&str> = Some("pot-ensemble");
const JOINT: Option<&str> = Some("mahalanobis-ensemble");
const STANDARD: (&str, &str) = ("nab_standard", "standard");
const LOW_FP: (&str, &str) = ("nab_reward_low_FP_rate", "low FP");
const LOW_FN: (&str, &str) = ("nab_reward_low_FN_rate", "low FN");
const VUS: (&str, &str) = ("vus_pr", "VUS-PR");
const AUC: (&str, &str) = ("auc_pr", "AUC-PR");

const DELAY_F1: (&str, &str) = ("delay_f1", "delay-limited F1");
const DELAY_F1_BEST: (&str, &str) = ("delay_f1_best", "best delay-limited F1");

const fn aim(
    set: &'static str,
    mode: Mode,
    method: Option<&'static str>,
    measure: (&'static str, &'static str),
    (wanted, decimals): (f64, usize),
    why: &'static str,
) -> Aim {
    Aim { set, mode, method, measure, wanted, decimals, why }
}

const PROTOTYPE: &str = "what the prototype of the design had";
const LEADERS: &str = "above the best published, who are told the range";
const CONTEST: &str = "the published FluxEV, on the other half of the data";
const AIMS: &[Aim] = &[
    aim("nab", Mode::Streaming, DEFAULT, STANDARD, (72.0, 1), PROTOTYPE),
    aim("nab", Mode::Streaming, DEFAULT, STANDARD, (75.0, 1), "level with the published leaders"),
    aim("nab", Mode::Streaming, DEFAULT, LOW_FP, (61.0, 1), PROTOTYPE),
    aim("nab", Mode::Streaming, DEFAULT, LOW_FN, (78.0, 1), PROTOTYPE),
    aim(
        "nab",
        Mode::Streaming,
        DEFAULT,
        ("nab_other_half", "standard, threshold of the other half"),
        (70.0, 1),
        "a threshold that the files themselves did not choose",
    ),
    aim("nab", Mode::Told, DEFAULT, STANDARD, (75.2, 1), LEADERS),
    aim("nab", Mode::Told, DEFAULT, LOW_FP, (65.2, 1), LEADERS),
    aim("nab", Mode::Told, DEFAULT, LOW_FP, (67.0, 1), "the published CAD OSE"),
    aim("nab", Mode::Told, DEFAULT, LOW_FN, (80.6, 1), LEADERS),
    aim("tsb", Mode::Streaming, DEFAULT, VUS, (0.331, 3), "level with the published Sub-PCA"),
    aim("tsb", Mode::Whole, None, VUS, (0.52, 3), "above the best published"),
    aim(
        "smap",
        Mode::Streaming,
        None,
        VUS,
        (0.363, 3),
        "the published KMeansAD, which looks ahead",
    ),
    aim("smap", Mode::Whole, None, VUS, (0.43, 3), "above the best published"),
    aim("kpi", Mode::Streaming, None, DELAY_F1, (0.790, 3), CONTEST),
    aim("kpi", Mode::Streaming, DEFAULT, DELAY_F1_BEST, (0.790, 3), CONTEST),
    aim("smd", Mode::Streaming, JOINT, AUC, (0.548, 3), "PCA that looks ahead"),
    aim("smd", Mode::Streaming, JOINT, VUS, (0.487, 3), "our own PCA, fitted on the training part"),
    aim("smd", Mode::Trained, None, VUS, (0.52, 3), "the aim for batch methods, on these machines"),
    aim("asd", Mode::Streaming, JOINT, VUS, (0.45, 3), "PCA has 0.17, isolation forest 0.21"),
];

/// Share of the oracle that a choice without labels is to reach.
const CHOICE: f64 = 0.95;

/// The table of aims that were measured; empty when none was.
pub(super) fn markdown(tables: &[ScoreTable]) -> String {
    let mut text = String::new();
    for aim in AIMS {
        let table = tables.iter().find(|table| table.set.name == aim.set && table.mode == aim.mode);
        let value = |line: &&Line| line.measures.get(aim.measure.0).copied();
        let wanted = |line: &&Line| aim.method.is_none_or(|method| line.method == method);
        let best = table
            .into_iter()
            .flat_map(|table| table.lines.iter())
            .filter(wanted)
            .filter(|line| value(line).is_some())
            .max_by(|one, other| value(one).partial_cmp(&value(other)).expect("both are numbers"));
        let Some((line, reached)) = best.and_then(|line| Some((line, value(&line)?))) else {
            continue;
        };
        let verdict = if reached > aim.wanted { "reached" } else { "**not reached**" };
        let (set, mode, title) = (aim.set, aim.mode.name(), aim.measure.1);
        let (method, wanted, decimals) = (&line.method, aim.wanted, aim.decimals);
        text += &format!(
            "| {set}, {mode} | {title} | {method} | {wanted:.decimals$} | {reached:.decimals$} | {verdict} | {} |\n",
            aim.why
        );
    }
    if text.is_empty() {
        return text;
    }
    let servers = tables.iter().any(|table| ["smd", "asd"].contains(&table.set.name));
    for online in [true, false].into_iter().filter(|_| servers) {
        let (mode, share) = (if online { "stream" } else { "file" }, choice(online));
        let verdict = if share > CHOICE { "reached" } else { "**not reached**" };
        text += &format!(
            "| smd and asd, {mode} | share of the oracle | choice without labels | {CHOICE:.2} | {share:.2} | {verdict} | \
             within 5 % of the best candidate of each server, known beforehand; `docs/select.md` says what was tried |\n",
        );
    }
    format!(
        "## What was aimed at\n\n\
         | data | measure | whose | to pass | got | | why this figure |\n\
         |---|---|---|---:|---:|---|---|\n{text}\n\
         How budgets of false alarms are kept is measured by itself: `docs/budget.md`.\n\n"
    )
}

/// What a choice without labels is worth over the servers of all sets, as a share of the best
/// candidate of each.
fn choice(online: bool) -> f64 {
    let sum = |of: fn(&Trust) -> f64| {
        let measured = MEASURED.iter().filter(|trust| trust.online == online);
        measured.map(|trust| trust.series as f64 * of(trust)).sum::<f64>()
    };
    sum(|trust| trust.chosen) / sum(|trust| trust.oracle)
}
