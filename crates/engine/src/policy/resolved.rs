//! What all policies together say of a series.

use std::collections::HashMap;
use std::sync::Arc;

use auscult_core::{Band, LabelsRef, Timestamp};

use super::{AssignedMethod, Direction, Maintenance, Policy, Severity, ValidRange};

/// A method that judges series of a target jointly, and the selector that says which.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub(crate) struct JointMethod {
    /// The policy's, as text: with the method, it tells one group of a target from another.
    pub(crate) selector: String,
    /// As JSON, so that it can be told from others and stored.
    pub(crate) method: String,
}

/// What holds for a series.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Resolved {
    pub(crate) watch: bool,
    pub(crate) severity: Severity,
    /// Nanoseconds that a departure must last.
    pub(crate) lasting: i64,
    pub(crate) valid_range: Option<ValidRange>,
    pub(crate) member_labels: Option<Vec<String>>,
    pub(crate) method: Option<Arc<AssignedMethod>>,
    pub(crate) joint_method: Option<(JointMethod, Arc<AssignedMethod>)>,
    direction: Direction,
    least_change: f64,
    least_relative_change: f64,
    maintenance: Vec<Maintenance>,
}

impl Resolved {
    /// As without any policy.
    fn new() -> Self {
        Self {
            watch: true,
            severity: Severity::default(),
            lasting: 0,
            valid_range: None,
            member_labels: None,
            method: None,
            joint_method: None,
            direction: Direction::Both,
            least_change: 0.0,
            least_relative_change: 0.0,
            maintenance: Vec::new(),
        }
    }

    /// Lays `policy` over it.
    fn overlay(&mut self, policy: &Policy) {
        fn set<T: Clone>(field: &mut T, value: &Option<T>) {
            value.iter().for_each(|value| *field = value.clone());
        }
        set(&mut self.watch, &policy.watch);
        set(&mut self.severity, &policy.severity);
        set(&mut self.direction, &policy.direction);
        set(&mut self.least_change, &policy.least_change);
        set(&mut self.least_relative_change, &policy.least_relative_change);
        set(&mut self.maintenance, &policy.maintenance);
        let nanos = |lasting: std::time::Duration| i64::try_from(lasting.as_nanos());
        set(&mut self.lasting, &policy.lasting.map(|lasting| nanos(lasting).unwrap_or(i64::MAX)));
        self.valid_range = policy.valid_range.or(self.valid_range);
        if policy.member_labels.is_some() {
            self.member_labels.clone_from(&policy.member_labels);
        }
        let said = |method: &AssignedMethod| (!method.is_none()).then(|| Arc::new(method.clone()));
        if let Some(method) = &policy.method {
            self.method = said(method);
        }
        if let Some(method) = &policy.joint_method {
            let key =
                || JointMethod { selector: policy.selector.to_string(), method: method.as_json() };
            self.joint_method = said(method).map(|method| (key(), method));
        }
    }

    /// Whether a departure from `expected` to `reading` is of a side and a size that count.
    pub(crate) fn counts(&self, reading: f64, expected: f64) -> bool {
        let change = reading - expected;
        let is_side = match self.direction {
            Direction::Up => change > 0.0,
            Direction::Down => change < 0.0,
            Direction::Both => true,
        };
        is_side && change.abs() >= self.least(expected)
    }

    fn least(&self, expected: f64) -> f64 {
        self.least_change.max(self.least_relative_change * expected.abs())
    }

    /// The bound that `reading` passes, if it does.
    pub(crate) fn passed(&self, reading: f64) -> Option<f64> {
        self.valid_range.and_then(|range| range.passed(reading))
    }

    /// What of `band` is not odd: wider by what does not count, cut to what can be.
    pub(crate) fn band(&self, expected: f64, band: Band) -> Band {
        let least = self.least(expected);
        let range = self.valid_range;
        let low = range.and_then(|range| range.low()).unwrap_or(f64::MIN);
        let high = range.and_then(|range| range.high()).unwrap_or(f64::MAX);
        Band {
            low: band.low.min(expected - least).clamp(low, high),
            high: band.high.max(expected + least).clamp(low, high),
        }
    }

    /// Whether the series is in maintenance at `time`.
    pub(crate) fn is_in_maintenance(&self, time: Timestamp) -> bool {
        self.maintenance.iter().any(|window| window.holds(time))
    }
}

/// The policies, and what they say of the series that there are: few different things.
#[derive(Debug)]
pub(crate) struct Policies {
    list: Arc<[Policy]>,
    /// By which policies match; the first is for those that none does.
    resolved: Vec<Resolved>,
    by_matching: HashMap<Vec<u32>, u32>,
}

impl Policies {
    pub(crate) fn new(list: Arc<[Policy]>) -> Self {
        let by_matching = HashMap::from([(Vec::new(), 0)]);
        Self { list, resolved: vec![Resolved::new()], by_matching }
    }

    /// What holds for the series `labels`: where to [`Policies::get`] it.
    pub(crate) fn resolve(&mut self, labels: LabelsRef<'_>) -> u32 {
        if self.list.is_empty() {
            return 0;
        }
        let numbered = (0_u32..).zip(self.list.iter());
        let matching = numbered.filter(|(_, policy)| policy.selector.matches(labels));
        let matching: Vec<u32> = matching.map(|(number, _)| number).collect();
        if let Some(place) = self.by_matching.get(&matching) {
            return *place;
        }
        let mut resolved = Resolved::new();
        matching.iter().for_each(|number| resolved.overlay(&self.list[*number as usize]));
        let known = self.resolved.iter().position(|known| *known == resolved);
        let place = known.unwrap_or(self.resolved.len());
        if known.is_none() {
            self.resolved.push(resolved);
        }
        self.by_matching.insert(matching, place as u32);
        place as u32
    }

    pub(crate) fn get(&self, place: u32) -> &Resolved {
        &self.resolved[place as usize]
    }
}

#[cfg(test)]
mod tests {
    use auscult_core::Labels;

    use super::*;

    fn policies(yaml: &str) -> Policies {
        let list: Vec<Policy> = serde_saphyr::from_str(yaml).unwrap();
        Policies::new(list.into())
    }

    #[test]
    fn later_policies_override_single_fields_of_earlier_ones() {
        let mut policies = policies(
            r#"
- { match: '{job="llm"}', direction: up, least_change: 2, severity: info }
- { match: 'queue', severity: critical }
- { match: '{job="other"}', watch: false }
"#,
        );
        let mut resolve = |metric: &str, job: &str| {
            let labels = Labels::from_pairs([("__name__", metric), ("job", job)]).unwrap();
            let place = policies.resolve(labels.as_ref());
            (place, policies.get(place).clone())
        };
        let (place, both) = resolve("queue", "llm");
        assert_eq!((both.severity, both.least_change), (Severity::Critical, 2.0));
        assert_eq!(resolve("queue", "llm").0, place, "one for all series alike");
        assert_eq!(resolve("load", "llm").1.severity, Severity::Info);
        assert!(!resolve("queue", "other").1.watch);
        let (none, without) = resolve("load", "third");
        assert_eq!((none, without), (0, Resolved::new()));
    }

    #[test]
    fn what_counts_is_of_the_side_and_the_size_that_was_said() {
        let mut policies =
            policies("[{ direction: up, least_change: 2, least_relative_change: 0.1 }]");
        let place = policies.resolve(Labels::default().as_ref());
        let policy = policies.get(place);
        // A tenth of 100 is more than 2, a tenth of 10 is less.
        assert!(policy.counts(111.0, 100.0) && !policy.counts(109.0, 100.0));
        assert!(policy.counts(12.5, 10.0) && !policy.counts(11.5, 10.0));
        assert!(!policy.counts(50.0, 100.0), "below");
        let band = policy.band(100.0, Band { low: 95.0, high: 130.0 });
        assert_eq!((band.low, band.high), (90.0, 130.0));
    }
}
