//! What an incident is, from the samples that are stored around it.

use std::collections::{BTreeMap, HashMap};
use std::sync::{Mutex, PoisonError};

use auscult_core::Timestamp;
use auscult_engine::incident::{Incident, State};
use auscult_engine::{
    Asked, Case, ChangeEvent, Consultation, Diagnosis, Handbook, Illustrated, Recovery,
};
use auscult_store::{EventsWanted, StoreError, StoredEvent};

use crate::serve::Shared;
use crate::{clock, readings};

/// Seconds after an incident was noticed at which it is first diagnosed: before, little is known.
const FIRST: f64 = 20.0;
/// Seconds after its end for which the cause of an incident is told.
const TOLD: f64 = 3600.0;
/// The next look is at this many times its age.
const LATER: f64 = 2.0;

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

/// What open incidents were last found to be.
#[derive(Debug, Default)]
pub(crate) struct Diagnoses(Mutex<HashMap<u64, (Timestamp, Diagnosis)>>);

impl Diagnoses {
    /// What incident number `id` was last found to be.
    pub(crate) fn of(&self, id: u64) -> Option<Diagnosis> {
        let known = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        known.get(&id).map(|(_, diagnosis)| diagnosis.clone())
    }

    /// Remembers what became of incident number `id`.
    pub(crate) fn note(&self, id: u64, recovery: &Recovery) {
        let mut known = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some((_, diagnosis)) = known.get_mut(&id) {
            diagnosis.recovery = Some(recovery.clone());
        }
    }
}

impl Shared {
    /// Diagnoses the open incidents of which something new may be known.
    pub(crate) fn look_for_causes(&self) {
        if self.storage.is_none() {
            return;
        }
        let now = clock::now();
        // Of one that is over, others are told for a while.
        let is_told = |incident: &Incident| {
            incident.state == State::Open || now.seconds() - incident.updated.seconds() < TOLD
        };
        let told = self.engine.incidents_that(is_told);
        let mut known = self.diagnoses.0.lock().unwrap_or_else(PoisonError::into_inner);
        known.retain(|id, _| told.iter().any(|incident| incident.id == *id));
        let is_due = |incident: &&Incident| {
            if incident.state != State::Open {
                return false;
            }
            let age = |at: Timestamp| at.seconds() - incident.noticed.seconds();
            match known.get(&incident.id) {
                None => age(now) >= FIRST,
                Some((made, _)) => age(now) >= LATER * age(*made).max(FIRST),
            }
        };
        let due: Vec<Incident> = told.iter().filter(is_due).cloned().collect();
        // Reading takes a while, and others ask meanwhile.
        drop(known);
        for incident in due {
            match diagnose(self, &incident) {
                Ok(diagnosis) => {
                    let mut known = self.diagnoses.0.lock().unwrap_or_else(PoisonError::into_inner);
                    known.insert(incident.id, (now, diagnosis));
                }
                Err(error) => {
                    tracing::warn!("incident {} cannot be diagnosed: {error}", incident.id);
                }
            }
        }
    }
}

/// Diagnoses `incident` as far as it is known now. Time: that of reading the samples of three
/// quarters of an hour before it and of its own ([`readings::read`]), and then linear in the targets.
pub(crate) fn diagnose(shared: &Shared, incident: &Incident) -> Result<Diagnosis, DiagnosisError> {
    let handbook = shared.handbook();
    case(shared, &handbook, incident).map(Case::diagnose)
}

/// The same, with the readings behind the evidence.
pub(crate) fn illustrate(
    shared: &Shared,
    incident: &Incident,
) -> Result<Illustrated, DiagnosisError> {
    let handbook = shared.handbook();
    case(shared, &handbook, incident).map(Case::illustrate)
}

/// The same, and what can be said of it in the columns and words of a fault log.
pub(crate) fn study(
    shared: &Shared,
    incident: &Incident,
) -> Result<(Diagnosis, BTreeMap<String, String>), DiagnosisError> {
    let handbook = shared.handbook();
    case(shared, &handbook, incident).map(Case::study)
}

/// The same with what people answered, step by step, and what to ask them next; a sentence for an
/// answer to what cannot be asked.
pub(crate) fn consult(
    shared: &Shared,
    incident: &Incident,
    asked: &Asked,
) -> Result<Result<Consultation, String>, DiagnosisError> {
    let handbook = shared.handbook();
    let case = case(shared, &handbook, incident)?;
    Ok(case.open().consult(asked))
}

/// An incident with all that is known around it.
fn case<'h>(
    shared: &Shared,
    handbook: &'h Handbook,
    incident: &Incident,
) -> Result<Case<'h>, DiagnosisError> {
    let storage = shared.storage.as_ref().ok_or(DiagnosisError::KeepsNothing)?;
    let mut case = handbook.case_of(incident, clock::now());
    let (from, until) = case.span();
    readings::read(storage, handbook, incident, &[(from, until)], |labels, samples| {
        case.series(labels, samples);
    })?;
    for kind in shared.events.kinds()? {
        case.expect_changes_of(&kind);
    }
    let wanted = EventsWanted { since: Some(from), until: Some(until), ..Default::default() };
    for StoredEvent { time, kind, target, .. } in shared.events.find(&wanted)? {
        case.change(ChangeEvent { time: time.seconds(), kind, target });
    }
    case.expect(shared.cases()?);
    Ok(case)
}
