//! A diagnosis as a page: one HTML document without scripts that loads nothing, to be read in a browser,
//! on a telephone, on paper, and by whoever gets it in a mail.
//!
//! It is well-formed XML, too. Whatever comes from outside (names, labels, lines of logs) is escaped.

mod causes;
mod chart;
mod evidence;
mod remedy;
mod words;

use std::fmt::Write;

use auscult_diagnose::diagnosis::{Conclusion, Illustrated, ToldCause};
use auscult_plot::escaped;

use words::{capitalised, moment, percent};

const STYLE: &str = include_str!("page.css");
/// Plots of a page; of more incidents the later ones have none.
const PLOTS: usize = 160;

/// An incident as it is put on a page.
#[derive(Debug, Clone)]
pub struct Sheet {
    /// Its number, where it has one.
    pub incident: Option<u64>,
    /// What it is, with the readings behind the evidence.
    pub diagnosis: Illustrated,
    /// Where more can be found.
    pub links: Links,
}

/// Addresses that a page leads to; none where there is no service.
#[derive(Debug, Clone, Default)]
pub struct Links {
    /// The page on which people say what it was.
    pub verdict: Option<String>,
    /// The incident as data.
    pub incident: Option<String>,
    /// Prometheus's API below which the samples can be asked for, such as `http://127.0.0.1:9709/api/v1`.
    pub query: Option<String>,
}

/// The page of these incidents, in their order.
///
/// Per incident: the sentence; the evidence for and against with a plot of each series; how likely other
/// causes are and what was ruled out; what is not known, and what to ask next; what to do. Size: up to
/// 16 plots of up to 242 points and 8 lines of 122 behind them, about 20 KB each at most, usually 3; 160
/// plots in all.
///
/// ```
/// use auscult_core::{Labels, Timestamp};
/// use auscult_engine::Case;
/// use auscult_engine::page::{Links, Sheet, page};
/// let at = Timestamp::from_seconds;
/// let mut case = Case::new(at(3000), at(3600));
/// let labels = Labels::from_pairs([
///     ("__name__", "DCGM_FI_DEV_GPU_TEMP"), ("Hostname", "<a>"), ("gpu", "0"),
/// ])?;
/// let samples = (0..240).map(|step| (at(step * 15), if step < 200 { 60.0 } else { 91.0 }));
/// case.series(&labels, samples);
/// let sheet = Sheet { incident: None, diagnosis: case.illustrate(), links: Links::default() };
/// let page = page(&[sheet]);
/// assert!(page.contains("<svg") && page.contains("&lt;a&gt;/0") && !page.contains("<a>"));
/// # Ok::<(), auscult_core::LabelsError>(())
/// ```
#[must_use]
pub fn page(sheets: &[Sheet]) -> String {
    let title = match sheets {
        [] => "No incidents".to_owned(),
        [one] => headline(one),
        many => format!("{} incidents", many.len()),
    };
    let mut out = format!(
        "<!DOCTYPE html>\n<html lang=\"en\">\n<head>\n<meta charset=\"utf-8\"/>\n\
         <meta name=\"viewport\" content=\"width=device-width, initial-scale=1\"/>\n\
         <meta name=\"color-scheme\" content=\"light dark\"/>\n<title>{}</title>\n\
         <style>\n{STYLE}</style>\n</head>\n<body>\n",
        escaped(&title)
    );
    if sheets.is_empty() {
        out += "<main><h1>No incidents</h1></main>\n";
    }
    let mut plots = 0;
    for sheet in sheets {
        let has_room = plots + sheet.diagnosis.series.len() <= PLOTS;
        plots += if has_room { sheet.diagnosis.series.len() } else { 0 };
        write_sheet(&mut out, sheet, has_room);
    }
    let _ = write!(
        out,
        "<footer>Times are UTC. A line of more than 242 readings is drawn by the lowest and the highest of each \
         stretch. Written by auscult {}; this page needs nothing else.</footer>\n</body>\n</html>\n",
        env!("CARGO_PKG_VERSION")
    );
    out
}

/// Cause, place, confidence and since when, in a sentence.
fn headline(sheet: &Sheet) -> String {
    let report = &sheet.diagnosis.report;
    let sentence = capitalised(&report.sentence);
    let is_unknown = report.conclusion() == Conclusion::Unknown && !report.causes.is_empty();
    let something = report.answer().is_some() || is_unknown;
    if something { format!("{sentence}, since {} UTC", moment(report.began)) } else { sentence }
}

fn write_sheet(out: &mut String, sheet: &Sheet, with_plots: bool) {
    let report = &sheet.diagnosis.report;
    let _ = write!(out, "<main>\n<header>\n<h1>{}</h1>\n", escaped(&headline(sheet)));
    let mut facts = Vec::new();
    if let Some(number) = sheet.incident {
        let name = format!("Incident {number}");
        facts.push(match &sheet.links.incident {
            Some(link) => format!("<a href=\"{}\">{name}</a>", escaped(link)),
            None => name,
        });
    }
    facts.push(format!("began {}", moment(report.began)));
    if let Some([earliest, latest]) = sheet.diagnosis.began_within {
        let (earliest, latest) = (moment(earliest), moment(latest));
        let clock = latest.get(11..).unwrap_or_default();
        facts.push(if earliest == latest {
            format!("by the series that moved, at {clock}")
        } else {
            format!("by the series that moved, {earliest} to {clock}")
        });
    }
    facts.push(format!("looked at until {}", moment(report.until)));
    let _ = writeln!(out, "<p class=\"facts\">{}</p>", facts.join(" · "));
    if let Some(recovery) = &report.recovery {
        let _ = writeln!(
            out,
            "<p class=\"recovery\">{}</p>",
            escaped(&capitalised(&recovery.sentence))
        );
    }
    if let Some(cause) = report.answer() {
        let _ = writeln!(out, "<p>{}</p>", escaped(&cause.about));
        write_place(out, cause);
    }
    out.push_str("</header>\n");
    evidence::write(out, sheet, with_plots);
    causes::write_others(out, report);
    causes::write_unknown(out, report);
    remedy::write(out, sheet);
    out.push_str("</main>\n");
}

/// How sure the place of a cause is, where it is not.
fn write_place(out: &mut String, cause: &ToldCause) {
    if cause.here < 0.95 {
        let _ = writeln!(
            out,
            "<p>If it is that, it is at {} {} with {}, and elsewhere otherwise.</p>",
            escaped(&cause.kind),
            escaped(&cause.place),
            percent(cause.here)
        );
    }
}

/// How a cause is called, and where it is.
fn called(cause: &ToldCause) -> String {
    format!("{} ({}) at {} {}", cause.name, cause.fault, cause.kind, cause.place)
}

/// The same with its probability.
fn called_with_share(cause: &ToldCause) -> String {
    format!("{}: {}", called(cause), percent(cause.probability))
}
