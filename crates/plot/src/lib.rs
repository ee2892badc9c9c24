//! What every picture needs: scales with round steps, lines with fewer points, numbers and text.
//!
//! Who draws decides what a picture looks like; this crate knows neither SVG nor HTML, but for what is
//! safe to write into them.

mod line;
mod scale;
mod text;

pub use line::{Point, thinned};
pub use scale::{Scale, labels, range};
pub use text::{clipped, escaped, number};
