//! What an incident is, from the samples that are stored around it.

use auscult_engine::incident::Incident;
use auscult_engine::{Case, Diagnosis};
use auscult_store::{Selection, StoreError};

use crate::clock;
use crate::serve::Shared;

/// Most samples that one diagnosis reads.
const MOST: usize = 60_000_000;

/// Why there is no diagnosis.
#[derive(Debug, thiserror::Error)]
pub(crate) enum DiagnosisError {
    /// There is no history to look into.
    #[error(
        "this service keeps no samples (--data none), so there is nothing to diagnose from; give it a folder with --data"
    )]
    KeepsNothing,
    /// The history cannot be read.
    #[error(transparent)]
    Store(#[from] StoreError),
}

/// Diagnoses `incident` as far as it is known now. Time: that of reading the samples of three
/// quarters of an hour before it and of its own, and then linear in the targets.
pub(crate) fn diagnose(shared: &Shared, incident: &Incident) -> Result<Diagnosis, DiagnosisError> {
    let storage = shared.storage.as_ref().ok_or(DiagnosisError::KeepsNothing)?;
    let mut case = Case::of(incident, clock::now());
    let (from, until) = case.span();
    let found = storage.history().scan(storage.log(), &Selection::all(), from, until, MOST)?;
    for series in found {
        case.series(&series.labels, series.samples);
    }
    Ok(case.diagnose())
}
