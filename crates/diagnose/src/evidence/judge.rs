//! Judges statements at places.

use std::collections::HashMap;
use std::sync::Arc;

use auscult_knowledge::{Form, Knowledge, Relation, Scope, Statement, Subject};

use super::quantity::quantity;
use super::told::{SEEN, Told};
use super::{BeforeAfter, Finding, Window};
use crate::laws::Laws;
use crate::scene::Scene;

/// Spreads by which a signal must move to count as moved.
const MOVED: f64 = 2.5;
/// Share of itself by which it must.
const LEAST_SHARE: f64 = 0.1;
/// Share by which the mean of what happens seldom must move.
const RARE_SHARE: f64 = 0.5;
/// Spreads among peers by which one must lie apart.
const APART: f64 = 3.5;
/// Part of all there can be from which on nothing can rise by [`LEAST_SHARE`].
const FULL: f64 = 1.0 / (1.0 + LEAST_SHARE);
/// Share of the peers' median by which it must.
const LEAST_APART: f64 = 0.05;
/// Seconds before something began in which a change may have brought it about.
pub const CHANGED_BEFORE: f64 = 600.0;
/// Seconds after it began, as the beginning is not known exactly.
pub const CHANGED_AFTER: f64 = 120.0;

/// Judges statements about a stretch of time of a scene.
///
/// What a signal of a target does is found out once; whether a statement holds then costs some
/// comparisons, at each of the targets that it is about.
#[derive(Debug)]
pub struct Judge<'s> {
    scene: &'s Scene,
    knowledge: &'s Knowledge,
    window: Window,
    laws: Laws,
    told: Told,
    /// By signal, then by target.
    known: HashMap<Subject, HashMap<usize, Option<Arc<BeforeAfter>>>>,
    /// How far targets lie from their peers, by signal and then by target.
    distances: HashMap<Subject, HashMap<usize, Option<Distance>>>,
    /// By kind: the place that was asked about last, and what is near it.
    near: HashMap<String, (usize, Arc<[usize]>)>,
}

/// How far a target lies from its peers, up or down.
#[derive(Debug, Clone, Copy)]
struct Distance {
    /// Now, in spreads.
    now: f64,
    /// Before, in spreads.
    then: f64,
    /// Now, as a share of the peers' median.
    share: f64,
}

/// What became of a statement at several targets.
#[derive(Debug)]
struct Tally {
    holding: Vec<usize>,
    failing: Vec<usize>,
    verdict: Option<bool>,
}

impl<'s> Judge<'s> {
    /// Of this scene and window.
    pub fn new(scene: &'s Scene, knowledge: &'s Knowledge, window: Window) -> Self {
        let (known, distances, near) = (HashMap::new(), HashMap::new(), HashMap::new());
        let laws = Laws::check(scene, knowledge, window);
        let told = Told::default();
        Self { scene, knowledge, window, laws, told, known, distances, near }
    }

    /// Takes it from a person that `statement`, made from target number `place`, holds or does not.
    pub fn tell(&mut self, statement: &Statement, place: usize, holds: bool) {
        self.told.say(statement, place, holds);
        let targets = match &statement.scope {
            Scope::Own => vec![place],
            Scope::Peers => Vec::new(),
            Scope::Near { kind, some } => {
                let near = self.near(place, kind);
                // Of the only one it is said itself, and that it is so of none is said of each.
                if near.len() == 1 || (*some && !holds) { near.to_vec() } else { Vec::new() }
            }
        };
        targets.into_iter().for_each(|target| self.told.say_at(statement, target, holds));
    }

    /// The stretch of time that is asked about.
    pub fn window(&self) -> Window {
        self.window
    }

    /// What became of the laws, and which signals can be trusted.
    pub fn laws(&self) -> &Laws {
        &self.laws
    }

    /// What becomes of `statement` for a fault at target number `place`.
    pub fn judge(&mut self, statement: &Statement, place: usize) -> Finding {
        if let Some(holds) = self.told.of(statement, place) {
            return Finding { holds: Some(holds), seen: SEEN.to_owned(), at: vec![place] };
        }
        match &statement.scope {
            Scope::Own => self.at(statement, place),
            Scope::Peers => {
                let peers = self.others(place);
                self.among(statement, &peers, false)
            }
            Scope::Near { kind, some } => {
                let near = self.near(place, kind);
                self.among(statement, &near, *some)
            }
        }
    }

    /// Whether `statement` holds for a fault at target number `place`: as [`judge`](Self::judge),
    /// without the words, which cost more than the verdict.
    pub(crate) fn verdict(&mut self, statement: &Statement, place: usize) -> Option<bool> {
        if let Some(holds) = self.told.of(statement, place) {
            return Some(holds);
        }
        if matches!(statement.subject, Subject::Event(_) | Subject::Log(_)) {
            return self.judge(statement, place).holds;
        }
        match &statement.scope {
            Scope::Own => self.holds(statement, place),
            Scope::Peers => {
                let peers = self.others(place);
                self.tally(statement, &peers, false).verdict
            }
            Scope::Near { kind, some } => {
                let near = self.near(place, kind);
                self.tally(statement, &near, *some).verdict
            }
        }
    }

    /// Peers of a place without itself.
    fn others(&self, place: usize) -> Vec<usize> {
        self.scene.peers(place).iter().copied().filter(|peer| *peer != place).collect()
    }

    /// Targets of `kind` near a place; one place is asked about many times in a row.
    pub(crate) fn near(&mut self, place: usize, kind: &str) -> Arc<[usize]> {
        if let Some((known, near)) = self.near.get(kind)
            && *known == place
        {
            return Arc::clone(near);
        }
        let near: Arc<[usize]> = self.scene.near(place, kind).into();
        self.near.insert(kind.to_owned(), (place, Arc::clone(&near)));
        near
    }

    /// Whether a replica, or what it works for or on, has no other beside it.
    pub(crate) fn is_alone(&mut self, place: usize) -> bool {
        let is_replica = self.scene.targets()[place].kind == "replica";
        let count = if is_replica {
            self.scene.peers(place).len()
        } else {
            self.near(place, "replica").len()
        };
        count == 1
    }

    /// Whether there is anything to judge a statement by.
    pub(crate) fn is_measured(&mut self, statement: &Statement, place: usize) -> bool {
        let targets: Vec<usize> = match &statement.scope {
            Scope::Own => vec![place],
            Scope::Peers => self.scene.peers(place).to_vec(),
            Scope::Near { kind, .. } => self.near(place, kind).to_vec(),
        };
        if !self.told.is_empty()
            && (self.told.of(statement, place).is_some()
                || targets.iter().any(|target| self.told.at(statement, *target).is_some()))
        {
            return true;
        }
        match &statement.subject {
            Subject::Event(kind) => self.scene.events_of(kind).is_some(),
            Subject::Log(_) => true,
            subject => targets.iter().any(|target| self.numbers(*target, subject).is_some()),
        }
    }

    /// At several targets: one that holds is enough if `some` is, more than half otherwise.
    fn among(&mut self, statement: &Statement, targets: &[usize], some: bool) -> Finding {
        if matches!(statement.subject, Subject::Event(_) | Subject::Log(_)) {
            let found = targets.iter().map(|target| self.at(statement, *target));
            let found: Vec<Finding> = found.collect();
            let holding = found.iter().position(|finding| finding.holds == Some(true));
            let any = found.first().cloned().unwrap_or_else(Finding::unknown);
            return holding.map_or(any, |place| found[place].clone());
        }
        let Tally { holding, failing, verdict } = self.tally(statement, targets, some);
        let first = if verdict == Some(true) { None } else { failing.first() };
        let Some(shown) = first.or(holding.first()) else { return Finding::unknown() };
        let seen = self.seen(statement, *shown);
        let (count, known) = (holding.len(), holding.len() + failing.len());
        let seen = if known > 1 { format!("at {count} of {known}: {seen}") } else { seen };
        Finding { holds: verdict, seen, at: holding }
    }

    /// At which of several targets a statement about a signal holds, and whether it does of all.
    fn tally(&mut self, statement: &Statement, targets: &[usize], some: bool) -> Tally {
        let (mut holding, mut failing) = (Vec::new(), Vec::new());
        for target in targets {
            match self.holds(statement, *target) {
                Some(true) => holding.push(*target),
                Some(false) => failing.push(*target),
                None => {}
            }
        }
        let known = holding.len() + failing.len();
        let holds = if some { !holding.is_empty() } else { holding.len() * 2 > known };
        Tally { holding, failing, verdict: (known > 0).then_some(holds) }
    }

    fn at(&mut self, statement: &Statement, target: usize) -> Finding {
        if let Some(holds) = self.told.at(statement, target) {
            return Finding { holds: Some(holds), seen: SEEN.to_owned(), at: vec![target] };
        }
        match &statement.subject {
            Subject::Event(kind) => self.event(kind, target),
            Subject::Log(text) => self.log(text, target),
            Subject::Signal { .. } | Subject::Law(_) => {
                let holds = self.holds(statement, target);
                Finding { holds, seen: self.seen(statement, target), at: vec![target] }
            }
        }
    }

    /// Whether a statement about a signal holds at a target.
    fn holds(&mut self, statement: &Statement, target: usize) -> Option<bool> {
        if let Some(holds) = self.told.at(statement, target) {
            return Some(holds);
        }
        let subject = &statement.subject;
        match subject {
            Subject::Law(part) => return self.laws.statement(part, target, statement.relation),
            Subject::Signal { name, per, .. } => {
                let mut names = [Some(name), per.as_ref()].into_iter().flatten();
                if !names.all(|name| self.laws.trust().trusts(target, name)) {
                    return None;
                }
            }
            Subject::Event(_) | Subject::Log(_) => {}
        }
        let Some(numbers) = self.numbers(target, subject) else {
            return (statement.relation == Relation::Present).then_some(false);
        };
        match statement.relation {
            // Who has no peers is not unlike them.
            Relation::AbovePeers | Relation::BelowPeers if self.scene.peers(target).len() < 2 => {
                Some(false)
            }
            Relation::AbovePeers => self.apart(target, subject, 1.0),
            Relation::BelowPeers => self.apart(target, subject, -1.0),
            Relation::WithPeers => {
                let above = self.apart(target, subject, 1.0);
                let below = self.apart(target, subject, -1.0);
                above.zip(below).map(|(above, below)| !above && !below)
            }
            // At nine tenths of all there can be, nothing is left to rise by as much as counts.
            Relation::Rises if self.is_share(subject) && numbers.before[2] > FULL => None,
            Relation::Falls if self.is_state(subject) && numbers.went_below() => Some(true),
            Relation::Steady if self.is_state(subject) && numbers.went_below() => Some(false),
            // What happened once or twice while both were there says nothing of a quotient.
            _ if numbers.is_thin() && matches!(subject, Subject::Signal { per: Some(_), .. }) => {
                None
            }
            relation => holds(relation, &numbers),
        }
    }

    /// Whether a subject lies between nothing and all.
    fn is_share(&self, subject: &Subject) -> bool {
        let Subject::Signal { name, per: None, .. } = subject else { return false };
        self.knowledge.signal(name).is_some_and(|signal| signal.unit == "ratio")
    }

    /// Whether a subject is yes or no, or a code.
    fn is_state(&self, subject: &Subject) -> bool {
        let Subject::Signal { name, per: None, .. } = subject else { return false };
        self.knowledge.signal(name).is_some_and(|signal| signal.form == Form::State)
    }

    /// What was seen of a signal at a target, for people.
    fn seen(&mut self, statement: &Statement, target: usize) -> String {
        if self.told.at(statement, target).is_some() {
            return SEEN.to_owned();
        }
        if let Subject::Law(part) = &statement.subject {
            return self.laws.seen(self.knowledge, part, target);
        }
        let Some(numbers) = self.numbers(target, &statement.subject) else {
            return "no readings".to_owned();
        };
        let unit = match &statement.subject {
            Subject::Signal { name, per: None, .. } => {
                self.knowledge.signal(name).map_or("", |signal| signal.unit.as_str())
            }
            _ => "",
        };
        let (before, now) = (numbers.before[2], numbers.tail);
        format!("{} → {}", quantity(before, unit), quantity(now, unit))
    }

    /// A signal of a target before and after.
    pub fn numbers(&mut self, target: usize, subject: &Subject) -> Option<Arc<BeforeAfter>> {
        if let Some(known) = self.known.get(subject).and_then(|known| known.get(&target)) {
            return known.clone();
        }
        let Subject::Signal { name, label, per } = subject else { return None };
        let label = label.as_ref().map(|(name, value)| (name.as_str(), value.as_str()));
        let read = |name: &str, label| self.scene.readings(self.knowledge, target, name, label);
        let readings = read(name, label);
        let readings = match (readings, per) {
            (Some(readings), Some(per)) => read(per, None).map(|per| {
                let both = readings.iter().zip(&per);
                let quotient =
                    both.map(|(part, whole)| if *whole > 0.0 { part / whole } else { f64::NAN });
                quotient.collect()
            }),
            (readings, _) => readings,
        };
        let numbers = readings
            .and_then(|readings: Vec<f64>| BeforeAfter::of(&readings, self.window))
            .map(Arc::new);
        self.known.entry(subject.clone()).or_default().insert(target, numbers.clone());
        numbers
    }

    /// Whether a target lies apart from its peers in the direction of `sign`, and did not before.
    fn apart(&mut self, target: usize, subject: &Subject, sign: f64) -> Option<bool> {
        let Distance { now, then, share } = self.distance(target, subject)?;
        let (now, then, share) = (sign * now, sign * then, sign * share);
        Some(now >= APART && now - then >= APART / 2.0 && share >= LEAST_APART)
    }

    /// How far a target lies from its peers; `None` where that cannot be known.
    fn distance(&mut self, target: usize, subject: &Subject) -> Option<Distance> {
        if let Some(known) = self.distances.get(subject).and_then(|known| known.get(&target)) {
            return *known;
        }
        let distance = self.measure(target, subject);
        self.distances.entry(subject.clone()).or_default().insert(target, distance);
        distance
    }

    fn measure(&mut self, target: usize, subject: &Subject) -> Option<Distance> {
        let own = self.numbers(target, subject)?;
        let peers = self.others(target);
        let name = match subject {
            Subject::Signal { name, .. } => name.as_str(),
            _ => "",
        };
        let trust = self.laws.trust();
        let peers: Vec<usize> =
            peers.into_iter().filter(|peer| trust.trusts(*peer, name)).collect();
        let others: Vec<Arc<BeforeAfter>> =
            peers.into_iter().filter_map(|peer| self.numbers(peer, subject)).collect();
        if others.len() < 2 || !own.tail.is_finite() {
            return None;
        }
        let now: Vec<f64> = others.iter().map(|other| other.tail).collect();
        let then: Vec<f64> = others.iter().map(|other| other.before[2]).collect();
        let (now, share) = apart(own.tail, &now, own.scale)?;
        let (then, _) = apart(own.before[2], &then, own.scale)?;
        Some(Distance { now, then, share })
    }

    fn event(&self, kind: &str, target: usize) -> Finding {
        let began = self.scene.start() + self.window.onset as f64 * self.scene.step();
        let own = &self.scene.targets()[target];
        let is_own = |named: &str| {
            own.name == named || own.attributes.values().any(|values| values.contains(named))
        };
        // A name, or labels: `instance=a&rank=3|pod=b`.
        let concerns = |told: &str| {
            told.split('|').any(|labels| {
                labels
                    .split('&')
                    .all(|label| is_own(label.split_once('=').map_or(label, |(_, value)| value)))
            })
        };
        let Some(events) = self.scene.events_of(kind) else { return Finding::unknown() };
        let event = events.iter().find(|event| {
            event.kind == kind
                && (began - CHANGED_BEFORE..=began + CHANGED_AFTER).contains(&event.time)
                && (event.target.is_empty() || concerns(&event.target))
        });
        let seen = match event {
            Some(event) => {
                let lag = began - event.time;
                let when = if lag >= 0.0 { "before" } else { "after" };
                format!("{kind} of {} {:.0} s {when}", event.target, lag.abs())
            }
            None => format!("no {kind}"),
        };
        Finding { holds: Some(event.is_some()), seen, at: vec![target] }
    }

    fn log(&self, text: &str, target: usize) -> Finding {
        let logs = self.scene.logs();
        let own = &self.scene.targets()[target];
        let concerns = |source: &str| {
            own.name == source || own.attributes.values().any(|values| values.contains(source))
        };
        if !logs.iter().any(|line| concerns(&line.source)) {
            return Finding::unknown();
        }
        let began = self.scene.start() + self.window.onset as f64 * self.scene.step();
        let ended = self.scene.start() + self.window.end as f64 * self.scene.step();
        // The kernel names a card as `PCI:0000:3b:00`, its exporter as `00000000:3B:00.0`.
        let bus = own.attribute("bus").and_then(|bus| {
            let bus = bus.to_ascii_lowercase();
            Some(format!("PCI:{}", bus.get(4..)?.strip_suffix(".0")?))
        });
        let of_it = |text: &str| match &bus {
            Some(bus) if text.contains("PCI:") => text.contains(bus.as_str()),
            _ => true,
        };
        let line = logs.iter().find(|line| {
            (began - CHANGED_AFTER..=ended).contains(&line.time)
                && concerns(&line.source)
                && line.text.contains(text)
                && of_it(&line.text)
        });
        let seen = line.map_or_else(|| "no such line".to_owned(), |line| line.text.clone());
        Finding { holds: Some(line.is_some()), seen, at: vec![target] }
    }
}

/// How far `own` lies from the others: in spreads, and as a share of their median.
fn apart(own: f64, others: &[f64], scale: f64) -> Option<(f64, f64)> {
    let mut sorted: Vec<f64> = others.iter().copied().filter(|value| value.is_finite()).collect();
    if sorted.len() < 2 {
        return None;
    }
    sorted.sort_unstable_by(f64::total_cmp);
    let median = sorted[sorted.len() / 2];
    let mut away: Vec<f64> = sorted.iter().map(|value| (value - median).abs()).collect();
    away.sort_unstable_by(f64::total_cmp);
    let spread = (1.48 * away[away.len() / 2]).max(scale).max(0.02 * median.abs());
    let by = own - median;
    if by == 0.0 {
        return Some((0.0, 0.0));
    }
    Some((by / spread.max(f64::MIN_POSITIVE), by / median.abs().max(f64::MIN_POSITIVE)))
}

/// Whether a relation holds of a signal on its own; `None` where that cannot be known.
fn holds(relation: Relation, numbers: &BeforeAfter) -> Option<bool> {
    let is_gone = numbers.readings.is_empty();
    if is_gone && !matches!(relation, Relation::Vanishes | Relation::Present) {
        return None;
    }
    let (mean, share) = if numbers.is_rare() { numbers.mean_moved() } else { (0.0, 0.0) };
    let rises = (numbers.rise() >= MOVED && numbers.ratio(3) >= LEAST_SHARE)
        || (mean >= MOVED && share >= RARE_SHARE);
    // What is not read any more has vanished; whether it stopped, nobody knows.
    let stops = numbers.tail.is_finite()
        && numbers.before[2] > 0.0
        && numbers.tail_range[1] <= 0.05 * numbers.before[2];
    // Where it moves a lot by itself, nothing at all may lie within its spread.
    let falls = stops
        || (numbers.fall() >= MOVED && numbers.ratio(1) <= -LEAST_SHARE)
        || (mean <= -MOVED && share <= -RARE_SHARE);
    Some(match relation {
        Relation::Rises => rises,
        Relation::Falls => falls,
        Relation::Steady => !rises && !falls,
        Relation::Stops => stops,
        Relation::Starts => numbers.before_range[1] == 0.0 && numbers.after_range[1] > 0.0,
        Relation::Freezes if numbers.readings.len() <= 4 => return None,
        Relation::Freezes => {
            numbers.tail_range[0] == numbers.tail_range[1] && {
                let mut past = numbers.past.clone();
                past.sort_unstable_by(f64::total_cmp);
                past.dedup();
                past.len() > 3
            }
        }
        Relation::Vanishes => {
            numbers.there_before > 0.15 && numbers.there_at_end < 0.3 * numbers.there_before
        }
        Relation::Resets => {
            let [least, most] = numbers.before_range;
            if least == most {
                numbers.readings.iter().any(|value| *value != least)
            } else {
                let last = numbers.past.last().copied().into_iter();
                let all: Vec<f64> = last.chain(numbers.readings.iter().copied()).collect();
                all.windows(2).any(|pair| pair[1] < pair[0])
            }
        }
        Relation::Drops => {
            let last = numbers.past.last().copied().unwrap_or_default();
            numbers.after_range[0] < 0.5 * last
        }
        Relation::Present => true,
        Relation::Creeps => {
            let moved = (numbers.tail - numbers.before[2]).abs();
            moved >= MOVED * numbers.scale && numbers.trend().abs() >= 0.6
        }
        Relation::Pulses => {
            let bar = numbers.before[2] + 4.0 * numbers.scale;
            let above: Vec<bool> = numbers.readings.iter().map(|value| *value > bar).collect();
            let runs = above.windows(2).filter(|pair| !pair[0] && pair[1]).count();
            let share = above.iter().filter(|above| **above).count() as f64 / above.len() as f64;
            runs >= 2 && share < 0.6
        }
        Relation::Above(bound) => numbers.tail > bound,
        Relation::Below(bound) => numbers.tail < bound,
        Relation::Is(code) => {
            numbers.past.last() != Some(&code) && numbers.readings.contains(&code)
        }
        Relation::Bit(bit) => {
            let has = |value: &&f64| **value >= 0.0 && (**value as u64) & (1 << bit) != 0;
            let share = |values: &[f64]| {
                values.iter().filter(has).count() as f64 / values.len().max(1) as f64
            };
            share(&numbers.readings) >= 0.2 && share(&numbers.past) < 0.1
        }
        Relation::AbovePeers
        | Relation::BelowPeers
        | Relation::WithPeers
        | Relation::Happens
        | Relation::Breaks
        | Relation::Holds => {
            return None;
        }
    })
}
