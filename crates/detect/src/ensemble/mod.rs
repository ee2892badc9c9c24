//! The default detector: many cheap statistics, each calibrated on its own
//! tail, summed.

mod budget;
pub(crate) mod conditioning;
mod departure;
mod deviation;
mod fusion;
mod hindsight;
pub(crate) mod peaks;
mod pot_ensemble;
pub(crate) mod profile;
mod range;
mod seasons;
mod statistics;
mod tails;
mod two_way;
mod words;

pub use budget::{AlarmBudget, BudgetError, BudgetGate, BudgetMode};
pub use pot_ensemble::{PotEnsemble, PotEnsembleSettings, Watched};
pub use two_way::{TwoWayEnsemble, TwoWayEnsembleModel, TwoWayEnsembleSettings};

use crate::Method;

/// The methods of this family.
pub const METHODS: &[Method] = &[pot_ensemble::METHOD, two_way::METHOD];
