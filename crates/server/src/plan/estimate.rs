//! Arithmetic: from what comes and what it costs to what the service will need.

use std::time::Duration;

use auscult_core::units::format_bytes;
use serde::Serialize;

use super::costs::Costs;
use super::counted::{Counted, MethodNeed};
use super::sources::{SourceKind, SourcePlan};
use super::warnings::warnings;
use crate::settings::{DataSettings, ServerSettings};

/// Bytes of samples after which a segment of the log is closed.
const SEGMENT_BYTES: f64 = (16 << 20) as f64;
/// Time after which it is closed in any case.
const SEGMENT_TIME: Duration = Duration::from_secs(2 * 3600);
/// Segments at a time: one is written while another becomes history.
const SEGMENTS: f64 = 2.0;
/// The part of the retention that is kept longer: samples go a file at a time.
const KEPT_LONGER: f64 = 0.125;
/// Checkpoints at a time: a new one is written beside the old.
const CHECKPOINTS: f64 = 2.0;
/// Most samples of a request of remote write.
const IN_A_REQUEST: f64 = 2000.0;

/// A number, and what it was reckoned from.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Figure {
    /// In the unit that its name says.
    pub value: f64,
    /// The reckoning in words.
    pub because: String,
}

/// What will be on disk; bytes.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Disk {
    /// Samples that are kept, in Parquet.
    pub history_bytes: Figure,
    /// Samples that came lately, before they become history.
    pub log_bytes: Figure,
    /// What was learnt.
    pub checkpoint_bytes: Figure,
    /// All of it.
    pub total_bytes: f64,
    /// Days after which `retention_size` is reached, if that is before the retention.
    pub days_until_full: Option<f64>,
}

/// What one receiver of `delivery.remote_write` will be sent, while no incident is open.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct WrittenBack {
    /// What it is called, if it has a name of its own.
    pub name: Option<String>,
    /// Series that are selected.
    pub selected: u64,
    /// Series that are written.
    pub series: Figure,
    /// Selected series beyond `most_series`.
    pub left_out: u64,
    /// Samples a second.
    pub samples_per_second: f64,
    /// Requests a second.
    pub requests_per_second: f64,
}

/// What the service will need.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Estimate {
    /// Everything that comes.
    pub counted: Counted,
    /// Samples a second.
    pub samples_per_second: f64,
    /// Most series that are watched (`detection.most_series`).
    pub series_limit: u64,
    /// Series beyond them.
    pub not_watched: u64,
    /// Bytes that methods which policies assign take, of `memory_bytes`; no more than
    /// `detection.method_memory_limit`.
    pub method_bytes: Figure,
    /// Bytes of memory at the peak.
    pub memory_bytes: Figure,
    /// Cores of a processor, on average.
    pub processor_cores: Figure,
    /// `None` where everything is kept in memory.
    pub disk: Option<Disk>,
    /// Bytes a second that come over the network.
    pub received_bytes_per_second: Figure,
    /// Bytes a second that are sent to receivers of scores.
    pub sent_bytes_per_second: Figure,
    /// Requests a second to other services, while no incident is open.
    pub requests_per_second: Figure,
    /// One for each receiver of scores, in their order.
    pub written_back: Vec<WrittenBack>,
    /// Sources that are not in the sums.
    pub left_out: Vec<String>,
    /// What a person should know before it runs.
    pub warnings: Vec<String>,
}

/// Reckons what the service will need by `settings` for what comes from `sources`, with these `costs`.
#[must_use]
pub fn estimate(settings: &ServerSettings, sources: &[SourcePlan], costs: &Costs) -> Estimate {
    let mut counted = Counted { is_seen: true, ..Counted::default() };
    let known = sources.iter().filter_map(|source| source.counted.as_ref());
    known.for_each(|one| counted.add(one));
    let rate = |wanted: fn(SourceKind) -> bool| -> f64 {
        let wanted = sources.iter().filter(|source| wanted(source.kind));
        wanted.map(SourcePlan::samples_per_second).sum()
    };
    let scraped = rate(|kind| kind == SourceKind::Scrape);
    let taken = rate(|kind| kind != SourceKind::Scrape);
    let samples_per_second = scraped + taken;
    let series_limit = settings.engine.most_series as u64;
    let not_watched = counted.series.saturating_sub(series_limit);
    let written_back = written_back(settings, &counted);
    let left_out = sources.iter().filter(|source| source.counted.is_none());
    let method_bytes = methods(settings, &counted);
    let mut estimate = Estimate {
        samples_per_second,
        series_limit,
        not_watched,
        memory_bytes: memory(
            &counted,
            (series_limit, method_bytes.value),
            share_of_segment(settings, samples_per_second, costs),
            costs,
        ),
        processor_cores: processor(scraped, taken, on_methods(sources), costs),
        method_bytes,
        disk: settings.data.as_ref().map(|data| disk(data, &counted, samples_per_second, costs)),
        received_bytes_per_second: received(sources),
        sent_bytes_per_second: sent(&written_back, costs),
        requests_per_second: requests(sources, &written_back),
        written_back,
        left_out: left_out.map(said).collect(),
        warnings: Vec::new(),
        counted,
    };
    estimate.warnings = warnings(settings, sources, &estimate);
    estimate
}

/// What is not in the sums, and why.
fn said(source: &SourcePlan) -> String {
    let instance = source.instance.as_ref().map(|instance| format!(" {instance}"));
    let problem = source.problem.as_deref().unwrap_or("not looked at");
    format!("{}{}: {problem}", source.name, instance.unwrap_or_default())
}

/// Bytes of samples in a segment of the log when it is closed.
fn in_segment(rate: f64, costs: &Costs) -> f64 {
    SEGMENT_BYTES.min(rate * SEGMENT_TIME.as_secs_f64() * costs.log_bytes_per_sample)
}

/// How full segments of the log are when they become history; 0 where nothing is stored.
fn share_of_segment(settings: &ServerSettings, rate: f64, costs: &Costs) -> f64 {
    if settings.data.is_some() { in_segment(rate, costs) / SEGMENT_BYTES } else { 0.0 }
}

/// Bytes of methods that policies assign.
fn methods(settings: &ServerSettings, counted: &Counted) -> Figure {
    let of = |need: &MethodNeed| need.bytes_each as f64 * need.streams as f64;
    let each = counted.methods.iter().map(|need| {
        let series =
            if need.channels > 1 { format!(" of {} series", need.channels) } else { String::new() };
        let grows = if need.is_growing { " and growing" } else { "" };
        format!(
            "{} `{}`{series} of {}{grows}",
            need.streams,
            need.name,
            bytes(need.bytes_each as f64)
        )
    });
    let each: Vec<String> = each.collect();
    let value = total(counted.methods.iter().map(of));
    let limit = settings.engine.method_memory_limit as f64;
    let because = match each.as_slice() {
        [] => "no policy assigns a method to series that were seen".to_owned(),
        each => format!("{}; at most {}", each.join(", "), bytes(limit)),
    };
    Figure { value: value.min(limit), because }
}

/// Cores that methods which policies assign take.
fn on_methods(sources: &[SourcePlan]) -> f64 {
    let of = |source: &SourcePlan| {
        let (counted, interval) = (source.counted.as_ref()?, source.interval_seconds?);
        let needs = counted.methods.iter();
        Some(total(needs.map(|need| need.processor_seconds * need.streams as f64)) / interval)
    };
    total(sources.iter().filter_map(of))
}

fn memory(counted: &Counted, (limit, methods): (u64, f64), fullness: f64, costs: &Costs) -> Figure {
    // Series come as they come: those beyond the limit are like the others.
    let share = if counted.series > limit { limit as f64 / counted.series as f64 } else { 1.0 };
    let (series, judged) = (counted.series as f64 * share, counted.judged as f64 * share);
    let labels = counted.label_bytes * share;
    let conversion = fullness * costs.conversion_bytes;
    let value = costs.base_bytes
        + conversion
        + series * costs.bytes_per_series
        + labels * costs.bytes_per_label_byte
        + judged * costs.bytes_per_detector
        + methods;
    let mut because = format!(
        "{} without series, {} while samples become history, {:.0} series of {:.0} bytes, {} of labels held {:.1} times, {:.0} detectors of {:.0} bytes; at the peak",
        bytes(costs.base_bytes),
        bytes(conversion),
        series,
        costs.bytes_per_series,
        bytes(labels),
        costs.bytes_per_label_byte,
        judged,
        costs.bytes_per_detector,
    );
    if methods > 0.0 {
        because += &format!("; methods of policies {}", bytes(methods));
    }
    Figure { value, because }
}

fn processor(scraped: f64, taken: f64, methods: f64, costs: &Costs) -> Figure {
    let (a, b) =
        (costs.processor_seconds_per_scraped_sample, costs.processor_seconds_per_pushed_sample);
    let mut because = format!(
        "{scraped:.1} scraped samples a second of {:.1} microseconds, {taken:.1} others of {:.1}",
        a * 1e6,
        b * 1e6
    );
    if methods > 0.0 {
        because += &format!(", {methods:.3} of methods of policies as measured here");
    }
    Figure { value: scraped * a + taken * b + methods, because }
}

fn disk(data: &DataSettings, counted: &Counted, rate: f64, costs: &Costs) -> Disk {
    let log = SEGMENTS * (in_segment(rate, costs) + counted.label_bytes);
    let log_bytes = Figure {
        value: log,
        because: format!(
            "{SEGMENTS:.0} segments of 16 MiB or two hours, {:.1} bytes a sample, and {} of labels in each",
            costs.log_bytes_per_sample,
            bytes(counted.label_bytes)
        ),
    };
    let per_day = rate * 86_400.0 * costs.history_bytes_per_sample;
    let days = data.keep_for.map_or(f64::INFINITY, |kept| kept.as_secs_f64() / 86_400.0);
    let wanted = per_day * days * (1.0 + KEPT_LONGER);
    let limit = data.most_bytes.map_or(f64::INFINITY, |most| most as f64);
    let room = (limit - log).max(0.0);
    let reckoning = format!(
        "{rate:.1} samples a second of {:.2} bytes for {days:.1} days and an eighth",
        costs.history_bytes_per_sample
    );
    let is_bounded = wanted > room;
    let because = if is_bounded {
        format!("{reckoning} would be {}; retention_size is {}", bytes(wanted), bytes(limit))
    } else {
        reckoning
    };
    let history_bytes = Figure { value: wanted.min(room), because };
    let checkpoint = CHECKPOINTS
        * (counted.judged as f64 * costs.checkpoint_bytes_per_detector + counted.label_bytes);
    let checkpoint_bytes = Figure {
        value: checkpoint,
        because: format!(
            "{CHECKPOINTS:.0} of {} judged series of {:.0} bytes, and {} of labels",
            counted.judged,
            costs.checkpoint_bytes_per_detector,
            bytes(counted.label_bytes)
        ),
    };
    Disk {
        total_bytes: history_bytes.value + log + checkpoint,
        days_until_full: (is_bounded && per_day > 0.0 && room / per_day < days)
            .then_some(room / per_day),
        history_bytes,
        log_bytes,
        checkpoint_bytes,
    }
}

fn written_back(settings: &ServerSettings, counted: &Counted) -> Vec<WrittenBack> {
    let writes = settings.delivery.remote_write.iter().enumerate();
    writes
        .map(|(place, write)| {
            let selected = counted.selected.get(place).copied().unwrap_or(0);
            let most = write.most_series as u64;
            let each = 2 + u64::from(write.expected) + 2 * u64::from(write.band);
            let series = selected.min(most) * each;
            let seconds = write.interval.as_secs_f64();
            let figure = Figure {
                value: series as f64,
                because: format!(
                    "{each} for each of {} selected series; series of open incidents besides",
                    selected.min(most)
                ),
            };
            WrittenBack {
                name: write.name.clone(),
                selected,
                series: figure,
                left_out: selected.saturating_sub(most),
                samples_per_second: series as f64 / seconds,
                requests_per_second: (series as f64 / IN_A_REQUEST).ceil() / seconds,
            }
        })
        .collect()
}

fn received(sources: &[SourcePlan]) -> Figure {
    let sum = |wanted: &dyn Fn(&SourcePlan) -> bool| -> f64 {
        let wanted = sources.iter().filter(|source| wanted(source));
        total(wanted.map(|source| source.received_bytes_per_second))
    };
    let of = |kind| bytes(sum(&|source| source.kind == kind));
    let because = format!(
        "{} of pages as they came, {} of answers, {} that are pushed; a second",
        of(SourceKind::Scrape),
        of(SourceKind::Prometheus),
        of(SourceKind::Pushed)
    );
    Figure { value: sum(&|_| true), because }
}

fn sent(written_back: &[WrittenBack], costs: &Costs) -> Figure {
    let rate = total(written_back.iter().map(|one| one.samples_per_second));
    let because = format!(
        "{rate:.1} scores a second of {:.0} bytes; messages of incidents besides",
        costs.push_bytes_per_sample
    );
    Figure { value: rate * costs.push_bytes_per_sample, because }
}

fn requests(sources: &[SourcePlan], written_back: &[WrittenBack]) -> Figure {
    let sum = |kind| -> f64 {
        let wanted = sources.iter().filter(|source| source.kind == kind);
        total(wanted.map(|source| source.requests_per_second))
    };
    let (scrapes, queries) = (sum(SourceKind::Scrape), sum(SourceKind::Prometheus));
    let writes = total(written_back.iter().map(|one| one.requests_per_second));
    let because =
        format!("{scrapes:.2} scrapes, {queries:.2} queries, {writes:.2} writes of scores");
    Figure { value: scrapes + queries + writes, because }
}

/// The sum; 0 for nothing, where [`Iterator::sum`] gives -0.
fn total(numbers: impl Iterator<Item = f64>) -> f64 {
    numbers.sum::<f64>() + 0.0
}

/// A number of bytes for people.
pub(super) fn bytes(bytes: f64) -> String {
    let units = [
        (1_099_511_627_776.0, "TiB"),
        (1_073_741_824.0, "GiB"),
        (1_048_576.0, "MiB"),
        (1024.0, "KiB"),
    ];
    match units.iter().find(|(size, _)| bytes >= *size) {
        Some((size, unit)) => format!("{:.1} {unit}", bytes / size),
        None => format_bytes(bytes as u64),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::RemoteWriteSettings;
    use crate::secret::Secret;

    const ROUND: Costs = Costs {
        base_bytes: 1000.0,
        conversion_bytes: 5000.0,
        bytes_per_series: 100.0,
        bytes_per_label_byte: 2.0,
        bytes_per_detector: 1000.0,
        processor_seconds_per_pushed_sample: 1e-6,
        processor_seconds_per_scraped_sample: 2e-6,
        log_bytes_per_sample: 10.0,
        history_bytes_per_sample: 5.0,
        checkpoint_bytes_per_detector: 50.0,
        push_bytes_per_sample: 20.0,
    };

    fn source(kind: SourceKind, series: u64, seconds: f64) -> SourcePlan {
        let counted = Counted {
            samples: series as f64,
            series,
            judged: series / 2,
            label_bytes: 10.0 * series as f64,
            is_seen: true,
            selected: vec![series],
            methods: Vec::new(),
        };
        SourcePlan {
            kind,
            name: "llm".to_owned(),
            instance: Some("a:1".to_owned()),
            interval_seconds: Some(seconds),
            requests_per_second: 1.0 / seconds,
            counted: Some(counted),
            received_bytes_per_second: 7.0,
            problem: None,
        }
    }

    #[test]
    fn sums_are_those_of_the_sources() {
        let mut settings = ServerSettings::default();
        let data =
            DataSettings { keep_for: Some(Duration::from_secs(86_400)), ..DataSettings::new("x") };
        settings.data = Some(data);
        let write =
            RemoteWriteSettings { band: true, ..RemoteWriteSettings::new(Secret::new("x")) };
        settings.delivery.remote_write = vec![RemoteWriteSettings { most_series: 1500, ..write }];
        let lost = SourcePlan {
            counted: None,
            problem: Some("it cannot be reached".to_owned()),
            ..source(SourceKind::Scrape, 0, 10.0)
        };
        let sources =
            [source(SourceKind::Scrape, 1000, 10.0), source(SourceKind::Pushed, 1000, 5.0), lost];
        let found = estimate(&settings, &sources, &ROUND);
        assert_eq!(found.samples_per_second, 300.0);
        assert_eq!(found.memory_bytes.value, 6000.0 + 200_000.0 + 40_000.0 + 1_000_000.0);
        assert_eq!(found.processor_cores.value, 100.0 * 2e-6 + 200.0 * 1e-6);
        let disk = found.disk.unwrap();
        assert_eq!(disk.history_bytes.value, 300.0 * 86_400.0 * 5.0 * 1.125);
        assert_eq!(disk.log_bytes.value, 2.0 * (16_777_216.0 + 20_000.0));
        assert_eq!(disk.checkpoint_bytes.value, 2.0 * (50_000.0 + 20_000.0));
        assert_eq!(disk.days_until_full, None);
        let back = &found.written_back[0];
        assert_eq!((back.selected, back.series.value, back.left_out), (2000, 6000.0, 500));
        assert_eq!((back.samples_per_second, back.requests_per_second), (400.0, 0.2));
        assert_eq!(found.requests_per_second.value, 0.1 + 0.1 + 0.2);
        assert_eq!(found.sent_bytes_per_second.value, 8000.0);
        assert_eq!(found.received_bytes_per_second.value, 21.0);
        assert_eq!(found.left_out, ["llm a:1: it cannot be reached"]);
    }

    #[test]
    fn limits_bound_what_is_needed() {
        let mut settings = ServerSettings::default();
        settings.engine.most_series = 500;
        let mut data = DataSettings::new("x");
        data.most_bytes = Some(200 << 20);
        settings.data = Some(data);
        let found = estimate(&settings, &[source(SourceKind::Scrape, 1000, 1.0)], &ROUND);
        assert_eq!(found.not_watched, 500);
        assert_eq!(found.memory_bytes.value, 6000.0 + 50_000.0 + 10_000.0 + 250_000.0);
        let disk = found.disk.unwrap();
        let room = f64::from(200 << 20) - disk.log_bytes.value;
        assert_eq!(disk.history_bytes.value, room);
        assert_eq!(disk.days_until_full, Some(room / (1000.0 * 86_400.0 * 5.0)));
        assert_eq!(found.warnings.len(), 2, "{:?}", found.warnings);
    }

    #[test]
    fn methods_of_policies_count_up_to_their_limit() {
        let need = |streams| MethodNeed {
            name: "matrix-profile".to_owned(),
            settings: Default::default(),
            channels: 1,
            streams,
            bytes_each: 1 << 20,
            is_growing: false,
            processor_seconds: 1e-3,
        };
        let with = |streams| {
            let mut source = source(SourceKind::Scrape, 10, 10.0);
            source.counted.as_mut().unwrap().methods = vec![need(streams)];
            estimate(&ServerSettings::default(), &[source], &ROUND)
        };
        let (few, many) = (with(100), with(1000));
        assert_eq!(few.method_bytes.value, 100.0 * 1_048_576.0);
        assert!(few.method_bytes.because.contains("100 `matrix-profile` of 1.0 MiB"));
        assert_eq!(few.processor_cores.value, 1.0 * 2e-6 + 100.0 * 1e-3 / 10.0);
        assert_eq!(many.method_bytes.value, 256.0 * 1_048_576.0);
        assert!(many.memory_bytes.value > few.memory_bytes.value);
        assert!(many.warnings.iter().any(|said| said.contains("method_memory_limit")));
        assert!(few.warnings.is_empty(), "{:?}", few.warnings);
    }

    #[test]
    fn nothing_costs_the_base() {
        let found = estimate(&ServerSettings::default(), &[], &ROUND);
        assert_eq!((found.memory_bytes.value, found.processor_cores.value), (1000.0, 0.0));
        assert_eq!(found.disk, None);
        assert_eq!(bytes(1536.0), "1.5 KiB");
    }
}
