//! Sets in which causes are ranked: services or nodes, and metrics where they are known.

use std::time::Instant;

use auscult_diagnose::rank::{Case, Method, Ranking};
use auscult_evaluate::{accuracy_at, average_accuracy};

use super::{Column, Line, column};
use crate::outcome::CallError;

/// Places that count.
const AT: [usize; 3] = [1, 3, 5];

/// For sets that have no healthy windows.
pub(super) const SERVICE: &[Column] = &[
    column("ac1", "AC@1", 3),
    column("ac3", "AC@3", 3),
    column("ac5", "AC@5", 3),
    column("avg5", "Avg@5", 3),
];

/// For sets that name a metric too.
pub(super) const SERVICE_AND_METRIC: &[Column] = &[
    column("ac1", "service AC@1", 3),
    column("ac3", "AC@3", 3),
    column("ac5", "AC@5", 3),
    column("avg5", "Avg@5", 3),
    column("metric_ac1", "metric AC@1", 3),
    column("metric_ac3", "AC@3", 3),
    column("metric_ac5", "AC@5", 3),
    column("metric_avg5", "Avg@5", 3),
    column("quiet", "quiet when healthy", 3),
    column("spoke", "spoke when ill", 3),
];

/// For sets that name a service only.
pub(super) const NODE_AND_HEALTH: &[Column] = &[
    column("ac1", "AC@1", 3),
    column("ac3", "AC@3", 3),
    column("ac5", "AC@5", 3),
    column("avg5", "Avg@5", 3),
    column("quiet", "quiet when healthy", 3),
    column("spoke", "spoke when ill", 3),
];

/// An incident, or a time without one.
pub(super) struct Labelled {
    /// What our methods see.
    pub case: Case,
    /// What the methods of others see, where published work prepares the data for them.
    pub prepared: Option<Case>,
    /// The true cause; `None` while nothing is wrong.
    pub truth: Option<Truth>,
}

/// A true cause.
pub(super) struct Truth {
    /// Service or node.
    pub service: String,
    /// Name of the series.
    pub metric: Option<String>,
}

/// Names of all methods that rank.
pub(super) fn methods() -> Vec<&'static str> {
    Method::ALL.iter().map(|method| method.name()).collect()
}

/// Measures `method` on `cases`; `service` turns the name of a target into that of what
/// the truth names.
pub(super) fn measure(
    method: &str,
    cases: &[Labelled],
    columns: &'static [Column],
    service: fn(&str) -> String,
) -> Result<Line, CallError> {
    let method = Method::find(method).ok_or_else(|| {
        CallError::input(format!("no method `{method}`; there are {}", methods().join(", ")))
    })?;
    let is_ours = matches!(method, Method::Combined | Method::RobustShift);
    let seen = |labelled: &'_ Labelled| -> Case {
        let prepared = labelled.prepared.as_ref().filter(|_| !is_ours);
        prepared.unwrap_or(&labelled.case).clone()
    };
    let tells = method == Method::Combined;
    // Whoever cannot keep quiet is not asked about healthy windows.
    let cases: Vec<&Labelled> =
        cases.iter().filter(|labelled| tells || labelled.truth.is_some()).collect();
    let series: usize = cases.iter().map(|case| seen(case).series().len()).sum();
    let mut tally = Tally::default();
    let mut line = Line {
        method: method.name(),
        figures: vec![None; columns.len()],
        seconds: 0.0,
        series: series as f64 / cases.len().max(1) as f64,
        refused: None,
    };
    for labelled in &cases {
        let case = seen(labelled);
        let start = Instant::now();
        let ranking = match method.rank(&case) {
            Ok(ranking) => ranking,
            Err(error) => {
                line.refused = Some(error.to_string());
                return Ok(line);
            }
        };
        line.seconds += start.elapsed().as_secs_f64() / cases.len() as f64;
        tally.take(&ranking, labelled.truth.as_ref(), service);
    }
    line.figures = columns.iter().map(|column| tally.figure(column.key, tells)).collect();
    Ok(line)
}

/// What was counted.
#[derive(Default)]
struct Tally {
    services: Vec<Option<usize>>,
    metrics: Vec<Option<usize>>,
    spoke: usize,
    healthy: usize,
    quiet: usize,
}

impl Tally {
    fn take(&mut self, ranking: &Ranking, truth: Option<&Truth>, service: fn(&str) -> String) {
        let Some(truth) = truth else {
            self.healthy += 1;
            self.quiet += usize::from(ranking.abstains());
            return;
        };
        self.spoke += usize::from(!ranking.abstains());
        let mut named: Vec<String> = Vec::new();
        for target in &ranking.targets {
            let name = service(&target.name);
            if !named.contains(&name) {
                named.push(name);
            }
        }
        let place = named.iter().position(|name| *name == truth.service);
        self.services.push(place.map(|place| place + 1));
        if let Some(metric) = &truth.metric {
            let place = ranking.series.iter().position(|series| series.name == *metric);
            self.metrics.push(place.map(|place| place + 1));
        }
    }

    fn figure(&self, key: &str, tells: bool) -> Option<f64> {
        let share = |part: usize, of: usize| (of > 0).then(|| part as f64 / of as f64);
        let (ranks, measure) = match key.strip_prefix("metric_") {
            Some(measure) => (&self.metrics, measure),
            None => (&self.services, key),
        };
        match measure {
            "quiet" => share(self.quiet, self.healthy).filter(|_| tells),
            "spoke" => share(self.spoke, self.services.len()).filter(|_| tells),
            "avg5" => average_accuracy(ranks, 5),
            _ => {
                AT.iter().find(|k| measure == format!("ac{k}")).and_then(|k| accuracy_at(ranks, *k))
            }
        }
    }
}
