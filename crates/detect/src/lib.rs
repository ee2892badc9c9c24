//! The catalogue of detection methods: numbers in, scores and reasons out.
//!
//! Every method is one file in the folder of its family, and one [`Method`] in
//! [`CATALOGUE`], which the command line, the manual and the conformance suite
//! all read. Batch methods implement [`auscult_core::Estimator`], streaming
//! ones [`auscult_core::Detector`].

mod attribution;
mod catalogue;
pub mod change;
pub mod density;
pub mod ensemble;
pub mod forest;
pub mod isolation;
pub mod joint;
pub mod margin;
mod neighbours;
pub mod point;
pub mod regression;
mod scaler;
pub mod seasonal;
mod shared;
pub mod subsequence;
pub mod subspace;

pub use catalogue::{
    BoxedFit, BuildAccumulator, BuildDetector, BuildEstimator, BuildLabelled, CATALOGUE, Channels,
    DynEstimator, DynLabelledEstimator, Method, Order, Threshold, find,
};
