//! How far series are from normal, as series.

use std::collections::{BTreeMap, HashSet};
use std::time::Duration;

use auscult_core::{Labels, METRIC_NAME, Timestamp};
use auscult_engine::incident::State;
use auscult_engine::{Engine, Selector, SeriesView};

use super::words::{shared_labels, since};

/// The label that says which metric a score is of.
const METRIC: &str = "auscult_metric";
/// A series without a sample for so long has no score any more; as long as Prometheus looks back.
const FRESH: Duration = Duration::from_secs(300);
/// Most incidents that become series.
const MOST_INCIDENTS: usize = 1000;

/// Which scores are wanted.
#[derive(Debug, Clone)]
pub(crate) struct Wanted {
    /// Series besides those of open incidents.
    pub(crate) select: Vec<Selector>,
    pub(crate) expected: bool,
    pub(crate) band: bool,
    pub(crate) incidents: bool,
    /// Most series; those of incidents go first.
    pub(crate) most: usize,
}

/// A family of series: what it is called, what it means, and what it reads.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Family {
    pub(crate) name: &'static str,
    pub(crate) help: &'static str,
    pub(crate) samples: Vec<(Labels, f64)>,
}

/// Everything that was wanted.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Scores {
    pub(crate) families: Vec<Family>,
    /// Series beyond the most.
    pub(crate) left_out: usize,
}

/// Takes the scores of `wanted` as they are `now`.
pub(crate) fn take(engine: &Engine, wanted: &Wanted, now: Timestamp) -> Scores {
    let open = engine.incidents_that(|incident| incident.state == State::Open);
    let odd: HashSet<&Labels> = open
        .iter()
        .flat_map(|incident| &incident.members)
        .filter(|member| member.usual_since.is_none())
        .map(|member| &member.series)
        .collect();
    let members: HashSet<&Labels> =
        open.iter().flat_map(|incident| &incident.members).map(|member| &member.series).collect();
    let is_wanted = |labels: &Labels| {
        members.contains(labels) || wanted.select.iter().any(|one| one.matches(labels.as_ref()))
    };
    // Without either, not one series is looked at.
    let mut views = if members.is_empty() && wanted.select.is_empty() {
        Vec::new()
    } else {
        engine.series_now(is_wanted)
    };
    let left_out = views.len().saturating_sub(wanted.most);
    if left_out > 0 {
        views.sort_by_key(|view| !members.contains(&view.labels));
        views.truncate(wanted.most);
        views.sort_by(|a, b| a.labels.cmp(&b.labels));
    }
    let family = |name, help, value: &dyn Fn(&SeriesView) -> Option<f64>| Family {
        name,
        help,
        samples: views
            .iter()
            .filter_map(|view| Some((scored(name, &view.labels)?, value(view)?)))
            .collect(),
    };
    let fresh = |view: &SeriesView| !view.ended && since(view.time, now) < FRESH;
    let help = "How far a series has been from normal lately, in its usual deviations";
    let mut families =
        vec![family("auscult_deviation", help, &|view| view.deviation.filter(|_| fresh(view)))];
    let help = "1 while a series is odd and in an open incident, else 0";
    families.push(family("auscult_alarm", help, &|view| {
        Some(f64::from(u8::from(odd.contains(&view.labels))))
    }));
    if wanted.expected {
        let help = "What would be normal, in the unit of the series";
        families
            .push(family("auscult_expected", help, &|view| view.expected.filter(|_| fresh(view))));
    }
    if wanted.band {
        let band = |view: &SeriesView| view.band.filter(|_| fresh(view));
        let help = "Lowest reading that would not be odd, in the unit of the series";
        families.push(family("auscult_band_low", help, &|view| Some(band(view)?.low)));
        let help = "Highest reading that would not be odd, in the unit of the series";
        families.push(family("auscult_band_high", help, &|view| Some(band(view)?.high)));
    }
    if wanted.incidents {
        let incidents = open.iter().take(MOST_INCIDENTS).filter_map(|incident| {
            let id = incident.id.to_string();
            let own = [("incident", &*id), ("severity", incident.severity.as_str())];
            let shared = shared_labels(&incident.targets);
            let labels = shared.filter(|(name, _)| own.iter().all(|(taken, _)| taken != name));
            Some((named("auscult_incident_open", labels.chain(own))?, 1.0))
        });
        families.push(Family {
            name: "auscult_incident_open",
            help: "1 for each incident that is open, with the labels that its targets share",
            samples: incidents.collect(),
        });
    }
    families.iter_mut().for_each(|family| family.samples.sort_by(|a, b| a.0.cmp(&b.0)));
    Scores { families, left_out }
}

/// Labels of the score `name` of a series.
fn scored(name: &'static str, series: &Labels) -> Option<Labels> {
    let metric = series.as_ref().metric();
    let rest = series.iter().filter(|(label, _)| *label != METRIC_NAME && *label != METRIC);
    named(name, rest.chain([(METRIC, metric)]))
}

/// Labels under another name. Other letters than Prometheus's of old become underscores;
/// should two labels come to the same, the first stands.
fn named<'a>(
    name: &'static str,
    labels: impl Iterator<Item = (&'a str, &'a str)>,
) -> Option<Labels> {
    let mut pairs: BTreeMap<String, &str> = BTreeMap::from([(METRIC_NAME.to_owned(), name)]);
    for (label, value) in labels {
        pairs.entry(classic(label)).or_insert(value);
    }
    Labels::from_pairs(pairs.iter().map(|(name, value)| (name.as_str(), *value))).ok()
}

fn classic(label: &str) -> String {
    let fits = |letter: char| letter.is_ascii_alphanumeric() || letter == '_';
    let text = label.replace(|letter| !fits(letter), "_");
    if text.starts_with(|letter: char| letter.is_ascii_digit()) { format!("_{text}") } else { text }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::delivery::samples::labels;

    #[test]
    fn a_score_keeps_the_labels_of_its_series_in_letters_that_all_can_read() {
        let series = labels([
            ("__name__", "power.watts"),
            ("gpu", "3"),
            ("k8s.pod", "a"),
            ("k8s_pod", "b"),
            ("0", "c"),
            ("auscult_metric", "d"),
        ]);
        assert_eq!(
            scored("auscult_deviation", &series).unwrap().to_string(),
            r#"auscult_deviation{_0="c",auscult_metric="power.watts",gpu="3",k8s_pod="a"}"#
        );
    }
}
