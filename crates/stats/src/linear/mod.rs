//! Linear models: one target from several inputs, always with an intercept.
//!
//! [`ols`], [`ridge`], [`huber()`] and [`theil_sen()`] take [`Rows`] of inputs and
//! a target of one number per row; [`RecursiveRegression`] follows a stream. [`Triangle`] is what least squares rests
//! on; it takes rows in pieces, in memory that does not grow with them.

mod fit;
mod hac;
mod huber;
mod recursive;
mod rows;
mod theil_sen;
mod triangle;

pub use fit::{LinearFit, ols, ridge, variance_inflation};
pub use hac::newey_west;
pub use huber::{HuberFit, HuberOptions, huber};
pub use recursive::RecursiveRegression;
pub use rows::{Equation, Rows};
pub use theil_sen::{TheilSenOptions, theil_sen};
pub use triangle::{Triangle, Unused};
