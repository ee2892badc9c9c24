//! Other causes, what was ruled out, and what nobody knows.

use std::collections::BTreeMap;
use std::fmt::Write;

use auscult_diagnose::diagnosis::{Report, ToldCause, ToldEvidence};
use auscult_diagnose::evidence::quantity;
use auscult_plot::escaped;

use super::words::{capitalised, percent, seen};
use super::{called, write_place};

/// Pieces of evidence for and against another cause that are told.
const PIECES: usize = 3;
/// Probability of the second cause from which on it is close to the first.
const CLOSE: f64 = 0.1;
/// Broken laws, groups of signals that are not trusted, and laws that could not be checked, that are told.
const LINES: usize = 8;

/// Every answer with its probability as a bar, what speaks for the others, and what cannot be.
pub(super) fn write_others(out: &mut String, report: &Report) {
    out.push_str("<section>\n<h2>Other causes</h2>\n<table class=\"bars\">\n");
    let causes = report.causes.iter().map(|cause| (called(cause), cause.probability));
    let others =
        [("none of the known causes", report.unknown), ("nothing is wrong", report.healthy)];
    let others = others.map(|(name, share)| (name.to_owned(), share));
    let mut shares: Vec<(String, f64)> = causes.chain(others).collect();
    shares.sort_by(|(_, one), (_, other)| other.total_cmp(one));
    for (name, share) in shares {
        let width = 100.0 * share.clamp(0.0, 1.0);
        let _ = writeln!(
            out,
            "<tr><th scope=\"row\">{}</th><td class=\"share\">{}</td><td class=\"bar\"><span style=\"width:{width:.1}%\"></span></td></tr>",
            escaped(&name),
            percent(share)
        );
    }
    out.push_str("</table>\n");
    if let Some(witness) = &report.witness {
        let said = capitalised(&witness.to_string());
        let _ = writeln!(out, "<p>{}.</p>", escaped(&said));
    }
    if let Some(second) = &report.beside {
        let share = percent(second.probability);
        let _ =
            writeln!(out, "<p>Beside the first, by what that does not account for ({share}):</p>");
        write_other(out, second);
        out.push_str("<p>Instead of the first:</p>\n");
    }
    report.causes.iter().skip(1).for_each(|cause| write_other(out, cause));
    write_ruled_out(out, report);
    out.push_str("</section>\n");
}

fn write_other(out: &mut String, cause: &ToldCause) {
    let _ = write!(out, "<h3>{}</h3>\n<p>{}</p>\n", escaped(&called(cause)), escaped(&cause.about));
    write_place(out, cause);
    out.push_str("<ul>\n");
    let pieces = |list: &[ToldEvidence], out: &mut String, sign: &str| {
        for one in list.iter().take(PIECES) {
            let denied = if one.holds { "" } else { " <b>is not so</b>" };
            let (statement, seen) = (escaped(&one.statement), escaped(&seen(one)));
            let _ = writeln!(out, "<li>{sign}: <code>{statement}</code>{denied}: {seen}</li>");
        }
    };
    pieces(&cause.supports, out, "for");
    pieces(&cause.speaks_against, out, "against");
    if cause.supports.is_empty() && cause.speaks_against.is_empty() {
        out.push_str("<li>nothing speaks for or against it</li>\n");
    }
    out.push_str("</ul>\n");
}

/// What cannot be, by reason.
fn write_ruled_out(out: &mut String, report: &Report) {
    out.push_str("<h3>Ruled out</h3>\n");
    if report.ruled_out.is_empty() {
        out.push_str("<p>Nothing with certainty.</p>\n");
        return;
    }
    let mut reasons: BTreeMap<&str, Vec<String>> = BTreeMap::new();
    for one in &report.ruled_out {
        reasons.entry(&one.reason).or_default().push(format!("{} ({})", one.name, one.fault));
    }
    out.push_str("<ul>\n");
    for (reason, faults) in reasons {
        let _ = writeln!(out, "<li>{}: {}</li>", escaped(&faults.join(", ")), escaped(reason));
    }
    out.push_str("</ul>\n");
}

/// What nobody knows, and what would tell more.
pub(super) fn write_unknown(out: &mut String, report: &Report) {
    out.push_str("<section>\n<h2>What is not known</h2>\n");
    let mut lines = Vec::new();
    if let Some(cause) = report.causes.first() {
        for statement in &cause.not_known {
            lines.push(format!("<code>{}</code>: nothing tells", escaped(statement)));
        }
    }
    let laws = &report.laws;
    for group in laws.not_trusted.iter().take(LINES) {
        lines.push(format!(
            "not trusted: {} of {} {}, because {}",
            escaped(&group.signals.join(", ")),
            escaped(&group.kind),
            escaped(&group.place),
            escaped(&group.why)
        ));
    }
    more(&mut lines, laws.not_trusted.len(), "groups of signals that are not trusted");
    for law in laws.broken.iter().take(LINES) {
        let again = if law.new { "" } else { ", as before" };
        let elsewhere = law.targets.saturating_sub(law.at.len());
        let elsewhere =
            if elsewhere > 0 { format!(" and {elsewhere} more") } else { String::new() };
        lines.push(format!(
            "law broken{again}: {} (<code>{}</code>) at {} {}{elsewhere}: {} against {}; {}",
            escaped(&law.law),
            escaped(&law.says),
            escaped(&law.kind),
            escaped(&law.at.join(", ")),
            quantity(law.left, ""),
            quantity(law.right, ""),
            escaped(&law.means)
        ));
    }
    more(&mut lines, laws.broken.len(), "laws that are broken");
    if !laws.unknown.is_empty() {
        let missing = laws.unknown.iter().map(|law| match &law.missing {
            Some(missing) => format!("{} (no {missing})", law.part),
            None => format!("{} (too few readings)", law.part),
        });
        let mut missing: Vec<String> = missing.take(LINES).map(|text| escaped(&text)).collect();
        more(&mut missing, laws.unknown.len(), "laws");
        lines.push(format!("laws that could not be checked: {}", missing.join(", ")));
    }
    if report.causes.is_empty() {
        out.push_str("<p>What it is: there is no evidence for any cause.</p>\n");
    }
    if lines.is_empty() {
        if !report.causes.is_empty() {
            out.push_str("<p>Nothing that the cause requires.</p>\n");
        }
    } else {
        out.push_str("<ul>\n");
        lines.iter().for_each(|line| {
            let _ = writeln!(out, "<li>{line}</li>");
        });
        out.push_str("</ul>\n");
    }
    let is_close = report.causes.get(1).is_some_and(|second| second.probability >= CLOSE);
    let next = match &report.next_question {
        Some(question) => format!("{} would tell the first two apart.", capitalised(question)),
        None if is_close => "None that would tell the first two causes apart.".to_owned(),
        None => "None: no two causes are close.".to_owned(),
    };
    let _ = writeln!(out, "<h3>Next question</h3>\n<p>{}</p>", escaped(&next));
    out.push_str("</section>\n");
}

fn more(lines: &mut Vec<String>, all: usize, what: &str) {
    if all > LINES {
        lines.push(format!("{} more {what}", all - LINES));
    }
}
