//! What happens to a training job.

/// Why a job ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Cause {
    /// The GPU of this rank ended its process.
    Gpu(usize),
    /// This host ended its processes or went down.
    Host(usize),
    /// The process of this rank crashed.
    Rank(usize),
    /// The watchdog of this rank, most often a victim, saw a collective take too long.
    Watchdog(usize),
    /// The transport gave up on a link.
    Transport,
    /// The GPU of this rank has no room: something else holds its memory.
    OutOfMemory(usize),
    /// Somebody started it anew.
    Asked,
}

/// Something that happened.
#[derive(Debug, Clone, Copy, PartialEq)]
pub enum What {
    /// Processes started.
    Started,
    /// The checkpoint of this step was loaded.
    Loaded(u64),
    /// A checkpoint was saved in so many seconds.
    Saved(f64),
    /// A checkpoint could not be saved.
    SaveFailed,
    /// The job ended.
    Failed(Cause),
    /// A step was computed again elsewhere: the same came out.
    SameAgain(u64),
    /// A step was computed again elsewhere: something else came out, and this rank was wrong.
    OtherAgain(u64, usize),
}

/// Something that happened, and when.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct JobEvent {
    /// In seconds since the simulation began.
    pub seconds: f64,
    /// What.
    pub what: What,
}
