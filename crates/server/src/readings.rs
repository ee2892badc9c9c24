//! The samples that a look at an incident is made from, out of the history.
//!
//! Only what the handbook can tell something by is read, and of a large fleet what is nearest: a flood
//! of series that nobody knows, or a fleet of a million, costs a look at their names.

use std::collections::BTreeSet;

use auscult_core::{Labels, METRIC_NAME, Timestamp};
use auscult_engine::Handbook;
use auscult_engine::incident::Incident;
use auscult_store::{LabelMatcher, Selection, StoreError};

use crate::storage::Storage;

/// Most series that one look reads: with what a scene keeps of each, some 100 MB.
const MOST_SERIES: usize = 20_000;
/// Series whose samples are in memory at a time.
const AT_A_TIME: usize = 2_000;
/// Most samples that are.
const MOST_SAMPLES: usize = 20_000_000;

/// Hands on the samples that a look at `incident` needs, span by span and series by series, each in
/// the order of time.
///
/// Time: that of looking at the names of the series of those spans that the handbook knows, and then
/// of reading those that are nearest. Memory: a hash of each that is known, and the samples of two
/// thousand series.
///
/// # Errors
///
/// When the history cannot be read, or has more than [`MOST_SAMPLES`] of so many.
pub(crate) fn read(
    storage: &Storage,
    handbook: &Handbook,
    incident: &Incident,
    spans: &[(Timestamp, Timestamp)],
    mut take: impl FnMut(&Labels, Vec<(Timestamp, f64)>),
) -> Result<(), StoreError> {
    let (history, log) = (storage.history(), storage.log());
    let known = LabelMatcher::that(METRIC_NAME, |metric| handbook.reads(metric));
    let known = Selection::new(vec![vec![known]]);
    let mut around = handbook.around(incident);
    for (from, until) in spans {
        history.each_series(log, &known, *from, *until, |labels| {
            around.meet(&labels.to_owned());
        })?;
    }
    let nearest = around.nearest(MOST_SERIES);
    if nearest.left_out() > 0 {
        tracing::info!(
            "incident {}: {} series are looked at, {} that are further away are not",
            incident.id,
            nearest.series(),
            nearest.left_out()
        );
    }
    for (from, until) in spans {
        let mut wanted: BTreeSet<Labels> = BTreeSet::new();
        history.each_series(log, &known, *from, *until, |labels| {
            let labels = labels.to_owned();
            if nearest.wants(&labels) {
                wanted.insert(labels);
            }
        })?;
        // Those of one metric stand together in an index.
        let mut wanted: Vec<Labels> = wanted.into_iter().collect();
        wanted.sort_by(|one, other| one.as_ref().metric().cmp(other.as_ref().metric()));
        for some in wanted.chunks_mut(AT_A_TIME) {
            some.sort_unstable();
            for found in history.scan_these(log, some, *from, *until, MOST_SAMPLES)? {
                take(&found.labels, found.samples);
            }
        }
    }
    Ok(())
}
