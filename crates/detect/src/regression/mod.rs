//! Methods that judge a reading by what other columns, or time, lead to expect.

mod line;
mod residual;
mod trend;

pub use line::Estimator;
pub use residual::{Regression, RegressionModel, RegressionSettings};
pub use trend::{Trend, TrendModel, TrendSettings};

use crate::Method;

/// The methods of this family.
pub const METHODS: &[Method] = &[residual::METHOD, trend::METHOD];
