//! Lines of logs as text: a training job's steps as Megatron-LM prints them and what happens to it, the kernel's reports.

use std::fmt::Write;

use crate::training::{Cause, JobReading, JobSettings, StepRecord, What};

/// A step as Megatron-LM prints it; `epoch` is when the simulation began, in seconds since 1970.
///
/// ```
/// use auscult_simulate::exporter::log::step_line;
/// use auscult_simulate::training::{JobReading, JobSettings, StepRecord};
///
/// let reading = JobReading { step: 7, loss: 2.5, loss_scale: 65536.0, ..Default::default() };
/// let line = step_line(&StepRecord { seconds: 61.0, reading }, &JobSettings::sixteen(), 0.0);
/// assert!(line.starts_with(" [1970-01-01 00:01:01] iteration        7/  500000 |"));
/// assert!(line.contains("| lm loss: 2.500000E+00 | loss scale: 65536.0 |"));
/// ```
pub fn step_line(record: &StepRecord, settings: &JobSettings, epoch: f64) -> String {
    let reading = &record.reading;
    let samples = settings.batch_tokens / settings.sequence;
    let tflops =
        6.0 * settings.parameters * reading.tokens_per_second / (1.0e12 * settings.ranks() as f64);
    let mut line = format!(" [{}]", date(epoch + record.seconds));
    let _ = write!(line, " iteration {:8}/{:8} |", reading.step, settings.steps);
    let _ = write!(line, " consumed samples: {:12} |", reading.sample);
    let milliseconds = 1000.0 * reading.step_seconds;
    let _ = write!(line, " elapsed time per iteration (ms): {milliseconds:.1} |");
    let _ = write!(line, " throughput per GPU (TFLOP/s/GPU): {tflops:.1} |");
    let _ = write!(line, " learning rate: {} |", exponent(reading.learning_rate));
    let _ = write!(line, " global batch size: {samples:5} |");
    if reading.loss.is_finite() {
        let _ = write!(line, " lm loss: {} |", exponent(reading.loss));
    }
    let _ = write!(line, " loss scale: {:.1} |", reading.loss_scale);
    if reading.gradient_norm.is_finite() {
        let _ = write!(line, " grad norm: {:.3} |", reading.gradient_norm);
    }
    let _ = write!(line, " number of skipped iterations: {:3} |", reading.skipped);
    let _ = write!(line, " number of nan iterations: {:3} |", reading.not_a_number);
    line
}

/// A line of the kernel of `host` at `time`, in seconds since 1970, as the journal prints it with its
/// output `short-iso-precise`.
///
/// ```
/// use auscult_simulate::device::Xid;
/// use auscult_simulate::exporter::log::kernel_line;
///
/// let xid = Xid { seconds: 0.25, code: 79 }.text("00000000:1B:00.0");
/// let line = kernel_line(0.25, "serve-0", &xid);
/// assert!(line.starts_with("1970-01-01T00:00:00.250000+00:00 serve-0 kernel: NVRM: Xid (PCI:0000:1b:00): 79, "));
/// ```
pub fn kernel_line(time: f64, host: &str, what: &str) -> String {
    journal_line(time, host, "kernel", what)
}

/// What the workers of vLLM say in the log of `pod` when they have heard of no step for a minute: a sign
/// of life while nobody asks for anything, and the same words when the engine hangs (vLLM issue 43420).
///
/// ```
/// let line = auscult_simulate::exporter::log::waiting_line(60.0, "chat-0");
/// assert!(line.starts_with("1970-01-01T00:01:00.000000+00:00 chat-0 vllm: INFO "));
/// ```
pub fn waiting_line(time: f64, pod: &str) -> String {
    let what =
        "INFO [shm_broadcast.py] No available shared memory broadcast block found in 60 seconds.";
    journal_line(time, pod, "vllm", what)
}

fn journal_line(time: f64, source: &str, program: &str, what: &str) -> String {
    let micros = ((time.fract() * 1.0e6) as u32).min(999_999);
    format!("{}.{micros:06}+00:00 {source} {program}: {what}", date(time).replacen(' ', "T", 1))
}

/// What a job prints about something that happened to it, as PyTorch, NCCL and Megatron-LM word it;
/// `reading` is the job right after.
pub fn event_lines(what: &What, settings: &JobSettings, reading: &JobReading) -> Vec<String> {
    let folder = format!("/checkpoints/{}", settings.name);
    let died = |rank: usize, of: &str| {
        vec![
            format!("[rank{rank}]: {of}"),
            format!(
                "torch.distributed.elastic.multiprocessing.errors.ChildFailedError: exitcode: 1, local_rank: {}, host rank: {}",
                rank % settings.gpus_per_host,
                rank / settings.gpus_per_host
            ),
        ]
    };
    match *what {
        What::Started => vec![format!(
            "using world size: {}, data-parallel size: {}, context-parallel size: 1, tensor-model-parallel size: {}, pipeline-model-parallel size: {}",
            settings.ranks(),
            settings.data,
            settings.tensor,
            settings.pipeline
        )],
        What::Loaded(step) => vec![format!(
            "successfully loaded checkpoint from {folder} [ t 1/{}, p 1/{} ] at iteration {step}",
            settings.tensor, settings.pipeline
        )],
        What::Saved(seconds) => vec![
            format!(
                "successfully saved checkpoint from iteration {:7} to {folder}",
                reading.checkpoint
            ),
            format!(
                "save-checkpoint ................................: ({0:.2}, {0:.2})",
                1000.0 * seconds
            ),
        ],
        What::SaveFailed => vec![format!(
            "OSError: [Errno 28] No space left on device: '{folder}/iter_{:07}'",
            reading.step
        )],
        What::SameAgain(step) => vec![format!(
            "First rerun: unexpected result is reproducible within the tolerance at iteration {step}"
        )],
        What::OtherAgain(step, rank) => vec![format!(
            "First rerun: unexpected result is not reproducible within the tolerance at iteration {step} on rank {rank}"
        )],
        What::Failed(Cause::Gpu(rank)) => {
            died(rank, "torch.AcceleratorError: CUDA error: unspecified launch failure")
        }
        What::Failed(Cause::Rank(rank)) => {
            died(rank, "RuntimeError: an assertion of the program does not hold")
        }
        What::Failed(Cause::OutOfMemory(rank)) => {
            died(rank, "torch.OutOfMemoryError: CUDA out of memory.")
        }
        What::Failed(Cause::Host(host)) => vec![format!(
            "torch.distributed.elastic.rendezvous.api.RendezvousClosedError: host rank {host} has left"
        )],
        What::Failed(Cause::Watchdog(rank)) => vec![format!(
            "[rank{rank}]:[E ProcessGroupNCCL.cpp] [PG ID 0 PG GUID 0(default_pg) Rank {rank}] Watchdog caught collective operation timeout: WorkNCCL(OpType=ALLREDUCE, Timeout(ms)={0:.0}) ran for {0:.0} milliseconds before timing out.",
            1000.0 * settings.watchdog_seconds
        )],
        What::Failed(Cause::Transport) => vec![
            "NCCL WARN NET/IB : Got completion from peer with status=IBV_WC_RETRY_EXC_ERR(12) opcode=0 vendor err 129".to_owned(),
        ],
        What::Failed(Cause::Asked) => {
            vec![format!("exiting program at iteration {}", reading.step)]
        }
    }
}

/// `2.500000E+00`.
fn exponent(value: f64) -> String {
    let text = format!("{value:.6E}");
    match text.split_once('E') {
        Some((digits, power)) => {
            let power: i32 = power.parse().unwrap_or(0);
            let sign = if power < 0 { '-' } else { '+' };
            format!("{digits}E{sign}{:02}", power.abs())
        }
        None => text,
    }
}

/// Date and time of a second since 1970, in UTC: days to year, month and day by H. Hinnant's
/// "chrono-compatible low-level date algorithms", eras of 400 years that begin in March.
pub(crate) fn date(seconds: f64) -> String {
    let seconds = seconds.max(0.0) as u64;
    let (days, second) = (seconds / 86_400 + 719_468, seconds % 86_400);
    let (era, day) = (days / 146_097, days % 146_097);
    let year = (day - day / 1_460 + day / 36_524 - day / 146_096) / 365;
    let of_year = day - (365 * year + year / 4 - year / 100);
    let month = (5 * of_year + 2) / 153;
    let of_month = of_year - (153 * month + 2) / 5 + 1;
    let (month, next) = if month < 10 { (month + 3, 0) } else { (month - 9, 1) };
    let year = year + 400 * era + next;
    let (hour, minute, second) = (second / 3600, second / 60 % 60, second % 60);
    format!("{year:04}-{month:02}-{of_month:02} {hour:02}:{minute:02}:{second:02}")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn dates_are_those_of_the_calendar() {
        assert_eq!(date(0.0), "1970-01-01 00:00:00");
        assert_eq!(date(951_782_400.0), "2000-02-29 00:00:00");
        assert_eq!(date(1_800_000_000.0), "2027-01-15 08:00:00");
        assert_eq!(date(4_102_444_799.0), "2099-12-31 23:59:59");
    }

    #[test]
    fn small_rates_keep_two_digits_of_the_power() {
        assert_eq!(exponent(3.0e-4), "3.000000E-04");
    }
}
