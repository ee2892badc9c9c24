//! Methods that judge a row by how empty its surroundings are.

mod copod;
mod ecod;
mod hbos;
mod knn;
mod lof;
mod surroundings;
mod tails;

pub use copod::{Copod, CopodModel, CopodSettings};
pub use ecod::{Ecod, EcodModel, EcodSettings};
pub use hbos::{Hbos, HbosModel, HbosSettings};
pub use knn::{Knn, KnnModel, KnnSettings, KnnStatistic};
pub use lof::{Lof, LofModel, LofSettings};

use crate::Method;

/// The methods of this family.
pub const METHODS: &[Method] =
    &[hbos::METHOD, ecod::METHOD, copod::METHOD, knn::METHOD, lof::METHOD];
