//! Logs of a fleet as text: the kernel of each host, what each training job prints, and the engines of replicas.

use std::fmt::Write;

use crate::device::Gpu;
use crate::exporter::log::{date, event_lines, kernel_line, step_line, waiting_line};
use crate::host::Host;
use crate::serving::Replica;
use crate::training::Job;

/// Whose log it is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum LogKind {
    /// The kernel of a host, as `journalctl --dmesg --output short-iso-precise` prints it.
    Kernel,
    /// What the first rank of a training job prints, as Megatron-LM does.
    Training,
    /// What the engine of a replica prints that has workers: vLLM's on several GPUs.
    Engine,
}

impl LogKind {
    /// The word in files.
    pub fn word(self) -> &'static str {
        match self {
            Self::Kernel => "kernel",
            Self::Training => "training",
            Self::Engine => "engine",
        }
    }
}

/// A log of the fleet; which there are never changes.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Log {
    /// Whose.
    pub kind: LogKind,
    /// Name of the host, the job or the pod.
    pub of: String,
    /// Labels of the series that belong to it: `Hostname`, `training_job` or `pod`.
    pub labels: Vec<(String, String)>,
}

impl Log {
    /// Name of its file: `kernel-serve-0.log`.
    pub fn file(&self) -> String {
        format!("{}-{}.log", self.kind.word(), self.of)
    }
}

/// A line of a log.
#[derive(Debug, Clone, PartialEq)]
pub struct LogLine {
    /// Number of the log.
    pub log: usize,
    /// When it was written, in seconds since the simulation began.
    pub seconds: f64,
    /// The line, without its end.
    pub text: String,
    /// Whether it comes with every step, whatever happens.
    pub is_step: bool,
}

/// What of a host was written into its log already.
#[derive(Debug, Clone, Default)]
pub(crate) struct Written {
    ports: Vec<(u64, bool)>,
    kills: Vec<u64>,
}

impl Written {
    /// The lines of the kernel since the last call, about things that happened by now.
    pub(crate) fn kernel(
        &mut self,
        log: usize,
        of: &str,
        epoch: f64,
        host: &Host,
        gpus: &mut [Gpu],
        lines: &mut Vec<LogLine>,
    ) {
        let first = lines.len();
        let mut write = |seconds: f64, what: &str| {
            let text = kernel_line(epoch + seconds, of, what);
            lines.push(LogLine { log, seconds, text, is_step: false });
        };
        for (index, gpu) in gpus.iter_mut().enumerate() {
            let bus = crate::exporter::dcgm::pci_bus_id(index);
            gpu.take_xids().for_each(|xid| write(xid.seconds, &xid.text(&bus)));
        }
        self.ports.resize(host.ports().len(), (0, true));
        for (index, (port, (downs, was_up))) in host.ports().iter().zip(&mut self.ports).enumerate()
        {
            let counted = port.counters().link_downed;
            // A host that was restarted counts anew.
            let more = counted.checked_sub(*downs).unwrap_or(counted);
            let device = format!("mlx5_core 0000:{:02x}:00.0 ib{index}", 0x18 + 0x10 * index);
            for _ in 0..more {
                write(host.now(), &format!("{device}: Link down"));
            }
            if port.up() && (more > 0 || !*was_up) {
                write(host.now(), &format!("{device}: Link up"));
            }
            (*downs, *was_up) = (counted, port.up());
        }
        self.kills.resize(host.programs().len(), 0);
        for (index, (program, kills)) in host.programs().iter().zip(&mut self.kills).enumerate() {
            let more = program.oom_kills.checked_sub(*kills).unwrap_or(program.oom_kills);
            for kill in 0..more {
                let process = 4096 + 512 * index as u64 + program.oom_kills - more + kill;
                let mut what =
                    format!("Memory cgroup out of memory: Killed process {process} (python3)");
                let kilobytes = (program.memory_bytes / 1024.0) as u64;
                let _ = write!(what, " total-vm:{}kB, anon-rss:{kilobytes}kB", 2 * kilobytes);
                what += ", file-rss:0kB, shmem-rss:0kB, UID:0 oom_score_adj:999";
                write(host.now(), &what);
            }
            *kills = program.oom_kills;
        }
        lines[first..].sort_by(|one, other| one.seconds.total_cmp(&other.seconds));
    }
}

/// The lines of the engine of a replica since the last call.
pub(crate) fn engine(
    log: usize,
    of: &str,
    epoch: f64,
    replica: &mut Replica,
    lines: &mut Vec<LogLine>,
) {
    lines.extend(replica.take_waits().map(|seconds| {
        let text = waiting_line(epoch + seconds, of);
        LogLine { log, seconds, text, is_step: false }
    }));
}

/// The lines of a job since the last call, oldest first.
pub(crate) fn training(log: usize, epoch: f64, job: &mut Job, lines: &mut Vec<LogLine>) {
    let first = lines.len();
    let events: Vec<_> = job.take_events().collect();
    let steps: Vec<_> = job.take_steps().collect();
    for event in events {
        let head = date(epoch + event.seconds);
        let texts = event_lines(&event.what, job.settings(), job.reading()).into_iter();
        let texts = texts.map(|text| format!(" [{head}] {text}"));
        let seconds = event.seconds;
        lines.extend(texts.map(|text| LogLine { log, seconds, text, is_step: false }));
    }
    for step in steps {
        let text = step_line(&step, job.settings(), epoch);
        lines.push(LogLine { log, seconds: step.seconds, text, is_step: true });
    }
    lines[first..].sort_by(|one, other| one.seconds.total_cmp(&other.seconds));
}
