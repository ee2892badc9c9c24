//! What speaks for and against the first cause, with plots.

use std::fmt::Write;

use auscult_diagnose::diagnosis::{EvidenceSeries, ToldCause, ToldEvidence};
use auscult_diagnose::evidence::{CHANGED_AFTER, CHANGED_BEFORE};
use auscult_plot::{clipped, escaped};

use super::chart::{Stage, draw};
use super::words::{capitalised, moment, odds, seen};
use super::{Sheet, called, called_with_share};

/// Bytes of the address of a series that is linked to; no server takes much longer ones.
const LONGEST_LINK: usize = 2000;
/// Letters of the name of a series that are shown; all of it is behind them.
const NAME: usize = 100;

pub(super) fn write(out: &mut String, sheet: &Sheet, with_plots: bool) {
    let report = &sheet.diagnosis.report;
    out.push_str("<section>\n<h2>Evidence</h2>\n");
    let Some(cause) = report.causes.first() else {
        out.push_str("<p>None for any cause that is known.</p>\n</section>\n");
        return;
    };
    if report.answer().is_none() {
        let _ = writeln!(
            out,
            "<p>That is not the answer, but of the causes that are known the likeliest: {}.</p>",
            escaped(&called_with_share(cause))
        );
    }
    out.push_str(
        "<p class=\"note\">What the cause predicts, what was seen before and now, and by how much that changes its odds.",
    );
    if with_plots && !sheet.diagnosis.series.is_empty() {
        out.push_str(
            " In the plots the time since it began is shaded, from the dashed line on; the reddish stretch is where \
             the series that moved did so.",
        );
    }
    out.push_str("</p>\n");
    if !with_plots && !sheet.diagnosis.series.is_empty() {
        out.push_str(
            "<p class=\"note\">Without plots, as this page has many already: ask for this incident alone.</p>\n",
        );
    }
    let name = escaped(&called(cause));
    write_list(out, sheet, with_plots, &format!("For {name}"), &cause.supports);
    write_list(out, sheet, with_plots, &format!("Against {name}"), &cause.speaks_against);
    write_prior(out, cause);
    write_changes(out, sheet);
    out.push_str("</section>\n");
}

/// Pieces of evidence, those about the same series together.
fn write_list(
    out: &mut String,
    sheet: &Sheet,
    with_plots: bool,
    title: &str,
    evidence: &[ToldEvidence],
) {
    let _ = writeln!(out, "<h3>{title}</h3>");
    if evidence.is_empty() {
        out.push_str("<p>Nothing.</p>\n");
        return;
    }
    out.push_str("<ul class=\"evidence\">\n");
    let series = &sheet.diagnosis.series;
    let of = |one: &ToldEvidence| {
        series.iter().position(|known| known.statements.contains(&one.statement))
    };
    let mut done = vec![false; series.len()];
    for one in evidence {
        let place = of(one);
        if place.is_some_and(|place| std::mem::replace(&mut done[place], true)) {
            continue;
        }
        out.push_str("<li>\n");
        match place.map(|place| &series[place]) {
            None => write_piece(out, one),
            Some(known) => {
                let shown =
                    evidence.iter().filter(|other| known.statements.contains(&other.statement));
                shown.for_each(|one| write_piece(out, one));
                if with_plots {
                    write_plot(out, sheet, known);
                }
            }
        }
        out.push_str("</li>\n");
    }
    out.push_str("</ul>\n");
}

fn write_piece(out: &mut String, one: &ToldEvidence) {
    let denied = if one.holds { "" } else { " <b>is not so</b>" };
    let _ = writeln!(
        out,
        "<p class=\"piece\"><code>{}</code>{denied}: <span class=\"seen\">{}</span> <span class=\"odds\">{}</span></p>",
        escaped(&one.statement),
        escaped(&seen(one)),
        odds(one.weight)
    );
}

fn write_plot(out: &mut String, sheet: &Sheet, series: &EvidenceSeries) {
    let report = &sheet.diagnosis.report;
    let starts = sheet.diagnosis.series.iter().filter_map(|one| one.points.first());
    let stage = Stage {
        from: starts.map(|point| point[0]).fold(report.began, f64::min),
        began: report.began,
        within: sheet.diagnosis.began_within,
        until: report.until,
        changes: &report.changes,
    };
    out.push_str("<figure>\n");
    draw(out, series, &stage);
    let _ = write!(
        out,
        "<figcaption>{} of {} {}",
        escaped(&series.signal),
        escaped(&series.kind),
        escaped(&series.place)
    );
    let drawn = series.others.len();
    match (drawn, series.more_others) {
        (0, _) => {}
        (1, 0) => out.push_str("; thin: 1 other"),
        (_, 0) => {
            let _ = write!(out, "; thin: {drawn} others");
        }
        (_, more) => {
            let _ = write!(out, "; thin: {drawn} of {} others", drawn + more);
        }
    }
    if !series.read_from.is_empty() {
        out.push_str("<br/>from ");
    }
    for (place, name) in series.read_from.iter().enumerate() {
        let gap = if place == 0 { "" } else { ", " };
        let text =
            format!("<code title=\"{}\">{}</code>", escaped(name), escaped(&clipped(name, NAME)));
        let _ = match link(sheet, name, &stage) {
            Some(link) => {
                write!(out, "{gap}<a href=\"{}\">{text}</a>", escaped(&link))
            }
            None => write!(out, "{gap}{text}"),
        };
    }
    if series.more_read_from > 0 {
        let _ = write!(out, " and {} more", series.more_read_from);
    }
    out.push_str("</figcaption>\n</figure>\n");
}

/// Where the samples of a series are, as Prometheus's API gives them.
fn link(sheet: &Sheet, series: &str, stage: &Stage<'_>) -> Option<String> {
    let base = sheet.links.query.as_ref()?;
    let (from, until) = (stage.from.floor(), stage.until.ceil());
    let step = ((until - from) / 1000.0).ceil().max(1.0);
    let link = format!(
        "{base}/query_range?query={}&start={from}&end={until}&step={step}",
        encoded(series)
    );
    (link.len() <= LONGEST_LINK).then_some(link)
}

/// Text as a part of an address.
fn encoded(text: &str) -> String {
    let mut encoded = String::with_capacity(text.len());
    for byte in text.bytes() {
        if byte.is_ascii_alphanumeric() || b"-._~".contains(&byte) {
            encoded.push(char::from(byte));
        } else {
            let _ = write!(encoded, "%{byte:02X}");
        }
    }
    encoded
}

fn write_prior(out: &mut String, cause: &ToldCause) {
    if let Some(prior) = cause.prior.as_ref().filter(|prior| prior.verdicts > 0) {
        let _ =
            writeln!(out, "<p class=\"note\">{}</p>", escaped(&capitalised(&prior.to_string())));
    }
}

/// Changes around the beginning.
fn write_changes(out: &mut String, sheet: &Sheet) {
    let report = &sheet.diagnosis.report;
    if report.changes.is_empty() {
        return;
    }
    let _ = write!(
        out,
        "<h3>Changes</h3>\n<p class=\"note\">Made from {:.0} min before it began to {:.0} min after; triangles in the plots.</p>\n<ul>\n",
        CHANGED_BEFORE / 60.0,
        CHANGED_AFTER / 60.0
    );
    for change in &report.changes {
        let lag = report.began - change.time;
        let when = if lag >= 0.0 { "before" } else { "after" };
        let of = if change.target.is_empty() { "everything" } else { &change.target };
        let _ = writeln!(
            out,
            "<li>{} of {}, {}, {:.0} s {when} it began</li>",
            escaped(&change.kind),
            escaped(of),
            moment(change.time),
            lag.abs()
        );
    }
    out.push_str("</ul>\n");
}

#[cfg(test)]
mod tests {
    use super::encoded;

    #[test]
    fn labels_go_into_addresses_whole() {
        assert_eq!(encoded("{a=\"x y&z\"}"), "%7Ba%3D%22x%20y%26z%22%7D");
    }
}
