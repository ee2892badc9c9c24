//! A method of the catalogue on one stream, and how rare what it says is.

use std::sync::Arc;

use auscult_core::{Detector, Explanation, Sample, Snapshot, Timestamp};
use auscult_detect::ensemble::ReturnPeriods;
use auscult_detect::{Threshold, find};

use super::room::{Room, Ticket, state_bytes};
use crate::policy::AssignedMethod;
use crate::saved::{Bytes, SavedStream};

/// Samples after which memory is looked at first; then after twice as many each time.
const LOOKED_AT: u64 = 64;

/// There is no room for a method within the limit.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct NoRoom;

/// What a method says of a sample.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Found {
    pub(crate) score: f64,
    /// Seconds in which it says something so odd once.
    pub(crate) return_seconds: f64,
    /// Why, where that is rare enough to be asked.
    pub(crate) explanation: Option<Explanation>,
}

/// A method, what it learnt, and what it said so far.
#[derive(Debug)]
pub(crate) struct Stream {
    method: Arc<AssignedMethod>,
    detector: Box<dyn Detector>,
    periods: ReturnPeriods,
    seen: u64,
    /// Of the last sample.
    return_seconds: f64,
    /// Since when what it says is rare enough to be asked.
    odd_since: Option<Timestamp>,
    ticket: Ticket,
}

impl Stream {
    /// A fresh one for so many channels. Settings that do not fit so many are told in words.
    pub(crate) fn new(
        method: &Arc<AssignedMethod>,
        channels: usize,
        room: &Arc<Room>,
    ) -> Result<Result<Self, NoRoom>, String> {
        let detector = method
            .build(channels)
            .map_err(|error| format!("`{}` for {channels} series: {error}", method.name()))?;
        let bytes = state_bytes(&detector.snapshot().state);
        let Some(ticket) = room.enter((method.as_json(), channels), bytes) else {
            return Ok(Err(NoRoom));
        };
        let (method, periods) = (Arc::clone(method), ReturnPeriods::new());
        let (seen, return_seconds, odd_since) = (0, 0.0, None);
        Ok(Ok(Self { method, detector, periods, seen, return_seconds, odd_since, ticket }))
    }

    /// Whether its history says how rare its scores are.
    pub(crate) fn is_known(&self) -> bool {
        self.periods.is_known()
    }

    /// Seconds in which it says something as odd as of the last sample once; 0 while nothing is
    /// known.
    pub(crate) const fn return_seconds(&self) -> f64 {
        self.return_seconds
    }

    /// Says that the clock of the source was set back before the next sample.
    pub(crate) fn follow_clock_back(&mut self) {
        self.periods.follow_clock_back();
    }

    /// Forgets how high scores from `from` to `until` were: something was truly wrong then.
    pub(crate) fn confirm(&mut self, from: Timestamp, until: Timestamp) {
        self.periods.confirm(from, until);
    }

    /// Rates and learns `sample`; explained where it comes once in `explained_from` seconds or
    /// more seldom. `None` while the history does not say how rare scores are.
    pub(crate) fn watch(
        &mut self,
        sample: Sample<'_>,
        explained_from: f64,
    ) -> Result<Option<Found>, NoRoom> {
        const WIDTH: &str = "a sample has as many readings as the method was built for";
        let rank = self.detector.rank(sample).expect(WIDTH);
        let mut found = None;
        if let Some(rank) = rank.ready() {
            let worth = rank * self.detector.maturity();
            let return_seconds = self.periods.seconds(worth);
            self.return_seconds = return_seconds;
            let score = self.detector.score(sample).expect(WIDTH).ready().unwrap_or(0.0);
            let is_odd = return_seconds >= explained_from && score > 0.0;
            self.odd_since = self.odd_since.or(Some(sample.time())).filter(|_| is_odd);
            let mut explanation = if is_odd {
                self.detector.explain(sample, self.threshold(score)).expect(WIDTH)
            } else {
                None
            };
            if let Some(why) = &mut explanation {
                why.onset = why.onset.or(self.odd_since);
            }
            found = self.is_known().then_some(Found { score, return_seconds, explanation });
            self.periods.learn(sample.time(), worth);
        }
        self.detector.learn(sample).expect(WIDTH);
        self.seen += 1;
        if self.seen >= LOOKED_AT && self.seen.is_power_of_two() {
            let bytes = state_bytes(&self.detector.snapshot().state);
            if !self.ticket.grow(bytes) {
                return Err(NoRoom);
            }
        }
        Ok(found)
    }

    /// The score for which a band is drawn: the method's own convention, or what was just passed.
    fn threshold(&self, score: f64) -> f64 {
        match find(self.method.name()).map(|method| method.threshold) {
            Some(Threshold::Score(threshold)) => threshold,
            _ => score,
        }
    }

    /// What it learnt, to be stored; `snapshot` holds bytes for as long as they are needed.
    pub(crate) fn save<'a>(&self, snapshot: &'a mut Vec<u8>) -> SavedStream<'a> {
        snapshot.clear();
        serde_json::to_writer(&mut *snapshot, &self.detector.snapshot())
            .expect("a snapshot is plain data");
        SavedStream {
            snapshot: Bytes(snapshot),
            periods: self.periods.clone(),
            seen: self.seen,
            return_seconds: self.return_seconds,
            odd_since: self.odd_since,
        }
    }

    /// Goes on from what was stored; false, with nothing changed, if it cannot.
    pub(crate) fn load(&mut self, saved: &SavedStream<'_>) -> bool {
        let Ok(snapshot) = serde_json::from_slice::<Snapshot>(saved.snapshot.0) else {
            return false;
        };
        let is_sound = saved.periods.is_sound()
            && saved.return_seconds.is_finite()
            && saved.return_seconds >= 0.0;
        if !is_sound || self.detector.restore(&snapshot).is_err() {
            return false;
        }
        self.periods = saved.periods.clone();
        self.seen = saved.seen;
        self.return_seconds = saved.return_seconds;
        self.odd_since = saved.odd_since;
        // What there is no room for is found out when it is next looked at.
        self.ticket.grow(state_bytes(&snapshot.state));
        true
    }
}
