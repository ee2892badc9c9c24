//! The picture of a detection: series, expected band, anomalies.

use auscult_detect::Method;
use auscult_plot::Point;

use super::figure::{Expected, Figure, Mark, Panel};
use crate::detection::series::Series;
use crate::detection::whole::Judged;
use crate::detection::words::{self, counted};

/// Panels in one picture; more would be too tall to read.
const PANELS: usize = 16;

/// Draws the judged series, those with the most anomalies first if there are
/// too many for one picture.
pub(crate) fn draw(judged: &[(Series, Judged)], method: &Method) -> Figure {
    let anomalies: u64 = judged.iter().map(|(_, judged)| judged.tally.anomalies).sum();
    let mut panels: Vec<(u64, Panel)> = judged
        .iter()
        .flat_map(|(series, one)| {
            let channels = 0..series.name.columns.len();
            channels.map(|channel| (one.tally.anomalies, panel(series, one, channel, method)))
        })
        .collect();
    let count = panels.len();
    if count > PANELS {
        panels.sort_by_key(|(anomalies, _)| std::cmp::Reverse(*anomalies));
        panels.truncate(PANELS);
    }
    let title = match judged {
        [(series, _)] => series.name.title(),
        many => counted(many.len() as u64, "series", "series"),
    };
    let found = counted(anomalies, "anomaly", "anomalies");
    let shown = if count > PANELS {
        format!("; the {PANELS} of {count} columns with the most are shown")
    } else {
        String::new()
    };
    Figure {
        title,
        subtitle: format!("{found} by {}{shown}", method.title),
        is_time: judged.iter().all(|(series, _)| series.times.is_some()),
        panels: panels.into_iter().map(|(_, panel)| panel).collect(),
    }
}

fn panel(series: &Series, judged: &Judged, channel: usize, method: &Method) -> Panel {
    let channels = series.name.columns.len();
    let x = |place: usize| match &series.times {
        Some(times) => times[place].seconds(),
        None => series.rows[place] as f64,
    };
    let y = |place: usize| series.readings[place * channels + channel];
    let line = (0..series.rows.len()).map(|place| Point { x: x(place), y: y(place) }).collect();
    let band = judged.trace.iter().filter_map(|trace| {
        let why = trace.explanation.as_ref()?;
        let band = why.band.as_ref().map(|band| band[channel]);
        Some(Expected {
            x: x(trace.place),
            middle: why.expected[channel],
            low: band.map(|band| band.low),
            high: band.map(|band| band.high),
        })
    });
    // Of several columns judged jointly, only those that made the score are marked.
    let is_marked = |trace: &&crate::detection::whole::Trace| {
        let share = trace.explanation.as_ref().and_then(|why| why.share.get(channel).copied());
        trace.is_anomaly && (channels == 1 || share.is_none_or(|share| share >= 0.1))
    };
    let reasons: std::collections::HashMap<u64, String> = judged
        .findings
        .iter()
        .map(|finding| (finding.row, words::reason(finding, method)))
        .collect();
    let mark = |trace: &crate::detection::whole::Trace| Mark {
        x: x(trace.place),
        y: y(trace.place),
        text: reasons.get(&series.rows[trace.place]).cloned().unwrap_or_default(),
    };
    let column = &series.name.columns[channel];
    let title = if series.name.group.is_empty() {
        column.clone()
    } else {
        format!("{column} of {}", series.name.group())
    };
    Panel {
        title,
        line,
        band: band.collect(),
        marks: judged.trace.iter().filter(is_marked).map(mark).collect(),
    }
}
