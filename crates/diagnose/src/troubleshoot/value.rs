//! What a question is worth.

use auscult_trees::{Answer, Smoothing, Tree};

use super::cells::{Cell, Span, cells, name};
use crate::model::{Companions, LearntModel, SMOOTHING_ROWS, Testimony};

/// Probabilities this close are told together.
const MUCH_THE_SAME: f64 = 0.1;

/// A feature that could be asked next.
#[derive(Debug, Clone, PartialEq)]
pub struct Question {
    /// Which feature.
    pub feature: usize,
    /// What it costs to find out.
    pub price: f64,
    /// Bits by which the answer is expected to narrow down the cause; at least 0.
    pub gain: f64,
    /// Bits that it decides together with answers yet to come; at least 0.
    /// Counts where no single question gains anything.
    pub later_gain: f64,
    /// What may come out, those that say much the same together.
    pub outcomes: Vec<Outcome>,
}

/// What may come out of a question.
#[derive(Debug, Clone, PartialEq)]
pub struct Outcome {
    /// The answers, in words.
    pub answers: String,
    /// How likely they are.
    pub probability: f64,
    /// The cause that would then lead.
    pub cause: usize,
    /// How likely it would then be.
    pub confidence: f64,
}

/// What each node of a tree says, prepared once per model.
#[derive(Debug, Clone)]
pub(super) struct Prepared<'m> {
    tree: &'m Tree,
    parents: Vec<usize>,
    /// Smoothed shares, `causes` per node.
    shares: Vec<f64>,
}

/// The same under the answers so far.
#[derive(Debug)]
struct Opened<'p, 'm> {
    prepared: &'p Prepared<'m>,
    /// Probability of coming to each node.
    reach: Vec<f64>,
    /// Expected shares of the causes below each node, `causes` per node.
    expected: Vec<f64>,
}

/// Every question that is not answered and may still change anything.
///
/// The gain of a feature is the expected fall of the entropy of the causes:
/// with `b(a)` the probabilities that the trees give once the answer is `a`,
/// and `P(a)` how likely that is, it is `H(Σ P(a) b(a)) − Σ P(a) H(b(a))`. It
/// is never negative, and 0 when every answer leaves the same probabilities.
/// `P(a)` follows the training weights down the tree and, where the tree does
/// not ask, the shares in the log; of a model that weighs all answers, the
/// shares in the leaves that remain.
///
/// Time O(nodes · causes) and, per feature, O(nodes above and at its
/// questions · cells), or O(leaves · causes · cells · answers so far).
pub(super) fn questions(
    model: &LearntModel,
    prepared: &[Prepared<'_>],
    answers: &[Answer],
    is_open: &dyn Fn(usize) -> bool,
    prices: &[f64],
) -> Vec<Question> {
    let causes = model.causes().len();
    let opened: Vec<Opened<'_, '_>> =
        prepared.iter().map(|prepared| Opened::new(prepared, answers, causes)).collect();
    let mut nodes: Vec<Vec<(usize, usize)>> = vec![Vec::new(); model.features().len()];
    for (at, tree) in opened.iter().enumerate() {
        for (node, feature) in tree.open_questions(answers) {
            nodes[feature].push((at, node));
        }
    }
    let case = Case { model, opened, answers, known: Known::of(model, answers) };
    let worth = |(feature, nodes): (usize, &Vec<(usize, usize)>)| {
        let asks = !nodes.is_empty() && is_open(feature);
        asks.then(|| case.question(feature, nodes, prices[feature]))
    };
    nodes.iter().enumerate().filter_map(worth).collect()
}

/// All that a question is judged by.
struct Case<'c, 'p, 'm> {
    model: &'m LearntModel,
    opened: Vec<Opened<'p, 'm>>,
    answers: &'c [Answer],
    known: Option<Known<'m>>,
}

impl Case<'_, '_, '_> {
    /// The question about `feature`, which is open at `nodes`, each a tree and a node.
    fn question(&self, feature: usize, nodes: &[(usize, usize)], price: f64) -> Question {
        let Self { model, opened, answers, known } = self;
        let causes = model.causes().len();
        let split = |&(tree, node): &(usize, usize)| {
            opened[tree].prepared.tree.nodes()[node].split.as_ref()
        };
        let cells = cells(model, feature, nodes.iter().filter_map(split));
        let mut answered = Answered::new(&cells, causes);
        if let Some(known) = known {
            known.answer(model, answers, feature, &mut answered);
        }
        let mut later_gain = 0.0;
        for (at, tree) in opened.iter().enumerate() {
            let own: Vec<usize> =
                nodes.iter().filter(|(tree, _)| *tree == at).map(|(_, node)| *node).collect();
            if known.is_none() {
                tree.answer(answers, feature, &own, &mut answered);
            }
            later_gain += own.iter().map(|&node| tree.gain_at(node, causes)).sum::<f64>();
        }
        answered.finish(opened.len());
        Question {
            feature,
            price,
            gain: answered.gain(),
            later_gain: later_gain / opened.len() as f64,
            outcomes: answered.outcomes(model, feature),
        }
    }
}

/// What a model that weighs all answers says of those so far.
struct Known<'m> {
    companions: &'m Companions,
    said: Vec<Testimony>,
    posterior: Vec<f64>,
}

impl<'m> Known<'m> {
    fn of(model: &'m LearntModel, answers: &[Answer]) -> Option<Self> {
        let companions = model.companions.as_ref()?;
        let (said, alive) = model.testimonies(companions, answers);
        let said: Vec<Testimony> = said.into_iter().map(|(_, said)| said).collect();
        let posterior = companions.posterior(&said.iter().collect::<Vec<_>>(), &alive);
        Some(Self { companions, said, posterior })
    }

    /// Takes in what the rows of each leaf say of each answer to `feature`.
    fn answer(
        &self,
        model: &LearntModel,
        answers: &[Answer],
        feature: usize,
        into: &mut Answered<'_>,
    ) {
        let (tree, info) = (&model.trees()[0], &model.features()[feature]);
        let mut answers = answers.to_vec();
        for (at, cell) in into.cells.iter().enumerate() {
            answers[feature] = cell.answer;
            let alive = self.companions.agreeing(tree, &answers);
            let new = self.companions.testimony(tree, info, feature, cell.answer, &alive);
            let Some(new) = new else { continue };
            into.chances[at] = self.companions.chance(&new, &self.posterior, &alive);
            let said: Vec<&Testimony> = self.said.iter().chain([&new]).collect();
            let beliefs = self.companions.beliefs(&said, &alive);
            into.beliefs[at * into.causes..(at + 1) * into.causes].copy_from_slice(&beliefs);
        }
    }
}

impl<'m> Prepared<'m> {
    pub(super) fn new(tree: &'m Tree) -> Self {
        let nodes = tree.nodes();
        let mut parents = vec![0; nodes.len()];
        for (at, node) in nodes.iter().enumerate() {
            if let Some(split) = &node.split {
                parents[split.yes] = at;
                parents[split.no] = at;
            }
        }
        let smoothing = Smoothing::MEstimate(SMOOTHING_ROWS);
        let shares = (0..nodes.len()).flat_map(|node| tree.node_prediction(node, smoothing));
        Self { tree, parents, shares: shares.collect() }
    }
}

impl<'p, 'm> Opened<'p, 'm> {
    fn new(prepared: &'p Prepared<'m>, answers: &[Answer], causes: usize) -> Self {
        let nodes = prepared.tree.nodes();
        let mut reach = vec![0.0; nodes.len()];
        reach[0] = 1.0;
        for (at, node) in nodes.iter().enumerate() {
            let Some(split) = &node.split else { continue };
            let yes = share_of_yes(prepared.tree, at, answers[split.feature]);
            reach[split.yes] = reach[at] * yes;
            reach[split.no] = reach[at] * (1.0 - yes);
        }
        let mut expected = prepared.shares.clone();
        // Children come after their parents, so from the back they are done first.
        for (at, node) in nodes.iter().enumerate().rev() {
            let Some(split) = &node.split else { continue };
            let yes = share_of_yes(prepared.tree, at, answers[split.feature]);
            for cause in 0..causes {
                expected[at * causes + cause] = yes * expected[split.yes * causes + cause]
                    + (1.0 - yes) * expected[split.no * causes + cause];
            }
        }
        Self { prepared, reach, expected }
    }

    /// Nodes that may be come to and whose question is open.
    fn open_questions(&self, answers: &[Answer]) -> impl Iterator<Item = (usize, usize)> {
        let nodes = self.prepared.tree.nodes().iter().enumerate();
        nodes.filter_map(move |(at, node)| {
            let feature = node.split.as_ref()?.feature;
            let is_open = self.reach[at] > 0.0 && answers[feature] == Answer::Unknown;
            is_open.then_some((at, feature))
        })
    }

    /// Bits that the question of `node` decides, times the chance to come there.
    fn gain_at(&self, node: usize, causes: usize) -> f64 {
        let tree = self.prepared.tree;
        let Some(split) = &tree.nodes()[node].split else { return 0.0 };
        let yes = share_of_yes(tree, node, Answer::Unknown);
        let entropy = |node: usize| entropy(&self.expected[node * causes..(node + 1) * causes]);
        let gain = entropy(node) - yes * entropy(split.yes) - (1.0 - yes) * entropy(split.no);
        self.reach[node] * gain.max(0.0)
    }

    /// Adds what this tree says under each answer to `feature`, whose open
    /// questions are at `nodes`.
    fn answer(&self, answers: &[Answer], feature: usize, nodes: &[usize], into: &mut Answered<'_>) {
        let tree = self.prepared.tree;
        let mut leads_there = vec![false; tree.nodes().len()];
        for &node in nodes {
            let mut at = node;
            while !leads_there[at] {
                leads_there[at] = true;
                at = self.prepared.parents[at];
            }
        }
        let mut open = vec![Visit { node: 0, weight: 1.0, chance: 1.0, cells: into.all() }];
        while let Some(visit) = open.pop() {
            let causes = into.causes;
            let expected = &self.expected[visit.node * causes..(visit.node + 1) * causes];
            let split = tree.nodes()[visit.node].split.as_ref();
            let Some(split) = split.filter(|_| leads_there[visit.node]) else {
                into.add(&visit, expected);
                continue;
            };
            if split.feature == feature {
                let is_yes = |cell: &Cell| split.goes_yes(cell.answer) == Some(true);
                let yes = visit.cells & into.which(is_yes);
                let no = visit.cells & !yes;
                let chance = match (yes, no) {
                    (0, _) => 0.0,
                    (_, 0) => 1.0,
                    _ => share_of_yes(tree, visit.node, Answer::Unknown),
                };
                let sides = [(split.yes, yes, chance), (split.no, no, 1.0 - chance)];
                for (node, cells, part) in sides.into_iter().filter(|(_, cells, _)| *cells != 0) {
                    open.push(Visit { node, cells, chance: visit.chance * part, ..visit });
                }
                continue;
            }
            let yes = share_of_yes(tree, visit.node, answers[split.feature]);
            for (node, part) in [(split.yes, yes), (split.no, 1.0 - yes)] {
                if part > 0.0 {
                    let (weight, chance) = (visit.weight * part, visit.chance * part);
                    open.push(Visit { node, weight, chance, ..visit });
                }
            }
        }
    }
}

/// A way down a tree.
#[derive(Debug, Clone, Copy)]
struct Visit {
    node: usize,
    /// Probability of coming here once the answer is known to be in `cells`.
    weight: f64,
    /// Probability of coming here and the answer being in `cells`.
    chance: f64,
    /// The answers that lead here, one bit each.
    cells: u64,
}

/// What all trees say under each answer to one feature.
struct Answered<'c> {
    cells: &'c [Cell],
    causes: usize,
    /// Probability of each cell.
    chances: Vec<f64>,
    /// Probabilities of the causes under each cell, `causes` per cell.
    beliefs: Vec<f64>,
}

impl<'c> Answered<'c> {
    fn new(cells: &'c [Cell], causes: usize) -> Self {
        let (chances, beliefs) = (vec![0.0; cells.len()], vec![0.0; cells.len() * causes]);
        Self { cells, causes, chances, beliefs }
    }

    fn all(&self) -> u64 {
        u64::MAX >> (64 - self.cells.len())
    }

    fn which(&self, is_in: impl Fn(&Cell) -> bool) -> u64 {
        let bits = self.cells.iter().enumerate().filter(|(_, cell)| is_in(cell));
        bits.fold(0, |all, (at, _)| all | 1 << at)
    }

    fn add(&mut self, visit: &Visit, expected: &[f64]) {
        let cells = (0..self.cells.len()).filter(|at| visit.cells >> at & 1 == 1);
        let total: f64 = cells.clone().map(|at| self.cells[at].share).sum();
        for at in cells {
            self.chances[at] += visit.chance * self.cells[at].share / total;
            let beliefs = &mut self.beliefs[at * self.causes..(at + 1) * self.causes];
            for (belief, expected) in beliefs.iter_mut().zip(expected) {
                *belief += visit.weight * expected;
            }
        }
    }

    fn finish(&mut self, trees: usize) {
        let total: f64 = self.chances.iter().sum();
        self.chances.iter_mut().for_each(|chance| *chance /= total);
        self.beliefs.iter_mut().for_each(|belief| *belief /= trees as f64);
    }

    fn gain(&self) -> f64 {
        let mut mean = vec![0.0; self.causes];
        let mut after = 0.0;
        for (chance, beliefs) in self.chances.iter().zip(self.beliefs.chunks(self.causes)) {
            mean.iter_mut().zip(beliefs).for_each(|(mean, belief)| *mean += chance * belief);
            after += chance * entropy(beliefs);
        }
        (entropy(&mean) - after).max(0.0)
    }

    /// Joins cells that lead to the same cause with much the same certainty;
    /// numbers only with their neighbours.
    fn outcomes(&self, model: &LearntModel, feature: usize) -> Vec<Outcome> {
        let beliefs = |at: usize| &self.beliefs[at * self.causes..(at + 1) * self.causes];
        let mut groups: Vec<(usize, Vec<usize>)> = Vec::new();
        for at in 0..self.cells.len() {
            let cause = leading(beliefs(at));
            let joins = |group: &&mut (usize, Vec<usize>)| {
                let ends_before = group.1.last().is_some_and(|last| last + 1 == at);
                let is_word = matches!(self.cells[at].span, Span::Word(_));
                let differs = (beliefs(group.1[0])[cause] - beliefs(at)[cause]).abs();
                group.0 == cause && (ends_before || is_word) && differs <= MUCH_THE_SAME
            };
            match groups.iter_mut().find(joins) {
                Some(group) => group.1.push(at),
                None => groups.push((cause, vec![at])),
            }
        }
        let outcome = |(cause, cells): (usize, Vec<usize>)| {
            let spans: Vec<Span> = cells.iter().map(|&at| self.cells[at].span).collect();
            let probability: f64 = cells.iter().map(|&at| self.chances[at]).sum();
            let confidence = cells
                .iter()
                .map(|&at| self.chances[at] * self.beliefs[at * self.causes + cause])
                .sum::<f64>();
            let answers = name(&model.features()[feature], &spans);
            let confidence = if probability > 0.0 { confidence / probability } else { 0.0 };
            Outcome { answers, probability, cause, confidence }
        };
        groups.into_iter().map(outcome).collect()
    }
}

/// Share of the cases at `node` that go to yes.
fn share_of_yes(tree: &Tree, node: usize, answer: Answer) -> f64 {
    let nodes = tree.nodes();
    let Some(split) = &nodes[node].split else { return 0.0 };
    match split.goes_yes(answer) {
        Some(true) => 1.0,
        Some(false) => 0.0,
        None => {
            let (yes, no) = (nodes[split.yes].weight, nodes[split.no].weight);
            yes / (yes + no)
        }
    }
}

/// Entropy in bits.
pub(super) fn entropy(probabilities: &[f64]) -> f64 {
    let positive = probabilities.iter().filter(|probability| **probability > 0.0);
    -positive.map(|probability| probability * probability.log2()).sum::<f64>()
}

/// The likeliest, the first of several.
pub(super) fn leading(probabilities: &[f64]) -> usize {
    let better = |best, at| if probabilities[at] > probabilities[best] { at } else { best };
    (1..probabilities.len()).fold(0, better)
}
