//! What one receiver is still to be told, and what it was told.
//!
//! No clock and no sockets: who owns an outbox says what time it is, sends what it hands
//! out, and says how that went. What is to outlive the process gathers in `unsaved`.

use std::collections::{HashMap, HashSet, VecDeque};
use std::sync::Arc;
use std::time::{Duration, Instant};

use auscult_core::Timestamp;
use auscult_engine::incident::{Change, Happening};
use auscult_store::{OutboxEntry, Outgoing, StoredTold};

use super::retry::{Backoff, Refused};
use super::settings::Event;
use super::words::since;

/// Incidents of which is remembered what was told last; as many as the database has.
const MOST_TOLD: usize = 10_000;

/// What a receiver wants to be told, and how patient we are.
#[derive(Debug, Clone)]
pub(crate) struct Rules {
    pub(crate) events: Vec<Event>,
    pub(crate) update_every: Duration,
    pub(crate) give_up_after: Duration,
    pub(crate) most_waiting: usize,
    pub(crate) backoff: Backoff,
}

/// See the module.
#[derive(Debug)]
pub(crate) struct Outbox {
    receiver: String,
    rules: Rules,
    /// The newest change that was looked at.
    seen: u64,
    /// Whether nothing was taken since the start.
    is_first: bool,
    /// In order of their numbers.
    waiting: VecDeque<Waiting>,
    told: HashMap<u64, StoredTold>,
    /// The number of the change that is on its way.
    sending: Option<u64>,
    /// Failures since something was taken last.
    failures: u32,
    paused_until: Option<Instant>,
    /// Steps that the database does not have yet.
    pub(crate) unsaved: Vec<OutboxEntry>,
}

#[derive(Debug)]
struct Waiting {
    change: Arc<Change>,
    since: Timestamp,
    failures: u32,
    not_before: Option<Instant>,
}

/// What to do next.
#[derive(Debug)]
pub(crate) enum Next {
    /// Tell this.
    Send(Arc<Change>, Event),
    /// Nothing before so long; nothing at all until there is news, where none is said.
    Wait(Option<Duration>),
}

/// States that are not told.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub(crate) struct Dropped {
    /// Because a newer one of the same incident says it all.
    pub(crate) superseded: u64,
    /// Because too many wait.
    pub(crate) full: u64,
}

impl Outbox {
    /// Goes on from what is stored.
    pub(crate) fn new(receiver: &str, rules: Rules, stored: Outgoing) -> Self {
        let waiting = stored.waiting.into_iter().filter_map(|waiting| {
            let change = serde_json::from_str(&waiting.document).ok()?;
            let since = waiting.since;
            Some(Waiting { change: Arc::new(change), since, failures: 0, not_before: None })
        });
        Self {
            receiver: receiver.to_owned(),
            rules,
            seen: stored.seen.unwrap_or(0),
            is_first: true,
            waiting: waiting.collect(),
            told: stored.told.into_iter().map(|told| (told.incident, told)).collect(),
            sending: None,
            failures: 0,
            paused_until: None,
            unsaved: Vec::new(),
        }
    }

    /// The newest change that was looked at.
    pub(crate) fn seen(&self) -> u64 {
        self.seen
    }

    /// How many states wait, and since when the oldest does.
    pub(crate) fn waiting(&self) -> (usize, Option<Timestamp>) {
        (self.waiting.len(), self.waiting.iter().map(|waiting| waiting.since).min())
    }

    /// Takes in what happened, oldest first; what was looked at before is passed over.
    pub(crate) fn take(&mut self, changes: &[Arc<Change>], now: Timestamp) -> Dropped {
        let mut dropped = Dropped::default();
        let Some(newest) = changes.last().map(|change| change.number) else {
            self.is_first = false;
            return dropped;
        };
        if newest <= self.seen {
            self.is_first = false;
            return dropped;
        }
        // What came and went while nobody listened is no news: of each incident, what it came to.
        let mut last: HashMap<u64, u64> = HashMap::new();
        if self.is_first {
            last.extend(changes.iter().map(|change| (change.incident.id, change.number)));
        }
        let seen = self.seen;
        for change in changes.iter().filter(|change| change.number > seen) {
            if last.get(&change.incident.id).is_some_and(|last| *last != change.number) {
                continue;
            }
            self.put(change, now, &mut dropped);
        }
        self.is_first = false;
        self.seen = newest;
        self.unsaved.push(OutboxEntry::Seen { receiver: self.receiver.clone(), change: newest });
        dropped
    }

    fn put(&mut self, change: &Arc<Change>, now: Timestamp, dropped: &mut Dropped) {
        let id = change.incident.id;
        let waits = self.waiting.iter().any(|waiting| waiting.change.incident.id == id);
        let is_known = waits || self.told.contains_key(&id);
        let event = event(change.happening, is_known);
        let is_over = event == Event::Recovered;
        if is_over && !is_known || change.incident.silenced && !is_over {
            return;
        }
        if !self.rules.events.contains(&event) {
            // As good as told: what follows is held against it.
            if !waits {
                self.remember(change, now);
            }
            return;
        }
        // What has grown is told with the next state; but where it is the first to be told of
        // its incident, only with what grew further.
        let of_it = |waiting: &Waiting| waiting.change.incident.id == id;
        let first = self.waiting.iter().position(of_it);
        let grew = self.waiting.iter().rposition(|waiting| {
            of_it(waiting)
                && waiting.change.happening == Happening::Grew
                && self.sending != Some(waiting.change.number)
        });
        let superseded = grew.filter(|place| {
            let is_first = first == Some(*place) && !self.told.contains_key(&id);
            !is_first || change.happening == Happening::Grew
        });
        if let Some(place) = superseded {
            self.remove(place);
            dropped.superseded += 1;
        }
        if self.waiting.len() >= self.rules.most_waiting.max(1) {
            self.make_room(dropped);
        }
        let receiver = self.receiver.clone();
        self.unsaved.push(OutboxEntry::Wait { receiver, change: change.number, since: now });
        let change = Arc::clone(change);
        self.waiting.push_back(Waiting { change, since: now, failures: 0, not_before: None });
    }

    /// Drops the oldest state that a newer one of its incident says too, or else the oldest.
    fn make_room(&mut self, dropped: &mut Dropped) {
        let mut newer = HashSet::new();
        let mut superseded = None;
        for (place, waiting) in self.waiting.iter().enumerate().rev() {
            let is_superseded = !newer.insert(waiting.change.incident.id);
            if is_superseded && self.sending != Some(waiting.change.number) {
                superseded = Some(place);
            }
        }
        if let Some(place) = superseded {
            self.remove(place);
            dropped.superseded += 1;
            return;
        }
        let idle = |waiting: &Waiting| self.sending != Some(waiting.change.number);
        if let Some(place) = self.waiting.iter().position(idle) {
            self.remove(place);
            dropped.full += 1;
        }
    }

    fn remove(&mut self, place: usize) {
        let Some(waiting) = self.waiting.remove(place) else { return };
        let receiver = self.receiver.clone();
        self.unsaved.push(OutboxEntry::Done { receiver, change: waiting.change.number });
    }

    fn remember(&mut self, change: &Change, now: Timestamp) {
        let incident = &change.incident;
        let state = event(change.happening, self.told.contains_key(&incident.id));
        let state = format!("{state:?}").to_lowercase();
        let told =
            StoredTold { incident: incident.id, state, updated: incident.updated, time: now };
        self.told.insert(incident.id, told.clone());
        if self.told.len() > MOST_TOLD {
            let newest = self.told.keys().copied().max().unwrap_or(0);
            self.told.retain(|id, _| newest - id < MOST_TOLD as u64);
        }
        self.unsaved.push(OutboxEntry::Told { receiver: self.receiver.clone(), told });
    }

    /// What to do now. Of each incident the oldest state goes first, and what failed least
    /// goes before what failed more often, so that one message that a receiver stumbles
    /// over does not hold up the others.
    pub(crate) fn next(&mut self, now: Timestamp, instant: Instant) -> Next {
        if let Some(until) = self.paused_until.filter(|until| *until > instant) {
            return Next::Wait(Some(until - instant));
        }
        let mut incidents = HashSet::new();
        let mut soonest: Option<Duration> = None;
        let mut best: Option<&Waiting> = None;
        for waiting in &self.waiting {
            if !incidents.insert(waiting.change.incident.id) {
                continue;
            }
            let wait = self.wait_for(waiting, now, instant);
            if !wait.is_zero() {
                soonest = Some(soonest.map_or(wait, |soonest| soonest.min(wait)));
            } else if best.is_none_or(|best| waiting.failures < best.failures) {
                best = Some(waiting);
            }
        }
        let Some(best) = best else { return Next::Wait(soonest) };
        let change = Arc::clone(&best.change);
        self.sending = Some(change.number);
        let event = event_of(&self.told, &change);
        Next::Send(change, event)
    }

    fn wait_for(&self, waiting: &Waiting, now: Timestamp, instant: Instant) -> Duration {
        let failed =
            waiting.not_before.map_or(Duration::ZERO, |at| at.saturating_duration_since(instant));
        let told = self.told.get(&waiting.change.incident.id);
        let held = match told.filter(|_| waiting.change.happening == Happening::Grew) {
            Some(told) => self.rules.update_every.saturating_sub(since(told.time, now)),
            None => Duration::ZERO,
        };
        failed.max(held)
    }

    /// The receiver took it.
    pub(crate) fn delivered(&mut self, change: &Change, now: Timestamp) {
        self.sending = None;
        self.failures = 0;
        self.paused_until = None;
        if let Some(place) = self.place(change) {
            self.remove(place);
        }
        self.remember(change, now);
    }

    /// The receiver did not take it; says whether this state is given up.
    pub(crate) fn failed(
        &mut self,
        change: &Change,
        refused: &Refused,
        now: Timestamp,
        instant: Instant,
    ) -> bool {
        self.sending = None;
        let Some(place) = self.place(change) else { return false };
        let waiting = &mut self.waiting[place];
        if refused.is_final {
            // It is there, and answers.
            self.failures = 0;
            self.remove(place);
            return true;
        }
        waiting.failures = waiting.failures.saturating_add(1);
        self.failures = self.failures.saturating_add(1);
        let asked = refused.retry_after.unwrap_or_default();
        let backoff = self.rules.backoff;
        waiting.not_before = Some(instant + backoff.wait(waiting.failures).max(asked));
        self.paused_until = Some(instant + backoff.wait(self.failures).max(asked));
        let is_over = since(waiting.since, now) >= self.rules.give_up_after;
        if is_over {
            self.remove(place);
        }
        is_over
    }

    fn place(&self, change: &Change) -> Option<usize> {
        self.waiting.iter().position(|waiting| waiting.change.number == change.number)
    }
}

fn event_of(told: &HashMap<u64, StoredTold>, change: &Change) -> Event {
    event(change.happening, told.contains_key(&change.incident.id))
}

/// What a receiver is told, which knows of the incident or not.
fn event(happening: Happening, is_known: bool) -> Event {
    match happening {
        Happening::Grew if is_known => Event::Updated,
        Happening::Opened | Happening::Grew => Event::Opened,
        Happening::Recovered => Event::Recovered,
        Happening::Reopened => Event::Reopened,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::delivery::samples;

    const SECOND: Duration = Duration::from_secs(1);

    fn rules() -> Rules {
        Rules {
            events: Event::ALL.to_vec(),
            update_every: 60 * SECOND,
            give_up_after: 3600 * SECOND,
            most_waiting: 4,
            backoff: Backoff { first: SECOND, longest: 8 * SECOND },
        }
    }

    /// A clock for both kinds of time.
    struct Clock(Instant);

    impl Clock {
        fn at(&self, seconds: u64) -> (Timestamp, Instant) {
            (Timestamp::from_seconds(1_000_000 + seconds as i64), self.0 + seconds as u32 * SECOND)
        }
    }

    fn changes(all: &[(u64, u64, Happening)]) -> Vec<Arc<Change>> {
        let change = |(number, id, happening): &(u64, u64, Happening)| {
            Arc::new(samples::change(*number, *id, *happening))
        };
        all.iter().map(change).collect()
    }

    /// An outbox that is past its start.
    fn outbox(rules: Rules) -> Outbox {
        let mut outbox = Outbox::new("pager", rules, Outgoing::default());
        outbox.take(&[], Timestamp::from_seconds(0));
        outbox
    }

    #[test]
    fn nobody_is_told_of_what_is_silenced_until_it_is_silenced_no_more() {
        let clock = Clock(Instant::now());
        let mut outbox = outbox(rules());
        let silenced = |number, id, happening| {
            let mut change = samples::change(number, id, happening);
            change.incident.silenced = true;
            Arc::new(change)
        };
        let mut all = vec![
            silenced(1, 1, Happening::Opened),
            silenced(2, 2, Happening::Opened),
            silenced(3, 2, Happening::Recovered),
        ];
        outbox.take(&all, clock.at(0).0);
        assert!(tell_all(&mut outbox, clock.at(0)).is_empty());
        all.extend(changes(&[(4, 1, Happening::Grew)]));
        outbox.take(&all, clock.at(60).0);
        assert_eq!(tell_all(&mut outbox, clock.at(60)), ["4 Opened"]);
        // What was told has an end, silenced or not.
        all.push(silenced(5, 1, Happening::Recovered));
        outbox.take(&all, clock.at(120).0);
        assert_eq!(tell_all(&mut outbox, clock.at(120)), ["5 Recovered"]);
    }

    /// Everything that can be told now, as `number event`.
    fn tell_all(outbox: &mut Outbox, (now, instant): (Timestamp, Instant)) -> Vec<String> {
        let mut told = Vec::new();
        while let Next::Send(change, event) = outbox.next(now, instant) {
            told.push(format!("{} {event:?}", change.number));
            outbox.delivered(&change, now);
        }
        told
    }

    use Happening::{Grew, Opened, Recovered, Reopened};

    #[test]
    fn each_state_is_told_once_and_growth_together() {
        let clock = Clock(Instant::now());
        let mut outbox = outbox(rules());
        let news = changes(&[(1, 7, Opened), (2, 7, Grew), (3, 8, Opened), (4, 7, Grew)]);
        outbox.take(&news, clock.at(0).0);
        outbox.take(&news, clock.at(0).0);
        assert_eq!(tell_all(&mut outbox, clock.at(0)), ["1 Opened", "3 Opened"]);
        assert!(matches!(outbox.next(clock.at(20).0, clock.at(20).1),
            Next::Wait(Some(wait)) if wait == 40 * SECOND));
        assert_eq!(tell_all(&mut outbox, clock.at(60)), ["4 Updated"]);
        // What grew and recovered before it was told again has recovered.
        outbox.take(&changes(&[(5, 7, Grew), (6, 7, Recovered), (7, 7, Reopened)]), clock.at(61).0);
        assert_eq!(tell_all(&mut outbox, clock.at(61)), ["6 Recovered", "7 Reopened"]);
        assert_eq!(outbox.waiting(), (0, None));
    }

    #[test]
    fn what_came_and_went_before_the_start_is_no_news() {
        let clock = Clock(Instant::now());
        let mut outbox = Outbox::new("pager", rules(), Outgoing::default());
        let news =
            [(1, 1, Opened), (2, 1, Recovered), (3, 2, Opened), (4, 2, Grew), (5, 3, Recovered)];
        outbox.take(&changes(&news), clock.at(0).0);
        assert_eq!(tell_all(&mut outbox, clock.at(0)), ["4 Opened"]);
    }

    #[test]
    fn a_failure_waits_longer_each_time_and_as_long_as_is_asked_for() {
        let clock = Clock(Instant::now());
        let mut outbox = outbox(rules());
        outbox.take(&changes(&[(1, 1, Opened), (2, 1, Recovered)]), clock.at(0).0);
        let fail = |outbox: &mut Outbox, second: u64, refused: &Refused| {
            let (now, instant) = clock.at(second);
            let Next::Send(change, _) = outbox.next(now, instant) else {
                panic!("nothing to tell")
            };
            assert_eq!(change.number, 1);
            assert!(!outbox.failed(&change, refused, now, instant));
            match outbox.next(now, instant) {
                Next::Wait(Some(wait)) => wait,
                next => panic!("{next:?}"),
            }
        };
        let passing = Refused::passing("it is dead");
        for (second, most) in [(0, 1), (10, 2), (20, 4), (30, 8), (40, 8)] {
            let wait = fail(&mut outbox, second, &passing);
            assert!(wait >= most * SECOND / 2 && wait <= most * SECOND, "{wait:?}");
        }
        let asked = Refused { retry_after: Some(100 * SECOND), ..passing };
        assert_eq!(fail(&mut outbox, 50, &asked), 100 * SECOND);
        assert_eq!(tell_all(&mut outbox, clock.at(150)), ["1 Opened", "2 Recovered"]);
    }

    #[test]
    fn a_message_that_is_stumbled_over_does_not_hold_up_the_others() {
        let clock = Clock(Instant::now());
        let mut outbox = outbox(rules());
        outbox.take(&changes(&[(1, 1, Opened), (2, 2, Opened)]), clock.at(0).0);
        let (now, instant) = clock.at(0);
        let Next::Send(change, _) = outbox.next(now, instant) else { panic!("nothing to tell") };
        outbox.failed(&change, &Refused::passing("500"), now, instant);
        assert_eq!(tell_all(&mut outbox, clock.at(1)), ["2 Opened", "1 Opened"]);
    }

    #[test]
    fn what_cannot_get_better_or_takes_too_long_is_given_up() {
        let clock = Clock(Instant::now());
        let mut outbox = outbox(rules());
        outbox.take(&changes(&[(1, 1, Opened), (2, 2, Opened)]), clock.at(0).0);
        let (now, instant) = clock.at(0);
        let Next::Send(change, _) = outbox.next(now, instant) else { panic!("nothing to tell") };
        let refused = Refused { is_final: true, ..Refused::passing("400") };
        assert!(outbox.failed(&change, &refused, now, instant));
        let (now, instant) = clock.at(3600);
        let Next::Send(change, _) = outbox.next(now, instant) else { panic!("nothing to tell") };
        assert_eq!(change.number, 2);
        assert!(outbox.failed(&change, &Refused::passing("500"), now, instant));
        // Of an incident that it does not know, its end is no news; its growth is.
        outbox.take(&changes(&[(3, 2, Recovered), (4, 1, Grew)]), now);
        assert_eq!(tell_all(&mut outbox, clock.at(4000)), ["4 Opened"]);
    }

    #[test]
    fn too_many_states_drop_what_is_superseded_then_the_oldest() {
        let clock = Clock(Instant::now());
        let mut outbox = outbox(rules());
        let news = [(1, 1, Opened), (2, 2, Opened), (3, 2, Recovered), (4, 3, Opened)];
        assert_eq!(outbox.take(&changes(&news), clock.at(0).0), Dropped::default());
        let dropped = outbox.take(&changes(&[(5, 4, Opened), (6, 5, Opened)]), clock.at(1).0);
        assert_eq!(dropped, Dropped { superseded: 1, full: 1 });
        assert_eq!(outbox.waiting(), (4, Some(clock.at(0).0)));
        let told = tell_all(&mut outbox, clock.at(1));
        assert_eq!(told, ["3 Recovered", "4 Opened", "5 Opened", "6 Opened"]);
    }

    #[test]
    fn what_is_not_wanted_is_not_told_but_known() {
        let clock = Clock(Instant::now());
        let mut outbox = outbox(Rules { events: vec![Event::Recovered], ..rules() });
        outbox.take(&changes(&[(1, 1, Opened), (2, 1, Grew), (3, 1, Recovered)]), clock.at(0).0);
        assert_eq!(tell_all(&mut outbox, clock.at(0)), ["3 Recovered"]);
    }
}
