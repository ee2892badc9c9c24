//! One case of a fault log: a scenario played to some time after its fault began.

use std::collections::BTreeMap;

use auscult_knowledge::Knowledge;
use auscult_simulate::observation::Observer;
use auscult_simulate::page::{Answer, Values};
use auscult_simulate::random::Random;
use auscult_simulate::scenario::{Scenario, case_text};
use auscult_simulate::simulation::Simulation;

use super::features::{Around, features};

/// The cause of a case in which nothing is wrong.
pub(crate) const HEALTHY: &str = "healthy";
/// Seconds from one sample to the next, after which a scrape gives up, and that are looked at before.
const INTERVAL: u64 = 15;
const TIME_OUT: f64 = 10.0;
const BEFORE: u64 = 1800;

/// A case.
#[derive(Debug)]
pub(crate) struct Case {
    /// Name of the scenario.
    pub(crate) scenario: String,
    /// The true fault, or [`HEALTHY`]: of look-alikes too.
    pub(crate) fault: &'static str,
    /// What could be known.
    pub(crate) features: BTreeMap<String, String>,
}

/// Plays scenario number `number` of `id` up to `window` seconds after its fault began, or its end.
pub(crate) fn case(
    id: &'static str,
    number: u64,
    window: u64,
    knowledge: &Knowledge,
) -> Result<Case, String> {
    let name = format!("{id}/{number}");
    let text = case_text(&name).ok_or_else(|| format!("there is no scenario {name}"))?;
    let scenario = Scenario::read(&name, &text).map_err(|problems| {
        problems.iter().map(|problem| problem.with_source()).collect::<String>()
    })?;
    let plan = scenario.plan().map_err(|mistakes| format!("{name}: {mistakes:?}"))?;
    let struck = plan.faults.first();
    let change = struck.and_then(|fault| fault.change).map(|change| change.word());
    let fault = struck.filter(|fault| fault.is_harmful).map_or(HEALTHY, |_| id);
    let (onset, end) = match struck {
        Some(fault) => (fault.course.start as u64, fault.course.end as u64),
        // Some moment and some time after it, drawn as those of faults are.
        None => {
            let mut random = Random::member(number, "moment", 0);
            let onset = 60 * (45 + random.below(16) as u64);
            (onset, onset + 60 * (15 + random.below(11) as u64))
        }
    };
    let mut simulation = Simulation::new(&scenario, plan);
    let mut observer = Observer::new(simulation.pages());
    let mut values = Values::default();
    let (mut lines, mut texts) = (Vec::new(), Vec::new());
    for second in 1..=end.min(onset + window) {
        simulation.advance();
        lines.clear();
        simulation.take_log_lines(&mut lines);
        let is_after = second > onset;
        if is_after {
            let told = lines.drain(..).filter(|line| !line.is_step);
            texts.extend(told.map(|line| line.text));
        }
        if second % INTERVAL != 0 || second + BEFORE < onset {
            continue;
        }
        for page in 0..simulation.pages().len() {
            let answer = simulation.read(page, &mut values);
            let is_read = matches!(answer, Answer::Page(seconds) if seconds < TIME_OUT);
            observer.take(page, is_after, INTERVAL as f64, is_read.then_some(&values));
        }
    }
    let pages = simulation.pages();
    let around = Around { pages, observer: &observer, lines: &texts, change };
    Ok(Case { scenario: name, fault, features: features(&around, knowledge) })
}
