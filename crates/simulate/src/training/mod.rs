//! Training jobs: synchronous steps over ranks, checkpoints, loss, failures.
//!
//! [`Job::advance`] takes what every rank's GPU and every host give, steps, and says what the
//! job did to each. A step takes as long as its slowest rank, plus the exchanges that are not
//! hidden behind arithmetic; every other rank waits inside the collective, so the culprit waits
//! least. [`Job::reading`] and [`Job::rank`] are what the job shows of itself,
//! [`Job::take_steps`] its log, [`Job::take_events`] what happened to it.
//!
//! A job is a state machine: it starts, loads its last checkpoint, steps and saves; it stalls
//! in a collective when a rank is stuck or a link is down, until a watchdog ends it; it fails
//! when a process is killed, and starts anew once every GPU and host answers.
//!
//! ```
//! use auscult_simulate::conditions::{JobConditions, RankConditions};
//! use auscult_simulate::supply::{GpuSupply, HostSupply};
//! use auscult_simulate::training::{Job, JobDemand, JobSettings};
//!
//! let settings = JobSettings::sixteen();
//! let mut job = Job::new(settings, 1);
//! let (gpus, hosts) = ([GpuSupply::default(); 16], [HostSupply::default(); 2]);
//! let mut demand = JobDemand::default();
//! for second in 0..600 {
//!     let (from, to) = (f64::from(second), f64::from(second + 1));
//!     let (conditions, ranks) = (JobConditions::default(), [RankConditions::default(); 16]);
//!     job.advance(from, to, &gpus, &hosts, &conditions, &ranks, &mut demand);
//! }
//! assert!(job.reading().step > 50);
//! ```

mod checkpoint;
mod event;
mod job;
mod life;
mod loss;
mod reading;
mod settings;
mod stall;
mod step;
mod timing;
mod usage;

pub use checkpoint::best_interval;
pub use event::{Cause, JobEvent, What};
pub use job::{Job, JobDemand};
pub use loss::chinchilla;
pub use reading::{JobReading, RankReading, StepRecord};
pub use settings::JobSettings;
pub use stall::Flight;
