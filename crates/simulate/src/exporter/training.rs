//! The page of a training job, shown by the agent that starts its processes.
//!
//! There is no standard for names: `training_` and what Megatron's log or NVIDIA's resiliency
//! extension (NVRx) call the thing. The agent outlives the processes, so the page stays while
//! the job is down: the heartbeat stops, `training_running` is 0, steps go back to the last
//! checkpoint when it starts anew.

use crate::host::Host;
use crate::page::{Answer, Kind, Page, PageBuilder, Values};
use crate::training::{Flight, Job, JobReading, RankReading};

/// The page of one job.
#[derive(Debug, Clone)]
pub struct TrainingExporter {
    /// When the simulation began, in seconds since 1970.
    epoch: f64,
}

/// A family with one series: name, type, what it means, how it is read.
type Single = (&'static str, Kind, &'static str, fn(&JobReading) -> f64);

const SINGLES: &[Single] = &[
    ("training_step", Kind::Gauge, "Steps done.", |job| job.step as f64),
    ("training_loss", Kind::Gauge, "Loss of the last step.", |job| job.loss),
    ("training_grad_norm", Kind::Gauge, "Gradient norm of the last step.", |job| job.gradient_norm),
    ("training_learning_rate", Kind::Gauge, "Learning rate.", |job| job.learning_rate),
    ("training_loss_scale", Kind::Gauge, "Scale of the loss.", |job| job.loss_scale),
    ("training_skipped_steps_total", Kind::Counter, "Steps left out.", |job| job.skipped as f64),
    ("training_nan_steps_total", Kind::Counter, "Steps whose loss was not a number.", |job| {
        job.not_a_number as f64
    }),
    ("training_step_seconds", Kind::Gauge, "Seconds of the last step.", |job| job.step_seconds),
    ("training_data_seconds", Kind::Gauge, "Longest waiting for data in the last step.", |job| {
        job.data_seconds
    }),
    ("training_exchange_seconds", Kind::Gauge, "Exchanges that were not hidden.", |job| {
        job.exchange_seconds
    }),
    ("training_tokens_total", Kind::Counter, "Tokens worked through.", |job| job.tokens),
    ("training_tokens_per_second", Kind::Gauge, "Tokens a second in the last step.", |job| {
        job.tokens_per_second
    }),
    ("training_mfu", Kind::Gauge, "Share of peak arithmetic used, waiting included.", |job| {
        job.mfu
    }),
    ("training_sample", Kind::Gauge, "Samples that the loader gave.", |job| job.sample as f64),
    ("training_checkpoint_seconds", Kind::Gauge, "Seconds of the last save.", |job| {
        job.save_seconds
    }),
    ("training_checkpoint_interval_seconds", Kind::Gauge, "Seconds between saves.", |job| {
        job.save_interval
    }),
    ("training_checkpoint_step", Kind::Gauge, "Step of the last checkpoint.", |job| {
        job.checkpoint as f64
    }),
    ("training_checkpoints_total", Kind::Counter, "Saves that ended well.", |job| job.saves as f64),
    ("training_failed_checkpoints_total", Kind::Counter, "Saves that did not.", |job| {
        job.failed_saves as f64
    }),
    (
        "training_checkpoint_stall_seconds_total",
        Kind::Counter,
        "Standing still for saves.",
        |job| job.saving_seconds,
    ),
    ("training_restarts_total", Kind::Counter, "Times it started anew.", |job| job.restarts as f64),
    ("training_lost_steps_total", Kind::Counter, "Steps done and lost.", |job| {
        job.lost_steps as f64
    }),
    ("training_watchdog_timeouts_total", Kind::Counter, "Ends by a watchdog.", |job| {
        job.watchdogs as f64
    }),
    ("training_reruns_same_total", Kind::Counter, "Steps that came out the same again.", |job| {
        job.same_again as f64
    }),
    ("training_reruns_other_total", Kind::Counter, "Steps that came out otherwise.", |job| {
        job.other_again as f64
    }),
    ("training_step_seconds_total", Kind::Counter, "Seconds in steps, lost ones too.", |job| {
        job.stepping_seconds
    }),
    ("training_lost_seconds_total", Kind::Counter, "Seconds in steps that were lost.", |job| {
        job.lost_seconds
    }),
    ("training_running", Kind::Gauge, "Whether processes run.", |job| {
        f64::from(u8::from(job.running))
    }),
];

/// A family with a series for each rank.
type Each = (&'static str, Kind, &'static str, fn(&RankReading) -> f64);

const RANKS: &[Each] = &[
    ("training_rank_own_seconds", Kind::Gauge, "Own work in the last step.", |rank| {
        rank.own_seconds
    }),
    ("training_rank_data_seconds", Kind::Gauge, "Waiting for data in the last step.", |rank| {
        rank.data_seconds
    }),
    ("training_rank_collective_seconds", Kind::Gauge, "In collectives in the last step.", |rank| {
        rank.collective_seconds
    }),
    ("training_rank_relative_score", Kind::Gauge, "Speed beside the fastest rank.", |rank| {
        rank.score
    }),
    ("training_rank_collective_sequence", Kind::Gauge, "Collectives entered.", |rank| {
        rank.sequence as f64
    }),
    (
        "training_rank_collective_state",
        Kind::Gauge,
        "0 outside, 1 scheduled, 2 started, 3 completed.",
        |rank| match rank.flight {
            Flight::Outside => 0.0,
            Flight::Scheduled => 1.0,
            Flight::Started => 2.0,
            Flight::Completed => 3.0,
        },
    ),
    (
        "training_rank_nan_gradients_total",
        Kind::Counter,
        "Steps with gradients that were not numbers, before the exchange.",
        |rank| rank.not_a_number as f64,
    ),
];

impl TrainingExporter {
    /// `epoch` is when the simulation began, in seconds since 1970.
    pub fn new(epoch: f64) -> Self {
        Self { epoch }
    }

    /// What it shows of `job` on `hostnames`; the agent runs on the first.
    pub fn page(&self, hostnames: &[&str], job: &Job) -> Page {
        let settings = job.settings();
        let agent = hostnames.first().copied().unwrap_or("training");
        let labels = [("training_job", settings.name.as_str())];
        let mut builder = PageBuilder::new("training", &format!("{agent}:9500"), &labels);
        for (name, kind, help, _) in SINGLES {
            builder.family(*kind, name, "", help, &[&[]]);
        }
        let name = "training_heartbeat_timestamp_seconds";
        builder.family(Kind::Gauge, name, "", "When the last step ended.", &[&[]]);
        let failures: Vec<_> = hostnames.iter().map(|host| [("host", *host)]).collect();
        let lines: Vec<&[(&str, &str)]> = failures.iter().map(<[_; 1]>::as_slice).collect();
        let name = "training_failures_total";
        builder.family(Kind::Counter, name, "", "Ends that a host brought about.", &lines);

        let ranks: Vec<[String; 3]> = (0..settings.ranks())
            .map(|rank| {
                let gpu = rank % settings.gpus_per_host;
                [rank.to_string(), gpu.to_string(), settings.stage(rank).to_string()]
            })
            .collect();
        let lines: Vec<Vec<(&str, &str)>> = ranks
            .iter()
            .enumerate()
            .map(|(index, [rank, gpu, stage])| {
                vec![
                    ("rank", rank.as_str()),
                    ("host", hostnames.get(index / settings.gpus_per_host).copied().unwrap_or("")),
                    ("gpu", gpu.as_str()),
                    ("stage", stage.as_str()),
                ]
            })
            .collect();
        let lines: Vec<&[(&str, &str)]> = lines.iter().map(Vec::as_slice).collect();
        for (name, kind, help, _) in RANKS {
            builder.family(*kind, name, "", help, &lines);
        }
        builder.build()
    }

    /// Their values, in the order of the page.
    pub fn write(&self, values: &mut Values, job: &Job) {
        let reading = job.reading();
        SINGLES.iter().for_each(|(_, _, _, read)| values.push(read(reading)));
        values.push(self.epoch + reading.heartbeat);
        job.failures().iter().for_each(|failures| values.push(*failures as f64));
        for (_, _, _, read) in RANKS {
            (0..job.settings().ranks()).for_each(|rank| values.push(read(&job.rank(rank))));
        }
    }

    /// What a scrape gets, with the agent on `host`.
    pub fn answer(host: &Host) -> Answer {
        if host.up() { Answer::Page(0.01) } else { Answer::Hangs }
    }
}
