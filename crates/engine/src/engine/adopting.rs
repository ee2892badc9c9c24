//! What another engine learnt of series that this one does not know.

use std::collections::HashSet;
use std::convert::Infallible;

use auscult_core::{LabelsRef, Timestamp};

use super::{Engine, lock};
use crate::saved::Record;

impl Engine {
    /// Takes in what `learnt`, which was fed the past of a source that is new here, knows of series
    /// that this engine does not, and of their targets and siblings where those are new too. Its
    /// incidents are not taken over. Returns how many series were.
    ///
    /// ```
    /// use auscult_core::Timestamp;
    /// use auscult_engine::{Engine, EngineSettings};
    /// use auscult_telemetry::metrics::{MetricBatch, MetricKind};
    /// let (engine, past) = (Engine::new(EngineSettings::default()), Engine::new(EngineSettings::default()));
    /// let mut batch = MetricBatch::default();
    /// batch.begin_series(MetricKind::Gauge, &mut [("__name__", "power_watts"), ("gpu", "0")])?;
    /// batch.push(Timestamp::from_seconds(60), 310.0);
    /// past.ingest(&batch);
    /// assert_eq!(engine.adopt_series(&past), 1);
    /// assert_eq!(engine.adopt_series(&past), 0);
    /// # Ok::<(), auscult_core::LabelsError>(())
    /// ```
    pub fn adopt_series(&self, learnt: &Self) -> u64 {
        let mut records: Vec<Vec<u8>> = Vec::new();
        let sink = |record: &[u8]| -> Result<(), Infallible> {
            records.push(record.to_vec());
            Ok(())
        };
        let taken = learnt.newest().unwrap_or(Timestamp::from_nanos(0));
        let Ok(_) = learnt.save(taken, || 0, sink);
        let read = || records.iter().filter_map(|record| postcard::from_bytes(record).ok());
        let mut known = HashSet::new();
        for record in read() {
            let is_known = match record {
                Record::Target(ref target) => self.has_target(target.labels.0),
                Record::Group(ref group) => lock(&self.groups).knows(group.labels.0),
                _ => false,
            };
            match record {
                Record::Target(target) if is_known => known.insert(target.labels.0),
                Record::Group(group) if is_known => known.insert(group.labels.0),
                _ => false,
            };
        }
        let is_new = |labels: &[u8]| !known.contains(labels);
        let (mut series, mut adopted) = (None, 0);
        for record in read() {
            // What cannot be is left out: it is learnt from now on.
            let _ = match record {
                Record::Series(saved) => {
                    series = self.put_series(&saved);
                    adopted += u64::from(series.is_some());
                    true
                }
                Record::Method(saved) => series.is_some_and(|one| self.put_method(one, &saved)),
                Record::Repeats(saved) => series.is_some_and(|one| self.put_repeats(one, saved)),
                Record::Target(saved) if is_new(saved.labels.0) => self.put_target(saved),
                Record::Recurrence(saved) if is_new(saved.labels.0) => self.put_recurrence(saved),
                Record::Group(saved) if is_new(saved.labels.0) => self.put_group(&saved),
                Record::Departures(saved) if is_new(saved.labels.0) => self.put_departures(&saved),
                Record::Joint(saved) if is_new(saved.target.0) => self.put_joint(&saved),
                _ => false,
            };
        }
        let declared = learnt.declared();
        self.declare(&declared);
        adopted
    }

    fn has_target(&self, labels: &[u8]) -> bool {
        LabelsRef::decode(labels).is_some_and(|labels| lock(&self.targets).find(labels).is_some())
    }
}
