//! A fault tree's function as a diagram, exact or between two others.

use super::bdd::{Bdd, Op};
use super::diagram::{Full, ONE, Root, ZERO};
use super::order::Order;
use super::tree::{FaultTree, Formula};

/// Two functions with the true one between: whatever makes `low` happen makes
/// it happen, and that makes `high` happen. The same where it is known exactly.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Between {
    pub(super) low: Root,
    pub(super) high: Root,
}

/// What to do when the budget is passed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum WhenFull {
    GiveUp,
    /// Replace what matters least by never (in `low`) and always (in `high`).
    Prune,
}

/// What was built.
#[derive(Debug)]
pub(super) struct Built {
    pub(super) bdd: Bdd,
    pub(super) top: Between,
}

/// The budget was passed when so many gates had their function.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Stuck {
    pub(super) gates: usize,
}

/// Builds gate by gate, on a stack of functions, so that everything alive can
/// be moved when the diagram is swept.
struct Builder<'t> {
    order: &'t Order,
    /// Probability of each variable.
    probabilities: Vec<f64>,
    budget: usize,
    when_full: WhenFull,
    bdd: Bdd,
    stack: Vec<Between>,
    gates: Vec<Option<Between>>,
    /// References to each gate that are still to come.
    uses: Vec<usize>,
    /// Nodes that a function may keep when pruned.
    cap: usize,
}

/// A diagram, and what the builder knows in it.
type Alive = (Bdd, Vec<Between>, Vec<Option<Between>>);

/// The function of the top of `tree`, in at most `budget` nodes at a time.
pub(super) fn build(
    tree: &FaultTree,
    order: &Order,
    budget: usize,
    when_full: WhenFull,
) -> Result<Built, Stuck> {
    let mut uses = vec![0; tree.gates().len()];
    for &gate in tree.order() {
        tree.gates()[gate].formula.walk(&mut |formula| {
            if let Formula::Gate(at) = formula {
                uses[*at] += 1;
            }
        });
    }
    let mut builder = Builder {
        order,
        probabilities: of_variables(tree, order),
        budget,
        when_full,
        bdd: Bdd::new(budget),
        stack: Vec::new(),
        gates: vec![None; tree.gates().len()],
        uses,
        cap: budget / 4,
    };
    for (gates, &gate) in tree.order().iter().enumerate() {
        builder.push(&tree.gates()[gate].formula).map_err(|Full| Stuck { gates })?;
        builder.gates[gate] = builder.stack.pop();
    }
    let top = tree.order().last().and_then(|&top| builder.gates[top]);
    let top = top.unwrap_or(Between { low: ZERO, high: ONE });
    Ok(Built { bdd: builder.bdd, top })
}

/// The probability of each variable.
pub(super) fn of_variables(tree: &FaultTree, order: &Order) -> Vec<f64> {
    order.event.iter().map(|&event| tree.events()[event].probability).collect()
}

impl Builder<'_> {
    /// Puts the function of `formula` on the stack.
    fn push(&mut self, formula: &Formula) -> Result<(), Full> {
        match formula {
            Formula::Constant(value) => {
                let root = Bdd::constant(*value);
                self.stack.push(Between { low: root, high: root });
            }
            Formula::Event(event) => {
                let variable = self.order.variable[*event];
                let root = match self.bdd.variable(variable) {
                    Ok(root) => root,
                    Err(Full) => {
                        if !self.sweep()? {
                            self.prune()?;
                        }
                        self.bdd.variable(variable)?
                    }
                };
                self.stack.push(Between { low: root, high: root });
            }
            Formula::Gate(gate) => {
                let function = self.gates[*gate].unwrap_or(Between { low: ZERO, high: ONE });
                self.stack.push(function);
                self.uses[*gate] -= 1;
                if self.uses[*gate] == 0 {
                    self.gates[*gate] = None;
                }
            }
            Formula::Not(inner) => {
                self.push(inner)?;
                self.stack.push(Between { low: ONE, high: ONE });
                self.fold(Op::Xor)?;
            }
            Formula::And(of) => self.push_all(of, Op::And)?,
            Formula::Or(of) => self.push_all(of, Op::Or)?,
            Formula::Xor(of) => self.push_all(of, Op::Xor)?,
            Formula::AtLeast { min, of } => self.push_at_least(*min, of)?,
        }
        Ok(())
    }

    fn push_all(&mut self, of: &[Formula], op: Op) -> Result<(), Full> {
        let base = self.stack.len();
        for argument in of {
            self.push(argument)?;
        }
        // What decides late is joined first: the others then go on top of it.
        let bdd = &self.bdd;
        self.stack[base..].sort_by_key(|function| bdd.nodes().get(function.high).variable);
        while self.stack.len() > base + 1 {
            self.fold(op)?;
        }
        Ok(())
    }

    /// Rows of "at least j of those seen so far", j from 0 to `min`.
    fn push_at_least(&mut self, min: usize, of: &[Formula]) -> Result<(), Full> {
        let base = self.stack.len();
        self.stack.push(Between { low: ONE, high: ONE });
        self.stack.extend((0..min).map(|_| Between { low: ZERO, high: ZERO }));
        for argument in of {
            self.push(argument)?;
            for count in (1..=min).rev() {
                // One more of them, or enough before.
                self.stack.push(self.stack[base + min + 1]);
                self.stack.push(self.stack[base + count - 1]);
                self.fold(Op::And)?;
                self.stack.push(self.stack[base + count]);
                self.fold(Op::Or)?;
                if let Some(row) = self.stack.pop() {
                    self.stack[base + count] = row;
                }
            }
            self.stack.pop();
        }
        self.stack.swap(base, base + min);
        self.stack.truncate(base + 1);
        Ok(())
    }

    /// Joins the two functions on top of the stack.
    fn fold(&mut self, op: Op) -> Result<(), Full> {
        self.cap = self.cap.saturating_mul(2).min(self.budget / 4);
        let mut was_swept = false;
        loop {
            let [.., one, other] = *self.stack else { return Ok(()) };
            match join(&mut self.bdd, op, one, other) {
                Ok(joined) => {
                    self.stack.truncate(self.stack.len() - 2);
                    self.stack.push(joined);
                    return Ok(());
                }
                Err(Full) if !was_swept && self.sweep()? => {}
                Err(Full) => self.prune()?,
            }
            was_swept = true;
        }
    }

    /// Drops what is no longer needed; whether that made much room.
    fn sweep(&mut self) -> Result<bool, Full> {
        let swept = self.copied(None)?;
        let is_worth_it = swept.0.nodes().len() <= self.bdd.nodes().len() / 2;
        if is_worth_it {
            (self.bdd, self.stack, self.gates) = swept;
        }
        Ok(is_worth_it)
    }

    /// Makes room by pruning, harder each time.
    fn prune(&mut self) -> Result<(), Full> {
        if self.when_full == WhenFull::GiveUp {
            return Err(Full);
        }
        loop {
            let pruned = self.copied(Some(self.cap))?;
            self.cap /= 2;
            if pruned.0.nodes().len() <= self.budget / 2 || self.cap == 0 {
                (self.bdd, self.stack, self.gates) = pruned;
                return Ok(());
            }
        }
    }

    /// Everything alive, in another diagram.
    fn copied(&self, cap: Option<usize>) -> Result<Alive, Full> {
        let mut into = Bdd::new(self.budget);
        let mut stack = self.stack.clone();
        let mut gates = self.gates.clone();
        for function in stack.iter_mut().chain(gates.iter_mut().flatten()) {
            let (low, high) = (function.low, function.high);
            function.low = self.copy(low, &mut into, cap, ZERO)?;
            function.high = match cap {
                None if low == high => function.low,
                _ => self.copy(high, &mut into, cap, ONE)?,
            };
        }
        Ok((into, stack, gates))
    }

    /// `root` in another diagram; if it has more than `cap` nodes, those that
    /// change its probability least are replaced by `end`.
    fn copy(
        &self,
        root: Root,
        into: &mut Bdd,
        cap: Option<usize>,
        end: Root,
    ) -> Result<Root, Full> {
        let places = self.bdd.nodes().reachable(&[root]);
        let mut is_kept = vec![true; places.len()];
        if let Some(cap) = cap.filter(|&cap| cap < places.len()) {
            let values = self.bdd.probabilities(&places, &self.probabilities);
            let reach = self.bdd.reach(root, &places, &self.probabilities);
            let loss = |at: Root| {
                let value = values[at as usize];
                reach[at as usize] * if end == ZERO { value } else { 1.0 - value }
            };
            let mut by_loss: Vec<usize> = (0..places.len()).collect();
            by_loss.sort_by(|&one, &other| loss(places[other]).total_cmp(&loss(places[one])));
            by_loss[cap..].iter().for_each(|&at| is_kept[at] = false);
        }
        let mut copies = vec![ZERO; (root as usize + 1).max(2)];
        copies[ONE as usize] = ONE;
        for (&at, is_kept) in places.iter().zip(is_kept) {
            let node = self.bdd.nodes().get(at);
            let (high, low) = (copies[node.high as usize], copies[node.low as usize]);
            copies[at as usize] = if is_kept { into.make(node.variable, high, low)? } else { end };
        }
        Ok(copies[root as usize])
    }
}

fn join(bdd: &mut Bdd, op: Op, one: Between, other: Between) -> Result<Between, Full> {
    if one.low == one.high && other.low == other.high {
        let root = bdd.join(op, one.low, other.low)?;
        return Ok(Between { low: root, high: root });
    }
    if op != Op::Xor {
        let low = bdd.join(op, one.low, other.low)?;
        let high = bdd.join(op, one.high, other.high)?;
        return Ok(Between { low, high });
    }
    // One and not the other, either way round.
    let (not_one, not_other) = (opposite(bdd, one)?, opposite(bdd, other)?);
    let left = join(bdd, Op::And, one, not_other)?;
    let right = join(bdd, Op::And, not_one, other)?;
    join(bdd, Op::Or, left, right)
}

fn opposite(bdd: &mut Bdd, of: Between) -> Result<Between, Full> {
    Ok(Between { low: bdd.not(of.high)?, high: bdd.not(of.low)? })
}
