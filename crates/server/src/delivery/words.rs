//! What all messages say of an incident, in the same words.

use std::collections::BTreeMap;
use std::sync::LazyLock;
use std::time::Duration;

use auscult_core::{Band, Labels, METRIC_NAME, Timestamp};
use auscult_engine::incident::{Incident, Member};
use auscult_knowledge::{Form, Knowledge, Quantity};
use auscult_telemetry::format_time;

/// Labels by which people call a target, the best first.
const CALLED_BY: [&str; 7] =
    ["pod", "instance", "service_instance_id", "node", "host", "service_name", "job"];
/// Targets that are named.
const NAMED_TARGETS: usize = 3;

/// The time from `then` to `now`; none if the clock was set back.
pub(super) fn since(then: Timestamp, now: Timestamp) -> Duration {
    Duration::from_nanos(u64::try_from(now.nanos().saturating_sub(then.nanos())).unwrap_or(0))
}

/// Labels that all targets have in common.
pub(super) fn shared_labels(targets: &[Labels]) -> impl Iterator<Item = (&str, &str)> {
    let first = targets.first().into_iter().flat_map(Labels::iter);
    first
        .filter(|(name, value)| targets.iter().all(|target| target.get(name) == Some(value)))
        .filter(|(name, _)| *name != METRIC_NAME)
}

/// Members, strangest first.
pub(super) fn strangest(incident: &Incident) -> Vec<&Member> {
    let mut members: Vec<_> = incident.members.iter().collect();
    members.sort_by(|a, b| b.return_seconds.total_cmp(&a.return_seconds));
    members
}

/// Where it is, for people: `replica-3:8000 and 2 more (job llm)`.
pub(super) fn place(targets: &[Labels]) -> String {
    let mut names: Vec<&str> = Vec::new();
    let mut used = Vec::new();
    for target in targets {
        let called =
            CALLED_BY.into_iter().find_map(|label| target.get(label).map(|name| (label, name)));
        let Some((label, name)) = called else { continue };
        if !names.contains(&name) {
            names.push(name);
        }
        used.push(label);
    }
    let shared = shared_labels(targets).filter(|(name, _)| !used.contains(name));
    let shared: Vec<String> = shared.map(|(name, value)| format!("{name} {value}")).collect();
    let shared = shared.join(", ");
    if names.is_empty() {
        return if shared.is_empty() { "unnamed target".to_owned() } else { shared };
    }
    let mut place = names[..names.len().min(NAMED_TARGETS)].join(", ");
    if names.len() > NAMED_TARGETS {
        place += &format!(" and {} more", names.len() - NAMED_TARGETS);
    }
    if shared.is_empty() { place } else { format!("{place} ({shared})") }
}

/// A series without the labels of its target, which are told already.
pub(super) fn series(member: &Member) -> String {
    let without: BTreeMap<&str, &str> = member
        .series
        .iter()
        .filter(|(name, value)| member.target.get(name) != Some(value))
        .collect();
    match Labels::from_pairs(without) {
        Ok(labels) => labels.to_string(),
        Err(_) => member.series.to_string(),
    }
}

/// What is odd of a series and how far it is from normal, to be put behind its name:
/// ` 812, usually 290.3 to 320 (+166 %)`.
pub(super) fn distance(member: &Member) -> String {
    let member = &in_signal_unit(member);
    let unit = unit(member);
    let (reading, expected) = (short(member.reading), short(member.expected));
    match member.band {
        Some(band) => {
            let (low, high) = (short(band.low), short(band.high));
            format!(" {reading}{unit}, usually {low} to {high}{}", far(member, band))
        }
        // It is not the reading that is odd, or not that alone.
        None if reading == expected => format!(": {}", reason(member)),
        None => format!(": {} ({reading}{unit}, expected {expected})", reason(member)),
    }
}

/// The shortest that says how odd a series is, to be put behind its name: ` 812 (+166 %)`.
pub(super) fn glance(member: &Member) -> String {
    let member = &in_signal_unit(member);
    match member.band {
        Some(band) => format!(" {}{}{}", short(member.reading), unit(member), far(member, band)),
        None => format!(": {}", reason(member)),
    }
}

fn quantity(member: &Member) -> Option<Quantity<'static>> {
    static KNOWLEDGE: LazyLock<Knowledge> = LazyLock::new(Knowledge::embedded);
    KNOWLEDGE.quantity(member.series.as_ref().metric())
}

/// The member with its numbers in the unit of its signal, where one is known.
fn in_signal_unit(member: &Member) -> Member {
    let scale = quantity(member).map_or(1.0, |quantity| quantity.scale);
    let scaled = |band: Band| Band { low: band.low * scale, high: band.high * scale };
    Member {
        reading: member.reading * scale,
        expected: member.expected * scale,
        band: member.band.map(scaled),
        ..member.clone()
    }
}

/// The unit to be put behind a number: the signal's; none for plain numbers and codes.
fn unit(member: &Member) -> String {
    match quantity(member) {
        Some(quantity) if quantity.signal.form != Form::State => match quantity.unit().as_str() {
            "ratio" | "code" => String::new(),
            unit => format!(" {unit}"),
        },
        _ => String::new(),
    }
}

fn reason(member: &Member) -> &str {
    member.reasons.first().map_or("odd", String::as_str)
}

/// How far a reading is from normal, to be put behind it.
fn far(member: &Member, band: Band) -> String {
    let (reading, expected) = (member.reading, member.expected);
    let share = (reading - expected) / expected.abs();
    if (band.low..=band.high).contains(&reading) {
        // It is something else that is odd, such as that it stands still.
        return format!(": {}", reason(member));
    }
    match share {
        _ if !share.is_finite() => String::new(),
        _ if share.abs() < 10.0 => format!(" ({:+.0} %)", share * 100.0),
        _ => format!(" ({} times the expected {})", short(reading / expected), short(expected)),
    }
}

/// A number for people: four digits that count.
pub(super) fn short(value: f64) -> String {
    let size = value.abs();
    if size == 0.0 {
        return "0".to_owned();
    }
    if !(1e-4..1e7).contains(&size) {
        return format!("{value:.3e}");
    }
    let digits = (3 - size.log10().floor() as i32).max(0) as usize;
    let text = format!("{value:.digits$}");
    if text.contains('.') {
        text.trim_end_matches('0').trim_end_matches('.').to_owned()
    } else {
        text
    }
}

/// A time for people: `2026-01-08 14:59:20 UTC`.
pub(super) fn moment(time: Timestamp) -> String {
    let seconds = Timestamp::from_seconds(time.nanos().div_euclid(1_000_000_000));
    format_time(seconds).replace('T', " ").replace('Z', " UTC")
}

/// A time span for people.
pub(super) fn span(span: Duration) -> String {
    let seconds = span.as_secs();
    match seconds {
        0..120 => format!("{seconds} s"),
        120..7200 => format!("{} min", seconds / 60),
        7200..172_800 => format!("{} h {} min", seconds / 3600, seconds % 3600 / 60),
        _ => format!("{} days", seconds / 86_400),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::delivery::samples::{incident, labels};
    use auscult_engine::incident::State;

    #[test]
    fn numbers_and_spans_are_short() {
        for (value, expected) in [
            (0.0, "0"),
            (812.0, "812"),
            (290.25, "290.2"),
            (0.012_345_6, "0.01235"),
            (-1234.5, "-1234"),
            (99_999.96, "100000"),
            (1.5e9, "1.500e9"),
            (3e-7, "3.000e-7"),
        ] {
            assert_eq!(short(value), expected);
        }
        let spans = [0, 119, 120, 7199, 7200, 200_000].map(|s| span(Duration::from_secs(s)));
        assert_eq!(spans, ["0 s", "119 s", "2 min", "119 min", "2 h 0 min", "2 days"]);
    }

    #[test]
    fn numbers_of_known_metrics_are_in_the_unit_of_their_signal() {
        let mut member = incident(1, State::Open).members.remove(0);
        let mut named = |metric: &str, reading: f64, expected: f64| {
            member.series = labels([("__name__", metric), ("gpu", "0")]);
            (member.reading, member.expected) = (reading, expected);
            member.band = Some(Band { low: expected, high: expected });
            distance(&member)
        };
        let clock = named("DCGM_FI_DEV_SM_CLOCK", 345.0, 1980.0);
        assert_eq!(clock, " 3.450e8 hertz, usually 1.980e9 to 1.980e9 (-83 %)");
        let first = named("gen_ai_server_time_to_first_token_milliseconds_mean", 800.0, 200.0);
        assert_eq!(first, " 0.8 seconds, usually 0.2 to 0.2 (+300 %)");
        assert_eq!(named("mine", 8.0, 2.0), " 8, usually 2 to 2 (+300 %)");
    }

    #[test]
    fn a_place_names_targets_and_what_they_share() {
        let replica = |name| labels([("job", "llm"), ("instance", name)]);
        assert_eq!(place(&[replica("a")]), "a (job llm)");
        let many: Vec<Labels> = ["a", "b", "c", "d", "e"].map(replica).into();
        assert_eq!(place(&many), "a, b, c and 2 more (job llm)");
        assert_eq!(place(&[labels([("job", "llm")])]), "llm");
        assert_eq!(place(&[labels([("rack", "7")])]), "rack 7");
        assert_eq!(place(&[Labels::default()]), "unnamed target");
    }

    #[test]
    fn a_distance_says_what_is_usual_and_how_far_it_is() {
        let mut member = incident(1, State::Open).members.remove(0);
        assert_eq!(series(&member), r#"power_watts{gpu="3"}"#);
        assert_eq!(distance(&member), " 812, usually 290.2 to 320 (+166 %)");
        assert_eq!(glance(&member), " 812 (+166 %)");
        member.reading = 8120.0;
        let times = " 8120, usually 290.2 to 320 (26.62 times the expected 305)";
        assert_eq!(distance(&member), times);
        member.reading = 300.0;
        assert_eq!(distance(&member), " 300, usually 290.2 to 320: far above what is usual");
        (member.expected, member.reading) = (0.0, 4.0);
        member.band = Some(Band { low: 0.0, high: 1.0 });
        assert_eq!(distance(&member), " 4, usually 0 to 1");
        member.band = None;
        assert_eq!(distance(&member), ": far above what is usual (4, expected 0)");
        assert_eq!(glance(&member), ": far above what is usual");
        member.reading = 0.0;
        assert_eq!(distance(&member), ": far above what is usual");
    }
}
