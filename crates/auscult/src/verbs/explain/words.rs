//! The answer in words and tables, for people.

use std::fmt::Write;

use auscult_diagnose::explain::segments::{Measure, MixAndRate, Segment};
use auscult_diagnose::explain::{Estimator, InputEffect, Joint, Quantity, Shift, Unusable};
use comfy_table::{CellAlignment, Table, presets};

use super::findings::{Attributed, Findings, Part, Segmented, unusable_input};

/// Inflation above which coefficients can hardly be told apart.
const INFLATED: f64 = 10.0;
/// Share of rows outside the earlier range above which a part rests on the line
/// going on straight.
const OUTSIDE: f64 = 0.1;

/// The whole answer.
pub(super) fn report(findings: &Findings, top: usize) -> String {
    let mut out = String::new();
    headline(&mut out, findings);
    if let Some(shift) = &findings.shift {
        quantities(&mut out, findings, shift);
    }
    if let Some(attributed) = &findings.attribution {
        inputs(&mut out, findings, attributed, top);
    }
    pairs(&mut out, findings, top);
    if let Some(segmented) = &findings.segments {
        segments(&mut out, findings, segmented, top);
    }
    if !findings.notes.is_empty() {
        out.push_str("\nNotes\n");
        findings.notes.iter().for_each(|note| line(&mut out, format_args!("  {note}")));
    }
    out
}

fn line(out: &mut String, text: std::fmt::Arguments<'_>) {
    writeln!(out, "{text}").expect("writing to a string cannot fail");
}

/// What changed, by how much, and whether that is more than chance.
fn headline(out: &mut String, findings: &Findings) {
    let (before, after) = findings.totals;
    let change = findings.change();
    let verb = if change < 0.0 { "fell" } else { "rose" };
    let share = if before != 0.0 {
        format!(" ({} %)", signed(change / before.abs() * 100.0))
    } else {
        String::new()
    };
    let size = number(change.abs());
    let (from, to) = (number(before), number(after));
    let subject = &findings.subject;
    let what = match findings.measure {
        Measure::Mean => format!("mean {subject}"),
        Measure::Ratio | Measure::Sum => subject.clone(),
    };
    let Some(shift) = &findings.shift else {
        line(out, format_args!("{what} {verb} by {size}, from {from} to {to}{share}"));
        return;
    };
    if shift.is_significant() {
        line(out, format_args!("{what} {verb} by {size}, from {from} to {to}{share}"));
    } else {
        line(
            out,
            format_args!(
                "{subject} did not change significantly: {what} went from {from} to {to}{share}, which chance explains"
            ),
        );
    }
    let test = &shift.mean_test;
    let effect = format!("{} standard deviations", signed(shift.effect_size));
    let ranks = percent(shift.rank_test.superiority);
    line(
        out,
        format_args!(
            "  {}, {effect}; a reading after is above one before in {ranks} of pairs",
            p_value(test.p_value)
        ),
    );
    let (old, new) = shift.effective_rows;
    let (old_name, new_name) = &findings.periods;
    let unit = if findings.measure == Measure::Mean { "rows" } else { "moments" };
    line(
        out,
        format_args!(
            "  {old_name}: {} {unit}, worth {old:.0} independent ones; {new_name}: {} {unit}, worth {new:.0}",
            shift.rows.0, shift.rows.1
        ),
    );
}

/// The table of quantities.
fn quantities(out: &mut String, findings: &Findings, shift: &Shift) {
    let mut table = plain_table();
    let interval = format!("{:.0} % interval", findings.confidence * 100.0);
    table.set_header(["", "before", "after", "change", &interval, "p"]);
    let mut add = |name: String, quantity: &Quantity, p: Option<f64>| {
        table.add_row([
            name,
            number(quantity.before),
            number(quantity.after),
            signed(quantity.change()),
            span(quantity.interval),
            p.map_or_else(String::new, bare_p),
        ]);
    };
    add("mean".into(), &shift.mean, Some(shift.mean_test.p_value));
    add("median".into(), &shift.median, Some(shift.rank_test.p_value));
    add("standard deviation".into(), &shift.deviation, Some(shift.spread_p_value));
    for (level, quantity) in &shift.deciles {
        if *level != 0.5 {
            add(format!("{:.0} % quantile", level * 100.0), quantity, None);
        }
    }
    right_align(&mut table, 1..6);
    line(out, format_args!("\n{}", trimmed(&table)));
    let test = &shift.distribution_test;
    line(
        out,
        format_args!(
            "  whole distribution: Kolmogorov-Smirnov distance {}, {}",
            number(test.distance),
            p_value(test.p_value)
        ),
    );
}

/// The parts of the inputs, ranked, and what is wrong with them.
fn inputs(out: &mut String, findings: &Findings, attributed: &Attributed, top: usize) {
    let how = match attributed.estimator {
        Estimator::Ols => "least squares".to_owned(),
        Estimator::Ridge(share) => format!("ridge regression, penalty {}", number(share)),
        Estimator::Huber => "Huber regression".to_owned(),
    };
    let (old, new) = attributed.found.r_squared;
    line(
        out,
        format_args!(
            "\nWhat accounts for it ({how} in each period, R² {} and {}; the parts add up to the change)",
            two_digits(old),
            two_digits(new)
        ),
    );
    for warning in warnings(attributed) {
        line(out, format_args!("  Mind: {warning}"));
    }
    ranked(out, findings, &findings.parts(), top);
    let found = &attributed.found;
    if has_undivided(attributed) {
        return;
    }
    line(
        out,
        format_args!(
            "  Together: changes of the inputs {} ({}), changes of their effects {} ({})",
            signed(found.by_inputs.amount),
            span(found.by_inputs.interval),
            signed(found.by_coefficients.amount),
            span(found.by_coefficients.interval)
        ),
    );
}

/// Parts in order, those that chance may explain after the others.
fn ranked(out: &mut String, findings: &Findings, parts: &[Part], top: usize) {
    let change = findings.change();
    let (clear, unclear): (Vec<&Part>, Vec<&Part>) = parts.iter().partition(|part| part.is_clear());
    for (place, part) in clear.iter().take(top).enumerate() {
        line(out, format_args!("  {:>2}. {}", place + 1, sentence(part, change)));
    }
    if clear.len() > top {
        line(out, format_args!("      and {} more", clear.len() - top));
    }
    if clear.is_empty() {
        line(out, format_args!("  nothing is clearly different from 0"));
    }
    if !unclear.is_empty() {
        line(out, format_args!("  Not clearly different from 0:"));
        for part in unclear.iter().take(top) {
            line(out, format_args!("      {}", sentence(part, change)));
        }
        if unclear.len() > top {
            line(out, format_args!("      and {} more", unclear.len() - top));
        }
    }
}

fn sentence(part: &Part, change: f64) -> String {
    let kind = if change < 0.0 { "drop" } else { "rise" };
    let of = if change != 0.0 {
        format!(" of the {} {kind} ({})", signed(change), percent(part.amount / change))
    } else {
        String::new()
    };
    let within = part.interval.map_or_else(String::new, |interval| format!(", {}", span(interval)));
    let caution = part.caution.map_or_else(String::new, |caution| format!(" [! {caution}]"));
    format!("{}: {}{}{within}{caution}", part.sentence, signed(part.amount), of)
}

/// Every part of an attribution.
pub(super) fn input_parts(attributed: &Attributed) -> Vec<Part> {
    let found = &attributed.found;
    let mut parts: Vec<Part> = Vec::new();
    found.joint.iter().for_each(|joint| parts.extend(joint_parts(attributed, joint)));
    let is_joint =
        |effect: &&InputEffect| found.joint.iter().any(|j| j.inputs().contains(&effect.input));
    for effect in found.inputs.iter().filter(|effect| !is_joint(effect)) {
        let caution = caution(effect);
        let name = &attributed.names[effect.input];
        let (before, after) = effect.means;
        parts.push(Part {
            label: format!("{name} {}", if after < before { "fell" } else { "rose" }),
            sentence: moved(name, effect.means),
            amount: effect.by_input.amount,
            interval: Some(effect.by_input.interval),
            kind: "input",
            name: name.clone(),
            before: Some(before),
            after: Some(after),
            caution,
        });
        let (before, after) = effect.coefficients;
        parts.push(Part {
            label: format!("effect of {name}"),
            sentence: format!(
                "a unit of {name} counts {} instead of {}",
                signed(after),
                signed(before)
            ),
            amount: effect.by_coefficient.amount,
            interval: Some(effect.by_coefficient.interval),
            kind: "effect",
            name: name.clone(),
            before: Some(before),
            after: Some(after),
            caution,
        });
    }
    if !has_undivided(attributed) {
        parts.push(Part {
            label: "no input shows it".to_owned(),
            sentence: "a change that no input shows (intercept)".to_owned(),
            amount: found.intercept.amount,
            interval: Some(found.intercept.interval),
            kind: "intercept",
            name: String::new(),
            before: Some(found.intercepts.0),
            after: Some(found.intercepts.1),
            caution: None,
        });
    }
    if attributed.estimator == Estimator::Huber {
        parts.push(Part {
            label: "wild readings".to_owned(),
            sentence: "wild readings, which the regression sets aside".to_owned(),
            amount: found.unexplained,
            interval: None,
            kind: "unexplained",
            name: String::new(),
            before: None,
            after: None,
            caution: None,
        });
    }
    parts
}

/// Whether some inputs cannot be told from their effects and the intercept, so
/// that neither can all inputs from all effects.
pub(super) fn has_undivided(attributed: &Attributed) -> bool {
    attributed.found.joint.iter().any(|joint| matches!(joint, Joint::Apart { .. }))
}

/// Why the parts of an input that stands alone are to be taken with care.
fn caution(effect: &InputEffect) -> Option<&'static str> {
    if effect.variance_inflation > INFLATED {
        Some("hardly told apart from other inputs")
    } else if effect.outside > OUTSIDE {
        Some("outside its earlier range")
    } else {
        None
    }
}

/// What is said of inputs that can only be judged together.
fn joint_parts(attributed: &Attributed, joint: &Joint) -> Vec<Part> {
    let names = joint_names(attributed, joint);
    let part =
        |label: String, sentence: String, part: &auscult_diagnose::explain::Part, kind| Part {
            label,
            sentence,
            amount: part.amount,
            interval: Some(part.interval),
            kind,
            name: names.clone(),
            before: None,
            after: None,
            caution: Some("not to be divided"),
        };
    match joint {
        Joint::Collinear { by_input, by_coefficient, .. } => vec![
            part(
                format!("{names} together"),
                format!("{names} changed, whichever of them counts"),
                by_input,
                "joint-input",
            ),
            part(
                format!("effects of {names}"),
                format!("{names} together count otherwise than before"),
                by_coefficient,
                "joint-effect",
            ),
        ],
        Joint::Apart { part: whole, .. } => vec![part(
            format!("{names}, all told"),
            format!("{names}, changed effect and what no input shows together"),
            whole,
            "joint",
        )],
    }
}

fn joint_names(attributed: &Attributed, joint: &Joint) -> String {
    let names: Vec<&str> =
        joint.inputs().iter().map(|input| attributed.names[*input].as_str()).collect();
    names.join(" + ")
}

/// `clock_mhz fell by 345 (1755 → 1410)`.
fn moved(name: &str, (before, after): (f64, f64)) -> String {
    let verb = if after < before { "fell" } else { "rose" };
    let size = number((after - before).abs());
    format!("{name} {verb} by {size} ({} → {})", number(before), number(after))
}

/// What to bear in mind about the inputs.
pub(super) fn warnings(attributed: &Attributed) -> Vec<String> {
    let mut warnings = Vec::new();
    for unusable in &attributed.found.unusable {
        let name = &attributed.names[unusable_input(unusable)];
        warnings.push(match unusable {
            Unusable::Constant { value, .. } => {
                format!("{name} cannot be used: it is {} in every row", number(*value))
            }
            Unusable::Stepped { means, .. } => format!(
                "{name} cannot be used: it stands still within a period and went from {} to {}; \
                 nothing shows what a unit of it does, and its part is in the intercept",
                number(means.0),
                number(means.1)
            ),
            Unusable::Collinear { .. } => {
                format!("{name} cannot be used: it is a sum of multiples of the inputs before it")
            }
        });
    }
    for joint in &attributed.found.joint {
        let names = joint_names(attributed, joint);
        warnings.push(match joint {
            Joint::Collinear { .. } => format!(
                "no part is given to each of {names}: they are sums of multiples of one another, \
                 and only what they account for together can be told"
            ),
            Joint::Apart { .. } => format!(
                "no part is given to {names}, to its effect or to what no input shows: before and \
                 after it has no value in common and the lines differ, so only their sum can be told"
            ),
        });
    }
    let stands_alone = |effect: &&InputEffect| {
        !attributed.found.joint.iter().any(|joint| joint.inputs().contains(&effect.input))
    };
    let inflated = |effect: &&InputEffect| effect.variance_inflation > INFLATED;
    let names: Vec<String> = attributed
        .found
        .inputs
        .iter()
        .filter(stands_alone)
        .filter(inflated)
        .map(|effect| {
            format!("{} ({:.0})", attributed.names[effect.input], effect.variance_inflation)
        })
        .collect();
    if !names.is_empty() {
        warnings.push(format!(
            "these inputs go together so closely that their parts can hardly be told apart, only \
             their sum (variance inflation): {}; leave some out with --inputs or try --model ridge",
            names.join(", ")
        ));
    }
    let alone = attributed.found.inputs.iter().filter(stands_alone);
    for effect in alone.filter(|effect| effect.outside > OUTSIDE) {
        warnings.push(format!(
            "{} lies outside its earlier range in {} of rows after: its part rests on the line \
             going on straight",
            attributed.names[effect.input],
            percent(effect.outside)
        ));
    }
    warnings
}

/// Pairs of columns that go together otherwise than before.
fn pairs(out: &mut String, findings: &Findings, top: usize) {
    let changed: Vec<_> =
        findings.relations.iter().filter(|(_, _, relation)| relation.p_value < 0.05).collect();
    if findings.relations.is_empty() {
        return;
    }
    line(out, format_args!("\nPairs that go together otherwise than before"));
    if changed.is_empty() {
        let count = findings.relations.len();
        line(out, format_args!("  none of {count} pairs, beyond what chance explains"));
        return;
    }
    let mut table = plain_table();
    table.set_header(["", "correlation", "covariance", "p, all pairs counted"]);
    for (one, two, relation) in changed.iter().take(top) {
        let (old, new) = (relation.correlation.before, relation.correlation.after);
        let arrow = |old: String, new: String| format!("{old} → {new}");
        table.add_row([
            format!("{one}, {two}"),
            arrow(two_digits(old), two_digits(new)),
            arrow(number(relation.covariance.0), number(relation.covariance.1)),
            bare_p(relation.p_value),
        ]);
    }
    right_align(&mut table, 1..4);
    line(out, format_args!("{}", trimmed(&table)));
    if changed.len() > top {
        line(out, format_args!("  and {} more", changed.len() - top));
    }
}

/// Which segments carry the change.
fn segments(out: &mut String, findings: &Findings, segmented: &Segmented, top: usize) {
    let change = findings.change();
    line(out, format_args!("\nWhich segments carry it"));
    for mix in &segmented.mixes {
        let name = &segmented.cells.attributes()[mix.attribute].name;
        line(
            out,
            format_args!(
                "  by {name}: {} from segments growing and shrinking, {} within segments",
                signed(mix.mix),
                signed(mix.rate)
            ),
        );
        if mix.reversed {
            let (whole, parts) = if change < 0.0 { ("fell", "rose") } else { ("rose", "fell") };
            line(
                out,
                format_args!(
                    "    Simpson's paradox: the whole {whole} while the segments of {name} on the \
                 whole {parts}"
                ),
            );
        }
    }
    for set in segmented.singles.iter().take(top.min(3)) {
        let attribute = &segmented.cells.attributes()[set.attribute];
        let values: Vec<String> = set
            .values
            .iter()
            .map(|value| format!("{} ({})", attribute.values[value.value], percent(value.power)))
            .collect();
        line(
            out,
            format_args!(
                "  {} alone: {} (surprise {})",
                attribute.name,
                values.join(", "),
                number(set.surprise)
            ),
        );
    }
    if segmented.combinations.is_empty() {
        line(out, format_args!("  no segment stands out from the rest"));
        return;
    }
    for (place, segment) in segmented.combinations.iter().take(top).enumerate() {
        line(
            out,
            format_args!("  {:>2}. {}", place + 1, segment_sentence(segmented, segment, change)),
        );
    }
}

fn segment_sentence(segmented: &Segmented, segment: &Segment, change: f64) -> String {
    let name = segment_name(segmented, segment);
    let rate = |tally: &auscult_diagnose::explain::segments::Tally| {
        tally.rate().map_or_else(|| "none".to_owned(), number)
    };
    let (before, after) = (rate(&segment.before), rate(&segment.after));
    let contribution = per_moment(segmented, segment);
    let of = if change != 0.0 {
        format!(" of the {} ({})", signed(change), percent(contribution / change))
    } else {
        String::new()
    };
    format!("{name}: {before} → {after}, carries {}{of}", signed(contribution))
}

/// The segment's part, in the units in which the change is given.
pub(super) fn per_moment(segmented: &Segmented, segment: &Segment) -> f64 {
    match segmented.cells.measure() {
        Measure::Sum => segment.contribution / segmented.cells.total(true).denominator.max(1.0),
        Measure::Mean | Measure::Ratio => segment.contribution,
    }
}

/// `region = eu, kind = batch`.
pub(super) fn segment_name(segmented: &Segmented, segment: &Segment) -> String {
    let named = segment.values.iter().map(|(attribute, value)| {
        let attribute = &segmented.cells.attributes()[*attribute];
        format!("{} = {}", attribute.name, attribute.values[*value])
    });
    named.collect::<Vec<_>>().join(", ")
}

/// The values of the attribute that tells most, as parts that add up.
pub(super) fn segment_parts(segmented: &Segmented) -> Vec<Part> {
    let cells = &segmented.cells;
    let told = segmented.combinations.first().and_then(|segment| segment.values.first());
    let attribute = told.map_or(0, |(attribute, _)| *attribute);
    let named = &cells.attributes()[attribute];
    match segmented.mixes.iter().find(|mix| mix.attribute == attribute) {
        Some(mix) => rate_parts(&named.name, &named.values, mix),
        None => sum_parts(segmented, attribute),
    }
}

fn rate_parts(name: &str, values: &[String], mix: &MixAndRate) -> Vec<Part> {
    let mut parts = Vec::new();
    for value in &mix.values {
        let segment = format!("{name} = {}", values[value.value]);
        let (old, new) = value.rate;
        parts.push(Part {
            label: format!("within {segment}"),
            sentence: format!("{segment} itself changed"),
            amount: value.by_rate,
            interval: None,
            kind: "rate",
            name: segment.clone(),
            before: old,
            after: new,
            caution: None,
        });
        parts.push(Part {
            label: format!("share of {segment}"),
            sentence: format!("the share of {segment} changed"),
            amount: value.by_mix,
            interval: None,
            kind: "mix",
            name: segment,
            before: Some(value.share.0),
            after: Some(value.share.1),
            caution: None,
        });
    }
    parts
}

fn sum_parts(segmented: &Segmented, attribute: usize) -> Vec<Part> {
    let cells = &segmented.cells;
    let named = &cells.attributes()[attribute];
    let part = |(value, (before, after)): (usize, (f64, f64))| {
        let segment = format!("{} = {}", named.name, named.values[value]);
        Part {
            label: segment.clone(),
            sentence: format!("{segment} changed"),
            amount: after - before,
            interval: None,
            kind: "segment",
            name: segment,
            before: Some(before),
            after: Some(after),
            caution: None,
        }
    };
    segmented.sums(attribute).into_iter().enumerate().map(part).collect()
}

/// Numbers for people: four significant digits, whole where large.
pub(super) fn number(value: f64) -> String {
    if value == 0.0 {
        return "0".to_owned();
    }
    let size = value.abs();
    let text = if !(1e-4..1e7).contains(&size) {
        format!("{value:.3e}")
    } else {
        let digits = (3 - size.log10().floor() as i32).clamp(0, 8) as usize;
        let text = format!("{value:.digits$}");
        if text.contains('.') {
            text.trim_end_matches('0').trim_end_matches('.').to_owned()
        } else {
            text
        }
    };
    text.replace('-', "−")
}

/// A difference, in three significant digits, with its sign.
pub(super) fn signed(value: f64) -> String {
    let size = value.abs();
    let text = if !(1e-4..1e3).contains(&size) {
        number(value)
    } else {
        let digits = (2 - size.log10().floor() as i32).clamp(0, 8) as usize;
        format!("{value:.digits$}").replace('-', "−")
    };
    if value > 0.0 { format!("+{text}") } else { text }
}

fn span((low, high): (f64, f64)) -> String {
    format!("{} to {}", signed(low), signed(high))
}

fn two_digits(value: f64) -> String {
    format!("{value:.2}").replace('-', "−")
}

fn percent(share: f64) -> String {
    let text = format!("{:.0}", share * 100.0);
    let text = if text == "-0" { "0".to_owned() } else { text.replace('-', "−") };
    format!("{text} %")
}

fn bare_p(p: f64) -> String {
    if p < 1e-4 { "< 0.0001".to_owned() } else { format!("{p:.4}") }
}

fn p_value(p: f64) -> String {
    if p < 1e-4 { "p < 0.0001".to_owned() } else { format!("p = {p:.4}") }
}

fn plain_table() -> Table {
    let mut table = Table::new();
    table.load_style(presets::NOTHING);
    table
}

fn right_align(table: &mut Table, columns: std::ops::Range<usize>) {
    for at in columns {
        if let Some(column) = table.column_mut(at) {
            column.set_cell_alignment(CellAlignment::Right);
        }
    }
}

/// A table without the white space at the ends of its lines.
fn trimmed(table: &Table) -> String {
    let text = table.to_string();
    let lines: Vec<String> = text.lines().map(|line| format!(" {}", line.trim_end())).collect();
    lines.join("\n")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_read_well_at_every_size() {
        let cases = [
            (1755.4, "1755"),
            (-8.832_315, "−8.832"),
            (0.015, "0.015"),
            (120_000.0, "120000"),
            (3.0e9, "3.000e9"),
            (0.0, "0"),
        ];
        for (value, text) in cases {
            assert_eq!(number(value), text);
        }
        assert_eq!(signed(-3.7776), "−3.78");
        assert_eq!(signed(0.853), "+0.853");
    }
}
