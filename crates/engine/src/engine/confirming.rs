//! What people say was truly wrong is no part of what is usual.

use super::{Engine, lock};
use crate::incident::{Incident, State};

impl Engine {
    /// Takes in that something was truly wrong in `incident`.
    ///
    /// An alarm comes where something is rarer than the budget allows, by a history that cannot know
    /// which of its departures were faults: where faults are more frequent than the budget, they
    /// would become what is usual, and nobody would be told of the next. So the history of its
    /// series and targets forgets how odd they were then, up to now if the incident is still open.
    /// What readings are expected to be is left as it was learnt.
    ///
    /// To be said once for an incident.
    pub fn confirm(&self, incident: &Incident) {
        let last = match incident.state {
            State::Open => self.newest().unwrap_or(incident.updated).max(incident.updated),
            State::Recovered => incident.updated,
        };
        for member in &incident.members {
            let (from, until) = member.span(last);
            let Some((shard, key)) = self.find(member.series.as_ref()) else { continue };
            lock(&self.shards[shard]).confirm(key, from, until);
            lock(&self.joints).confirm((shard, key), from, until);
        }
        lock(&self.targets).confirm(incident, last);
    }
}
