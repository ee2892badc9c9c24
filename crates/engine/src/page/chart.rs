//! A series as a small picture: what it did before and since it began, and what it is held against.

use std::fmt::Write;

use auscult_diagnose::diagnosis::{EvidenceSeries, ToldChange};
use auscult_diagnose::evidence::{quantity, unit_of_axis};
use auscult_plot::{Scale, escaped, labels, range};

use super::words::{behind, is_time, moment};

const WIDTH: f64 = 360.0;
const HEIGHT: f64 = 150.0;
const LEFT: f64 = 50.0;
const RIGHT: f64 = 8.0;
const TOP: f64 = 20.0;
const BOTTOM: f64 = 22.0;
/// Times as far apart as usual are points of a line that is broken between them.
const GAP: f64 = 4.0;
/// Least width of a stretch that is to be seen.
const LEAST: f64 = 2.0;

/// The time that pictures show.
#[derive(Debug)]
pub(super) struct Stage<'a> {
    pub(super) from: f64,
    pub(super) began: f64,
    /// Where the series that moved did so.
    pub(super) within: Option<[f64; 2]>,
    pub(super) until: f64,
    pub(super) changes: &'a [ToldChange],
}

pub(super) fn draw(out: &mut String, series: &EvidenceSeries, stage: &Stage<'_>) {
    let x = Scale {
        low: stage.from,
        high: stage.until.max(stage.from + 1.0),
        from: LEFT,
        to: WIDTH - RIGHT,
    };
    let (low, high) = heights(series);
    let y = Scale { low, high, from: HEIGHT - BOTTOM, to: TOP };
    let (top, bottom) = (TOP, HEIGHT - BOTTOM);
    let name = format!(
        "{} of {} {} from {} to {}",
        series.signal,
        series.kind,
        series.place,
        moment(stage.from),
        moment(stage.until)
    );
    let _ = writeln!(
        out,
        "<svg viewBox=\"0 0 {WIDTH} {HEIGHT}\" role=\"img\"><title>{}</title>",
        escaped(&name)
    );
    let began = x.place(stage.began);
    let mut stretch = |class: &str, from: f64, to: f64| {
        let _ = writeln!(
            out,
            "<rect class=\"{class}\" x=\"{from:.1}\" y=\"{top}\" width=\"{:.1}\" height=\"{:.1}\"/>",
            to - from,
            bottom - top
        );
    };
    stretch("after", began, WIDTH - RIGHT);
    if let Some([earliest, latest]) = stage.within {
        let (from, to) = (x.place(earliest), x.place(latest));
        let middle = from.midpoint(to);
        stretch("within", from.min(middle - LEAST / 2.0), to.max(middle + LEAST / 2.0));
    }
    draw_axes(out, series, &x, &y);
    for bound in series.bounds.iter().filter(|bound| (low..=high).contains(*bound)) {
        let at = y.place(*bound);
        let _ = writeln!(
            out,
            "<path class=\"bound\" d=\"M{LEFT} {at:.1}H{}\"><title>{}</title></path>",
            WIDTH - RIGHT,
            escaped(&(quantity(*bound, &series.unit) + &behind(&series.unit, series.per_second)))
        );
    }
    for other in &series.others {
        draw_line(out, "other", &other.points, &other.place, &x, &y);
    }
    draw_line(out, "line", &series.points, &series.place, &x, &y);
    let _ = writeln!(out, "<path class=\"began\" d=\"M{began:.1} {}V{bottom}\"/>", TOP - 4.0);
    // At the edge the words turn inwards.
    let anchor = if began > 0.7 * WIDTH { "end" } else { "start" };
    let clock = moment(stage.began);
    let _ = writeln!(
        out,
        "<text class=\"began-at\" x=\"{began:.1}\" y=\"12\" text-anchor=\"{anchor}\">began {}</text>",
        clock.get(11..).unwrap_or(&clock)
    );
    for change in stage.changes.iter().filter(|change| change.time >= stage.from) {
        let at = x.place(change.time);
        let _ = writeln!(
            out,
            "<path class=\"change\" d=\"M{:.1} {bottom}h8l-4 -8z\"><title>{}</title></path>",
            at - 4.0,
            escaped(&format!("{} of {} at {}", change.kind, change.target, moment(change.time)))
        );
    }
    out.push_str("</svg>\n");
}

/// From where to where the picture reaches upwards.
fn heights(series: &EvidenceSeries) -> (f64, f64) {
    let lines = series.others.iter().map(|other| &other.points).chain([&series.points]);
    let values: Vec<f64> = lines.flatten().map(|point| point[1]).collect();
    let (low, high) = range(&values);
    let least = values.iter().copied().fold(f64::INFINITY, f64::min);
    let low = if least >= 0.0 { low.max(0.0) } else { low };
    // What it is held against is shown unless it would flatten all else.
    let reach = high - low;
    let near = series.bounds.iter().filter(|bound| (low - reach..=high + reach).contains(*bound));
    near.fold((low, high), |(low, high), bound| {
        (low.min(bound - 0.05 * reach), high.max(bound + 0.05 * reach))
    })
}

fn draw_axes(out: &mut String, series: &EvidenceSeries, x: &Scale, y: &Scale) {
    let largest = y.high.abs().max(y.low.abs());
    let (by, unit) = unit_of_axis(largest, &series.unit);
    let unit = if series.per_second { format!("{unit}/s") } else { unit.to_owned() };
    let scaled = Scale { low: y.low / by, high: y.high / by, ..*y };
    let ticks: Vec<(f64, String)> = if series.unit == "seconds" && is_time(y.low) {
        scaled.time_ticks(3)
    } else {
        let _ = writeln!(out, "<text x=\"2\" y=\"12\">{}</text>", escaped(&unit));
        let ticks = scaled.ticks(4);
        let labels = labels(&ticks);
        ticks.into_iter().zip(labels).collect()
    };
    for (tick, label) in ticks {
        let at = scaled.place(tick);
        let _ = writeln!(
            out,
            "<path class=\"grid\" d=\"M{LEFT} {at:.1}H{}\"/><text x=\"{}\" y=\"{:.1}\" text-anchor=\"end\">{label}</text>",
            WIDTH - RIGHT,
            LEFT - 5.0,
            at + 4.0
        );
    }
    let bottom = HEIGHT - BOTTOM;
    let _ = writeln!(out, "<path class=\"axis\" d=\"M{LEFT} {bottom}H{}\"/>", WIDTH - RIGHT);
    for (tick, label) in x.time_ticks(4) {
        let at = x.place(tick);
        // Half a label would stand outside.
        if (LEFT + 10.0..WIDTH - RIGHT - 14.0).contains(&at) {
            let _ = writeln!(
                out,
                "<path class=\"axis\" d=\"M{at:.1} {bottom}v3\"/><text x=\"{at:.1}\" y=\"{}\" text-anchor=\"middle\">{label}</text>",
                HEIGHT - 6.0
            );
        }
    }
}

fn draw_line(out: &mut String, class: &str, points: &[[f64; 2]], name: &str, x: &Scale, y: &Scale) {
    let mut apart: Vec<f64> = points.windows(2).map(|pair| pair[1][0] - pair[0][0]).collect();
    apart.sort_unstable_by(f64::total_cmp);
    let widest = GAP * apart.get(apart.len() / 2).copied().unwrap_or(0.0);
    let _ = write!(out, "<path class=\"{class}\" d=\"");
    let mut last: Option<f64> = None;
    for (place, point) in points.iter().enumerate() {
        let goes_on = last.is_some_and(|last| point[0] - last <= widest);
        let letter = if goes_on { 'L' } else { 'M' };
        let _ = write!(out, "{letter}{:.1} {:.1}", x.place(point[0]), y.place(point[1]));
        // A reading alone is a dot.
        let is_alone = points.get(place + 1).is_none_or(|next| next[0] - point[0] > widest);
        if !goes_on && is_alone {
            out.push_str("h0.1");
        }
        last = Some(point[0]);
    }
    let _ = writeln!(out, "\"><title>{}</title></path>", escaped(name));
}
