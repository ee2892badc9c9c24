//! What a configuration will cost, in tables for people.

use std::fmt::Write;

use auscult_server::plan::{Counted, Estimate, Figure, SourceKind, SourcePlan};
use comfy_table::{CellAlignment, Table, presets};

/// Sources that could not be counted and are named; the rest is a number.
const MOST_NAMED: usize = 20;

/// The whole plan.
pub(super) fn text(sources: &[SourcePlan], estimate: &Estimate) -> String {
    let mut out = String::new();
    out.push_str(&source_table(sources));
    if !estimate.left_out.is_empty() {
        out.push_str("\n\nNot in the sums\n");
        for one in estimate.left_out.iter().take(MOST_NAMED) {
            line(&mut out, format_args!("  {one}"));
        }
        let more = estimate.left_out.len().saturating_sub(MOST_NAMED);
        if more > 0 {
            line(&mut out, format_args!("  and {more} more; --format json has all"));
        }
    } else {
        out.push('\n');
    }
    out.push('\n');
    out.push_str(&needs(estimate));
    out.push('\n');
    if !estimate.warnings.is_empty() {
        out.push_str("\nWarnings\n");
        estimate.warnings.iter().for_each(|one| line(&mut out, format_args!("  {one}")));
    }
    out
}

fn line(out: &mut String, text: std::fmt::Arguments<'_>) {
    writeln!(out, "{text}").expect("writing to a string cannot fail");
}

/// A row for each job, server and file.
fn source_table(sources: &[SourcePlan]) -> String {
    let mut table = Table::new();
    table.load_style(presets::NOTHING);
    table.set_header(["source", "counted", "series", "judged", "interval", "samples/s"]);
    for column in 2..6 {
        if let Some(column) = table.column_mut(column) {
            column.set_cell_alignment(CellAlignment::Right);
        }
    }
    let mut rest = sources;
    while let Some(first) = rest.first() {
        let same = |one: &SourcePlan| one.kind == first.kind && one.name == first.name;
        let group = rest.iter().take_while(|one| same(one)).count();
        let (group, others) = rest.split_at(group);
        rest = others;
        let counted: Vec<&Counted> = group.iter().filter_map(|one| one.counted.as_ref()).collect();
        let kind = match first.kind {
            SourceKind::Scrape => "scrape",
            SourceKind::Prometheus => "ask",
            SourceKind::File => "follow",
            SourceKind::Pushed => "take",
        };
        let seconds = group.iter().find_map(|one| one.interval_seconds);
        let supposed = if counted.iter().all(|one| one.is_seen) { "" } else { " at most" };
        let judged: u64 = counted.iter().map(|one| one.judged).sum();
        let rate: f64 = group.iter().map(SourcePlan::samples_per_second).sum();
        table.add_row([
            format!("{kind} {}", first.name),
            format!("{} of {}", counted.len(), group.len()),
            whole(counted.iter().map(|one| one.series).sum()),
            format!("{}{supposed}", whole(judged)),
            seconds.map_or_else(|| "unknown".to_owned(), |seconds| format!("{seconds} s")),
            format!("{rate:.1}"),
        ]);
    }
    table.trim_fmt()
}

/// What is needed, each with what it was reckoned from.
fn needs(estimate: &Estimate) -> String {
    let mut table = Table::new();
    table.load_style(presets::NOTHING);
    if let Some(column) = table.column_mut(1) {
        column.set_cell_alignment(CellAlignment::Right);
    }
    let mut row = |name: &str, value: String, because: &str| {
        table.add_row([name, &value, because]);
    };
    let limit = format!("of {} (detection.most_series)", whole(estimate.series_limit));
    row("series", whole(estimate.counted.series), &limit);
    let bytes = |figure: &Figure| size(figure.value);
    row("memory", bytes(&estimate.memory_bytes), &estimate.memory_bytes.because);
    if !estimate.counted.methods.is_empty() {
        row("of which methods", bytes(&estimate.method_bytes), &estimate.method_bytes.because);
    }
    let cores = &estimate.processor_cores;
    row("processor", format!("{:.3} cores", cores.value), &cores.because);
    match &estimate.disk {
        None => row("disk", "none".to_owned(), "storage.folder is none"),
        Some(disk) => {
            row("disk", size(disk.total_bytes), "history, log and checkpoint together");
            row("  history", bytes(&disk.history_bytes), &disk.history_bytes.because);
            row("  log", bytes(&disk.log_bytes), &disk.log_bytes.because);
            row("  checkpoint", bytes(&disk.checkpoint_bytes), &disk.checkpoint_bytes.because);
        }
    }
    let per_second = |figure: &Figure| format!("{}/s", size(figure.value));
    let (received, sent) = (&estimate.received_bytes_per_second, &estimate.sent_bytes_per_second);
    row("network, in", per_second(received), &received.because);
    row("network, out", per_second(sent), &sent.because);
    let requests = &estimate.requests_per_second;
    row("requests", format!("{:.2}/s", requests.value), &requests.because);
    for (place, back) in estimate.written_back.iter().enumerate() {
        let name = back.name.clone().unwrap_or_else(|| format!("remote_write {}", place + 1));
        let value = format!("{} series", whole(back.series.value as u64));
        row(&format!("{name}, back"), value, &back.series.because);
    }
    table.trim_fmt()
}

/// A number of bytes.
fn size(bytes: f64) -> String {
    let units = [
        (1024.0_f64.powi(4), "TiB"),
        (1024.0_f64.powi(3), "GiB"),
        (1024.0 * 1024.0, "MiB"),
        (1024.0, "KiB"),
    ];
    match units.iter().find(|(size, _)| bytes >= *size) {
        Some((size, unit)) => format!("{:.1} {unit}", bytes / size),
        None => format!("{bytes:.0} B"),
    }
}

/// A whole number, with commas.
fn whole(number: u64) -> String {
    let digits = number.to_string();
    let mut out = String::new();
    for (place, digit) in digits.chars().enumerate() {
        if place > 0 && (digits.len() - place).is_multiple_of(3) {
            out.push(',');
        }
        out.push(digit);
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_are_for_people() {
        assert_eq!(
            [whole(0), whole(999), whole(1_000), whole(1_234_567)],
            ["0", "999", "1,000", "1,234,567"]
        );
        assert_eq!(
            [size(12.0), size(2048.0), size(3.5 * 1024.0 * 1024.0)],
            ["12 B", "2.0 KiB", "3.5 MiB"]
        );
    }
}
