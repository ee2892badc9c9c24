//! The default detector: many cheap statistics, each calibrated on its own
//! tail, summed; and whole methods fused.

mod budget;
pub(crate) mod conditioning;
mod departure;
mod deviation;
mod fusion;
mod hindsight;
mod members;
pub(crate) mod peaks;
mod pot_ensemble;
pub(crate) mod profile;
mod range;
mod rarity;
mod return_period;
mod score_fusion;
mod seasons;
mod statistics;
mod tails;
mod two_way;
mod two_way_fusion;
mod words;

pub use budget::{AlarmBudget, BudgetError, BudgetGate, BudgetMode};
pub use members::{Member, Members};
pub use pot_ensemble::{PotEnsemble, PotEnsembleSettings, Watched};
pub use return_period::ReturnPeriods;
pub use score_fusion::{ScoreFusion, ScoreFusionSettings};
pub use two_way::{TwoWayEnsemble, TwoWayEnsembleModel, TwoWayEnsembleSettings};
pub use two_way_fusion::{TwoWayFusion, TwoWayFusionModel, TwoWayFusionSettings};

use crate::Method;

/// The methods of this family.
pub const METHODS: &[Method] =
    &[pot_ensemble::METHOD, score_fusion::METHOD, two_way::METHOD, two_way_fusion::METHOD];
