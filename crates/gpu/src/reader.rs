//! Reads on a thread of its own, as a call into a sick driver may never come back.

use std::collections::HashMap;
use std::ffi::OsStr;
use std::path::Path;
use std::sync::mpsc::{Receiver, RecvTimeoutError, Sender, channel};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};

use nvml_wrapper::enums::device::UsedGpuMemory;
use nvml_wrapper::error::NvmlError;
use nvml_wrapper::gpm::GpmSample;
use nvml_wrapper::{Device, Nvml};

use crate::error::GpuError;
use crate::field::{FIELDS, Known};
use crate::profile::{self, Profile};
use crate::snapshot::{Gpu, Process, Snapshot};
use crate::xid::XidWatch;

/// The library's name, and where it lies if the loader does not know it: as NVIDIA's own packages,
/// container runtimes and Kubernetes device plugins put it.
const LIBRARIES: [&str; 4] = [
    "libnvidia-ml.so.1",
    "/usr/local/nvidia/lib64/libnvidia-ml.so.1",
    "/usr/lib/wsl/lib/libnvidia-ml.so.1",
    "/run/nvidia/driver/usr/lib/x86_64-linux-gnu/libnvidia-ml.so.1",
];

/// Shares of cycles between readings closer than this say little; the last ones stand.
const SHORTEST: Duration = Duration::from_millis(100);

/// Longest name of a process that is asked for, in bytes.
const LONGEST_NAME: usize = 256;

type Reply = Result<Snapshot, NvmlError>;

/// The GPUs of this host.
#[derive(Debug)]
pub struct Gpus {
    line: Mutex<Line>,
}

/// To the thread and back. A reading that was given up on is still to come.
#[derive(Debug)]
struct Line {
    ask: Sender<()>,
    answers: Receiver<Reply>,
    /// Since when an answer is waited for.
    asked: Option<Instant>,
}

impl Gpus {
    /// Loads the driver's library, `library` if it is given.
    ///
    /// # Errors
    ///
    /// If there is no driver, or it refuses.
    pub fn open(library: Option<&Path>) -> Result<Self, GpuError> {
        let nvml = Arc::new(load(library)?);
        let (ask, asked) = channel();
        let (answer, answers) = channel();
        std::thread::Builder::new()
            .name("gpu-reader".to_owned())
            .spawn(move || run(&nvml, &asked, &answer))
            .map_err(|error| GpuError::Ended(error.to_string()))?;
        Ok(Self { line: Mutex::new(Line { ask, answers, asked: None }) })
    }

    /// Reads all of them; costs a few milliseconds a GPU. The shares of cycles are of the time
    /// since the reading before, and are missing in the first.
    ///
    /// # Errors
    ///
    /// If the driver refuses, or does not answer within `patience`; while a call into it hangs,
    /// each reading says so without waiting for longer.
    pub fn read(&self, patience: Duration) -> Result<Snapshot, GpuError> {
        let mut line = self.line.lock().unwrap_or_else(PoisonError::into_inner);
        let ended = || GpuError::Ended("its thread is gone".to_owned());
        if let Some(since) = line.asked {
            // What comes late is stale: it is thrown away and asked anew.
            match line.answers.recv_timeout(patience.saturating_sub(since.elapsed())) {
                Ok(_) => line.asked = None,
                Err(RecvTimeoutError::Timeout) => {
                    return Err(GpuError::Hangs { waited: since.elapsed() });
                }
                Err(RecvTimeoutError::Disconnected) => return Err(ended()),
            }
        }
        line.ask.send(()).map_err(|_| ended())?;
        let since = Instant::now();
        line.asked = Some(since);
        match line.answers.recv_timeout(patience) {
            Ok(reply) => {
                line.asked = None;
                reply.map_err(GpuError::Driver)
            }
            Err(RecvTimeoutError::Timeout) => Err(GpuError::Hangs { waited: since.elapsed() }),
            Err(RecvTimeoutError::Disconnected) => Err(ended()),
        }
    }
}

fn load(library: Option<&Path>) -> Result<Nvml, GpuError> {
    let paths: Vec<&OsStr> = match library {
        Some(path) => vec![path.as_os_str()],
        None => LIBRARIES.iter().map(OsStr::new).collect(),
    };
    for path in &paths {
        match Nvml::builder().lib_path(path).init() {
            // Not there; another may be. Of one that was named, the loader says why.
            Err(NvmlError::LibloadingError(why)) if library.is_some() => {
                return Err(GpuError::NoLibrary { tried: why.to_string() });
            }
            Err(NvmlError::LibloadingError(_)) => {}
            found => return found.map_err(GpuError::Driver),
        }
    }
    let paths: Vec<_> = paths.iter().map(|path| path.to_string_lossy()).collect();
    Err(GpuError::NoLibrary { tried: format!("tried {}", paths.join(", ")) })
}

/// Answers until nobody can ask any more.
fn run(nvml: &Arc<Nvml>, asked: &Receiver<()>, answer: &Sender<Reply>) {
    let xids = XidWatch::begin(nvml);
    let mut profiles = HashMap::new();
    while asked.recv().is_ok() {
        if answer.send(snapshot(nvml, &xids, &mut profiles)).is_err() {
            return;
        }
    }
}

/// Counters of a GPU at the last reading, and what they told then.
struct Counted<'n> {
    at: Instant,
    sample: GpmSample<'n>,
    profile: Option<Profile>,
}

fn snapshot<'n>(
    nvml: &'n Nvml,
    xids: &XidWatch,
    counted: &mut HashMap<String, Counted<'n>>,
) -> Reply {
    let mut snapshot =
        Snapshot { driver: nvml.sys_driver_version()?, gpus: Vec::new(), lost: Vec::new() };
    for index in 0..nvml.device_count()? {
        match gpu(nvml, index, xids, counted) {
            Ok(gpu) => snapshot.gpus.push(gpu),
            Err(error) => snapshot.lost.push((index, error.to_string())),
        }
    }
    Ok(snapshot)
}

fn gpu<'n>(
    nvml: &'n Nvml,
    index: u32,
    xids: &XidWatch,
    counted: &mut HashMap<String, Counted<'n>>,
) -> Result<Gpu, NvmlError> {
    let device = nvml.device_by_index(index)?;
    let uuid = device.uuid()?;
    let profile = profile(&device, &uuid, counted);
    let known = Known { device: &device, profile: profile.as_ref(), last_xid: xids.last(&uuid) };
    let values: Vec<Option<f64>> = FIELDS.iter().map(|field| field.read(&known)).collect();
    // One that fell off the bus between the first call and the last has nothing to tell.
    device
        .temperature(nvml_wrapper::enum_wrappers::device::TemperatureSensor::Gpu)
        .or_else(|error| if matches!(error, NvmlError::GpuLost) { Err(error) } else { Ok(0) })?;
    Ok(Gpu {
        index,
        pci_bus_id: device.pci_info()?.bus_id,
        model: device.name()?,
        values,
        recent_xids: xids.recent(&uuid),
        processes: processes(nvml, &device),
        uuid,
    })
}

/// Shares since the reading before; the next compares with this one.
fn profile<'n>(
    device: &Device<'n>,
    uuid: &str,
    counted: &mut HashMap<String, Counted<'n>>,
) -> Option<Profile> {
    if let Some(before) = counted.get(uuid)
        && before.at.elapsed() < SHORTEST
    {
        return before.profile.clone();
    }
    let sample = profile::sample(device)?;
    let before = counted.get(uuid);
    let profile = before.and_then(|before| Profile::between(&before.sample, &sample));
    let now = Counted { at: Instant::now(), sample, profile: profile.clone() };
    counted.insert(uuid.to_owned(), now);
    profile
}

fn processes(nvml: &Nvml, device: &Device<'_>) -> Vec<Process> {
    let running = device.running_compute_processes().unwrap_or_default();
    let process = |running: nvml_wrapper::struct_wrappers::device::ProcessInfo| Process {
        id: running.pid,
        name: nvml.sys_process_name(running.pid, LONGEST_NAME).ok(),
        memory: match running.used_gpu_memory {
            UsedGpuMemory::Used(bytes) => Some(bytes),
            UsedGpuMemory::Unavailable => None,
        },
    };
    running.into_iter().map(process).collect()
}
