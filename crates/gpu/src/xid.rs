//! XID errors, which the driver sends as events: the last of each GPU, and how many of late.

use std::collections::HashMap;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::thread::JoinHandle;
use std::time::{Duration, Instant};

use nvml_wrapper::Nvml;
use nvml_wrapper::bitmasks::event::EventTypes;
use nvml_wrapper::enums::event::XidError;
use nvml_wrapper::error::NvmlError;
use nvml_wrapper::event::EventSet;

/// How long an error counts as recent: the window of dcgm-exporter's count.
pub(crate) const WINDOW: Duration = Duration::from_secs(300);

/// What the driver calls an XID that it does not know.
const UNKNOWN: u64 = 999;

/// From one look at whether to end to the next, in milliseconds.
const LOOK: u32 = 500;

/// Listens until it is dropped.
#[derive(Debug)]
pub(crate) struct XidWatch {
    seen: Arc<Mutex<Seen>>,
    is_over: Arc<AtomicBool>,
    thread: Option<JoinHandle<()>>,
}

/// What came so far, by UUID.
#[derive(Debug, Default)]
struct Seen {
    /// GPUs whose events arrive.
    watched: Vec<String>,
    of: HashMap<String, Vec<(Instant, u64)>>,
}

impl XidWatch {
    pub(crate) fn begin(nvml: &Arc<Nvml>) -> Self {
        let (seen, is_over) = (Arc::default(), Arc::new(AtomicBool::new(false)));
        let thread = std::thread::Builder::new().name("gpu-events".to_owned()).spawn({
            let (nvml, seen, is_over) = (Arc::clone(nvml), Arc::clone(&seen), Arc::clone(&is_over));
            move || listen(&nvml, &seen, &is_over)
        });
        // Without the thread no XID is told, which the page shows by leaving them out.
        Self { seen, is_over, thread: thread.ok() }
    }

    /// The last code of a GPU, 0 if there was none; `None` if its events do not arrive.
    pub(crate) fn last(&self, uuid: &str) -> Option<u64> {
        let seen = lock(&self.seen);
        if !seen.watched.iter().any(|watched| watched == uuid) {
            return None;
        }
        Some(seen.of.get(uuid).and_then(|errors| errors.last()).map_or(0, |(_, code)| *code))
    }

    /// Codes of the last five minutes in order, with how often each came.
    pub(crate) fn recent(&self, uuid: &str) -> Vec<(u64, u64)> {
        let seen = lock(&self.seen);
        let errors = seen.of.get(uuid).map_or(&[][..], Vec::as_slice);
        let mut codes: Vec<u64> =
            errors.iter().filter(|(at, _)| at.elapsed() <= WINDOW).map(|(_, code)| *code).collect();
        codes.sort_unstable();
        codes.chunk_by(|a, b| a == b).map(|same| (same[0], same.len() as u64)).collect()
    }
}

impl Drop for XidWatch {
    fn drop(&mut self) {
        self.is_over.store(true, Ordering::Relaxed);
        if let Some(thread) = self.thread.take() {
            // It ended by a panic of the library at worst.
            let _ = thread.join();
        }
    }
}

fn listen(nvml: &Nvml, seen: &Mutex<Seen>, is_over: &AtomicBool) {
    let Ok((events, watched)) = register(nvml) else { return };
    lock(seen).watched = watched;
    while !is_over.load(Ordering::Relaxed) {
        match events.wait(LOOK) {
            Ok(event) => {
                let code = match event.event_data {
                    Some(XidError::Value(code)) => code,
                    Some(XidError::Unknown) => UNKNOWN,
                    None => continue,
                };
                if let Ok(uuid) = event.device.uuid() {
                    lock(seen).add(uuid, code);
                }
            }
            Err(NvmlError::Timeout) => {}
            // A GPU that is lost sends no more; the others may.
            Err(_) => std::thread::sleep(Duration::from_millis(LOOK.into())),
        }
    }
}

/// A set of the XIDs of all GPUs that send them, and their UUIDs.
fn register(nvml: &Nvml) -> Result<(EventSet<'_>, Vec<String>), NvmlError> {
    let mut set = nvml.create_event_set()?;
    let mut watched = Vec::new();
    for index in 0..nvml.device_count()? {
        let Ok(device) = nvml.device_by_index(index) else { continue };
        // A set is gone once a registration fails, so one that would is not tried.
        let sends = device
            .supported_event_types()
            .is_ok_and(|types| types.contains(EventTypes::CRITICAL_XID_ERROR));
        if let (true, Ok(uuid)) = (sends, device.uuid()) {
            set = device
                .register_events(EventTypes::CRITICAL_XID_ERROR, set)
                .map_err(|error| error.error)?;
            watched.push(uuid);
        }
    }
    Ok((set, watched))
}

impl Seen {
    fn add(&mut self, uuid: String, code: u64) {
        let errors = self.of.entry(uuid).or_default();
        errors.push((Instant::now(), code));
        // The last stays, however old.
        let old = errors.iter().take_while(|(at, _)| at.elapsed() > WINDOW).count();
        errors.drain(..old.min(errors.len() - 1));
    }
}

fn lock(seen: &Mutex<Seen>) -> MutexGuard<'_, Seen> {
    seen.lock().unwrap_or_else(PoisonError::into_inner)
}
