//! How well scores, alarms and answers meet labels: the measures that benchmarks use.
//!
//! Pure functions: numbers in, numbers out. [`Scored`] holds one score per row
//! beside the truth, [`Flagged`] one decision per row; each measure has its own
//! file and names its source. A measure that a series cannot have, such as recall
//! where nothing is anomalous, is `None` and never 0.

mod affiliation;
mod alarm_rate;
mod answer_rank;
mod auc_pr;
mod auc_roc;
mod bootstrap;
mod consensus;
mod delay;
mod delay_limited;
mod event;
mod hit_rate;
mod injection;
mod nab;
mod oracle;
mod point;
mod point_adjusted;
mod range_based;
mod rank;
mod scored;
mod segments;
mod stability;
mod sweep;
mod vus;
mod window;

pub use affiliation::{Affiliation, affiliation};
pub use alarm_rate::{AlarmRate, alarm_rate};
pub use answer_rank::{accuracy_at, average_accuracy};
pub use auc_pr::auc_pr;
pub use auc_roc::auc_roc;
pub use bootstrap::{Interval, bootstrap_mean};
pub use consensus::consensus;
pub use delay::{Delays, detection_delays};
pub use delay_limited::{best_delay_limited_f1, delay_limited_counts, on_grid};
pub use event::{EventF1, event_f1};
pub use hit_rate::hit_rate;
pub use injection::{INJECTION_VERSION, Injected, InjectedKind, Injection, inject};
pub use nab::{
    NAB_PROFILES, NabError, NabOutcome, NabProfile, NabSeries, nab_at_threshold, nab_cross_halves,
    nab_probation, nab_sweep,
};
pub use oracle::{Best, best_of_even_thresholds};
pub use point::{BestPoint, Counts, best_point_f1, point_counts};
pub use point_adjusted::point_adjusted_counts;
pub use range_based::{RangeBased, range_based};
pub use rank::rank_correlation;
pub use scored::{EvaluateError, Flagged, Scored};
pub use segments::{Segment, segments};
pub use stability::stability;
pub use sweep::{OperatingPoint, operating_points};
pub use vus::{Vus, vus};
pub use window::evaluation_window;
