//! The parts of a classic histogram or a summary, put together again.

use auscult_core::{Labels, LabelsError, LabelsRef, METRIC_NAME, Timestamp};
use auscult_telemetry::metrics::Histogram;

use super::lateness::{Arrival, Lateness};

/// Which part of a family a series is.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(crate) enum Part {
    /// Observations at most this large.
    Bucket(f64),
    /// The sum of all.
    Sum,
    /// How many there are.
    Count,
}

/// The part that the series `labels` is by its name, and the name of its family.
pub(crate) fn part_of<'a>(labels: &LabelsRef<'a>) -> Option<(Part, &'a str)> {
    let metric = labels.metric();
    if let Some(family) = metric.strip_suffix("_bucket") {
        let bound = labels.get("le")?.parse().ok().filter(|bound: &f64| !bound.is_nan())?;
        return Some((Part::Bucket(bound), family));
    }
    let sum = metric.strip_suffix("_sum").map(|family| (Part::Sum, family));
    sum.or_else(|| metric.strip_suffix("_count").map(|family| (Part::Count, family)))
}

/// What all parts of `family` share, as a series of that name.
pub(crate) fn shared_labels(
    labels: LabelsRef<'_>,
    family: &str,
    bytes: &mut Vec<u8>,
) -> Result<(), LabelsError> {
    let others = labels.iter().filter(|(name, _)| *name != METRIC_NAME && *name != "le");
    let mut pairs: Vec<_> = others.chain([(METRIC_NAME, family)]).collect();
    bytes.clear();
    LabelsRef::encode(&mut pairs, bytes)
}

#[derive(Debug, Clone, Copy)]
struct Reading {
    part: Part,
    time: Timestamp,
    value: f64,
}

/// Gathers the parts of one family at one time, from the second time on.
///
/// A family is whole at a time once every part that was ever seen has been read at it.
/// Parts that come later than that, or of which one never comes again, give nothing.
#[derive(Debug, Clone)]
pub(crate) struct Family {
    pub(crate) labels: Labels,
    readings: Vec<Reading>,
    /// The first time, at which it is not yet known which parts there are.
    first: Option<Timestamp>,
    /// The last time at which it was whole.
    whole: Option<Timestamp>,
    /// Of parts that come late; the last time of one.
    lateness: Lateness,
    late: Option<Timestamp>,
}

/// Readings without a part for so many whole times the part is gone; nanoseconds.
const GONE_AFTER: i64 = 300_000_000_000;

impl Family {
    pub(crate) fn new(labels: Labels) -> Self {
        let lateness = Lateness::default();
        Self { labels, readings: Vec::new(), first: None, whole: None, lateness, late: None }
    }

    /// Whether this part says that the clock of the source was set back. Then the family begins
    /// anew. To be asked before the part is taken in.
    pub(crate) fn is_set_back(&mut self, part: Part, time: Timestamp, arrival: Arrival) -> bool {
        let last = self.readings.iter().find(|reading| reading.part == part);
        let Some(last) = last.map(|reading| reading.time) else { return false };
        // All parts of one time are late together.
        if time == last || self.late == Some(time) {
            return false;
        }
        if time > last {
            self.lateness.end();
            self.late = None;
            return false;
        }
        self.late = Some(time);
        let behind = last.nanos().saturating_sub(time.nanos());
        let is_set_back = self.lateness.is_set_back(behind, arrival);
        if is_set_back {
            *self = Self::new(std::mem::take(&mut self.labels));
        }
        is_set_back
    }

    /// Takes a part in. Returns the histogram if it is now whole at `time`.
    pub(crate) fn take(&mut self, part: Part, time: Timestamp, value: f64) -> Option<Histogram> {
        match self.readings.iter_mut().find(|reading| reading.part == part) {
            Some(reading) if reading.time >= time => return None,
            Some(reading) => *reading = Reading { part, time, value },
            None => self.readings.push(Reading { part, time, value }),
        }
        // A part that is no longer sent must not hold the others up for ever.
        self.readings
            .retain(|reading| time.nanos().saturating_sub(reading.time.nanos()) < GONE_AFTER);
        let first = *self.first.get_or_insert(time);
        if time <= first
            || self.whole.is_some_and(|whole| whole >= time)
            || self.readings.iter().any(|reading| reading.time != time)
        {
            return None;
        }
        self.whole = Some(time);
        self.histogram()
    }

    /// All parts; `None` when the number of observations is not among them.
    fn histogram(&self) -> Option<Histogram> {
        let mut histogram = Histogram::default();
        let mut count = None;
        for Reading { part, value, .. } in &self.readings {
            match part {
                Part::Bucket(bound) if bound.is_finite() => {
                    histogram.buckets.push((*bound, *value))
                }
                Part::Bucket(_) | Part::Count => count = Some(*value),
                Part::Sum => histogram.sum = Some(*value),
            }
        }
        histogram.count = count?;
        histogram.buckets.sort_unstable_by(|a, b| a.0.total_cmp(&b.0));
        Some(histogram)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_family_is_whole_once_every_part_was_read_at_one_time() {
        let mut family = Family::new(Labels::default());
        let at = Timestamp::from_seconds;
        let parts = [Part::Bucket(1.0), Part::Bucket(f64::INFINITY), Part::Sum];
        for part in parts {
            family.take(part, at(1), 1.0);
        }
        assert_eq!(family.take(Part::Sum, at(2), 7.0), None);
        assert_eq!(family.take(Part::Bucket(f64::INFINITY), at(2), 5.0), None);
        let whole = family.take(Part::Bucket(1.0), at(2), 4.0).expect("whole");
        assert_eq!((whole.count, whole.sum), (5.0, Some(7.0)));
        assert_eq!(whole.buckets, [(1.0, 4.0)]);
        assert_eq!(family.take(Part::Bucket(1.0), at(2), 9.0), None, "a repetition");
    }

    #[test]
    fn a_family_whose_clock_was_set_back_is_whole_again_soon() {
        let mut family = Family::new(Labels::default());
        let mut whole = |second| {
            let parts = [Part::Bucket(1.0), Part::Count].map(|part| {
                let time = Timestamp::from_seconds(second);
                let was_set_back = family.is_set_back(part, time, Arrival::First);
                (was_set_back, family.take(part, time, 1.0).is_some())
            });
            (parts[0].0 || parts[1].0, parts[0].1 || parts[1].1)
        };
        assert_eq!([3600, 3615].map(&mut whole), [(false, false), (false, true)]);
        let after = [30, 45, 60, 75, 90, 105].map(&mut whole);
        assert_eq!(after[..3], [(false, false); 3]);
        assert_eq!(after[3..], [(true, false), (false, true), (false, true)]);
    }

    #[test]
    fn a_part_that_never_comes_again_holds_nobody_up_for_ever() {
        let mut family = Family::new(Labels::default());
        let at = Timestamp::from_seconds;
        family.take(Part::Bucket(1.0), at(0), 1.0);
        family.take(Part::Count, at(0), 1.0);
        let whole = (1..30).filter_map(|step| family.take(Part::Count, at(15 * step), 2.0)).count();
        assert!((5..15).contains(&whole), "{whole}");
    }

    #[test]
    fn names_tell_the_part() {
        let part = |pairs: &[(&str, &str)]| {
            let labels = Labels::from_pairs(pairs.iter().copied()).unwrap();
            part_of(&labels.as_ref()).map(|(part, family)| (part, family.to_owned()))
        };
        let bucket = [("__name__", "ttft_bucket"), ("le", "+Inf")];
        assert_eq!(part(&bucket), Some((Part::Bucket(f64::INFINITY), "ttft".to_owned())));
        assert_eq!(part(&[("__name__", "ttft_sum")]), Some((Part::Sum, "ttft".to_owned())));
        assert_eq!(part(&[("__name__", "ttft_bucket"), ("le", "x")]), None);
        assert_eq!(part(&[("__name__", "ttft")]), None);
    }
}
