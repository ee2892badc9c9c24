//! What to do, and where to say what it was.

use std::fmt::Write;

use auscult_plot::escaped;

use super::{Sheet, called};

pub(super) fn write(out: &mut String, sheet: &Sheet) {
    let report = &sheet.diagnosis.report;
    out.push_str("<section>\n<h2>Remedy</h2>\n");
    match report.causes.first() {
        None => out.push_str("<p>None: no cause is known.</p>\n"),
        Some(cause) => {
            if report.answer().is_none() {
                let _ = writeln!(out, "<p>If it is {} after all:</p>", escaped(&called(cause)));
            }
            let remedy = &cause.remedy;
            let now = if remedy.now.is_empty() { "nothing unattended" } else { &remedy.now };
            let parts = [
                ("Now", now),
                ("Later", &remedy.later),
                ("Risk", &remedy.risk),
                ("Guard", &remedy.guard),
            ];
            out.push_str("<dl>\n");
            for (name, text) in parts.into_iter().filter(|(_, text)| !text.is_empty()) {
                let _ = writeln!(out, "<dt>{name}</dt><dd>{}</dd>", escaped(text));
            }
            let _ = write!(
                out,
                "<dt>It helped if</dt><dd><code>{}</code></dd>\n</dl>\n",
                escaped(&remedy.recovered_when)
            );
        }
    }
    if let Some(link) = &sheet.links.verdict {
        let _ = writeln!(out, "<p><a href=\"{}\">Say what it was</a></p>", escaped(link));
    }
    out.push_str("</section>\n");
}
