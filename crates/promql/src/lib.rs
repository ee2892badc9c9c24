//! PromQL over whatever hands out series.
//!
//! A [`Query`] is parsed once and asked for one moment or for a range of steps. Samples come
//! from a [`Source`], which is asked once for each selector, whatever the number of steps:
//! every sample is read once. No clock, no threads, no input or output.
//!
//! The language is that of the Prometheus documentation ("Querying basics", "Operators",
//! "Functions") as of version 3: windows are open to the left, the look-back is five minutes,
//! stale markers end a series. What is not there (native histograms, experimental functions)
//! is refused by name when the query is parsed.
//!
//! ```
//! use auscult_core::Labels;
//! use auscult_promql::{Answer, Limits, Query, Sample, Selector, Series, Source, SourceError};
//!
//! struct Fixed(Vec<Series>);
//!
//! impl Source for Fixed {
//!     fn select(&self, wanted: &Selector, from: i64, to: i64, _: usize) -> Result<Vec<Series>, SourceError> {
//!         let mut found: Vec<Series> =
//!             self.0.iter().filter(|one| wanted.matches(one.labels.as_ref())).cloned().collect();
//!         for one in &mut found {
//!             one.samples.retain(|sample| (from..=to).contains(&sample.time));
//!         }
//!         Ok(found)
//!     }
//! }
//!
//! let labels = Labels::from_pairs([("__name__", "tokens_total"), ("job", "llm")])?;
//! let samples = (0..=4).map(|step| Sample { time: 15_000 * step, value: 30.0 * step as f64 });
//! let source = Fixed(vec![Series { labels, samples: samples.collect() }]);
//! let query = Query::parse("sum(rate(tokens_total[1m]))")?;
//! let Answer::Vector(found) = query.instant(&source, 60_000, &Limits::default())? else { panic!() };
//! assert_eq!(found[0].sample.value, 2.0);
//! # Ok::<(), Box<dyn std::error::Error>>(())
//! ```

mod answer;
mod data;
mod error;
mod eval;
mod functions;
mod number;
mod query;
mod selector;
mod sums;

pub use answer::{Answer, Instant};
pub use data::{Row, Sample, Series, Source, SourceError, Steps};
pub use error::QueryError;
pub use number::format_number;
pub use query::{Limits, Query, Stop};
pub use selector::{Selector, SelectorMatcher};
