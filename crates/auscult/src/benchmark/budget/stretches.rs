//! The healthy stretches of the public data sets.

use std::path::Path;

use super::super::files::{names as list, rows};
use super::super::series::{Series, clock};
use super::super::sets;
use super::{Known, Stretch, health};
use crate::outcome::CallError;

/// Samples after an anomaly in which an alarm may still be about it.
const AFTER: usize = 60;

/// Where healthy series come from.
#[derive(Debug)]
pub(crate) struct Source {
    /// Name on the command line.
    pub name: &'static str,
    /// What its series are.
    pub title: &'static str,
    /// Its parts, each of one or several series.
    pub names: fn(&Path) -> Result<Vec<String>, CallError>,
    /// The series of a part.
    pub load: fn(&Path, &str) -> Result<Vec<Stretch>, CallError>,
}

/// All of them.
pub(crate) const SETS: &[Source] = &[
    Source {
        name: "health",
        title: "simulated health, 11 kinds of 8 series: 30 days a minute apart, 90 days five minutes apart",
        names: |_| Ok(health::kinds().map(str::to_owned).collect()),
        load: |_, name| Ok(health::stretches(name)),
    },
    Source {
        name: "smd",
        title: "Server Machine Dataset, training parts, a minute apart",
        names: |data| names("smd", data),
        load: |data, name| Ok(training(&load("smd", data, name)?)),
    },
    Source {
        name: "asd",
        title: "Application Server Dataset, training parts, five minutes apart",
        names: |data| names("asd", data),
        load: |data, name| Ok(training(&load("asd", data, name)?)),
    },
    Source {
        name: "kpi",
        title: "AIOps 2018 KPI outside labelled anomalies, one or five minutes apart",
        names: |data| names("kpi", data),
        load: |data, name| Ok(vec![outside(load("kpi", data, name)?)]),
    },
    Source {
        name: "nab",
        title: "NAB outside labelled windows, mostly five minutes apart",
        names: |data| names("nab", data),
        load: |data, name| Ok(vec![outside(load("nab", data, name)?)]),
    },
    Source {
        name: "smap",
        title: "SMAP, telemetry of the training parts, taken for a minute apart",
        names: |data| list(&data.join("smap"), ".train.csv.gz"),
        load: |data, name| Ok(vec![telemetry(data, name)?]),
    },
];

/// The source called `name`.
pub(crate) fn find(name: &str) -> Option<&'static Source> {
    SETS.iter().find(|source| source.name == name)
}

fn names(set: &str, data: &Path) -> Result<Vec<String>, CallError> {
    let set = sets::find(set).expect("a public data set");
    (set.names)(data).map_err(|_| CallError::input(set.absent(data)))
}

fn load(set: &str, data: &Path, name: &str) -> Result<Series, CallError> {
    sets::find(set).expect("a public data set").load(data, name)
}

/// The training part, channel by channel.
fn training(series: &Series) -> Vec<Stretch> {
    let channel = |channel: usize| Stretch {
        times: series.times[..series.train].to_vec(),
        readings: series.channel(channel)[..series.train].to_vec(),
        known: vec![Known::Healthy; series.train],
    };
    (0..series.channels).map(channel).collect()
}

/// All of a series of one channel, healthy where no label says otherwise.
fn outside(series: Series) -> Stretch {
    let mut after = 0;
    let known = series.labels.iter().map(|label| {
        if *label {
            after = AFTER;
            return Known::Anomaly;
        }
        let known = if after > 0 { Known::After } else { Known::Healthy };
        after = after.saturating_sub(1);
        known
    });
    Stretch { known: known.collect(), times: series.times, readings: series.readings }
}

/// The first column of a training part of SMAP; the others are commands.
fn telemetry(data: &Path, name: &str) -> Result<Stretch, CallError> {
    let path = data.join("smap").join(format!("{name}.train.csv.gz"));
    let (readings, channels) = rows(&path)?;
    let readings: Vec<f64> = readings.into_iter().step_by(channels).collect();
    Ok(Stretch {
        times: clock(readings.len(), 60),
        known: vec![Known::Healthy; readings.len()],
        readings,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn samples_after_an_anomaly_are_neither_healthy_nor_anomalous() {
        let mut labels = vec![false; 200];
        labels[50..53].fill(true);
        let series = Series {
            name: String::new(),
            channels: 1,
            readings: vec![0.0; 200],
            times: clock(200, 60),
            step_seconds: 60,
            labels,
            train: 0,
            scored_from: 0,
            guilty: Vec::new(),
        };
        let known = outside(series).known;
        let count = |what: Known| known.iter().filter(|one| **one == what).count();
        assert_eq!((count(Known::Anomaly), count(Known::After)), (3, 60));
        assert_eq!(
            (known[49], known[50], known[53]),
            (Known::Healthy, Known::Anomaly, Known::After)
        );
        assert_eq!((known[112], known[113]), (Known::After, Known::Healthy));
    }
}
