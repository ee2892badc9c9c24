//! Whether incidents became better: looked at by itself once one has recovered, and some minutes after
//! somebody said that a remedy was applied.

use std::collections::HashSet;
use std::sync::{Mutex, PoisonError};

use auscult_core::Timestamp;
use auscult_engine::Recovery;
use auscult_engine::incident::{Incident, State};
use auscult_store::{Decision, DecisionsWanted, StoreError};
use auscult_telemetry::{format_time, parse_time};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::diagnosis::{DiagnosisError, diagnose};
use crate::serve::Shared;
use crate::storage::Kind;
use crate::verdict::{HEALTHY, decisive};
use crate::{clock, readings};

/// Seconds after a remedy was applied at which it is looked at what it did.
const AFTER: f64 = 300.0;
/// Seconds after which nobody looks any more.
const LATEST: f64 = 86_400.0;
/// Seconds after a remedy that are not looked at: it needs some time to show.
const SETTLES: f64 = 30.0;
/// Remedies that are thought of, the newest.
const REMEDIES: usize = 500;

/// What somebody did about an incident, as it is stored.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
pub(crate) struct Remedy {
    /// What was done, in words.
    pub(crate) what: String,
    /// The fault that it is to cure, by its short name; the likeliest cause where nobody said.
    pub(crate) fault: Option<String>,
    /// Where it was done, as the diagnosis calls it.
    pub(crate) place: Option<String>,
    /// When it was done.
    pub(crate) time: String,
}

/// What became of an incident, as it is stored.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
pub(crate) struct Checked {
    /// The number of the remedy after which it was looked; `null` where the incident had recovered.
    pub(crate) remedy: Option<u64>,
    /// What was seen.
    pub(crate) recovery: Recovery,
}

/// Incidents whose end was looked at already: number, and when that was. Who looks holds the lock, so that
/// an end is looked at once.
#[derive(Debug, Default)]
pub(crate) struct LookedAt(Mutex<HashSet<(u64, i64)>>);

/// When it may have become better: the last moment before, the first after.
type Between = (Timestamp, Timestamp);

impl Shared {
    /// Looks at what became of incidents that are over, and of those that somebody did something about.
    pub(crate) fn look_for_recoveries(&self) {
        if self.storage.is_none() {
            return;
        }
        let now = clock::now();
        let outcome = self.look_at_ends(now).and_then(|()| self.look_at_remedies(now));
        if let Err(error) = outcome {
            tracing::warn!("what became of incidents cannot be looked at: {error}");
        }
    }

    fn look_at_ends(&self, now: Timestamp) -> Result<(), StoreError> {
        let is_new = |incident: &Incident| {
            incident.state == State::Recovered
                && now.seconds() - incident.updated.seconds() < LATEST
        };
        for incident in self.engine.incidents_that(is_new) {
            self.look_at_end(&incident, now)?;
        }
        Ok(())
    }

    /// Looks at what became of an incident that is over, unless somebody did.
    fn look_at_end(&self, incident: &Incident, now: Timestamp) -> Result<(), StoreError> {
        let key = (incident.id, incident.updated.nanos());
        let mut looked_at = self.looked_at.known();
        if looked_at.contains(&key) {
            return Ok(());
        }
        let checks = self.checks((incident.id, incident.id))?;
        if !checks.iter().any(|check| is_of_end(incident, check)) {
            let usual = || incident.members.iter().filter_map(|member| member.usual_since);
            let ended = incident.updated;
            let between = (usual().min().unwrap_or(ended), usual().max().unwrap_or(ended));
            self.look(incident, None, between, now)?;
        }
        looked_at.insert(key);
        Ok(())
    }

    /// What there is to tell of what became of an incident in this state: of one that is over, what its end
    /// looked like, which is looked at now if nobody did; of one that goes on, what came of the newest
    /// remedy. `None` where nothing is stored.
    pub(crate) fn recovery_as_of(&self, incident: &Incident) -> Option<Recovery> {
        self.storage.as_ref()?;
        let is_over = incident.state == State::Recovered;
        // Of an end that a message tells late, and that is none any more, nothing is to be seen now.
        let is_as_it_was =
            |now: Incident| now.state == incident.state && now.updated == incident.updated;
        let looked = if is_over && self.find_incident(incident.id).is_some_and(is_as_it_was) {
            self.look_at_end(incident, clock::now())
        } else {
            Ok(())
        };
        let checks = looked.and_then(|()| self.checks((incident.id, incident.id)));
        match checks {
            Ok(mut checks) if is_over => {
                checks.retain(|check| is_of_end(incident, check));
                checks.pop().map(|(_, checked)| checked.recovery)
            }
            Ok(mut checks) => {
                let (_, newest) = checks.pop()?;
                newest.remedy.map(|_| newest.recovery)
            }
            Err(error) => {
                tracing::warn!("what became of incident {} cannot be told: {error}", incident.id);
                None
            }
        }
    }

    fn look_at_remedies(&self, now: Timestamp) -> Result<(), StoreError> {
        for (decision, remedy) in self.remedies(None)? {
            let Some(time) = parse_time(&remedy.time) else { continue };
            let age = now.seconds() - time.seconds();
            if !(AFTER..LATEST).contains(&age) {
                continue;
            }
            let checks = self.checks((decision.about, decision.about))?;
            if checks.iter().any(|(_, checked)| checked.remedy == Some(decision.number)) {
                continue;
            }
            let Some(incident) = self.find_incident(decision.about) else { continue };
            let later = Timestamp::from_nanos(time.nanos() + (SETTLES * 1e9) as i64);
            self.look(&incident, Some((decision.number, &remedy)), (time, later), now)?;
        }
        Ok(())
    }

    /// Looks at what became of an incident, and stores it.
    fn look(
        &self,
        incident: &Incident,
        remedy: Option<(u64, &Remedy)>,
        between: Between,
        now: Timestamp,
    ) -> Result<(), StoreError> {
        let (number, remedy) = remedy.unzip();
        let recovery = match self.cause(incident, remedy) {
            Ok(Some((fault, place))) => self.recovery(incident, between, now, &fault, &place)?,
            Ok(None) => {
                let why = "no cause is known whose cure could be looked at";
                Recovery::unknown("", "", why)
            }
            Err(DiagnosisError::Store(error)) => return Err(error),
            Err(error) => Recovery::unknown("", "", &error.to_string()),
        };
        tracing::info!("incident {}: {}", incident.id, recovery.sentence);
        self.diagnoses.note(incident.id, &recovery);
        let checked = Checked { remedy: number, recovery };
        self.decisions.add(Kind::Recovery, incident.id, "checked", "", &checked).map(drop)
    }

    /// The fault and the place whose cure is looked at: those that the remedy is said to be for, those of
    /// the newest verdict, or those of the diagnosis.
    fn cause(
        &self,
        incident: &Incident,
        remedy: Option<&Remedy>,
    ) -> Result<Option<(String, String)>, DiagnosisError> {
        let verdicts = self.verdicts(Some((incident.id, incident.id)))?;
        let verdict = decisive(verdicts).remove(&incident.id);
        let handbook = self.handbook();
        let said = verdict.as_ref().and_then(|verdict| verdict.said.cause(&handbook));
        if said == Some(HEALTHY) && remedy.is_none() {
            return Ok(None);
        }
        let named = remedy.and_then(|remedy| remedy.fault.clone());
        let at = remedy.and_then(|remedy| remedy.place.clone());
        let is_known = |fault: &&str| matches!(handbook.fault_named(fault), Ok(Some(_)));
        let fault = named.or_else(|| said.filter(is_known).map(str::to_owned));
        let place = at.or_else(|| verdict.as_ref().and_then(|verdict| verdict.said.place.clone()));
        if let (Some(fault), Some(place)) = (&fault, &place) {
            return Ok(Some((fault.clone(), place.clone())));
        }
        let diagnosis = diagnose(self, incident)?;
        let cause = match &fault {
            Some(fault) => diagnosis.causes.iter().find(|cause| cause.fault == *fault),
            None => diagnosis.answer(),
        };
        Ok(cause.map(|cause| {
            let place = place.unwrap_or_else(|| cause.place.clone());
            (cause.fault.clone(), place)
        }))
    }

    fn recovery(
        &self,
        incident: &Incident,
        between: Between,
        now: Timestamp,
        fault: &str,
        place: &str,
    ) -> Result<Recovery, StoreError> {
        let handbook = self.handbook();
        let mut case = handbook.recovering(incident.began, between, now);
        if let Some(storage) = &self.storage {
            let spans = case.spans();
            readings::read(storage, &handbook, incident, &spans, |labels, samples| {
                case.series(labels, samples);
            })?;
        }
        Ok(case.check(fault, place))
    }

    /// Remedies that stand: that were not taken back, of incidents from the first of `about` to the second, or
    /// the newest of all; oldest first.
    pub(crate) fn remedies(
        &self,
        about: Option<(u64, u64)>,
    ) -> Result<Vec<(Decision, Remedy)>, StoreError> {
        let limit = about.is_none().then_some(REMEDIES);
        let kind = Some(Kind::Remedy.as_str());
        let wanted = DecisionsWanted { kind, about, limit, ..Default::default() };
        let mut remedies: Vec<(Decision, Remedy)> = Vec::new();
        for decision in self.decisions.find(&wanted)? {
            match decision.happening.as_str() {
                "applied" => {
                    if let Ok(remedy) = serde_json::from_str(&decision.document) {
                        remedies.push((decision, remedy));
                    }
                }
                "taken back" => {
                    let number: u64 = serde_json::from_str(&decision.document).unwrap_or_default();
                    remedies.retain(|(known, _)| known.number != number);
                }
                _ => {}
            }
        }
        Ok(remedies)
    }

    /// What became of incidents from one number to another, each time that it was looked at; oldest first.
    pub(crate) fn checks(&self, about: (u64, u64)) -> Result<Vec<(Decision, Checked)>, StoreError> {
        let kind = Some(Kind::Recovery.as_str());
        let wanted = DecisionsWanted { kind, about: Some(about), ..Default::default() };
        let read = |decision: Decision| {
            let checked = serde_json::from_str(&decision.document).ok()?;
            Some((decision, checked))
        };
        Ok(self.decisions.find(&wanted)?.into_iter().filter_map(read).collect())
    }
}

/// Whether a check was made of this end of the incident, and not after a remedy or an end before.
fn is_of_end(incident: &Incident, (decision, checked): &(Decision, Checked)) -> bool {
    checked.remedy.is_none() && decision.time >= incident.updated
}

impl LookedAt {
    fn known(&self) -> std::sync::MutexGuard<'_, HashSet<(u64, i64)>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Remedy {
    /// Done at `time`.
    pub(crate) fn new(
        what: String,
        fault: Option<String>,
        place: Option<String>,
        time: Timestamp,
    ) -> Self {
        Self { what, fault, place, time: format_time(time) }
    }
}
