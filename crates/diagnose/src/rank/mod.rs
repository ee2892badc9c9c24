//! Ranking what may be the cause when no catalogue knows it, from numbers alone.
//!
//! A [`Case`] is a handful of series over the same rows. A [`Method`] turns it into a
//! [`Ranking`] of series and of targets. All methods are deterministic, and what scores
//! the same stands in order of name. Where there are traces and logs, [`requests`] says more.

mod baro;
mod case;
mod cholesky;
mod circa;
mod combined;
mod correlation;
mod epsilon;
mod healthy;
mod method;
mod onset;
mod ranking;
mod rcd;
pub mod requests;
mod scale;
mod series_graph;
mod shift;
mod topology;
mod traversal;
mod walk;

pub use case::{Case, CaseSeries, LEAST_NORMAL, Layer, RankError};
pub use method::Method;
pub use onset::{Onset, onset};
pub use ranking::{ABSTAIN_ABOVE, Ranking, Suspect};
pub use scale::LEAST_SHARE;
pub use topology::Topology;
