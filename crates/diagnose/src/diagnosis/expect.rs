//! What a fault leads to expect, by those who know it and by past incidents.

use auscult_knowledge::{Fault, Relation, Statement, Subject};

use super::{Experience, Weights};

/// Least probability of a finding where all is well: records are not long enough to say less, and
/// reality has findings that no simulation has.
const RAREST: f64 = 0.01;
/// Least probability of a finding under a fault: none looks the same each time.
const LEAST: f64 = 0.02;
/// Probability that a law which points to a fault breaks under it: several point to the same one, and
/// each of its variants breaks but one or two.
const BREACH: f64 = 0.15;
/// Incidents after which what was never seen in them is not to be expected of their cause.
const ENOUGH: f64 = 6.0;

/// By how much `holds` of a statement changes the logarithm of the odds of a fault.
pub(super) fn weight(
    experience: &Experience,
    weights: &Weights,
    fault: &Fault,
    statement: &Statement,
    holds: bool,
) -> f64 {
    let health = of_health(experience, &fault.place, statement);
    let is_in = |list: &[Statement]| list.iter().any(|other| other.text == statement.text);
    let expected = if is_in(&fault.required) {
        Some(weights.required)
    } else if matches!(statement.subject, Subject::Law(_)) && is_in(&fault.supporting) {
        Some(BREACH)
    } else if is_in(&fault.supporting) {
        Some(weights.supporting)
    } else if is_in(&fault.against) || is_in(&fault.excluded_by) {
        Some(weights.against)
    } else {
        None
    };
    if is_mere_structure(fault, statement) {
        return 0.0;
    }
    let seen = experience.of_fault(&fault.fault, &statement.text);
    let share = match expected {
        Some(expected) => seen.share(expected, weights.expert),
        // Nobody says anything of it: as where all is well, until incidents show otherwise.
        None => seen.share(health, 1.5),
    };
    let share = share.clamp(LEAST.min(health), 1.0 - LEAST.min(1.0 - health));
    let is_denied = is_in(&fault.against) || is_in(&fault.excluded_by);
    if holds && is_denied && seen.held == 0.0 {
        // What was never seen with a fault does not speak for it, however rare it is.
        return (share / health).ln().min(0.0);
    }
    if holds { (share / health).ln() } else { ((1.0 - share) / (1.0 - health)).ln() }
}

/// Whether a statement is about what a fleet has, and `fault` does not speak of it. That is no sign of it: fleets
/// in which incidents were simulated have what the fault takes and little else.
fn is_mere_structure(fault: &Fault, statement: &Statement) -> bool {
    statement.relation == Relation::Present
        && !fault.statements().any(|said| said.text == statement.text)
}

/// What strikes a fault out, by holding or by failing: what excludes it; and, as who tells of changes
/// tells of all, that a change was not made that it takes.
pub(super) fn struck_out_by(fault: &Fault) -> impl Iterator<Item = (&Statement, bool)> {
    let excluded = fault.excluded_by.iter().map(|statement| (statement, true));
    let changes = fault.required.iter().filter(|one| matches!(one.subject, Subject::Event(_)));
    excluded.chain(changes.map(|statement| (statement, false)))
}

/// The most that a finding can speak for a fault at a target of `kind`: as the probability of it
/// under a fault is 1 at most, the ratio to that where all is well is bounded by its rarity there.
pub(super) fn most(experience: &Experience, kind: &str, statement: &Statement, holds: bool) -> f64 {
    let health = of_health(experience, kind, statement);
    -(if holds { health } else { 1.0 - health }).ln()
}

/// The least and the most that a finding may weigh for `fault` beside all others, where it weighs `alone` by
/// itself: no more than [`most`]; nothing more if it was never made in incidents with this cause; nothing at all if it is about
/// what a fleet has, and nobody says that the fault takes it.
pub(super) fn least_and_most(
    experience: &Experience,
    fault: &Fault,
    statement: &Statement,
    holds: bool,
    alone: f64,
) -> [f64; 2] {
    if is_mere_structure(fault, statement) {
        return [0.0; 2];
    }
    let most = most(experience, &fault.place, statement, holds);
    let seen = experience.of_fault(&fault.fault, &statement.text);
    let so = if holds { seen.held } else { seen.failed };
    let is_never = so == 0.0 && seen.held + seen.failed >= ENOUGH;
    [f64::NEG_INFINITY, if is_never { most.min(alone.max(0.0)) } else { most }]
}

/// How often a statement holds at targets of `kind` where all is well.
fn of_health(experience: &Experience, kind: &str, statement: &Statement) -> f64 {
    let tally = experience.of_health(kind, &statement.text);
    tally.share(usual(statement.relation), 2.0).clamp(RAREST, 1.0 - RAREST)
}

/// How often something holds where all is well, until it is known better.
fn usual(relation: Relation) -> f64 {
    match relation {
        Relation::Steady | Relation::WithPeers | Relation::Holds => 0.9,
        // Over a thousand simulated looks at laws none broke where it was not to.
        Relation::Breaks => 0.003,
        Relation::Above(_) | Relation::Below(_) | Relation::Present => 0.3,
        Relation::Rises | Relation::Falls | Relation::Creeps => 0.06,
        _ => 0.02,
    }
}
