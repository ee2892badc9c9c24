//! What the samples of a series are, by what its source and its name say.

use auscult_core::LabelsRef;
use auscult_knowledge::{Knowledge, Known, MetricForm};
use auscult_telemetry::metrics::MetricKind;

/// How the samples of a series are to be taken. Stored by its place: new ones go to the end.
#[derive(Debug, Clone, Copy, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
pub(crate) enum Role {
    /// As they are.
    Gauge,
    /// By their growth.
    Counter,
    /// By its growth; it is the number of observations of a histogram or summary too.
    Count,
    /// A bucket or the sum of a histogram or summary, which means something only beside
    /// the other parts.
    Part,
    /// Whether a target answers: 1, or 0.
    Up,
    /// Says something in its labels, or when something was created: no measurement.
    Text,
}

/// The role of the series `labels` whose source says `kind`. What is known of its metric
/// goes before what the source says, which goes before what the name looks like.
///
/// Source: OpenMetrics 1.0 specification, on suffixes.
pub(crate) fn role(labels: LabelsRef<'_>, kind: MetricKind, knowledge: &Knowledge) -> Role {
    let metric = labels.metric();
    let kind = match knowledge.look_up(metric) {
        Some(Known::Ignored { .. }) => return Role::Text,
        Some(Known::Signal { mapping, .. }) => match mapping.kind {
            MetricForm::Gauge => MetricKind::Gauge,
            MetricForm::Counter => MetricKind::Counter,
            MetricForm::Histogram => MetricKind::Histogram,
            MetricForm::Summary => MetricKind::Summary,
        },
        None => kind,
    };
    let ends = |suffixes: &[&str]| suffixes.iter().any(|suffix| metric.ends_with(suffix));
    let is_bucket = metric.ends_with("_bucket") && labels.get("le").is_some();
    match kind {
        _ if metric == "up" => Role::Up,
        MetricKind::Info => Role::Text,
        _ if ends(&["_created", "_info"]) => Role::Text,
        // Of what counts the observations of a histogram too, the histogram must know.
        MetricKind::Counter if metric.ends_with("_count") => Role::Count,
        MetricKind::Counter => Role::Counter,
        MetricKind::Gauge | MetricKind::StateSet => Role::Gauge,
        _ if is_bucket || ends(&["_sum"]) => Role::Part,
        MetricKind::GaugeHistogram => Role::Gauge,
        _ if labels.get("quantile").is_some() => Role::Gauge,
        _ if ends(&["_count"]) => Role::Count,
        MetricKind::Histogram | MetricKind::Summary => Role::Counter,
        _ if ends(&["_total"]) => Role::Counter,
        _ => Role::Gauge,
    }
}

#[cfg(test)]
mod tests {
    use auscult_core::Labels;

    use super::*;

    #[test]
    fn names_tell_what_sources_do_not() {
        let told = |pairs: &[(&str, &str)], kind| {
            let labels = Labels::from_pairs(pairs.iter().copied()).unwrap();
            role(labels.as_ref(), kind, &Knowledge::embedded())
        };
        let named = |name| told(&[("__name__", name)], MetricKind::Unknown);
        assert_eq!(named("up"), Role::Up);
        assert_eq!(named("vllm:num_requests_running"), Role::Gauge);
        assert_eq!(named("http_requests_total"), Role::Counter);
        assert_eq!(named("http_requests_created"), Role::Text);
        assert_eq!(named("node_uname_info"), Role::Text);
        assert_eq!(named("latency_seconds_bucket"), Role::Gauge, "without `le` it is no bucket");
        let bucket = [("__name__", "latency_seconds_bucket"), ("le", "0.5")];
        assert_eq!(told(&bucket, MetricKind::Unknown), Role::Part);
        assert_eq!(named("latency_seconds_sum"), Role::Part);
        assert_eq!(named("latency_seconds_count"), Role::Count);
        let quantile = [("__name__", "rpc_seconds"), ("quantile", "0.5")];
        assert_eq!(told(&quantile, MetricKind::Summary), Role::Gauge);
        assert_eq!(told(&[("__name__", "in_total")], MetricKind::Gauge), Role::Gauge);
        // vLLM calls a histogram a total, and counts steps with it.
        let steps = |name| told(&[("__name__", name), ("le", "8")], MetricKind::Unknown);
        assert_eq!(steps("vllm:iteration_tokens_total_bucket"), Role::Part);
        assert_eq!(named("vllm:iteration_tokens_total_count"), Role::Count);
        // The exporter sends a counter without saying so.
        assert_eq!(named("DCGM_FI_DEV_PCIE_REPLAY_COUNTER"), Role::Counter);
        assert_eq!(named("vllm:lora_requests_info"), Role::Text);
    }
}
