//! What the service would have told: recordings are fed to its engine by their own time.
//!
//! ```text
//! files ───────────┐
//! folder of serve ─┼─► merged by time ─► Engine::ingest, Engine::tick ─► stories of incidents
//! Prometheus API ──┘
//! ```
//!
//! Nothing here judges: the engine is the one that serves, with the same settings. It is ticked
//! at every `tick` of the time of the data, also where no data are, so that silence is noticed.

mod file;
mod folder;
mod server;
mod story;

use std::path::PathBuf;
use std::time::Duration;

use auscult_core::Timestamp;
use auscult_engine::{Counts, Engine, EngineSettings};
use auscult_store::StoreError;
use auscult_telemetry::ReadError;
use auscult_telemetry::metrics::MetricBatch;

pub use file::RecordedFile;
pub use story::Story;

use crate::sources::{PrometheusSettings, Slice};
use file::FilePlayer;
use folder::FolderPlayer;
use server::ServerPlayer;
use story::Stories;

/// Something recorded.
#[derive(Debug, Clone)]
pub enum Recording {
    /// A CSV, JSON Lines or Parquet file.
    File(Box<RecordedFile>),
    /// The folder for data of a service that has ended.
    Folder(PathBuf),
    /// A server with Prometheus's HTTP API; `history` tells nothing here, the time that is
    /// replayed does.
    Prometheus(Box<PrometheusSettings>),
}

/// How recordings are replayed.
#[derive(Debug, Clone)]
pub struct BacktestSettings {
    /// How the service judges.
    pub engine: EngineSettings,
    /// How often the service ticks. Files whose records are further apart are ticked once a
    /// record, unless `is_exact`.
    pub tick: Duration,
    /// Whether `tick` holds for files too.
    pub is_exact: bool,
    /// Nothing before is replayed.
    pub from: Option<Timestamp>,
    /// Nothing after is replayed.
    pub to: Option<Timestamp>,
    /// Incidents are told that were noticed from here on; what comes before only teaches.
    pub tell_from: Option<Timestamp>,
}

impl Default for BacktestSettings {
    fn default() -> Self {
        let (engine, tick) = (EngineSettings::default(), Duration::from_secs(15));
        Self { engine, tick, is_exact: false, from: None, to: None, tell_from: None }
    }
}

/// Why recordings cannot be replayed.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
#[expect(missing_docs, reason = "each message explains its fields")]
pub enum BacktestError {
    /// A file that cannot be read.
    #[error(transparent)]
    Read(#[from] ReadError),
    /// A file whose columns cannot be samples.
    #[error("{name}: {reason}")]
    File { name: String, reason: String },
    /// A folder that is none of a service, or cannot be had.
    #[error(transparent)]
    Store(#[from] StoreError),
    /// A folder in which nothing is.
    #[error("{} holds no samples of a service", path.display())]
    Empty { path: PathBuf },
    /// A server that cannot be asked, or does not answer.
    #[error("`{url}` cannot be asked: {reason}")]
    Prometheus { url: String, reason: String },
    /// There is nothing in the time that is to be replayed.
    #[error("nothing was recorded in the time that is to be replayed")]
    Nothing,
}

/// A recording while it is replayed.
trait Player: Send {
    /// The times of its first and last sample, as far as they are known.
    fn span(&self) -> Option<(Timestamp, Timestamp)>;

    /// The usual nanoseconds between its moments, where ticks may follow them.
    fn step(&self) -> Option<i64> {
        None
    }

    /// The next moment; `None` after the last one.
    fn next(&mut self) -> Result<Option<Slice>, BacktestError>;

    /// Records that could not be taken, for they do not say when.
    fn untimed(&self) -> u64 {
        0
    }
}

/// A moment that is about to be judged.
#[derive(Debug)]
pub struct Moment<'a> {
    /// When.
    pub time: Timestamp,
    /// What was read.
    pub batch: &'a MetricBatch,
}

/// What a replay told.
#[derive(Debug, Clone)]
pub struct Backtested {
    /// Every incident, in the order in which they were noticed.
    pub stories: Vec<Story>,
    /// The first moment that counts, and the last one.
    pub span: (Timestamp, Timestamp),
    /// How often the engine was ticked.
    pub tick: Duration,
    /// Most series that were watched at once.
    pub series: usize,
    /// Most targets that were watched at once.
    pub targets: usize,
    /// What became of the samples.
    pub counts: Counts,
    /// Records of files that do not say when.
    pub untimed: u64,
}

impl Backtested {
    /// Weeks that were watched, over all targets.
    #[must_use]
    pub fn target_weeks(&self) -> f64 {
        let (from, to) = self.span;
        self.targets as f64 * (to.seconds() - from.seconds()) / 604_800.0
    }

    /// Alarms on targets: an incident counts once for each of its targets, and once more each
    /// time that it came back.
    #[must_use]
    pub fn alarms(&self) -> usize {
        self.stories.iter().map(Story::alarms).sum()
    }
}

/// Recordings, opened, and the engine that will judge them.
///
/// The same recordings and settings give the same stories, bit for bit.
///
/// ```
/// use auscult_server::{Backtest, BacktestSettings, RecordedFile, Recording};
/// use auscult_telemetry::Input;
/// let text = b"time,queue\n2024-05-01T00:00:00Z,3\n2024-05-01T00:00:15Z,4\n";
/// let bytes = text.as_slice().into();
/// let file = RecordedFile::new(Input::Bytes { name: "queue.csv".to_owned(), bytes });
/// let recordings = vec![Recording::File(Box::new(file))];
/// let told = Backtest::open(recordings, BacktestSettings::default())?.run(|_moment| ())?;
/// assert_eq!((told.series, told.counts.judged, told.stories.len()), (1, 2, 0));
/// # Ok::<(), auscult_server::BacktestError>(())
/// ```
pub struct Backtest {
    engine: Engine,
    tick: i64,
    settings: BacktestSettings,
    replay: Replay,
}

impl std::fmt::Debug for Backtest {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Backtest")
            .field("tick", &self.tick)
            .field("replay", &self.replay)
            .finish_non_exhaustive()
    }
}

impl Backtest {
    /// Opens recordings. A file is read whole: memory is eight bytes for each of its cells.
    ///
    /// # Errors
    ///
    /// [`BacktestError`] for one that cannot be read.
    pub fn open(
        recordings: Vec<Recording>,
        settings: BacktestSettings,
    ) -> Result<Self, BacktestError> {
        let replay = Replay::open(recordings, settings.from, settings.to)?;
        let tick = i64::try_from(settings.tick.as_nanos()).unwrap_or(i64::MAX).max(1);
        // Between two records of a slow file nothing happens that a tick could find.
        let slowest = replay.players.iter().map(|player| player.step().unwrap_or(tick)).min();
        let step = slowest.filter(|_| !settings.is_exact).unwrap_or(tick);
        let engine = Engine::new(settings.engine.clone());
        Ok(Self { engine, tick: tick.max(step), settings, replay })
    }

    /// The time that will be replayed, as far as the recordings tell beforehand.
    #[must_use]
    pub fn span(&self) -> Option<(Timestamp, Timestamp)> {
        self.replay.span()
    }

    /// How often the engine will be ticked.
    #[must_use]
    pub fn tick(&self) -> Duration {
        Duration::from_nanos(u64::try_from(self.tick).unwrap_or(0))
    }

    /// Feeds everything to the engine, oldest first; of equal times, in the order of the
    /// recordings. `watch` sees each moment before it is judged.
    ///
    /// # Errors
    ///
    /// The first of a recording that cannot be read on, and [`BacktestError::Nothing`].
    pub fn run(self, mut watch: impl FnMut(&Moment<'_>)) -> Result<Backtested, BacktestError> {
        let mut run = Run::new(&self.engine, self.tick);
        let untimed = self.replay.slices(|slice| {
            watch(&Moment { time: slice.time, batch: &slice.batch });
            run.take(slice);
        })?;
        run.finish(self.settings.tell_from, untimed).ok_or(BacktestError::Nothing)
    }
}

/// Recordings, opened, to be gone through once.
///
/// ```
/// use auscult_server::{RecordedFile, Recording, Replay};
/// use auscult_telemetry::Input;
/// let text = b"time,queue\n2024-05-01T00:00:00Z,3\n2024-05-01T00:00:15Z,4\n";
/// let file = RecordedFile::new(Input::Bytes { name: "queue.csv".to_owned(), bytes: text.as_slice().into() });
/// let mut moments = 0;
/// Replay::open(vec![Recording::File(Box::new(file))], None, None)?.run(|_moment| moments += 1)?;
/// assert_eq!(moments, 2);
/// # Ok::<(), auscult_server::BacktestError>(())
/// ```
pub struct Replay {
    players: Vec<Box<dyn Player>>,
}

impl std::fmt::Debug for Replay {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Replay").field("players", &self.players.len()).finish()
    }
}

impl Replay {
    /// Opens recordings; nothing before `from` or after `to` is told. A file is read whole:
    /// memory is eight bytes for each of its cells.
    ///
    /// # Errors
    ///
    /// [`BacktestError`] for one that cannot be read.
    pub fn open(
        recordings: Vec<Recording>,
        from: Option<Timestamp>,
        to: Option<Timestamp>,
    ) -> Result<Self, BacktestError> {
        let range = (from, to);
        let players = recordings.into_iter().map(|recording| {
            Ok(match recording {
                Recording::File(file) => {
                    Box::new(FilePlayer::open(*file, range)?) as Box<dyn Player>
                }
                Recording::Folder(path) => Box::new(FolderPlayer::open(path, range)?),
                Recording::Prometheus(asked) => Box::new(ServerPlayer::open(*asked, range)?),
            })
        });
        Ok(Self { players: players.collect::<Result<_, BacktestError>>()? })
    }

    /// The time that will be replayed, as far as the recordings tell beforehand.
    #[must_use]
    pub fn span(&self) -> Option<(Timestamp, Timestamp)> {
        let spans = self.players.iter().filter_map(|player| player.span());
        spans.reduce(|one, other| (one.0.min(other.0), one.1.max(other.1)))
    }

    /// Tells every moment, oldest first; of equal times, in the order of the recordings.
    ///
    /// # Errors
    ///
    /// The first of a recording that cannot be read on.
    pub fn run(self, mut tell: impl FnMut(&Moment<'_>)) -> Result<(), BacktestError> {
        self.slices(|slice| tell(&Moment { time: slice.time, batch: &slice.batch }))?;
        Ok(())
    }

    /// Gives every moment; returns how many records do not say when.
    fn slices(mut self, mut give: impl FnMut(&Slice)) -> Result<u64, BacktestError> {
        let mut heads = Vec::new();
        for player in &mut self.players {
            heads.push(player.next()?);
        }
        loop {
            let times = heads.iter().enumerate();
            let times = times.filter_map(|(place, head)| Some((head.as_ref()?.time, place)));
            let Some((_, place)) = times.min() else { break };
            let Some(slice) = heads[place].take() else { break };
            heads[place] = self.players[place].next()?;
            give(&slice);
        }
        Ok(self.players.iter().map(|player| player.untimed()).sum())
    }
}

/// An engine that goes by the time of the data.
struct Run<'a> {
    engine: &'a Engine,
    tick: i64,
    next_tick: i64,
    span: Option<(Timestamp, Timestamp)>,
    stories: Stories,
    series: usize,
    targets: usize,
}

impl<'a> Run<'a> {
    fn new(engine: &'a Engine, tick: i64) -> Self {
        let stories = Stories::default();
        Self { engine, tick, next_tick: 0, span: None, stories, series: 0, targets: 0 }
    }

    fn take(&mut self, slice: &Slice) {
        match &mut self.span {
            Some((_, last)) => *last = slice.time,
            None => {
                self.span = Some((slice.time, slice.time));
                self.next_tick = slice.time.nanos().saturating_add(self.tick);
            }
        }
        while self.next_tick <= slice.time.nanos() {
            self.tick(Timestamp::from_nanos(self.next_tick));
            self.next_tick = self.next_tick.saturating_add(self.tick);
            if self.is_idle() {
                // Nothing happens until samples come.
                let missed = (slice.time.nanos().saturating_sub(self.next_tick)) / self.tick;
                self.next_tick += missed.max(0) * self.tick;
            }
        }
        if self.engine.ingest(&slice.batch).events > 0 {
            self.stories.follow(self.engine);
        }
    }

    fn is_idle(&self) -> bool {
        self.engine.series() == 0 && self.engine.open_incidents() == 0
    }

    fn tick(&mut self, now: Timestamp) {
        // Before it forgets some.
        self.series = self.series.max(self.engine.series());
        self.targets = self.targets.max(self.engine.targets());
        self.engine.tick(now);
        self.stories.follow(self.engine);
    }

    fn finish(mut self, tell_from: Option<Timestamp>, untimed: u64) -> Option<Backtested> {
        let (first, last) = self.span?;
        self.tick(last);
        let tell_from = tell_from.unwrap_or(first).max(first);
        Some(Backtested {
            stories: self.stories.finish(self.engine, tell_from),
            span: (tell_from.min(last), last),
            tick: Duration::from_nanos(u64::try_from(self.tick).unwrap_or(0)),
            series: self.series,
            targets: self.targets,
            counts: self.engine.counts(),
            untimed,
        })
    }
}
