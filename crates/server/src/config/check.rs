//! What the types of the configuration cannot say: parts that contradict each other, addresses
//! that are none, rules that do nothing.

use std::collections::BTreeMap;

use auscult_yaml::Path;

use super::Configuration;
use crate::access::Access;
use crate::delivery;
use crate::scrape::{self, ScrapeSettings};
use crate::sources;

/// All that is wrong, each with the path of what it is about.
pub(super) fn check(configuration: &Configuration) -> Vec<(Path, String)> {
    let mut problems = Problems::default();
    let top = Path::default();
    let url = configuration.server.external_url.as_deref();
    if let Some(Err(error)) = url.map(reqwest::Url::parse) {
        let path = top.key("server").key("external_url");
        problems.say(&path, format!("it is no address: {error}"));
    }
    problems.note(&top.key("access"), access(configuration));
    jobs(configuration, &top.key("scrape_configs"), &mut problems);
    for (place, source) in configuration.prometheus_sources.iter().enumerate() {
        let path = top.key("prometheus_sources").place(place);
        problems.note(&path, sources::check_prometheus(source));
    }
    let mut files = BTreeMap::new();
    for (place, file) in configuration.followed_files.iter().enumerate() {
        let path = top.key("followed_files").place(place);
        if files.insert(&file.path, place).is_some() {
            problems.say(&path.key("path"), format!("{} is followed already", file.path.display()));
        }
    }
    problems.0.extend(configuration.diagnosis.check(&top.key("diagnosis")));
    problems.0.extend(delivery::check(&configuration.delivery, &top.key("delivery")));
    detection(configuration, &top.key("detection"), &mut problems);
    problems.0
}

#[derive(Default)]
struct Problems(Vec<(Path, String)>);

impl Problems {
    fn say(&mut self, path: &Path, sentence: impl Into<String>) {
        self.0.push((path.clone(), sentence.into()));
    }

    fn note(&mut self, path: &Path, result: Result<(), String>) {
        if let Err(sentence) = result {
            self.say(path, sentence);
        }
    }
}

/// Opens what guards the service, as the service itself will.
fn access(configuration: &Configuration) -> Result<(), String> {
    let settings = configuration.clone().settings();
    let (most, unpacked) = (settings.most_request_bytes, settings.most_unpacked_bytes);
    Access::open(settings.access, most, unpacked).map(drop)
}

fn jobs(configuration: &Configuration, path: &Path, problems: &mut Problems) {
    let mut names: BTreeMap<&str, usize> = BTreeMap::new();
    for (place, job) in configuration.scrape_configs.iter().enumerate() {
        let path = path.place(place);
        if job.job_name.is_empty() {
            problems.say(&path, "it has no job_name");
        } else if let Some(first) = names.insert(&job.job_name, place) {
            let sentence =
                format!("job_name `{}` is that of scrape_configs[{first}]", job.job_name);
            problems.say(&path.key("job_name"), sentence);
        }
        let mut complete: ScrapeSettings = job.clone();
        configuration.global.complete(&mut complete);
        problems.0.extend(scrape::check(&complete, &path));
    }
}

fn detection(configuration: &Configuration, path: &Path, problems: &mut Problems) {
    let settings = &configuration.detection;
    if settings.most_series == 0 {
        problems.say(&path.key("most_series"), "no series could be watched; expected at least 1");
    }
    if settings.forget_after <= settings.silent_after {
        problems.say(
            &path.key("forget_after"),
            "a series would be forgotten before it is silent; expected more than silent_after",
        );
    }
    if configuration.server.tick.is_zero() {
        problems.say(&Path::default().key("server").key("tick"), "expected more than 0");
    }
}
