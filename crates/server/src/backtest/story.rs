//! What happened to each incident, from the changes that the engine notes.

use std::collections::BTreeMap;

use auscult_core::Timestamp;
use auscult_engine::Engine;
use auscult_engine::incident::{Happening, Incident, State};

/// An incident, from notice to recovery.
#[derive(Debug, Clone, PartialEq)]
pub struct Story {
    /// As it was at the end; strangest member first.
    pub incident: Incident,
    /// When people would have been told: at its opening, and each time that it came back.
    pub notices: Vec<Timestamp>,
    /// When it recovered for good; `None` for one that is open at the end.
    pub recovered: Option<Timestamp>,
}

impl Story {
    /// Alarms on targets: one for each target, and one more each time that it came back.
    #[must_use]
    pub fn alarms(&self) -> usize {
        self.incident.targets.len() + self.notices.len().saturating_sub(1)
    }
}

/// The incidents so far, by number.
#[derive(Debug, Default)]
pub(super) struct Stories {
    known: BTreeMap<u64, Story>,
    last_change: u64,
}

impl Stories {
    /// Takes in what is new.
    pub(super) fn follow(&mut self, engine: &Engine) {
        for change in engine.changes_after(self.last_change) {
            self.last_change = change.number;
            let incident = change.incident;
            let time = incident.updated;
            let story = self.known.entry(incident.id).or_insert_with(|| Story {
                incident: incident.clone(),
                notices: Vec::new(),
                recovered: None,
            });
            match change.happening {
                Happening::Opened | Happening::Reopened => {
                    story.notices.push(time);
                    story.recovered = None;
                }
                Happening::Recovered => story.recovered = Some(time),
                Happening::Grew => {}
            }
            story.incident = incident;
        }
    }

    /// Those noticed at `tell_from` or later, as they are in the end.
    pub(super) fn finish(mut self, engine: &Engine, tell_from: Timestamp) -> Vec<Story> {
        // What members read at their strangest goes on after the last change.
        for incident in engine.incidents_that(|incident| incident.state == State::Open) {
            if let Some(story) = self.known.get_mut(&incident.id) {
                story.incident = incident;
            }
        }
        let told = |mut story: Story| {
            story.notices.retain(|notice| *notice >= tell_from);
            story.incident.members.sort_by(|a, b| {
                let by_rarity = b.return_seconds.total_cmp(&a.return_seconds);
                let by_score = b.score.total_cmp(&a.score);
                by_rarity.then(by_score).then_with(|| a.series.cmp(&b.series))
            });
            (!story.notices.is_empty()).then_some(story)
        };
        self.known.into_values().filter_map(told).collect()
    }
}
