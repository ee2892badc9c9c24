//! A replay's answer for people.

use std::fmt::{Display, Write};

use auscult_diagnose::draw::{grouped, percent};
use auscult_diagnose::replay::{MendedTime, Slowdown};

use super::super::learn::aligned;
use super::{Part, Replayed};

/// Everything that is said of a job.
pub(super) fn report(replayed: &Replayed, top: usize) -> String {
    let Replayed { file, trace, found, mended } = replayed;
    let mut text = format!(
        "{file}: {}, {}, {}\n",
        counted(trace.operations().len(), "operation"),
        counted(found.steps, "step"),
        counted(trace.workers().len(), "worker"),
    );
    // Writing to a string cannot fail, here and below.
    let _ = writeln!(
        text,
        "A step took {} s; replayed {} s, ideal {} s: {:.3} times as long as it could be.",
        number(found.measured),
        number(found.real),
        number(found.ideal),
        found.slowdown
    );
    text.push_str("\nCauses\n");
    if found.causes.is_empty() {
        text.push_str("  none: the job is about as fast as its usual operations allow\n");
    }
    for (at, cause) in found.causes.iter().enumerate() {
        let _ = writeln!(text, "  {}. {cause}", at + 1);
    }
    if top > 0 {
        text.push_str("\nSlowdown with only this part as it really was\n");
        let mut rows = Vec::new();
        part_rows("operation", &found.kinds, top, &mut rows);
        part_rows("stage", &found.stages, top, &mut rows);
        part_rows("rank", &found.ranks, top, &mut rows);
        part_rows("worker", &found.workers, top, &mut rows);
        text.push_str(&aligned(&rows, 3));
        text.push_str("\nShare of the lost time that mending wins back\n");
        text.push_str(&aligned(&won_back(replayed, top), 2));
    }
    if !mended.is_empty() {
        text.push_str("\nWhat if this had been normal\n");
        let rows: Vec<Vec<String>> =
            mended.iter().map(|(part, time)| what_if(part, time)).collect();
        text.push_str(&aligned(&rows, 2));
    }
    text
}

fn part_rows<P: Display>(
    kind: &str,
    parts: &[Slowdown<P>],
    top: usize,
    rows: &mut Vec<Vec<String>>,
) {
    for (at, one) in parts.iter().take(top).enumerate() {
        let kind = if at == 0 { kind } else { "" };
        rows.push(vec![kind.to_owned(), one.part.to_string(), format!("{:.3}", one.factor)]);
    }
    if parts.len() > top {
        let rest = format!("and {} more", parts.len() - top);
        rows.push(vec![String::new(), rest, format!("≤ {:.3}", parts[top].factor)]);
    }
}

fn won_back(replayed: &Replayed, top: usize) -> Vec<Vec<String>> {
    let found = &replayed.found;
    let worst: Vec<String> = found.worst_workers.part.iter().map(ToString::to_string).collect();
    let row = |what: String, share: f64| vec![what, share_of(share)];
    let mut rows =
        vec![row(format!("worst workers ({})", worst.join("; ")), found.worst_workers.share)];
    let mut stages: Vec<_> = found.mended_stages.iter().collect();
    stages.sort_by(|one, other| other.share.total_cmp(&one.share));
    for stage in stages.into_iter().take(top) {
        rows.push(row(format!("stage {}", stage.part), stage.share));
    }
    rows.push(row("all communication".to_owned(), found.communication));
    rows.push(row("micro-batches all of one length".to_owned(), found.even_batches));
    rows
}

fn what_if(part: &Part, time: &MendedTime) -> Vec<String> {
    let MendedTime { real, mended, share, operations, .. } = *time;
    vec![
        part.to_string(),
        format!(
            "a step takes {} s instead of {} s: {} of the lost time won back ({})",
            number(mended),
            number(real),
            share_of(share),
            counted(operations, "operation")
        ),
    ]
}

/// `3 steps`, `1 step`.
fn counted(count: usize, what: &str) -> String {
    let plural = if count == 1 { "" } else { "s" };
    format!("{} {what}{plural}", grouped(count as u64))
}

/// A share that may be below 0.
fn share_of(share: f64) -> String {
    let sign = if share <= -0.0005 { "−" } else { "" };
    format!("{sign}{}", percent(share.abs()))
}

/// Four digits.
fn number(seconds: f64) -> String {
    match seconds {
        _ if seconds == 0.0 || (0.01..1e5).contains(&seconds) => format!("{seconds:.3}"),
        _ => format!("{seconds:.3e}"),
    }
}
