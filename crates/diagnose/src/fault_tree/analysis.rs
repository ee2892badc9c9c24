//! What a fault tree says.

use super::bdd::Bdd;
use super::build::{Built, WhenFull, build, of_variables};
use super::cuts::Cuts;
use super::diagram::{Full, ONE, Root, ZERO};
use super::order::{Order, orders};
use super::tree::FaultTree;

/// Settings of [`analyse`].
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct AnalysisSettings {
    /// Nodes that a diagram may have at a time; about 150 bytes each.
    pub node_budget: usize,
    /// Cut sets listed at most.
    pub listed_cut_sets: usize,
}

impl Default for AnalysisSettings {
    fn default() -> Self {
        Self { node_budget: 2_000_000, listed_cut_sets: 10 }
    }
}

/// Where a probability lies, for certain but for rounding.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Interval {
    /// At least this.
    pub low: f64,
    /// At most this.
    pub high: f64,
}

impl Interval {
    /// Whether both ends are the same.
    #[must_use]
    pub fn is_exact(&self) -> bool {
        self.low == self.high
    }
}

/// A smallest set of basic events that together make the top happen.
#[derive(Debug, Clone, PartialEq)]
pub struct CutSet {
    /// Places of the basic events, ascending.
    pub events: Vec<usize>,
    /// Product of their probabilities.
    pub probability: f64,
}

/// The minimal cut sets of a tree.
#[derive(Debug, Clone, PartialEq)]
pub struct CutSets {
    /// How many there are; `None` from 2¹²⁸ on.
    pub count: Option<u128>,
    /// Those of greatest probability, in that order.
    pub listed: Vec<CutSet>,
}

/// What a basic event matters. `Q` is the probability of the top, `Q(1)` and
/// `Q(0)` the same when the event is certain and impossible, `q` the event's.
/// Shares and ratios are `None` when the top never happens.
#[derive(Debug, Clone, PartialEq)]
pub struct Importance {
    /// Place of the basic event.
    pub event: usize,
    /// `Q(1) − Q(0)`: the chance that all hangs on this event. Negative where
    /// the event helps.
    pub birnbaum: f64,
    /// `birnbaum · q / Q`: the chance that the event happened and was decisive,
    /// given that the top happened.
    pub criticality: Option<f64>,
    /// Probability that all of some cut set with the event happened, as a share
    /// of that of any cut set. Also `None` when this diagram passed the budget.
    pub fussell_vesely: Option<f64>,
    /// Risk achievement worth, `Q(1) / Q`.
    pub risk_achievement: Option<f64>,
    /// Risk reduction worth, `Q / Q(0)`; infinite for an event without which
    /// the top never happens.
    pub risk_reduction: Option<f64>,
}

/// What [`analyse`] found.
#[derive(Debug, Clone, PartialEq)]
pub struct Analysis {
    /// Probability of the top event; exact unless the budget was passed.
    pub top: Interval,
    /// Nodes of the top's diagram.
    pub nodes: usize,
    /// `None` when the budget was passed.
    pub cut_sets: Option<CutSets>,
    /// One for each basic event, in their order; `None` when the budget was
    /// passed before the top's probability was known.
    pub importance: Option<Vec<Importance>>,
}

/// Nodes that a bound is worked out with, at most: pruning repeats, and its
/// gain shrinks.
const BOUND_BUDGET: usize = 100_000;

/// Probability, minimal cut sets and importances of `tree`, exactly.
///
/// The top's function becomes a binary decision diagram over the basic events
/// in the order in which a walk from the top meets them; four ways of walking
/// are tried with growing room, until one fits the budget. The probability and
/// the Birnbaum importances of all events are read off it in two passes. The
/// minimal cut sets are those of A. Rauzy's minimal solutions: in a tree with
/// `not` or `xor`, sets of happening events that are enough when nothing else
/// happens. When no order fits the budget, the probability is bounded: what
/// matters least of each gate's function is replaced once by "never" and once
/// by "always", so the true value lies between, whatever was pruned; cut sets
/// and importances are then unknown.
///
/// Time and memory are linear in the diagram's nodes, which in the worst case
/// are exponential in the events; the importance of Fussell and Vesely takes a
/// diagram for each event.
#[must_use]
pub fn analyse(tree: &FaultTree, settings: &AnalysisSettings) -> Analysis {
    let orders = orders(tree);
    let (order, built) = match exact(tree, &orders, settings.node_budget) {
        Ok(found) => found,
        Err(best) => return bounded(tree, &best, settings.node_budget.min(BOUND_BUDGET)),
    };
    let function = built.top.low;
    let probabilities = of_variables(tree, order);
    let diagram = Diagram { bdd: &built.bdd, function, probabilities: &probabilities };
    let top = built.bdd.probability(function, &probabilities);
    let cuts = Cuts::of(&built.bdd, function, settings.node_budget).ok();
    let cut_sets = cuts.as_ref().map(|cuts| CutSets {
        count: cuts.count(),
        listed: cuts
            .most_probable(settings.listed_cut_sets, &probabilities)
            .into_iter()
            .map(|set| cut_set(tree, order, &set))
            .collect(),
    });
    Analysis {
        top: Interval { low: top, high: top },
        nodes: built.bdd.nodes().reachable(&[function]).len(),
        cut_sets,
        importance: Some(importances(tree, order, &diagram, cuts.as_ref(), settings.node_budget)),
    }
}

/// The first order that fits, in rounds of growing room: all of them in little,
/// then the half that came farthest. If none does, two of the best.
fn exact<'o>(
    tree: &FaultTree,
    orders: &'o [Order],
    budget: usize,
) -> Result<(&'o Order, Built), Vec<&'o Order>> {
    let mut room = budget.min(20_000);
    let mut tried: Vec<&Order> = orders.iter().collect();
    loop {
        let mut progress = Vec::with_capacity(tried.len());
        for order in tried {
            match build(tree, order, room, WhenFull::GiveUp) {
                Ok(built) => return Ok((order, built)),
                Err(stuck) => progress.push((stuck.gates, order)),
            }
        }
        progress.sort_by_key(|(gates, _)| std::cmp::Reverse(*gates));
        let ranked = progress.into_iter().map(|(_, order)| order);
        if room >= budget {
            let mut best: Vec<&Order> = ranked.collect();
            best.extend(orders);
            best.dedup();
            best.truncate(2);
            return Err(best);
        }
        room = room.saturating_mul(10).min(budget);
        tried = ranked.take(orders.len().div_ceil(2)).collect();
    }
}

/// What the orders together say: each interval holds the truth, so what they
/// share does.
fn bounded(tree: &FaultTree, orders: &[&Order], budget: usize) -> Analysis {
    let mut top = Interval { low: 0.0, high: 1.0 };
    let mut nodes = 0;
    for order in orders {
        let Ok(built) = build(tree, order, budget, WhenFull::Prune) else { continue };
        let probabilities = of_variables(tree, order);
        top.low = top.low.max(built.bdd.probability(built.top.low, &probabilities));
        top.high = top.high.min(built.bdd.probability(built.top.high, &probabilities));
        nodes = built.bdd.nodes().reachable(&[built.top.low, built.top.high]).len().max(nodes);
    }
    // Two exact ends may differ in their last digit.
    top.low = top.low.min(top.high);
    Analysis { top, nodes, cut_sets: None, importance: None }
}

fn cut_set(tree: &FaultTree, order: &Order, variables: &[u32]) -> CutSet {
    let mut events: Vec<usize> =
        variables.iter().map(|&variable| order.event[variable as usize]).collect();
    events.sort_unstable();
    let probability = events.iter().map(|&event| tree.events()[event].probability).product();
    CutSet { events, probability }
}

/// The top's function.
struct Diagram<'d> {
    bdd: &'d Bdd,
    function: Root,
    /// Of each variable.
    probabilities: &'d [f64],
}

impl Diagram<'_> {
    /// The probability of the top when `variable` has another probability.
    fn probability_with(&self, variable: usize, value: f64) -> f64 {
        let mut probabilities = self.probabilities.to_vec();
        probabilities[variable] = value;
        self.bdd.probability(self.function, &probabilities)
    }

    /// `Q(1) − Q(0)` of every variable, in one pass down.
    fn birnbaum(&self) -> Vec<f64> {
        let places = self.bdd.nodes().reachable(&[self.function]);
        let values = self.bdd.probabilities(&places, self.probabilities);
        let reach = self.bdd.reach(self.function, &places, self.probabilities);
        let mut birnbaum = vec![0.0; self.probabilities.len()];
        for at in places {
            let node = self.bdd.nodes().get(at);
            let difference = values[node.high as usize] - values[node.low as usize];
            birnbaum[node.variable as usize] += reach[at as usize] * difference;
        }
        birnbaum
    }
}

fn importances(
    tree: &FaultTree,
    order: &Order,
    diagram: &Diagram<'_>,
    cuts: Option<&Cuts>,
    budget: usize,
) -> Vec<Importance> {
    let top = diagram.bdd.probability(diagram.function, diagram.probabilities);
    let birnbaum = diagram.birnbaum();
    let any_cut = cuts.and_then(|cuts| any_cut(tree, diagram, cuts, budget).ok());
    let one = |event: usize| {
        let variable = order.variable[event] as usize;
        let (birnbaum, happens) = (birnbaum[variable], tree.events()[event].probability);
        let mut without = top - happens * birnbaum;
        // The difference would be all rounding.
        if without < 1e-3 * top {
            without = diagram.probability_with(variable, 0.0);
        }
        let of_top = |value: f64| (top > 0.0).then_some(value / top);
        Importance {
            event,
            birnbaum,
            criticality: of_top(birnbaum * happens),
            fussell_vesely: cuts.zip(any_cut).and_then(|(cuts, any_cut)| {
                let share = share_of_cuts(diagram, cuts, variable, budget).ok()?;
                (any_cut > 0.0).then_some((happens * share / any_cut).min(1.0))
            }),
            risk_achievement: of_top(top + (1.0 - happens) * birnbaum),
            risk_reduction: (top > 0.0).then_some(top / without),
        }
    };
    (0..tree.events().len()).map(one).collect()
}

/// The probability that all of some cut set happens: that of the top, unless
/// `not` or `xor` can prevent it.
fn any_cut(
    tree: &FaultTree,
    diagram: &Diagram<'_>,
    cuts: &Cuts,
    budget: usize,
) -> Result<f64, Full> {
    if tree.is_coherent() {
        return Ok(diagram.bdd.probability(diagram.function, diagram.probabilities));
    }
    let mut bdd = Bdd::new(budget);
    let function = cuts.function(&mut bdd)?;
    Ok(bdd.probability(function, diagram.probabilities))
}

/// The probability that, `variable` given, all of some cut set with it happens.
fn share_of_cuts(
    diagram: &Diagram<'_>,
    cuts: &Cuts,
    variable: usize,
    budget: usize,
) -> Result<f64, Full> {
    let mut bdd = Bdd::new(budget);
    let function = cuts.function_with(variable as u32, &mut bdd)?;
    Ok(match function {
        ZERO => 0.0,
        ONE => 1.0,
        _ => bdd.probability(function, diagram.probabilities),
    })
}
