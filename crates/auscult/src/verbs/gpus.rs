//! `auscult gpus`: the NVIDIA GPUs of this host, once, or as a page to be scraped.

use std::convert::Infallible;
use std::io::Write;
use std::net::SocketAddr;
use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use auscult_gpu::{Gpu, GpuError, Gpus, Process, Snapshot};
use auscult_telemetry::metrics::exposition::TEXT_CONTENT_TYPE;
use http_body_util::Full;
use hyper::body::Bytes;
use hyper::{Response, StatusCode};
use serde_json::{Value, json};
use tokio::net::TcpListener;

use super::learn::{aligned, plain};
use crate::http::{Refused, answer_all, parse_address, response};
use crate::outcome::{CallError, Outcome};

/// Arguments of `auscult gpus`.
#[derive(Debug, clap::Args)]
pub(crate) struct Arguments {
    /// Show them at this address, under /metrics, to be scraped by auscult serve or Prometheus
    #[arg(long, value_name = "ADDRESS:PORT", value_parser = parse_address, conflicts_with = "format")]
    listen: Option<SocketAddr>,

    /// Name of this host in the label `Hostname`, in a pod that of its node; the system's unless told
    #[arg(long, value_name = "NAME")]
    hostname: Option<String>,

    /// The driver's library, where it is not found by itself
    #[arg(long, value_name = "FILE")]
    library: Option<PathBuf>,

    /// Form of the answer
    #[arg(short, long, value_name = "FORM", default_value = "table")]
    format: Form,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, clap::ValueEnum)]
enum Form {
    /// For people.
    Table,
    /// All that is known.
    Json,
    /// The page that `--listen` shows.
    Metrics,
}

/// Shares of cycles are told of a time between two readings.
const BETWEEN: Duration = Duration::from_millis(500);
/// How long the driver may take: as long as Prometheus waits for a page, unless told otherwise.
const PATIENCE: Duration = Duration::from_secs(10);

/// Shows them.
pub(crate) fn run(arguments: &Arguments) -> Result<Outcome, CallError> {
    let gpus = Gpus::open(arguments.library.as_deref()).map_err(CallError::input)?;
    let hostname = arguments.hostname.clone().unwrap_or_else(hostname);
    let mut snapshot = gpus.read(PATIENCE).map_err(CallError::input)?;
    if let Some(address) = arguments.listen {
        let runtime = tokio::runtime::Runtime::new().map_err(CallError::input)?;
        match runtime.block_on(listen(address, gpus, &snapshot, hostname))? {}
    }
    if !snapshot.gpus.is_empty() {
        std::thread::sleep(BETWEEN);
        snapshot = gpus.read(PATIENCE).map_err(CallError::input)?;
    }
    let text = match arguments.format {
        Form::Table => table(&snapshot),
        Form::Json => format!("{:#}\n", data(&snapshot)),
        Form::Metrics => snapshot.page(&hostname),
    };
    std::io::stdout().write_all(text.as_bytes()).map_err(CallError::write("standard output"))?;
    Ok(Outcome::Done)
}

/// As the kernel has it.
fn hostname() -> String {
    rustix::system::uname().nodename().to_string_lossy().into_owned()
}

async fn listen(
    address: SocketAddr,
    gpus: Gpus,
    first: &Snapshot,
    hostname: String,
) -> Result<Infallible, CallError> {
    let refuse = |error| CallError::input(format!("cannot listen at {address}: {error}"));
    let listener = TcpListener::bind(address).await.map_err(refuse)?;
    let address = listener.local_addr().map_err(refuse)?;
    let count = first.gpus.len();
    eprintln!("auscult shows {count} GPUs of {hostname} at http://{address}");
    eprintln!("  page  http://{address}/metrics");
    for (index, why) in &first.lost {
        eprintln!("  without GPU {index}: {why}");
    }
    let (gpus, hostname) = (Arc::new(gpus), Arc::<str>::from(hostname));
    let answer = move |request: hyper::Request<_>| {
        let (gpus, hostname) = (Arc::clone(&gpus), Arc::clone(&hostname));
        let path = request.uri().path().to_owned();
        async move { Ok::<_, Refused>(answer(&path, gpus, hostname).await) }
    };
    Ok(answer_all(listener, answer).await)
}

async fn answer(path: &str, gpus: Arc<Gpus>, hostname: Arc<str>) -> Response<Full<Bytes>> {
    if path != "/metrics" {
        let text = format!("there is no {path}; there is /metrics\n");
        return response(StatusCode::NOT_FOUND, "text/plain", text);
    }
    // The driver may take long, and this thread has other requests.
    let read = tokio::task::spawn_blocking(move || {
        gpus.read(PATIENCE).map(|snapshot| snapshot.page(&hostname))
    });
    let read = read.await.unwrap_or_else(|ended| Err(GpuError::Ended(ended.to_string())));
    match read {
        Ok(page) => response(StatusCode::OK, TEXT_CONTENT_TYPE, page),
        Err(error) => response(StatusCode::SERVICE_UNAVAILABLE, "text/plain", format!("{error}\n")),
    }
}

fn table(snapshot: &Snapshot) -> String {
    let mut text = format!("driver {}\n\n", snapshot.driver);
    if snapshot.gpus.is_empty() && snapshot.lost.is_empty() {
        return text + "there are no GPUs\n";
    }
    let head = [
        "gpu",
        "model",
        "held down by",
        "busy",
        "tensor",
        "memory traffic",
        "memory GiB",
        "power W",
        "°C",
        "MHz",
        "XID",
    ];
    let rows = snapshot.gpus.iter().map(row);
    let rows: Vec<Vec<String>> =
        std::iter::once(head.map(str::to_owned).to_vec()).chain(rows).collect();
    text += &aligned(&rows, 3);
    for (index, why) in &snapshot.lost {
        text += &format!("  {index}  does not answer: {why}\n");
    }
    let processes =
        snapshot.gpus.iter().flat_map(|gpu| gpu.processes.iter().map(move |p| (gpu, p)));
    let rows: Vec<Vec<String>> = processes.map(process_row).collect();
    if !rows.is_empty() {
        let head = ["gpu", "program", "process", "memory GiB"].map(str::to_owned).to_vec();
        let rows: Vec<_> = std::iter::once(head).chain(rows).collect();
        text = text + "\n" + &aligned(&rows, 2);
    }
    text
}

fn row(gpu: &Gpu) -> Vec<String> {
    let number = |name: &str, digits: usize| {
        gpu.value(name).map_or("-".to_owned(), |value| format!("{value:.digits$}"))
    };
    let share = |value: Option<f64>| {
        value.map_or("-".to_owned(), |share| format!("{:.0} %", share * 100.0))
    };
    let value = |name: &str| gpu.value(name);
    // Cycles with work on a multiprocessor where they are counted, else time with any kernel.
    let busy = value("DCGM_FI_PROF_SM_ACTIVE")
        .or_else(|| value("DCGM_FI_DEV_GPU_UTIL").map(|percent| percent / 100.0));
    let memory = match (value("DCGM_FI_DEV_FB_USED"), value("DCGM_FI_DEV_FB_FREE")) {
        (Some(used), Some(free)) => {
            format!("{:.1} of {:.1}", used / 1024.0, (used + free) / 1024.0)
        }
        _ => "-".to_owned(),
    };
    let power = match value("DCGM_FI_DEV_POWER_MGMT_LIMIT") {
        Some(limit) => format!("{} of {limit:.0}", number("DCGM_FI_DEV_POWER_USAGE", 0)),
        None => number("DCGM_FI_DEV_POWER_USAGE", 0),
    };
    let events: Vec<String> = gpu.clock_events().map(|event| event.to_string()).collect();
    let events = if events.is_empty() { "nothing".to_owned() } else { events.join(", ") };
    vec![
        gpu.index.to_string(),
        plain(&gpu.model),
        events,
        share(busy),
        share(value("DCGM_FI_PROF_PIPE_TENSOR_ACTIVE")),
        share(value("DCGM_FI_PROF_DRAM_ACTIVE")),
        memory,
        power,
        number("DCGM_FI_DEV_GPU_TEMP", 0),
        number("DCGM_FI_DEV_SM_CLOCK", 0),
        match value("DCGM_FI_DEV_XID_ERRORS") {
            None => "-".to_owned(),
            Some(0.0) => "none".to_owned(),
            Some(code) => code.to_string(),
        },
    ]
}

fn process_row((gpu, process): (&Gpu, &Process)) -> Vec<String> {
    let memory = process.memory.map(|bytes| format!("{:.1}", bytes as f64 / (1u64 << 30) as f64));
    vec![
        gpu.index.to_string(),
        process.name.as_deref().map_or("-".to_owned(), plain),
        process.id.to_string(),
        memory.unwrap_or_else(|| "-".to_owned()),
    ]
}

fn data(snapshot: &Snapshot) -> Value {
    let gpu = |gpu: &Gpu| {
        let values: serde_json::Map<String, Value> =
            gpu.values().map(|(name, value)| (name.to_owned(), json!(value))).collect();
        let events: Vec<String> = gpu.clock_events().map(|event| event.to_string()).collect();
        let xids =
            gpu.recent_xids.iter().map(|(code, count)| json!({"code": code, "count": count}));
        let process = |process: &Process| json!({"id": process.id, "name": process.name, "memory": process.memory});
        json!({
            "index": gpu.index,
            "uuid": gpu.uuid,
            "pci_bus_id": gpu.pci_bus_id,
            "model": gpu.model,
            "held_down_by": events,
            "recent_xids": xids.collect::<Vec<Value>>(),
            "processes": gpu.processes.iter().map(process).collect::<Vec<Value>>(),
            "values": values,
        })
    };
    let lost = |(index, why): &(u32, String)| json!({"index": index, "why": why});
    json!({
        "driver": snapshot.driver,
        "gpus": snapshot.gpus.iter().map(gpu).collect::<Vec<Value>>(),
        "lost": snapshot.lost.iter().map(lost).collect::<Vec<Value>>(),
    })
}
