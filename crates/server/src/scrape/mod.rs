//! Pages of metrics, asked for at regular times.
//!
//! A [`Job`] keeps a worker for each of its targets; each worker asks, names, and judges.

mod cache;
mod discovery;
mod fetch;
mod look;
mod md5;
mod relabel;
mod settings;
mod target;
mod worker;

use std::collections::{BTreeSet, HashMap};
use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::time::Duration;

use auscult_yaml::Path;
use tokio::sync::{oneshot, watch};
use tokio::task::JoinSet;

pub(crate) use look::look;
pub use relabel::{RelabelAction, RelabelSettings};
pub use settings::{FileDiscoverySettings, ScrapeSettings, TargetGroup};

use crate::client::{HttpClient, Manner};
use crate::own_metrics::JobLabels;
use crate::serve::{ServeError, Shared};
use cache::Naming;
use discovery::FileDiscovery;
use relabel::Rule;
use target::Target;
use worker::{State, Worker};

/// How often files of targets are looked at.
const LOOK: Duration = Duration::from_secs(5);

/// A job, checked and ready to run.
#[derive(Debug)]
pub(crate) struct Job {
    settings: Arc<ScrapeSettings>,
    target_rules: Vec<Rule>,
    metric_rules: Vec<Rule>,
    discovery: FileDiscovery,
    client: Arc<HttpClient>,
    /// What was said of files and targets last, so that it is said once.
    said: BTreeSet<String>,
}

/// Refuses jobs without a name, and two with the same.
pub(crate) fn check_names(settings: &[ScrapeSettings]) -> Result<(), ServeError> {
    let mut names = BTreeSet::new();
    for ScrapeSettings { job_name, .. } in settings {
        let refuse = |reason: &str| {
            Err(ServeError::Scrape { job: job_name.clone(), reason: reason.to_owned() })
        };
        if job_name.is_empty() {
            return refuse("it has no job_name");
        }
        if !names.insert(job_name) {
            return refuse("another job has the same job_name");
        }
    }
    Ok(())
}

/// What is wrong with the settings of a job that stands at `path`.
pub(crate) fn check(settings: &ScrapeSettings, path: &Path) -> Vec<(Path, String)> {
    let mut problems = Vec::new();
    let mut rules = |key: &str, settings: &[RelabelSettings]| {
        let mut read = Vec::new();
        for (place, rule) in settings.iter().enumerate() {
            match Rule::new(rule.clone()) {
                Ok(rule) => read.push(rule),
                Err(reason) => problems.push((path.key(key).place(place), reason)),
            }
        }
        read
    };
    let target_rules = rules("relabel_configs", &settings.relabel_configs);
    rules("metric_relabel_configs", &settings.metric_relabel_configs);
    for (place, files) in settings.file_sd_configs.iter().enumerate() {
        if let Err(reason) = FileDiscovery::new(vec![files.clone()]) {
            problems.push((path.key("file_sd_configs").place(place), reason));
        }
    }
    for (place, group) in settings.static_configs.iter().enumerate() {
        for (number, address) in group.targets.iter().enumerate() {
            let labels = group.labels.clone().into_iter();
            if let Err(reason) = Target::new(settings, &target_rules, address, labels) {
                let path = path.key("static_configs").place(place).key("targets").place(number);
                problems.push((path, reason));
            }
        }
    }
    problems
}

impl Job {
    /// A job by these settings.
    pub(crate) fn of(settings: &ScrapeSettings) -> Result<Self, ServeError> {
        let refuse = |reason| ServeError::Scrape { job: settings.job_name.clone(), reason };
        Self::new(settings.clone()).map_err(refuse)
    }

    fn new(settings: ScrapeSettings) -> Result<Self, String> {
        let rules = |settings: &[RelabelSettings]| -> Result<Vec<Rule>, String> {
            settings.iter().cloned().map(Rule::new).collect()
        };
        let manner = Manner { timeout: None, follows_redirects: settings.follow_redirects };
        let client = Arc::new(HttpClient::new(settings.http.clone(), manner)?);
        let job = Self {
            target_rules: rules(&settings.relabel_configs)?,
            metric_rules: rules(&settings.metric_relabel_configs)?,
            discovery: FileDiscovery::new(settings.file_sd_configs.clone())?,
            settings: Arc::new(settings),
            client,
            said: BTreeSet::new(),
        };
        // What stands in the settings is refused at the start, what files say is not.
        let mut problems = Vec::new();
        job.targets(&mut problems);
        problems.into_iter().next().map_or(Ok(job), Err)
    }

    /// Targets as they are told now, and a sentence for each that cannot be.
    fn targets(&self, problems: &mut Vec<String>) -> Vec<Target> {
        let told = self.settings.static_configs.iter().map(|group| (None, group));
        let found = self.discovery.groups().map(|(path, group)| (Some(path), group));
        let mut targets = Vec::new();
        for (path, group) in told.chain(found) {
            let path = path.map(|path| ("__meta_filepath".to_owned(), path.display().to_string()));
            for address in &group.targets {
                let labels = group.labels.clone().into_iter().chain(path.clone());
                match Target::new(&self.settings, &self.target_rules, address, labels) {
                    Ok(target) => targets.extend(target),
                    Err(problem) => problems.push(format!("target `{address}`: {problem}")),
                }
            }
        }
        targets
    }

    /// How the series of `target` are called.
    fn naming(&self, target: &Target) -> Naming {
        Naming {
            target: target.labels.clone(),
            honor_labels: self.settings.honor_labels,
            rules: self.metric_rules.clone(),
        }
    }

    /// Scrapes until `stopped`.
    pub(crate) async fn run(mut self, shared: Arc<Shared>, mut stopped: watch::Receiver<bool>) {
        let mut workers = JoinSet::new();
        let mut running: HashMap<Target, oneshot::Sender<()>> = HashMap::new();
        let mut first = true;
        while !*stopped.borrow() {
            let mut discovery = std::mem::take(&mut self.discovery);
            let looked = tokio::task::spawn_blocking(move || {
                let look = discovery.look();
                (discovery, look)
            });
            let Ok((discovery, look)) = looked.await else { return };
            self.discovery = discovery;
            let mut problems = look.problems;
            let failures = problems.len() as u64;
            shared.metrics.discovery_failures.inc_by(failures);
            if look.changed || first {
                self.update(&shared, &mut workers, &mut running, &mut problems);
                first = false;
                self.say(problems);
            } else if failures > 0 {
                self.say(problems);
            }
            while workers.try_join_next().is_some() {}
            tokio::select! {
                () = tokio::time::sleep(LOOK) => {}
                _ = stopped.changed() => {}
            }
        }
        if shared.is_stopping.load(Ordering::Acquire) {
            // The service ends, not the targets: their series are not told to have ended.
            drop(running);
            workers.shutdown().await;
        } else {
            for (_, gone) in running {
                // A worker that has ended by itself needs no word.
                let _ = gone.send(());
            }
            while workers.join_next().await.is_some() {}
            let labels = JobLabels { job: self.settings.job_name.clone() };
            shared.metrics.scrape_targets.remove(&labels);
        }
    }

    /// Starts and ends workers so that they are those of the targets.
    fn update(
        &self,
        shared: &Arc<Shared>,
        workers: &mut JoinSet<()>,
        running: &mut HashMap<Target, oneshot::Sender<()>>,
        problems: &mut Vec<String>,
    ) {
        let targets = self.targets(problems);
        let gone: Vec<Target> =
            running.keys().filter(|target| !targets.contains(target)).cloned().collect();
        for target in gone {
            if let Some(sender) = running.remove(&target) {
                // A worker that has ended by itself needs no word.
                let _ = sender.send(());
            }
        }
        for target in targets {
            if running.contains_key(&target) {
                continue;
            }
            let naming = self.naming(&target);
            let worker = Worker {
                shared: Arc::clone(shared),
                job: Arc::clone(&self.settings),
                client: Arc::clone(&self.client),
                target: target.clone(),
                state: State::new(naming),
            };
            let (sender, gone) = oneshot::channel();
            workers.spawn(worker.run(gone));
            running.insert(target, sender);
        }
        let labels = JobLabels { job: self.settings.job_name.clone() };
        let count = i64::try_from(running.len()).unwrap_or(i64::MAX);
        shared.metrics.scrape_targets.get_or_create(&labels).set(count);
    }

    fn say(&mut self, problems: Vec<String>) {
        let problems: BTreeSet<String> = problems.into_iter().collect();
        for problem in problems.difference(&self.said) {
            tracing::warn!(job = self.settings.job_name, "{problem}");
        }
        self.said = problems;
    }
}
