//! Methods that know that the same hour returns every day.

mod grid;
mod period;
mod running_median;
mod scale;
mod seasonal_trend;

pub use seasonal_trend::{SeasonalTrend, SeasonalTrendModel, SeasonalTrendSettings};

pub(crate) use period::season_of;

use crate::Method;

/// The methods of this family.
pub const METHODS: &[Method] = &[seasonal_trend::METHOD];
