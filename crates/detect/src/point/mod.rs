//! Methods that judge each reading against the spread of all readings, or of
//! the last ones.

mod gesd;
mod iqr;
mod location;
mod mad;
mod rolling_median;
mod rolling_zscore;
mod sketched;
mod usual;
mod zscore;

pub use gesd::{Gesd, GesdModel, GesdSettings};
pub use iqr::{Iqr, IqrDetector, IqrModel, IqrSettings};
pub use mad::{Mad, MadDetector, MadModel, MadSettings};
pub use rolling_median::{RollingMedian, RollingMedianSettings};
pub use rolling_zscore::{RollingZScore, RollingZScoreSettings};
pub use zscore::{ZScore, ZScoreDetector, ZScoreModel, ZScoreSettings};

use crate::Method;

/// The methods of this family.
pub const METHODS: &[Method] = &[
    zscore::METHOD,
    mad::METHOD,
    iqr::METHOD,
    gesd::METHOD,
    rolling_zscore::METHOD,
    rolling_median::METHOD,
];
