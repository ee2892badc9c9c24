//! From the labels that discovery gives to an address and the labels of its series.
//!
//! Source: Prometheus documentation, "scrape_config" and "relabel_config".

use std::time::Duration;

use auscult_core::{Labels, METRIC_NAME};
use reqwest::Url;

use super::md5;
use super::relabel::{LabelMap, Rule, apply};
use super::settings::ScrapeSettings;
use crate::units::parse_duration;

/// The shortest time between two scrapes.
const SHORTEST: Duration = Duration::from_millis(10);

/// Something to scrape.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub(super) struct Target {
    pub(super) url: Url,
    /// Labels that its series get.
    pub(super) labels: Labels,
    pub(super) interval: Duration,
    pub(super) timeout: Duration,
}

impl Target {
    /// The target at `address` with these `labels`; `None` if `rules` drop it. An address that
    /// cannot be is refused in a sentence.
    pub(super) fn new(
        job: &ScrapeSettings,
        rules: &[Rule],
        address: &str,
        labels: impl IntoIterator<Item = (String, String)>,
    ) -> Result<Option<Self>, String> {
        let mut map: LabelMap = labels.into_iter().filter(|(_, value)| !value.is_empty()).collect();
        map.insert("__address__".to_owned(), address.to_owned());
        let defaults = [
            ("job", job.job_name.clone()),
            ("__scheme__", job.scheme.clone()),
            ("__metrics_path__", job.metrics_path.clone()),
            ("__scrape_interval__", milliseconds(job.interval())),
            ("__scrape_timeout__", milliseconds(job.timeout())),
        ];
        for (name, value) in defaults {
            map.entry(name.to_owned()).or_insert(value);
        }
        for (name, values) in &job.params {
            if let Some(value) = values.first() {
                map.entry(format!("__param_{name}")).or_insert_with(|| value.clone());
            }
        }
        if !apply(rules, &mut map) {
            return Ok(None);
        }
        let get = |name: &str| map.get(name).map(String::as_str).unwrap_or_default();
        let address = get("__address__").to_owned();
        let url = url(job, &map, &address)?;
        let interval = parse_duration(get("__scrape_interval__"))?;
        let timeout = parse_duration(get("__scrape_timeout__"))?;
        if interval < SHORTEST || timeout > interval || timeout.is_zero() {
            let (interval, timeout) = (get("__scrape_interval__"), get("__scrape_timeout__"));
            return Err(format!(
                "an interval of {interval} with a timeout of {timeout} cannot be: expected at least 10 ms, and a timeout that is not longer"
            ));
        }
        map.entry("instance".to_owned()).or_insert(address);
        let own = map.iter().filter(|(name, _)| !name.starts_with("__"));
        let labels = Labels::from_pairs(own.map(|(name, value)| (name.as_str(), value.as_str())))
            .map_err(|error| error.to_string())?;
        Ok(Some(Self { url, labels, interval, timeout }))
    }

    /// How long after the beginning of each interval it is scraped, so that the targets of a
    /// fleet are not scraped all at once, and each at the same moments after a restart.
    pub(super) fn offset(&self) -> Duration {
        let hash = md5::sum64(&format!("{} {}", self.url, self.labels));
        let nanos = u64::try_from(self.interval.as_nanos()).unwrap_or(u64::MAX).max(1);
        Duration::from_nanos(hash % nanos)
    }

    /// The labels of one of its series, called `metric`, that tells how scraping went.
    pub(super) fn report(&self, metric: &str) -> Labels {
        self.labels.with([(METRIC_NAME, metric)]).expect("the labels of a target and a name fit")
    }
}

fn milliseconds(duration: Duration) -> String {
    format!("{}ms", duration.as_millis())
}

fn url(job: &ScrapeSettings, labels: &LabelMap, address: &str) -> Result<Url, String> {
    let get = |name: &str| labels.get(name).map(String::as_str).unwrap_or_default();
    let scheme = get("__scheme__");
    if !["http", "https"].contains(&scheme) {
        return Err(format!("scheme `{scheme}` is not spoken: expected http or https"));
    }
    if address.is_empty() || address.contains(['/', '?', '#', '@']) {
        return Err(format!("`{address}` is no address: expected host:port"));
    }
    let path = get("__metrics_path__");
    let slash = if path.starts_with('/') { "" } else { "/" };
    let mut url = Url::parse(&format!("{scheme}://{address}{slash}{path}"))
        .map_err(|error| format!("`{address}` is no address: {error}"))?;
    let mut params = job.params.clone();
    for (name, value) in labels {
        if let Some(name) = name.strip_prefix("__param_") {
            let values = params.entry(name.to_owned()).or_default();
            values.splice(..values.len().min(1), [value.clone()]);
        }
    }
    if !params.is_empty() {
        let mut query = url.query_pairs_mut();
        for (name, values) in &params {
            for value in values {
                query.append_pair(name, value);
            }
        }
    }
    Ok(url)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn job(yaml: &str) -> (ScrapeSettings, Vec<Rule>) {
        let job: ScrapeSettings = serde_saphyr::from_str(yaml).unwrap();
        let rules = job.relabel_configs.iter().cloned().map(Rule::new).collect();
        (job, Result::unwrap(rules))
    }

    #[test]
    fn a_target_gets_its_address_and_labels_as_prometheus_would_set_them() {
        let (job, rules) = job("
job_name: probe
metrics_path: /probe
params: {module: [http_2xx], debug: ['1', '2']}
relabel_configs:
  - {source_labels: [__address__], target_label: __param_target}
  - {source_labels: [__param_target], target_label: instance}
  - {target_label: __address__, replacement: 'exporter:9115'}
  - {source_labels: [rack], regex: '9', action: drop}
");
        let labels = |rack: &str| {
            [("rack", rack), ("__meta_x", "y")].map(|(a, b)| (a.to_owned(), b.to_owned()))
        };
        let target = Target::new(&job, &rules, "web:80", labels("7")).unwrap().unwrap();
        assert_eq!(
            target.url.as_str(),
            "http://exporter:9115/probe?debug=1&debug=2&module=http_2xx&target=web%3A80"
        );
        assert_eq!(target.labels.to_string(), r#"{instance="web:80",job="probe",rack="7"}"#);
        assert_eq!(target.report("up").as_ref().metric(), "up");
        assert_eq!(target.interval, Duration::from_secs(15));
        assert_eq!(target.timeout, Duration::from_secs(10));
        assert!(target.offset() < target.interval);
        assert_eq!(Target::new(&job, &rules, "web:80", labels("9")), Ok(None));
    }

    #[test]
    fn targets_that_cannot_be_are_refused_in_words() {
        let refused = |yaml: &str, address: &str| {
            let (job, rules) = job(yaml);
            Target::new(&job, &rules, address, []).unwrap_err()
        };
        assert!(refused("{job_name: a}", "http://a/b").contains("expected host:port"));
        assert!(refused("{job_name: a, scheme: ftp}", "a:1").contains("expected http"));
        let times = "{job_name: a, scrape_interval: 1s, scrape_timeout: 2s}";
        assert!(refused(times, "a:1").contains("a timeout that is not longer"));
    }
}
