//! The way of the data: from samples of many series to incidents.
//!
//! ```text
//! batch ─► shard ─► signal ─► detector ─► event ─► target ─► incident
//!          series    rate of    level,      how       what is     opened, grown,
//!          found     counters   season,     rare      odd there   quiet, closed
//!          or made              tails                 together
//! ```
//!
//! An [`Engine`] takes batches of metrics from any number of threads. Series are
//! spread over shards by a hash of their labels, and a shard judges its samples
//! on the thread that brings them: when [`Engine::ingest`] returns, everything
//! in the batch has been judged. The engine has no clock and no threads; what
//! waits is done by [`Engine::tick`], so that replaying a recording gives the
//! incidents of the day it was made.

mod assigned;
mod case;
mod engine;
mod families;
mod handbook;
pub mod incident;
pub mod page;
mod peers;
mod pending;
mod placement;
mod policy;
mod recovering;
mod recurrence;
mod repeats;
mod saved;
mod selector;
mod settings;
mod shard;
mod signals;
mod silence;
mod slab;
mod surprise;
mod target;
mod unwatched;

pub use assigned::{MethodState, MethodTrial, MethodView};
pub use auscult_detect::ensemble::AlarmBudget;
pub use auscult_diagnose::diagnosis::{
    Answer, Asked, CERTAINTY, Cases, Consultation, EvidenceSeries, Illustrated, Leading,
    OtherSeries, Outcome, PriorShare, Question, Recovery, Report as Diagnosis, Step, Witness,
    by_readings,
};
pub use auscult_diagnose::evidence::{CHANGED_AFTER, CHANGED_BEFORE};
pub use auscult_diagnose::scene::{Event as ChangeEvent, Nearest, Surroundings};
pub use case::{Case, OpenCase};
pub use engine::{Counts, Engine, Ingested, MethodCount, SeriesView};
pub use handbook::{FaultName, Handbook};
pub use policy::{
    AssignedMethod, Direction, HeldField, Judging, Maintenance, MaintenanceError, MethodError,
    Policy, Severity, ValidRange, Weekday,
};
pub use recovering::Recovering;
pub use saved::{Marks, ResumeError, Resumed, Resuming};
pub use selector::{MatchOp, Matcher, Selector, SelectorError};
pub use settings::EngineSettings;
pub use silence::{Silence, SilenceError};
pub use unwatched::Unwatched;
