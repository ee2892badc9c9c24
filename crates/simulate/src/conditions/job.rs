//! What may be wrong with a training job and with one of its ranks.

use super::conditions;

conditions! {
    /// One training job.
    pub struct JobConditions of "job" {
        /// From 0.5 on, one bad batch makes the loss spike once.
        bad_batch = 0.0,
        /// Learning rate, as a multiple of the planned.
        learning_rate = 1.0,
        /// Speed of the data loaders, as a share of the usual.
        loader_speed = 1.0,
        /// From 0.5 on, every rank collects garbage when it likes.
        garbage_pauses = 0.0,
        /// Size of a checkpoint, as a multiple of the planned.
        checkpoint_size = 1.0,
        /// Time between checkpoints, as a multiple of the planned.
        checkpoint_interval = 1.0,
        /// From 0.5 on, the job is started anew from its last checkpoint once.
        restarted = 0.0,
        /// From 0.5 on, a start anew begins the data from the front again.
        replays_data = 0.0,
        /// Share by which the work of pipeline stages or sequences differs.
        imbalance = 0.0,
    }
}

conditions! {
    /// One rank of a training job.
    pub struct RankConditions of "rank" {
        /// Speed of its own code on the host, as a share of its peers (a straggler).
        speed = 1.0,
        /// From 0.5 on, its gradients hold values that are not numbers.
        nan_gradients = 0.0,
        /// From 0.5 on, it is stuck outside the collective.
        stuck = 0.0,
        /// From 0.5 on, it is stuck inside the collective (deadlock of the library).
        deadlock = 0.0,
        /// Crashes an hour of its process.
        crashes_per_hour = 0.0,
    }
}
