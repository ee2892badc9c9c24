//! Methods that judge a row by how empty its surroundings are.

mod knn;
mod lof;

pub use knn::{Knn, KnnModel, KnnSettings, KnnStatistic};
pub use lof::{Lof, LofModel, LofSettings};

use crate::Method;

/// The methods of this family.
pub const METHODS: &[Method] = &[knn::METHOD, lof::METHOD];
