//! Works out both sides of a law at a target, reading by reading.

use std::borrow::Cow;
use std::collections::HashMap;
use std::ops::Range;
use std::rc::Rc;

use auscult_knowledge::{Expression, Formula, Knowledge, LawPart, Operator, Order, Together};
use auscult_stats::quantile::median;

use super::{FEWEST, Measured, obeys};
use crate::evidence::Window;
use crate::scene::{Scene, Target};

/// What nobody tells, so that a law cannot be checked: a signal or a constant.
pub type Missing = String;

/// A number, or one for each reading.
#[derive(Debug, Clone)]
enum Value<'s> {
    One(f64),
    Each(Rc<Cow<'s, [f64]>>),
}

impl Value<'_> {
    fn at(&self, place: usize) -> f64 {
        match self {
            Self::One(value) => *value,
            Self::Each(values) => values[place],
        }
    }
}

/// Both sides of a law at a target, and where they count.
pub(super) struct Sides<'s> {
    left: Value<'s>,
    right: Value<'s>,
    when: Option<(Value<'s>, Order, Value<'s>)>,
}

/// Neighbours of a target.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
enum Neighbours {
    /// The number of the group of its peers.
    Peers(usize),
    /// Numbers of targets.
    Near(Vec<usize>),
}

/// By what neighbours are told apart: how they are put together, the signal, and the neighbours.
type AmongKey = (Together, String, Neighbours);

/// Evaluates formulas.
pub(super) struct Evaluator<'s> {
    scene: &'s Scene,
    knowledge: &'s Knowledge,
    window: Window,
    among: HashMap<AmongKey, Option<Rc<Cow<'s, [f64]>>>>,
    /// By target.
    adapters: HashMap<usize, Vec<&'s str>>,
}

impl<'s> Evaluator<'s> {
    pub(super) fn new(scene: &'s Scene, knowledge: &'s Knowledge, window: Window) -> Self {
        let (among, adapters) = (HashMap::new(), HashMap::new());
        Self { scene, knowledge, window, among, adapters }
    }

    /// Whether the programs that tell of a target count as the part needs it.
    pub(super) fn is_told_by(&mut self, target: usize, part: &LawPart) -> bool {
        if part.told_by.is_empty() {
            return true;
        }
        let (scene, knowledge) = (self.scene, self.knowledge);
        let told = self.adapters.entry(target).or_insert_with(|| {
            let mut told = Vec::new();
            for program in scene.programs(knowledge, target) {
                if !told.contains(&program.adapter.as_str()) {
                    told.push(&program.adapter);
                }
            }
            told
        });
        part.told_by.iter().any(|adapter| told.contains(&adapter.as_str()))
    }

    /// Both sides of a part at a target; what is missing where they are not known.
    pub(super) fn sides(&mut self, target: usize, part: &LawPart) -> Result<Sides<'s>, Missing> {
        let mut both = |formula: &Formula| -> Result<_, Missing> {
            Ok((self.value(target, &formula.left)?, self.value(target, &formula.right)?))
        };
        let (left, right) = both(&part.says)?;
        let when = match &part.when {
            Some(when) => {
                let (left, right) = both(when)?;
                Some((left, when.order, right))
            }
            None => None,
        };
        Ok(Sides { left, right, when })
    }

    fn value(&mut self, target: usize, expression: &Expression) -> Result<Value<'s>, Missing> {
        let each = |values: Option<Cow<'s, [f64]>>, name: &String| {
            values.map(|values| Value::Each(Rc::new(values))).ok_or_else(|| name.clone())
        };
        Ok(match expression {
            Expression::Number(number) => Value::One(*number),
            Expression::Name(name, label) => {
                if self.knowledge.signal(name).is_none() {
                    return self.constant(target, name).map(Value::One).ok_or_else(|| name.clone());
                }
                let label = label.as_ref().map(|(name, value)| (name.as_str(), value.as_str()));
                each(self.scene.readings(self.knowledge, target, name, label), name)?
            }
            Expression::Sum(name) | Expression::Count(name) => {
                let sum = matches!(expression, Expression::Sum(_));
                each(self.scene.observed(target, name, sum).map(Cow::Owned), name)?
            }
            Expression::Before(inner) => {
                let value = self.value(target, inner)?;
                let calm = self.window.from..self.window.onset;
                let (sum, count) = calm
                    .map(|place| value.at(place))
                    .filter(|value| value.is_finite())
                    .fold((0.0, 0_usize), |(sum, count), value| (sum + value, count + 1));
                Value::One(if count >= FEWEST { sum / count as f64 } else { f64::NAN })
            }
            Expression::Root(inner) => map(&self.value(target, inner)?, f64::sqrt),
            Expression::Among(how, kind, name) => {
                let near = if kind == "peers" {
                    Neighbours::Peers(self.scene.group(target))
                } else {
                    Neighbours::Near(self.scene.near(target, kind))
                };
                let known = self.together(*how, name, near);
                Value::Each(known.ok_or_else(|| name.clone())?)
            }
            Expression::Pair(left, operator, right) => {
                let (left, right) = (self.value(target, left)?, self.value(target, right)?);
                pair(&left, *operator, &right)
            }
        })
    }

    /// Readings of a signal of several targets together, worked out once.
    fn together(
        &mut self,
        how: Together,
        name: &str,
        near: Neighbours,
    ) -> Option<Rc<Cow<'s, [f64]>>> {
        let key = (how, name.to_owned(), near);
        if let Some(known) = self.among.get(&key) {
            return known.clone();
        }
        let (start, join): (f64, fn(f64, f64) -> f64) = match how {
            Together::Mean => (0.0, |all, value| all + value),
            Together::Most => (f64::NEG_INFINITY, f64::max),
            Together::Least => (f64::INFINITY, f64::min),
        };
        let mut all = vec![(start, 0_u32); self.scene.len()];
        let mut is_known = false;
        let near = match &key.2 {
            Neighbours::Peers(group) => self.scene.members(*group),
            Neighbours::Near(near) => near,
        };
        for target in near {
            let readings = self.scene.readings(self.knowledge, *target, name, None);
            let Some(readings) = readings else { continue };
            is_known = true;
            for ((all, count), value) in all.iter_mut().zip(&*readings) {
                if value.is_finite() {
                    *all = join(*all, *value);
                    *count += 1;
                }
            }
        }
        let finish = |(all, count): (f64, u32)| match how {
            _ if count == 0 => f64::NAN,
            Together::Mean => all / f64::from(count),
            Together::Most | Together::Least => all,
        };
        let found = is_known.then(|| Rc::new(all.into_iter().map(finish).collect()));
        self.among.insert(key, found.clone());
        found
    }

    /// A constant: what was told of it, what is counted, or what labels of the target, and of the
    /// GPUs or replicas that belong to it, tell.
    fn constant(&self, target: usize, name: &str) -> Option<f64> {
        if let Some(told) = self.scene.constant(name) {
            return Some(told);
        }
        let own = &self.scene.targets()[target];
        let gpus = || self.scene.near(target, "gpu");
        if name == "gpus" {
            let count = if own.kind == "gpu" { 1 } else { gpus().len() };
            return (count > 0).then_some(count as f64);
        }
        let targets = [target].into_iter().chain(gpus());
        targets.map(|number| &self.scene.targets()[number]).find_map(|of| self.labelled(of, name))
    }

    fn labelled(&self, target: &Target, name: &str) -> Option<f64> {
        self.knowledge.constants().catalogue.iter().find_map(|by| {
            let mut values = target.tracks.iter().filter_map(|track| track.labels.get(&by.label));
            let entry = by.look_up(values.next()?)?;
            entry.constants.get(name).copied()
        })
    }
}

impl Sides<'_> {
    /// How they lie over a stretch of readings; `None` where too few are known.
    pub(super) fn over(&self, part: &LawPart, places: Range<usize>) -> Option<Measured> {
        let counts = |place: &usize| {
            self.when.as_ref().is_none_or(|(left, order, right)| {
                let (left, right) = (left.at(*place), right.at(*place));
                left.is_finite() && right.is_finite() && obeys(*order, left, right, 0.0)
            })
        };
        let known = places.filter(counts).map(|place| (self.left.at(place), self.right.at(place)));
        let known = known.filter(|(left, right)| left.is_finite() && right.is_finite());
        let (left, right, readings) = if part.middle { middles(known) } else { means(known) };
        if readings < FEWEST {
            return None;
        }
        let tolerated = part.tolerance.share * right.abs() + part.tolerance.least;
        let holds = obeys(part.says.order, left, right, tolerated);
        Some(Measured { left, right, tolerated, readings, holds })
    }
}

/// Means of both sides, and how many readings there are.
fn means(known: impl Iterator<Item = (f64, f64)>) -> (f64, f64, usize) {
    let sums = known.fold((0.0, 0.0, 0_usize), |(left, right, count), (one, other)| {
        (left + one, right + other, count + 1)
    });
    (sums.0 / sums.2 as f64, sums.1 / sums.2 as f64, sums.2)
}

/// Middles of both sides, and how many readings there are.
fn middles(known: impl Iterator<Item = (f64, f64)>) -> (f64, f64, usize) {
    let (mut left, mut right): (Vec<f64>, Vec<f64>) = known.unzip();
    (median(&mut left), median(&mut right), left.len())
}

fn map<'s>(value: &Value<'_>, each: impl Fn(f64) -> f64) -> Value<'s> {
    match value {
        Value::One(value) => Value::One(each(*value)),
        Value::Each(values) => {
            Value::Each(Rc::new(values.iter().map(|value| each(*value)).collect()))
        }
    }
}

fn pair<'s>(left: &Value<'_>, operator: Operator, right: &Value<'_>) -> Value<'s> {
    let join = |left: f64, right: f64| match operator {
        Operator::Plus => left + right,
        Operator::Minus => left - right,
        Operator::Times => left * right,
        Operator::Over => left / right,
    };
    match (left, right) {
        (Value::One(left), _) => map(right, |right| join(*left, right)),
        (_, Value::One(right)) => map(left, |left| join(left, *right)),
        (Value::Each(left), Value::Each(right)) => {
            let both = left.iter().zip(right.iter());
            Value::Each(Rc::new(both.map(|(left, right)| join(*left, *right)).collect()))
        }
    }
}
