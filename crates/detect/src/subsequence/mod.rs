//! Methods that compare stretches of a series with each other.

mod kmeans;
mod kmeans_ad;
mod left_profile;
mod matrix_profile;
mod over_rows;
mod profile;
mod sub_pca;
mod windows;

pub use kmeans_ad::{KMeansAd, KMeansAdModel, KMeansAdSettings};
pub use left_profile::MatrixProfileDetector;
pub use matrix_profile::{MatrixProfile, MatrixProfileModel, MatrixProfileSettings};
pub use sub_pca::{SubPca, SubPcaModel, SubPcaSettings};

use crate::Method;

/// The methods of this family.
pub const METHODS: &[Method] = &[matrix_profile::METHOD, sub_pca::METHOD, kmeans_ad::METHOD];
