//! Methods that judge a reading by what other columns, or time, lead to expect.

mod autoregressive;
mod follower;
mod line;
mod residual;
mod residual_online;
mod trend;

pub use autoregressive::{Autoregressive, AutoregressiveSettings};
pub use line::Estimator;
pub use residual::{Regression, RegressionModel, RegressionSettings};
pub use residual_online::RegressionDetector;
pub use trend::{Trend, TrendModel, TrendSettings};

use crate::Method;

/// The methods of this family.
pub const METHODS: &[Method] = &[residual::METHOD, trend::METHOD, autoregressive::METHOD];
