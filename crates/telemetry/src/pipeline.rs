//! Blocks decoded on every core, handed over in the order of the file.

use std::collections::BTreeMap;
use std::collections::VecDeque;
use std::num::NonZero;
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};
use std::thread;

use crate::blocks::{Block, Blocks};
use crate::error::ReadError;
use crate::plan::{Decode, Decoded, Misfit, Plan};
use crate::table::Table;

/// Most threads that decode; beyond that, cutting the text is what takes time.
const MOST_THREADS: usize = 8;

/// Everything that the threads share.
struct Shared {
    /// Taken while a block is read, so that blocks are numbered in order.
    source: Mutex<Source>,
    done: Mutex<Done>,
    /// Told when a block is done.
    ready: Condvar,
    /// Told when a block was handed over.
    room: Condvar,
    /// Blocks that may be done and not yet handed over.
    depth: u64,
    decoder: Arc<dyn Decode>,
    plan: Arc<Plan>,
}

struct Source {
    blocks: Blocks,
    /// Number of the next block.
    next: u64,
    ended: bool,
}

#[derive(Default)]
struct Done {
    blocks: BTreeMap<u64, Outcome>,
    /// Blocks handed over.
    taken: u64,
    /// Number of blocks in all, once known.
    count: Option<u64>,
    /// The reader was dropped.
    abandoned: bool,
    /// A thread panicked: a bug of ours.
    panicked: bool,
}

/// What became of a block.
enum Outcome {
    Decoded { decoded: Decoded, lines: u64 },
    Misfit { misfit: Misfit, line: u64 },
    Unreadable(ReadError),
}

/// The tables of one text.
pub(crate) struct Stream {
    mode: Mode,
    name: String,
    plan: Arc<Plan>,
    tables: VecDeque<Table>,
    /// Lines handed over, the header included.
    lines: u64,
    /// Names that the first rows did not have.
    late: Vec<String>,
}

impl std::fmt::Debug for Stream {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Stream").field("name", &self.name).finish_non_exhaustive()
    }
}

enum Mode {
    /// A text that fits into one block is not worth a thread.
    Inline {
        blocks: Blocks,
        decoder: Arc<dyn Decode>,
        block: Block,
    },
    Threads(Arc<Shared>),
    Ended,
}

impl Stream {
    /// Decodes `blocks`, which come after `lines` lines of the file `name`.
    pub(crate) fn new(
        blocks: Blocks,
        name: String,
        lines: u64,
        decoder: Arc<dyn Decode>,
        plan: Arc<Plan>,
    ) -> Self {
        let threads = thread::available_parallelism().map_or(1, NonZero::get).min(MOST_THREADS);
        let mode = if blocks.is_short() || threads == 1 {
            Mode::Inline { blocks, decoder, block: Block::default() }
        } else {
            Mode::Threads(start(blocks, threads, decoder, Arc::clone(&plan)))
        };
        Self { mode, name, plan, tables: VecDeque::new(), lines, late: Vec::new() }
    }

    /// The next table; `None` at the end.
    pub(crate) fn next(&mut self) -> Result<Option<Table>, ReadError> {
        loop {
            if let Some(table) = self.tables.pop_front() {
                return Ok(Some(table));
            }
            let outcome = match &mut self.mode {
                Mode::Inline { blocks, decoder, block } => {
                    decode_next(blocks, block, &**decoder, &self.plan)
                }
                Mode::Threads(shared) => shared.take(),
                Mode::Ended => None,
            };
            match outcome {
                None => {
                    self.mode = Mode::Ended;
                    return Ok(None);
                }
                Some(Outcome::Decoded { decoded, lines }) => {
                    self.tables = decoded.tables.into();
                    self.lines += lines;
                    self.note_late(decoded.late);
                }
                Some(failed) => {
                    let error = self.error(failed);
                    self.end();
                    return Err(error);
                }
            }
        }
    }

    /// The file, as errors call it.
    pub(crate) fn name(&self) -> &str {
        &self.name
    }

    /// Names that the first rows did not have, so far.
    pub(crate) fn late(&self) -> &[String] {
        &self.late
    }

    fn note_late(&mut self, late: Vec<String>) {
        const MOST: usize = 20;
        for name in late {
            if self.late.len() < MOST && !self.late.contains(&name) {
                self.late.push(name);
            }
        }
    }

    fn error(&self, failed: Outcome) -> ReadError {
        match failed {
            Outcome::Misfit { misfit, line } => {
                let error = ReadError::new(&self.name, misfit.fault).at_line(self.lines + line);
                match misfit.column {
                    Some(column) => error.in_column(&self.plan.columns[column].0),
                    None => error,
                }
            }
            Outcome::Unreadable(error) => match error.line() {
                Some(line) => error.at_line(self.lines + line),
                None => error,
            },
            Outcome::Decoded { .. } => unreachable!("not a failure"),
        }
    }

    fn end(&mut self) {
        if let Mode::Threads(shared) = std::mem::replace(&mut self.mode, Mode::Ended) {
            shared.abandon();
        }
    }
}

impl Drop for Stream {
    fn drop(&mut self) {
        self.end();
    }
}

fn decode_next(
    blocks: &mut Blocks,
    block: &mut Block,
    decoder: &dyn Decode,
    plan: &Plan,
) -> Option<Outcome> {
    match blocks.next(block) {
        Ok(true) => Some(decode(block, decoder, plan)),
        Ok(false) => None,
        Err(error) => Some(Outcome::Unreadable(error)),
    }
}

fn decode(block: &Block, decoder: &dyn Decode, plan: &Plan) -> Outcome {
    let count = |bytes: &[u8]| memchr::memchr_iter(b'\n', bytes).count();
    let lines = count(&block.bytes);
    match decoder.decode(block, lines, plan) {
        Ok(decoded) => Outcome::Decoded { decoded, lines: lines as u64 },
        Err(misfit) => {
            let line = count(&block.bytes[..misfit.offset]) as u64 + 1;
            Outcome::Misfit { misfit, line }
        }
    }
}

fn start(blocks: Blocks, threads: usize, decoder: Arc<dyn Decode>, plan: Arc<Plan>) -> Arc<Shared> {
    let shared = Arc::new(Shared {
        source: Mutex::new(Source { blocks, next: 0, ended: false }),
        done: Mutex::new(Done::default()),
        ready: Condvar::new(),
        room: Condvar::new(),
        depth: 2 * threads as u64,
        decoder,
        plan,
    });
    for _ in 0..threads {
        let shared = Arc::clone(&shared);
        // Not joined: a thread that waits for standard input would hold up the end.
        thread::spawn(move || {
            let guard = PanicGuard(&shared);
            shared.work();
            drop(guard);
        });
    }
    shared
}

/// Tells the reader when a thread dies, lest it wait for ever.
struct PanicGuard<'a>(&'a Shared);

impl Drop for PanicGuard<'_> {
    fn drop(&mut self) {
        if thread::panicking() {
            lock(&self.0.done).panicked = true;
            self.0.ready.notify_all();
            self.0.room.notify_all();
        }
    }
}

/// A lock that another thread's panic left is still good: `panicked` tells.
fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

impl Shared {
    /// Reads and decodes blocks until there are no more.
    fn work(&self) {
        let mut block = Block::default();
        loop {
            let (number, outcome) = {
                let mut source = lock(&self.source);
                if source.ended || !self.wait_for_room(source.next) {
                    return;
                }
                match source.blocks.next(&mut block) {
                    Ok(true) => {
                        source.next += 1;
                        (source.next - 1, None)
                    }
                    Ok(false) => {
                        source.ended = true;
                        lock(&self.done).count = Some(source.next);
                        self.ready.notify_all();
                        return;
                    }
                    Err(error) => {
                        source.ended = true;
                        (source.next, Some(Outcome::Unreadable(error)))
                    }
                }
            };
            let outcome = outcome.unwrap_or_else(|| decode(&block, &*self.decoder, &self.plan));
            lock(&self.done).blocks.insert(number, outcome);
            self.ready.notify_all();
        }
    }

    /// Waits until block `number` may be read; false when nobody wants it.
    fn wait_for_room(&self, number: u64) -> bool {
        let mut done = lock(&self.done);
        while !done.abandoned && !done.panicked && number >= done.taken + self.depth {
            done = self.room.wait(done).unwrap_or_else(PoisonError::into_inner);
        }
        !done.abandoned && !done.panicked
    }

    /// Waits for the next block; `None` after the last.
    fn take(&self) -> Option<Outcome> {
        let mut done = lock(&self.done);
        loop {
            let next = done.taken;
            if let Some(outcome) = done.blocks.remove(&next) {
                done.taken += 1;
                drop(done);
                self.room.notify_all();
                return Some(outcome);
            }
            assert!(!done.panicked, "a thread that decodes has panicked");
            if done.count == Some(next) {
                return None;
            }
            done = self.ready.wait(done).unwrap_or_else(PoisonError::into_inner);
        }
    }

    fn abandon(&self) {
        lock(&self.done).abandoned = true;
        self.room.notify_all();
    }
}
