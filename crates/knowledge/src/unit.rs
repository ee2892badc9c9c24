//! Units in the names of metrics, and what turns one into another.
//!
//! OpenMetrics asks for the unit at the end of a name, and OTLP's names get theirs there (UCUM's `ms` as
//! `milliseconds`): so the name of a metric says in what it is exposed, also where an adapter
//! knows it in another unit.

/// Units that measure the same, each with what turns it into the first.
type Dimension = &'static [(&'static str, f64)];

const DIMENSIONS: [Dimension; 6] = [
    &[
        ("seconds", 1.0),
        ("milliseconds", 1e-3),
        ("microseconds", 1e-6),
        ("nanoseconds", 1e-9),
        ("minutes", 60.0),
        ("hours", 3600.0),
        ("days", 86_400.0),
    ],
    &[
        ("bytes", 1.0),
        ("kibibytes", 1024.0),
        ("mebibytes", 1_048_576.0),
        ("gibibytes", 1_073_741_824.0),
        ("tibibytes", 1_099_511_627_776.0),
        ("kilobytes", 1e3),
        ("megabytes", 1e6),
        ("gigabytes", 1e9),
        ("terabytes", 1e12),
    ],
    &[("ratio", 1.0), ("percent", 0.01)],
    &[("joules", 1.0), ("millijoules", 1e-3), ("kilojoules", 1e3)],
    &[("watts", 1.0), ("milliwatts", 1e-3), ("kilowatts", 1e3)],
    &[("hertz", 1.0), ("kilohertz", 1e3), ("megahertz", 1e6), ("gigahertz", 1e9)],
];

/// The names that `metric` would have in other units, and what turns its readings into those.
pub(crate) fn in_other_units(metric: &str) -> impl Iterator<Item = (String, f64)> {
    let parts: Vec<&str> = metric.split('_').collect();
    // The last one counts: `seconds_per_...` is not measured in seconds.
    let found = parts.iter().enumerate().rev().find_map(|(place, part)| {
        let dimension = DIMENSIONS.iter().find(|one| one.iter().any(|(unit, _)| unit == part))?;
        let own = dimension.iter().find(|(unit, _)| unit == part)?;
        Some((place, *dimension, *own))
    });
    let others = found.into_iter().flat_map(move |(place, dimension, (own, own_factor))| {
        let parts = parts.clone();
        let others = dimension.iter().filter(move |(unit, _)| *unit != own);
        others.map(move |(unit, factor)| {
            let mut name = parts.clone();
            name[place] = unit;
            (name.join("_"), own_factor / factor)
        })
    });
    others.collect::<Vec<_>>().into_iter()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn other(metric: &str, wanted: &str) -> Option<f64> {
        in_other_units(metric).find(|(name, _)| name == wanted).map(|(_, factor)| factor)
    }

    #[test]
    fn names_say_what_turns_one_unit_into_another() {
        assert_eq!(other("x_milliseconds_sum", "x_seconds_sum"), Some(1e-3));
        assert_eq!(other("x_seconds", "x_milliseconds"), Some(1e3));
        assert_eq!(other("free_mebibytes", "free_bytes"), Some(1_048_576.0));
        assert_eq!(other("used_percent", "used_ratio"), Some(0.01));
        assert_eq!(other("clock_megahertz_total", "clock_hertz_total"), Some(1e6));
        assert_eq!(in_other_units("requests_total").count(), 0);
        assert_eq!(in_other_units("gpu_cache_usage_perc").count(), 0, "a ratio with another name");
    }
}
