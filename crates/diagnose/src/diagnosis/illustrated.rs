//! The readings behind the evidence of a diagnosis, few enough to be drawn.

use auscult_knowledge::{Form, Knowledge, Relation, Scope, Statement, Subject};
use auscult_plot::{Point, thinned};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::{Report, ToldCause, ToldEvidence};
use crate::evidence::{Window, estimate_onset};
use crate::scene::{Scene, Track};

/// Points of the line of a series.
const POINTS: usize = 240;
/// Points of a line that is only there to compare with.
const OTHER_POINTS: usize = 120;
/// Lines to compare with.
const OTHERS: usize = 8;
/// Series of the program that are named.
const NAMED: usize = 3;
/// Seconds before something began that are shown at least.
const LEAST_BEFORE: f64 = 600.0;
/// So many times as long as it has lasted is shown of the time before.
const BEFORE: f64 = 2.0;
/// Seconds around the time at which it is said to have begun in which it may have.
const MAY_HAVE_BEGUN: f64 = 600.0;
/// Readings before the time in which it may have begun, without which nothing can be said of it.
const FEWEST_BEFORE: usize = 8;

/// A diagnosis with the readings behind the evidence of its first cause.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[schemars(rename = "IllustratedDiagnosis")]
pub struct Illustrated {
    /// What it is.
    #[serde(flatten)]
    pub report: Report,
    /// Seconds since 1970 between which the series that moved did so, all of them together. Absent where
    /// none moved, and where it was not asked for.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub began_within: Option<[f64; 2]>,
    /// The readings behind the evidence for and against the first cause, in the order of the evidence,
    /// 16 series at most; absent where they were not asked for.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub series: Vec<EvidenceSeries>,
}

/// The readings behind pieces of evidence: of a signal at a target, and of those that it is held against.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct EvidenceSeries {
    /// The signal as the evidence names it, or a quotient of two.
    pub signal: String,
    /// In what it is measured; empty of a quotient.
    pub unit: String,
    /// Whether it is so much a second.
    pub per_second: bool,
    /// Kind of the target.
    pub kind: String,
    /// What the target is called.
    pub place: String,
    /// The evidence that it shows, in the vocabulary of evidence.
    pub statements: Vec<String>,
    /// Numbers that the evidence holds it against.
    pub bounds: Vec<f64>,
    /// Series of the watched programs from which it was read, as far as three of them; of a distribution
    /// those of its count.
    pub read_from: Vec<String>,
    /// Series from which it was read, too.
    pub more_read_from: usize,
    /// Seconds since 1970 and the reading, 242 at most: of more, the lowest and the highest of each stretch.
    pub points: Vec<[f64; 2]>,
    /// What it is held against: peers, or others of its kind that belong to the place of the fault.
    pub others: Vec<OtherSeries>,
    /// Targets that it is held against, too.
    pub more_others: usize,
}

/// The same signal at another target.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct OtherSeries {
    /// What the target is called.
    pub place: String,
    /// Seconds since 1970 and the reading, 122 at most.
    pub points: Vec<[f64; 2]>,
}

impl From<Report> for Illustrated {
    /// Without the readings.
    fn from(report: Report) -> Self {
        Self { report, began_within: None, series: Vec::new() }
    }
}

impl Illustrated {
    /// A diagnosis as told of what happened in `window` of `scene`, with the readings behind it.
    pub fn new(knowledge: &Knowledge, scene: &Scene, window: Window, report: Report) -> Self {
        let time = |place: usize| scene.start() + place as f64 * scene.step();
        let began = time(window.onset);
        let later = began.midpoint(time(window.end)).min(began + MAY_HAVE_BEGUN);
        let earliest =
            scene.index(began - MAY_HAVE_BEGUN).max(first_reading(scene) + FEWEST_BEFORE);
        let may_have = earliest..scene.index(later).max(window.onset);
        let onset = estimate_onset(scene, window.from, may_have, window.end);
        // What seems to begin where the look begins began before, or is of something else.
        let onset = onset.filter(|onset| onset.at > earliest);
        let began_within = onset.map(|onset| [time(onset.earliest), time(onset.latest)]);
        let lasted = time(window.end) - began;
        let from = scene.index(began - (BEFORE * lasted).max(LEAST_BEFORE)).max(window.from);
        let drawn = Drawn { knowledge, scene, from, end: window.end.min(scene.len()) };
        let series = report.causes.first().map(|cause| drawn.of(cause)).unwrap_or_default();
        Self { report, began_within, series }
    }
}

/// The first place on the grid at which anything was read.
fn first_reading(scene: &Scene) -> usize {
    let tracks = scene.targets().iter().flat_map(|target| &target.tracks);
    let firsts = tracks.filter_map(|track| track.values.iter().position(|value| value.is_finite()));
    firsts.min().unwrap_or(scene.len())
}

/// A stretch of a scene that is shown.
struct Drawn<'a> {
    knowledge: &'a Knowledge,
    scene: &'a Scene,
    from: usize,
    end: usize,
}

/// Pieces of evidence about one signal at one target.
struct Group {
    subject: Subject,
    target: usize,
    /// Targets that it is held against.
    others: Vec<usize>,
    bounds: Vec<f64>,
    statements: Vec<String>,
}

impl Drawn<'_> {
    /// The series of the evidence for and against a cause.
    fn of(&self, cause: &ToldCause) -> Vec<EvidenceSeries> {
        let Some(place) = self.target(&cause.kind, &cause.place) else { return Vec::new() };
        let mut groups: Vec<Group> = Vec::new();
        for evidence in cause.supports.iter().chain(&cause.speaks_against) {
            let Some(group) = self.group(evidence, place) else { continue };
            let known = groups
                .iter_mut()
                .find(|known| known.subject == group.subject && known.target == group.target);
            match known {
                Some(known) => {
                    known.statements.extend(group.statements);
                    known.bounds.extend(group.bounds);
                    if known.others.is_empty() {
                        known.others = group.others;
                    }
                }
                None => groups.push(group),
            }
        }
        groups.into_iter().filter_map(|group| self.series(group)).collect()
    }

    fn target(&self, kind: &str, name: &str) -> Option<usize> {
        let targets = self.scene.targets();
        targets.iter().position(|target| target.kind == kind && target.name == name)
    }

    /// What a piece of evidence is about; `None` where it is about no signal.
    fn group(&self, evidence: &ToldEvidence, place: usize) -> Option<Group> {
        let statement: Statement = evidence.statement.parse().ok()?;
        let is_read = |target: &usize| self.points(*target, &statement.subject).is_some();
        let peers = |target: usize| -> Vec<usize> {
            let peers = self.scene.peers(target).iter().copied();
            peers.filter(|peer| *peer != target).collect()
        };
        let is_beside_peers = matches!(
            statement.relation,
            Relation::AbovePeers | Relation::BelowPeers | Relation::WithPeers
        );
        let (target, others) = match &statement.scope {
            Scope::Own if is_beside_peers => (place, peers(place)),
            Scope::Own => (place, Vec::new()),
            // Beside what its peers do, what it does itself is what one wants to see.
            Scope::Peers => (place, peers(place)),
            Scope::Near { kind, .. } => {
                let near = self.scene.near(place, kind);
                let seen = evidence.at.iter().filter_map(|name| self.target(kind, name));
                let seen: Vec<usize> = seen.filter(|target| near.contains(target)).collect();
                // Of what is not so, the first at which it is not was told.
                let is_told = |target: &usize| seen.contains(target) == evidence.holds;
                let told = near.iter().copied().filter(is_told).find(is_read);
                let target = told.or_else(|| near.iter().copied().find(is_read))?;
                let others = if is_beside_peers { peers(target) } else { near };
                (target, others.into_iter().filter(|other| *other != target).collect())
            }
        };
        let bound = match statement.relation {
            Relation::Above(bound) | Relation::Below(bound) => Some(bound),
            _ => None,
        };
        Some(Group {
            subject: statement.subject,
            target,
            others,
            bounds: bound.into_iter().collect(),
            statements: vec![evidence.statement.clone()],
        })
    }

    fn series(&self, group: Group) -> Option<EvidenceSeries> {
        let Subject::Signal { name, label, per } = &group.subject else { return None };
        let points = self.points(group.target, &group.subject)?;
        let read = |target: &usize| Some((*target, self.points(*target, &group.subject)?));
        let others: Vec<(usize, Vec<Point>)> = group.others.iter().filter_map(read).collect();
        let more_others = others.len().saturating_sub(OTHERS);
        let names = self.scene.targets();
        let others = others.into_iter().take(OTHERS).map(|(target, points)| OtherSeries {
            place: names[target].name.clone(),
            points: pairs(&thinned(&points, OTHER_POINTS)),
        });
        let of_label = label.as_ref().map(|(name, value)| (name.as_str(), value.as_str()));
        let mut told: Vec<&Track> = self.scene.told_by(group.target, name, of_label).collect();
        if let Some(per) = per {
            told.extend(self.scene.told_by(group.target, per, None));
        }
        let known = self.knowledge.signal(name).filter(|_| per.is_none());
        let mut signal = name.clone();
        if let Some((label, value)) = label {
            signal += &format!("{{{label}={value}}}");
        }
        if let Some(per) = per {
            signal += &format!(" per {per}");
        }
        Some(EvidenceSeries {
            signal,
            unit: known.map_or_else(String::new, |known| known.unit.clone()),
            per_second: known
                .is_some_and(|known| known.form == Form::Rate && known.unit != "ratio"),
            kind: names[group.target].kind.clone(),
            place: names[group.target].name.clone(),
            statements: group.statements,
            bounds: group.bounds,
            more_read_from: told.len().saturating_sub(NAMED),
            read_from: told.iter().take(NAMED).map(|track| track.labels.to_string()).collect(),
            points: pairs(&thinned(&points, POINTS)),
            others: others.collect(),
            more_others,
        })
    }

    /// What was read of a subject at a target; `None` where nothing was.
    fn points(&self, target: usize, subject: &Subject) -> Option<Vec<Point>> {
        let readings = self.scene.read(self.knowledge, target, subject)?;
        let there = (self.from..self.end).filter(|place| readings[*place].is_finite());
        let points: Vec<Point> = there
            .map(|place| Point {
                x: self.scene.start() + place as f64 * self.scene.step(),
                y: readings[place],
            })
            .collect();
        (!points.is_empty()).then_some(points)
    }
}

fn pairs(points: &[Point]) -> Vec<[f64; 2]> {
    points.iter().map(|point| [point.x, point.y]).collect()
}
