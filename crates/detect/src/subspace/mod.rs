//! Methods that judge a row by how its channels go together.

mod mahalanobis;
mod mahalanobis_ew;
mod pca;
mod quadratic;

pub use mahalanobis::{CovarianceKind, Mahalanobis, MahalanobisModel, MahalanobisSettings};
pub use mahalanobis_ew::{MahalanobisEw, MahalanobisEwSettings};
pub use pca::{Pca, PcaModel, PcaSettings, PcaStatistic};

use crate::Method;

/// The methods of this family.
pub const METHODS: &[Method] = &[mahalanobis::METHOD, mahalanobis_ew::METHOD, pca::METHOD];
