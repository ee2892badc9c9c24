//! Which signals can be trusted.

use std::collections::HashMap;

use auscult_knowledge::Knowledge;

use super::{Verdict, of};
use crate::evidence::Window;
use crate::scene::{Scene, Target, Track};

/// Share of impossible readings from which none of a signal's are trusted.
const IMPOSSIBLE: f64 = 0.05;
/// Impossible readings that are glitches.
const GLITCHES: usize = 2;
/// Share of readings at which what only grows went back, from which it is no counter.
const FALLS: f64 = 0.34;
/// Share of the signals that cannot be trusted, up to which the others still say what is wrong.
const MOST: f64 = 0.5;

/// Why a signal is not trusted.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Distrust {
    /// In words.
    pub why: String,
    /// The part of a law that is broken, if it is for that.
    pub part: Option<String>,
}

/// Which signals can be trusted: all but those that are named.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Trust {
    not: HashMap<usize, HashMap<String, Distrust>>,
    /// Signals of all targets.
    signals: usize,
}

impl Trust {
    /// What the readings themselves show: those that cannot be, and counters that are none.
    pub(super) fn of_readings(scene: &Scene, window: Window) -> Self {
        let mut trust = Self::default();
        for (number, target) in scene.targets().iter().enumerate() {
            for (signal, strange) in strange(target, window) {
                trust.signals += 1;
                if let Some(why) = strange {
                    trust.distrust(number, signal, Distrust { why, part: None });
                }
            }
        }
        trust
    }

    /// What a broken law says of signals.
    pub(super) fn add(&mut self, knowledge: &Knowledge, verdict: &Verdict) {
        let broken = [verdict.now, verdict.before].into_iter().flatten().any(|one| !one.holds);
        let (law, part) = of(knowledge, verdict);
        if !broken {
            return;
        }
        for signal in &part.broken.untrusted {
            let why = format!("{} is broken ({}): {}", law.law, part.part, part.broken.means);
            let distrust = Distrust { why, part: Some(part.part.clone()) };
            self.distrust(verdict.target, signal, distrust);
        }
    }

    fn distrust(&mut self, target: usize, signal: &str, distrust: Distrust) {
        self.not.entry(target).or_default().entry(signal.to_owned()).or_insert(distrust);
    }

    /// Whether `signal` of target number `target` may be evidence.
    pub fn trusts(&self, target: usize, signal: &str) -> bool {
        self.why(target, signal).is_none()
    }

    /// Why it may not.
    pub fn why(&self, target: usize, signal: &str) -> Option<&Distrust> {
        self.not.get(&target)?.get(signal)
    }

    /// Targets and signals that are not trusted, and why, in order.
    pub fn distrusted(&self) -> Vec<(usize, &str, &Distrust)> {
        let all = self.not.iter().flat_map(|(target, signals)| {
            signals.iter().map(|(signal, why)| (*target, signal.as_str(), why))
        });
        let mut all: Vec<_> = all.collect();
        all.sort_by_key(|(target, signal, _)| (*target, *signal));
        all
    }

    /// Pairs of a target and a signal that are not trusted, and that there are.
    pub fn counts(&self) -> (usize, usize) {
        (self.not.values().map(HashMap::len).sum(), self.signals)
    }

    /// By how much what the others show counts: 1 unless more than half of the signals cannot be
    /// trusted, and 0 if none can or there are none.
    pub fn share(&self) -> f64 {
        let (not, all) = self.counts();
        if all == 0 {
            return 0.0;
        }
        let share = not as f64 / all as f64;
        ((1.0 - share) / (1.0 - MOST)).clamp(0.0, 1.0)
    }
}

/// The signals of a target, each with what is wrong with its readings.
fn strange(target: &Target, window: Window) -> Vec<(&str, Option<String>)> {
    let mut by_signal: Vec<(&str, Vec<&Track>)> = Vec::new();
    for track in &target.tracks {
        match by_signal.iter_mut().find(|(signal, _)| *signal == track.signal) {
            Some((_, tracks)) => tracks.push(track),
            None => by_signal.push((&track.signal, vec![track])),
        }
    }
    let judged = by_signal.into_iter().map(|(signal, tracks)| (signal, wrong(&tracks, window)));
    judged.collect()
}

/// What is wrong with the readings of a signal.
fn wrong(tracks: &[&Track], window: Window) -> Option<String> {
    for stretch in [window.onset..window.end, window.from..window.onset] {
        let inside = |track: &&Track| {
            let places = track.strange.impossible.iter();
            places.filter(|place| stretch.contains(place)).count()
        };
        let impossible: usize = tracks.iter().map(inside).sum();
        if impossible <= GLITCHES {
            continue;
        }
        let there = |track: &&Track| {
            let end = stretch.end.min(track.values.len());
            let inside = track.values.get(stretch.start..end).unwrap_or_default();
            inside.iter().filter(|value| value.is_finite()).count()
        };
        let possible: usize = tracks.iter().map(there).sum();
        let all = impossible + possible;
        if impossible as f64 >= IMPOSSIBLE * all as f64 {
            return Some(format!("{impossible} of {all} readings cannot be"));
        }
    }
    let falls = tracks.iter().map(|track| track.strange.falls).max().unwrap_or(0);
    let readings = window.end.saturating_sub(window.from);
    (falls > GLITCHES && falls as f64 > FALLS * readings as f64)
        .then(|| format!("it should only grow, and went back {falls} times"))
}
