//! Judges statements at places.

use std::sync::Arc;

use auscult_knowledge::{Knowledge, Relation, Scope, Statement, Subject};
use hashbrown::HashMap;

use super::known::{Claim, Distance, Known, OfGroup};
use super::peers::Peers;
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
/// What a signal of a target does is found out once, and so is whether a statement holds there. Of all
/// peers of a target a statement costs no more than of one.
#[derive(Debug)]
pub struct Judge<'s> {
    scene: &'s Scene,
    knowledge: &'s Knowledge,
    window: Window,
    laws: Laws,
    told: Told,
    known: Known,
    /// By who wrote them: numbers of lines of logs, in order.
    lines: HashMap<&'s str, Vec<usize>>,
    /// By kind: the place that was asked about last, and what is near it.
    near: HashMap<String, (usize, Arc<[usize]>)>,
}

/// What became of a statement at several targets.
#[derive(Debug)]
struct Tally {
    holding: Vec<usize>,
    failing: Vec<usize>,
}

/// What is said of several targets, at some of which it holds: one is enough if `some` is, more than
/// half of those where it is known otherwise.
fn of_several(holding: usize, failing: usize, some: bool) -> Option<bool> {
    let known = holding + failing;
    let holds = if some { holding > 0 } else { holding * 2 > known };
    (known > 0).then_some(holds)
}

impl<'s> Judge<'s> {
    /// Of this scene and window.
    pub fn new(scene: &'s Scene, knowledge: &'s Knowledge, window: Window) -> Self {
        let laws = Laws::check(scene, knowledge, window);
        let known = Known::new(scene.targets().len());
        let mut lines: HashMap<&str, Vec<usize>> = HashMap::new();
        for (number, line) in scene.logs().iter().enumerate() {
            lines.entry(&line.source).or_default().push(number);
        }
        let (told, near) = (Told::default(), HashMap::new());
        Self { scene, knowledge, window, laws, told, known, lines, near }
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
        let claim = self.known.claim(self.knowledge, statement);
        for target in targets {
            self.told.say_at(statement, target, holds);
            self.known.of_claim(claim).take(target, holds);
        }
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
        let claim = self.known.claim(self.knowledge, statement);
        match &statement.scope {
            Scope::Own => self.holds(claim, place),
            Scope::Peers => {
                let (holding, failing) = self.in_group(claim, self.scene.group(place));
                let own = self.holds(claim, place);
                let less = |is: bool| usize::from(own == Some(is));
                of_several(holding - less(true), failing - less(false), false)
            }
            Scope::Near { kind, some } => {
                let near = self.near(place, kind);
                let (holding, failing) = self.count(claim, &near);
                of_several(holding, failing, *some)
            }
        }
    }

    /// At how many members of a group of peers a statement holds, and at how many it fails.
    fn in_group(&mut self, claim: Claim, group: usize) -> (usize, usize) {
        if let Some(known) = self.known.of_claim(claim).groups.get(&group) {
            return *known;
        }
        let counts = self.count(claim, self.scene.members(group));
        self.known.of_claim(claim).groups.insert(group, counts);
        counts
    }

    /// At how many of several targets a statement holds, and at how many it fails.
    fn count(&mut self, claim: Claim, targets: &[usize]) -> (usize, usize) {
        let (mut holding, mut failing) = (0, 0);
        for target in targets {
            match self.holds(claim, *target) {
                Some(true) => holding += 1,
                Some(false) => failing += 1,
                None => {}
            }
        }
        (holding, failing)
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

    /// At several targets: one that holds is enough if `some` is, more than half otherwise.
    fn among(&mut self, statement: &Statement, targets: &[usize], some: bool) -> Finding {
        if matches!(statement.subject, Subject::Event(_) | Subject::Log(_)) {
            let found = targets.iter().map(|target| self.at(statement, *target));
            let found: Vec<Finding> = found.collect();
            let holding = found.iter().position(|finding| finding.holds == Some(true));
            let any = found.first().cloned().unwrap_or_else(Finding::unknown);
            return holding.map_or(any, |place| found[place].clone());
        }
        let Tally { holding, failing } = self.tally(statement, targets);
        let verdict = of_several(holding.len(), failing.len(), some);
        let first = if verdict == Some(true) { None } else { failing.first() };
        let Some(shown) = first.or(holding.first()) else { return Finding::unknown() };
        let seen = self.seen(statement, *shown);
        let (count, known) = (holding.len(), holding.len() + failing.len());
        let seen = if known > 1 { format!("at {count} of {known}: {seen}") } else { seen };
        Finding { holds: verdict, seen, at: holding }
    }

    /// At which of several targets a statement about a signal holds, and at which it fails.
    fn tally(&mut self, statement: &Statement, targets: &[usize]) -> Tally {
        let claim = self.known.claim(self.knowledge, statement);
        let (mut holding, mut failing) = (Vec::new(), Vec::new());
        for target in targets {
            match self.holds(claim, *target) {
                Some(true) => holding.push(*target),
                Some(false) => failing.push(*target),
                None => {}
            }
        }
        Tally { holding, failing }
    }

    fn at(&mut self, statement: &Statement, target: usize) -> Finding {
        if let Some(holds) = self.told.at(statement, target) {
            return Finding { holds: Some(holds), seen: SEEN.to_owned(), at: vec![target] };
        }
        match &statement.subject {
            Subject::Event(kind) => self.event(kind, target),
            Subject::Log(text) => self.log(text, target),
            Subject::Signal { .. } | Subject::Law(_) => {
                let claim = self.known.claim(self.knowledge, statement);
                let holds = self.holds(claim, target);
                Finding { holds, seen: self.seen(statement, target), at: vec![target] }
            }
        }
    }

    /// Whether a statement about a signal or a law holds at a target.
    fn holds(&mut self, claim: Claim, target: usize) -> Option<bool> {
        if let Some(known) = self.known.of_claim(claim).holds[target] {
            return known;
        }
        let holds = self.find_out(claim, target);
        self.known.of_claim(claim).holds[target] = Some(holds);
        holds
    }

    fn find_out(&mut self, claim: Claim, target: usize) -> Option<bool> {
        let relation = self.known.of_claim(claim).relation;
        let known = self.known.of_subject(claim.subject);
        let (is_share, is_state) = (known.is_share, known.is_state);
        let is_optional = known.is_optional;
        let subject = Arc::clone(&known.subject);
        match &*subject {
            Subject::Law(part) => return self.laws.statement(part, target, relation),
            Subject::Signal { name, per, .. } => {
                let mut names = [Some(name), per.as_ref()].into_iter().flatten();
                if !names.all(|name| self.trusts(target, name)) {
                    return None;
                }
            }
            Subject::Event(_) | Subject::Log(_) => {}
        }
        let Some(numbers) = self.before_after(target, claim.subject) else {
            return (relation == Relation::Present).then_some(false);
        };
        if is_optional && numbers.is_nothing() && !is_of_now(relation) {
            return None;
        }
        match relation {
            // Who has no peers is not unlike them.
            Relation::AbovePeers | Relation::BelowPeers if self.scene.peers(target).len() < 2 => {
                Some(false)
            }
            Relation::AbovePeers => self.apart(target, claim.subject, 1.0),
            Relation::BelowPeers => self.apart(target, claim.subject, -1.0),
            Relation::WithPeers => {
                let above = self.apart(target, claim.subject, 1.0);
                let below = self.apart(target, claim.subject, -1.0);
                above.zip(below).map(|(above, below)| !above && !below)
            }
            // At nine tenths of all there can be, nothing is left to rise by as much as counts.
            Relation::Rises | Relation::Doubles if is_share && numbers.before[2] > FULL => None,
            // Of what was nothing all the while, nothing is left to lose.
            Relation::Falls | Relation::Stops if numbers.was_nothing() => None,
            Relation::Falls if is_state && numbers.went_below() => Some(true),
            Relation::Steady if is_state && numbers.went_below() => Some(false),
            // What happened once or twice while both were there says nothing of a quotient; nor does a
            // last reading before the rest fails to come say where a signal went.
            relation
                if numbers.is_thin()
                    && (matches!(*subject, Subject::Signal { per: Some(_), .. })
                        || is_of_course(relation)) =>
            {
                None
            }
            relation => holds(relation, &numbers),
        }
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
        shown(statement.relation, &numbers, unit)
    }

    /// A signal of a target before and after.
    pub fn numbers(&mut self, target: usize, subject: &Subject) -> Option<Arc<BeforeAfter>> {
        let subject = self.known.subject(self.knowledge, subject);
        self.before_after(target, subject)
    }

    /// The same of a subject by number.
    fn before_after(&mut self, target: usize, number: usize) -> Option<Arc<BeforeAfter>> {
        let known = self.known.of_subject(number);
        if let Some(known) = &known.before_after[target] {
            return known.clone();
        }
        let subject = Arc::clone(&known.subject);
        let readings = self.scene.read(self.knowledge, target, &subject);
        let numbers =
            readings.and_then(|readings| BeforeAfter::of(&readings, self.window)).map(Arc::new);
        self.known.of_subject(number).before_after[target] = Some(numbers.clone());
        numbers
    }

    /// Whether a target lies apart from its peers in the direction of `sign`, and did not before.
    fn apart(&mut self, target: usize, subject: usize, sign: f64) -> Option<bool> {
        let Distance { now, then, share } = self.distance(target, subject)?;
        let (now, then, share) = (sign * now, sign * then, sign * share);
        Some(now >= APART && now - then >= APART / 2.0 && share >= LEAST_APART)
    }

    /// How far a target lies from its peers; `None` where that cannot be known.
    fn distance(&mut self, target: usize, subject: usize) -> Option<Distance> {
        if let Some(known) = self.known.of_subject(subject).distances[target] {
            return known;
        }
        let distance = self.measure(target, subject);
        self.known.of_subject(subject).distances[target] = Some(distance);
        distance
    }

    fn measure(&mut self, target: usize, subject: usize) -> Option<Distance> {
        let own = self.before_after(target, subject)?;
        let peers = self.peers(self.scene.group(target), subject);
        let is_member = self.is_trusted(target, subject);
        if peers.now.members() - usize::from(is_member) < 2 || !own.tail.is_finite() {
            return None;
        }
        let (now, share) = peers.now.apart(own.tail, is_member, own.scale)?;
        let (then, _) = peers.then.apart(own.before[2], is_member, own.scale)?;
        Some(Distance { now, then, share })
    }

    /// What a group of peers reads now, and read before, of those that can be trusted.
    fn peers(&mut self, group: usize, subject: usize) -> Arc<OfGroup> {
        if let Some(known) = self.known.of_subject(subject).peers.get(&group) {
            return Arc::clone(known);
        }
        let mut both = Vec::new();
        for member in self.scene.members(group) {
            let Some(numbers) = self.before_after(*member, subject) else { continue };
            if self.is_trusted(*member, subject) {
                both.push((numbers.tail, numbers.before[2]));
            }
        }
        let now = Peers::of(both.iter().map(|(now, _)| *now));
        let then = Peers::of(both.iter().map(|(_, then)| *then));
        let peers = Arc::new(OfGroup { now, then });
        self.known.of_subject(subject).peers.insert(group, Arc::clone(&peers));
        peers
    }

    /// Whether what a target tells of a subject may be compared with what others tell.
    fn is_trusted(&mut self, target: usize, subject: usize) -> bool {
        let subject = Arc::clone(&self.known.of_subject(subject).subject);
        match &*subject {
            Subject::Signal { name, .. } => self.trusts(target, name),
            _ => true,
        }
    }

    /// Whether a signal of a target may be evidence: what several tell together, if that of each may.
    fn trusts(&self, target: usize, signal: &str) -> bool {
        let trust = self.laws.trust();
        let mut lenders = self.scene.lenders(target, signal);
        trust.trusts(target, signal) && lenders.all(|lender| trust.trusts(lender, signal))
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
        let names = own.attributes.values().flatten().chain([&own.name]);
        let written: Vec<&Vec<usize>> =
            names.filter_map(|name| self.lines.get(name.as_str())).collect();
        if written.is_empty() {
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
        let is_it = |number: &&usize| {
            let line = &logs[**number];
            (began - CHANGED_AFTER..=ended).contains(&line.time)
                && line.text.contains(text)
                && of_it(&line.text)
        };
        let line = written.iter().filter_map(|lines| lines.iter().find(is_it)).min();
        let line = line.map(|number| &logs[*number]);
        let seen = line.map_or_else(|| "no such line".to_owned(), |line| line.text.clone());
        Finding { holds: Some(line.is_some()), seen, at: vec![target] }
    }
}

/// Before and now, by the numbers that decided: mostly the median and that of the end; the upper or
/// lower quarter, or the mean, where those alone moved; of what may be over, the highest.
fn shown(relation: Relation, numbers: &BeforeAfter, unit: &str) -> String {
    let told = |words: &str, before: f64, now: f64| {
        format!("{words}{} → {}", quantity(before, unit), quantity(now, unit))
    };
    let (before, now) = (numbers.before[2], numbers.tail);
    let (quantile, sign) = match relation {
        Relation::Rises => (3, 1.0),
        Relation::Falls => (1, -1.0),
        Relation::Spikes => {
            return told("at most ", numbers.before_range[1], numbers.after_range[1]);
        }
        // That it was steady is said of all the time since, not of the end.
        Relation::Steady => return told("", before, numbers.after[2]),
        _ => return told("", before, now),
    };
    let moves = |before: f64, now: f64| sign * (now - before) > 0.0;
    if holds(relation, numbers) != Some(true) || moves(before, now) {
        return told("", before, now);
    }
    let (before, now) = (numbers.before[quantile], numbers.after[quantile]);
    if moves(before, now) {
        return told("at times ", before, now);
    }
    let (before, now) = numbers.means();
    told("on average ", before, now)
}

/// Whether a relation tells how a signal stands, whatever it did before.
fn is_of_now(relation: Relation) -> bool {
    matches!(relation, Relation::Above(_) | Relation::Below(_) | Relation::Present)
}

/// Whether a relation tells how a signal went on, for which a reading or two are too few.
fn is_of_course(relation: Relation) -> bool {
    matches!(
        relation,
        Relation::Rises
            | Relation::Doubles
            | Relation::Falls
            | Relation::Steady
            | Relation::Creeps
            | Relation::Above(_)
            | Relation::Below(_)
    )
}

/// Whether a relation holds of a signal on its own; `None` where that cannot be known.
fn holds(relation: Relation, numbers: &BeforeAfter) -> Option<bool> {
    let is_gone = numbers.readings.is_empty();
    if is_gone && !matches!(relation, Relation::Vanishes | Relation::Present) {
        return None;
    }
    let mean_moved = || if numbers.is_rare() { numbers.mean_moved() } else { (0.0, 0.0) };
    let rises = || {
        let upper = numbers.rise() >= MOVED || numbers.lies_above();
        (upper && numbers.ratio(3) >= LEAST_SHARE) || numbers.begins_to_happen() || {
            let (mean, share) = mean_moved();
            mean >= MOVED && share >= RARE_SHARE
        }
    };
    // What is not read any more has vanished; whether it stopped, nobody knows.
    let stops = numbers.tail.is_finite()
        && numbers.before[2] > 0.0
        && numbers.tail_range[1] <= 0.05 * numbers.before[2];
    let has_vanished =
        numbers.there_before > 0.15 && numbers.there_at_end < 0.3 * numbers.there_before;
    // Where it moves a lot by itself, nothing at all may lie within its spread.
    let falls = || {
        let lower = numbers.fall() >= MOVED || numbers.lies_below();
        stops || (lower && numbers.ratio(1) <= -LEAST_SHARE) || {
            let (mean, share) = mean_moved();
            mean <= -MOVED && share <= -RARE_SHARE
        }
    };
    Some(match relation {
        Relation::Rises => rises(),
        Relation::Doubles => {
            let (before, now) = (numbers.before[2], numbers.tail.max(numbers.after[2]));
            let (mean, share) = mean_moved();
            rises() && (now > 0.0 && now >= 2.0 * before || mean >= MOVED && share >= 1.0)
        }
        Relation::Falls => falls(),
        Relation::Steady => !rises() && !falls(),
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
        Relation::Vanishes => has_vanished,
        Relation::Resets => {
            let [least, most] = numbers.before_range;
            let resets = if least == most {
                numbers.readings.iter().any(|value| *value != least)
            } else {
                let last = numbers.past.last().copied().into_iter();
                let all: Vec<f64> = last.chain(numbers.readings.iter().copied()).collect();
                all.windows(2).any(|pair| pair[1] < pair[0])
            };
            // What began anew where nobody reads it any more shows once it is read again.
            if has_vanished && !resets {
                return None;
            }
            resets
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
        Relation::Spikes if numbers.readings.len() < 2 => return None,
        Relation::Spikes => numbers.spiked(),
        Relation::Above(bound) => numbers.tail > bound,
        Relation::Below(bound) => numbers.tail < bound,
        // A code that was never there before counts once it is; one that comes and goes, if it stays.
        Relation::Is(code) => {
            let share = |values: &[f64]| {
                values.iter().filter(|value| **value == code).count() as f64
                    / values.len().max(1) as f64
            };
            let (before, after) = (share(&numbers.past), share(&numbers.readings));
            let stays = numbers.tail_range == [code, code] && before < 0.5;
            after > 0.0 && (before == 0.0 || stays)
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
