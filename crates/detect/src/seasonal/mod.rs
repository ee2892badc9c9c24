//! Methods that know that the same hour returns every day.

mod exponential;
mod grid;
mod holt_winters;
mod period;
mod rates;
mod running_median;
mod scale;
mod seasonal_trend;

pub use holt_winters::{HoltWinters, HoltWintersDetector, HoltWintersModel, HoltWintersSettings};
pub use seasonal_trend::{SeasonalTrend, SeasonalTrendModel, SeasonalTrendSettings};

pub(crate) use period::season_of;

use crate::Method;

/// The methods of this family.
pub const METHODS: &[Method] = &[seasonal_trend::METHOD, holt_winters::METHOD];
