//! Puts raw series together into a scene.

use std::collections::{BTreeMap, BTreeSet, HashMap};

use auscult_core::{Labels, METRIC_NAME};
use auscult_knowledge::{Adapter, Form, Knowledge, Known, Mapping, MetricForm};

use super::identity::{attributes, bare, kind, name, shares};
use super::kin::Kin;
use super::lent::{
    derive_first_requests, derive_latency, lend_container, lend_finished, lend_together,
};
use super::{Event, Events, LogLine, Scene, Strange, Target, Track, by_signal};

/// The bits by which Prometheus says that a series has ended; another NaN is a reading gone wrong.
const ENDED: u64 = 0x7ff0_0000_0000_0002;

/// Collects raw series.
///
/// Cost: a few nanoseconds a sample, eight bytes of memory a grid point and series that is known.
#[derive(Debug)]
pub struct SceneBuilder<'k> {
    knowledge: &'k Knowledge,
    start: f64,
    step: f64,
    length: usize,
    series: Vec<Series>,
    targets: Vec<Target>,
    /// Numbers of targets, by kind and name.
    known: HashMap<String, HashMap<String, usize>>,
    events: Events,
    logs: Vec<LogLine>,
    constants: BTreeMap<String, f64>,
}

/// A raw series that tells something.
#[derive(Debug)]
struct Series {
    target: usize,
    signal: String,
    rank: usize,
    scale: f64,
    part: Part,
    labels: Labels,
    last: Option<(f64, f64)>,
    /// Whether of several samples of a moment the last counts; their mean otherwise.
    is_state: bool,
    /// The last moment: its place, what its samples add up to, and over how much.
    moment: (usize, f64, f64),
    values: Vec<f64>,
    /// Readings that there can be, in the signal's unit.
    range: [f64; 2],
    strange: Strange,
    /// Whether what is computed may be no number.
    undefined: bool,
    /// Another series that the same samples tell: of some histograms the count is a signal of its own.
    also: Option<usize>,
}

/// What the samples of a raw series are.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Part {
    Gauge,
    Counter,
    /// Sum of a distribution.
    Sum,
    /// Count of a distribution.
    Count,
}

/// A raw series that was declared: what samples are added to.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct SeriesNumber(usize);

impl<'k> SceneBuilder<'k> {
    /// For `length` readings from `start` (seconds since 1970), `step` seconds apart.
    pub fn new(knowledge: &'k Knowledge, start: f64, step: f64, length: usize) -> Self {
        Self {
            knowledge,
            start,
            step,
            length,
            series: Vec::new(),
            targets: Vec::new(),
            known: HashMap::new(),
            events: Events::default(),
            logs: Vec::new(),
            constants: BTreeMap::new(),
        }
    }

    /// Declares the series with these labels, its name among them; `None` if nothing is known of it.
    pub fn series(&mut self, labels: &Labels) -> Option<SeriesNumber> {
        let metric = labels.get(METRIC_NAME)?;
        let known = self.knowledge.look_up(metric)?;
        let number = self.declare(labels, metric, known)?;
        // The count of a histogram may be a signal of its own, and its mean needs it as well.
        let family = metric.strip_suffix("_count").and_then(|name| self.knowledge.look_up(name));
        if self.series[number].part == Part::Counter
            && let Some(family @ Known::Signal { mapping, .. }) = family
            && mapping.kind == MetricForm::Histogram
        {
            self.series[number].also = self.declare(labels, metric, family);
        }
        Some(SeriesNumber(number))
    }

    fn declare(&mut self, labels: &Labels, metric: &str, known: Known<'k>) -> Option<usize> {
        let Known::Signal { signal, mapping, adapter, scale } = known else { return None };
        let part = part_of(metric, mapping)?;
        let target = self.target_of(adapter, mapping, labels);
        let family = |known: &&String| metric.starts_with(known.as_str());
        let named = mapping.metrics.iter().filter(family).map(String::len).max();
        let rank = mapping
            .metrics
            .iter()
            .position(|known| Some(known.len()) == named && metric.starts_with(known.as_str()));
        let scale = if part == Part::Count { 1.0 } else { scale };
        self.series.push(Series {
            target,
            signal: signal.name.clone(),
            rank: rank.unwrap_or(0),
            scale,
            part,
            labels: labels.clone(),
            last: None,
            is_state: signal.form == Form::State,
            moment: (usize::MAX, 0.0, 0.0),
            values: vec![f64::NAN; self.length],
            range: reach(mapping, self.knowledge.physical_range(signal)),
            strange: Strange::default(),
            undefined: self.knowledge.may_be_undefined(signal),
            also: None,
        });
        Some(self.series.len() - 1)
    }

    /// A sample of a series, at `time` in seconds since 1970, in the order of time. Of several that
    /// belong to one moment of the grid the mean counts, of a state the last.
    pub fn sample(&mut self, series: SeriesNumber, time: f64, value: f64) {
        if let Some(also) = self.series[series.0].also {
            self.sample(SeriesNumber(also), time, value);
        }
        let place = nearest((time - self.start) / self.step);
        let series = &mut self.series[series.0];
        // That a series has ended is no reading of it.
        if value.to_bits() == ENDED {
            series.last = None;
            return;
        }
        let before = series.last.replace((time, value));
        let Some(place) = place.filter(|place| *place < self.length) else { return };
        let is_possible = value.is_finite() && (series.part == Part::Gauge || value >= 0.0);
        if !is_possible {
            series.last = None;
            if value.is_finite() || !series.undefined {
                series.strange.impossible.push(place);
            }
            return;
        }
        // What to add to the moment, and over how much: seconds of what is counted.
        let (added, over) = match series.part {
            Part::Gauge => (value, 1.0),
            Part::Counter | Part::Sum | Part::Count => {
                let Some((since, from)) = before else { return };
                let passed = time - since;
                if passed <= 0.0 {
                    return;
                }
                // Begun anew: what was counted since.
                if value < from {
                    series.strange.falls += 1;
                }
                let grown = if value >= from { value - from } else { value };
                (grown, passed)
            }
        };
        let (last, sum, weight) = series.moment;
        let goes_on = last == place && !series.is_state;
        let (sum, weight) = if goes_on { (sum + added, weight + over) } else { (added, over) };
        // There is one zero only.
        let reading = sum / weight * series.scale + 0.0;
        let [least, most] = series.range;
        if reading < least || reading > most {
            series.strange.impossible.push(place);
            return;
        }
        series.moment = (place, sum, weight);
        series.values[place] = reading;
    }

    /// A constant that laws name and no label tells, such as the time to the first token that was
    /// promised. It counts for every target.
    ///
    /// # Errors
    ///
    /// When there is no such constant, or the value is no number above 0.
    pub fn know(&mut self, name: &str, value: f64) -> Result<(), String> {
        self.knowledge.constants().accept(name, value)?;
        self.constants.insert(name.to_owned(), value);
        Ok(())
    }

    /// Says that changes of all kinds are told: where there is none, none was made.
    pub fn expect_events(&mut self) {
        self.events.all = true;
    }

    /// Says that changes of one kind are told.
    pub fn expect_events_of(&mut self, kind: &str) {
        self.events.kinds.insert(kind.to_owned());
    }

    /// A change that was made; others of its kind are told then, too.
    pub fn event(&mut self, event: Event) {
        self.expect_events_of(&event.kind);
        self.events.told.push(event);
    }

    /// A line of a log.
    pub fn log(&mut self, line: LogLine) {
        self.logs.push(line);
    }

    /// Says that what is asked about was noticed in the series with these labels: causes are then
    /// looked for at its target and what belongs to that. Without it, they are looked for
    /// everywhere.
    pub fn notice(&mut self, labels: &Labels) {
        if let Some(target) = self.target(labels) {
            self.targets[target].noticed = true;
        }
    }

    /// Number of the target that the series with these labels is of, which is known from now on;
    /// `None` if nothing is known of the series.
    pub(super) fn target(&mut self, labels: &Labels) -> Option<usize> {
        let known = self.knowledge.look_up(labels.get(METRIC_NAME)?)?;
        let Known::Signal { mapping, adapter, .. } = known else { return None };
        Some(self.target_of(adapter, mapping, labels))
    }

    /// Number of the target that the series with these labels is of, if that is known already.
    pub(super) fn known_target(&self, labels: &Labels) -> Option<usize> {
        let known = self.knowledge.look_up(labels.get(METRIC_NAME)?)?;
        let Known::Signal { mapping, adapter, .. } = known else { return None };
        let (kind, name) = called(adapter, mapping, labels);
        self.known.get(kind)?.get(&name).copied()
    }

    /// Every target that is known so far, by number.
    pub(super) fn targets(&self) -> &[Target] {
        &self.targets
    }

    fn target_of(&mut self, adapter: &Adapter, mapping: &Mapping, labels: &Labels) -> usize {
        let (kind, name) = called(adapter, mapping, labels);
        let number = match self.known.get(kind).and_then(|known| known.get(&name)) {
            Some(number) => *number,
            None => {
                let number = self.targets.len();
                self.known.entry(kind.to_owned()).or_default().insert(name.clone(), number);
                let (kind, attributes, tracks) = (kind.to_owned(), BTreeMap::new(), Vec::new());
                self.targets.push(Target { kind, name, attributes, tracks, noticed: false });
                number
            }
        };
        let known = &mut self.targets[number].attributes;
        for (name, value) in attributes(kind, labels, adapter) {
            let values = known.entry(name).or_default();
            if !values.contains(value) {
                values.insert(value.to_owned());
            }
        }
        number
    }

    /// The scene.
    pub fn build(self) -> Scene {
        let Self {
            knowledge,
            start,
            step,
            length,
            series,
            mut targets,
            events,
            logs,
            constants,
            ..
        } = self;
        join(series, &mut targets);
        targets.iter_mut().for_each(derive_latency);
        to_structure(&mut targets);
        targets.iter_mut().for_each(derive_first_requests);
        lend_container(&mut targets);
        lend_finished(&mut targets);
        targets.sort_by(|one, other| (&one.kind, &one.name).cmp(&(&other.kind, &other.name)));
        let kin = Kin::of(&targets);
        let suspects = suspects(&targets, &kin);
        let by_signal = by_signal(&targets);
        let lent = lend_together(knowledge, &targets);
        Scene {
            start,
            step,
            length,
            targets,
            by_signal,
            lent,
            kin,
            suspects,
            events,
            logs,
            constants,
        }
    }
}

/// Whether series of this metric tell a scene something.
#[must_use]
pub fn reads(knowledge: &Knowledge, metric: &str) -> bool {
    match knowledge.look_up(metric) {
        Some(Known::Signal { mapping, .. }) => part_of(metric, mapping).is_some(),
        _ => false,
    }
}

/// Finds out what belongs to what, as far as labels tell.
pub(super) fn to_structure(targets: &mut Vec<Target>) {
    find_hosts(targets);
    name_services(targets);
    add_services(targets);
    spread_hosts(targets);
    lend_process(targets);
}

/// Kind and name of the target that a series is of.
fn called<'a>(adapter: &'a Adapter, mapping: &'a Mapping, labels: &Labels) -> (&'a str, String) {
    let target = mapping.target.as_ref().unwrap_or(&adapter.target);
    let kind = kind(&target.kind, labels, &target.labels);
    (kind, name(kind, labels, &target.labels))
}

/// The place on a grid that is nearest, halves up; `None` before the first. What `f64::round` gives, which
/// costs as much as all the rest of a sample.
fn nearest(steps: f64) -> Option<usize> {
    let whole = steps as usize;
    let up = usize::from(steps - whole as f64 >= 0.5);
    (steps > -0.5).then(|| whole.saturating_add(up))
}

/// Where what was noticed may come from: where it was noticed, and what belongs to that and is of
/// another kind, as a cause at a peer would be noticed there.
pub(super) fn suspects(targets: &[Target], kin: &Kin) -> Option<BTreeSet<usize>> {
    let noticed = targets.iter().enumerate().filter(|(_, target)| target.noticed);
    let noticed: Vec<usize> = noticed.map(|(number, _)| number).collect();
    let kinds: BTreeSet<&str> = targets.iter().map(|target| target.kind.as_str()).collect();
    let near = noticed.iter().flat_map(|number| {
        let others = kinds.iter().filter(|kind| **kind != targets[*number].kind);
        others.flat_map(|kind| kin.near(targets, *number, kind))
    });
    let suspects: BTreeSet<usize> = near.chain(noticed.iter().copied()).collect();
    (!suspects.is_empty()).then_some(suspects)
}

/// What of its family a metric is; `None` for what is not needed.
fn part_of(metric: &str, mapping: &Mapping) -> Option<Part> {
    match mapping.kind {
        MetricForm::Gauge => Some(Part::Gauge),
        MetricForm::Counter => Some(Part::Counter),
        MetricForm::Histogram | MetricForm::Summary => {
            if metric.ends_with("_sum") {
                Some(Part::Sum)
            } else if metric.ends_with("_count") {
                Some(Part::Count)
            } else {
                None
            }
        }
    }
}

/// Share of its width by which a reading may lie outside of what an adapter says: shares of time are
/// measured by two clocks.
const SLACK: f64 = 0.1;

/// Readings that a metric can have: what its adapter says, within what is possible.
fn reach(mapping: &Mapping, [least, most]: [f64; 2]) -> [f64; 2] {
    let Some([low, high]) = mapping.range else { return [least, most] };
    [(low - SLACK * (high - low)).max(least), (high + SLACK * (high - low)).min(most)]
}

/// The labels without the name of the metric.
fn unnamed(labels: &Labels) -> Labels {
    let pairs = labels.iter().filter(|(name, _)| *name != METRIC_NAME);
    Labels::from_pairs(pairs).expect("labels without one of them are labels")
}

/// Hands the series to their targets; sums and counts become means.
fn join(series: Vec<Series>, targets: &mut [Target]) {
    let mut sums: HashMap<(usize, String, Labels), (Vec<f64>, Strange)> = HashMap::new();
    let mut counts = Vec::new();
    for Series { target, signal, rank, part, labels, values, strange, .. } in series {
        match part {
            Part::Gauge | Part::Counter => {
                let weights = None;
                targets[target].tracks.push(Track {
                    signal,
                    rank,
                    labels,
                    values,
                    weights,
                    strange,
                });
            }
            Part::Sum => {
                sums.insert((target, signal, unnamed(&labels)), (values, strange));
            }
            Part::Count => counts.push((target, signal, rank, labels, values, strange)),
        }
    }
    for (target, signal, rank, labels, counts, strange) in counts {
        let key = (target, signal, unnamed(&labels));
        let Some((sums, mut of_sum)) = sums.remove(&key) else { continue };
        let (_, signal, _) = key;
        let values = sums.iter().zip(&counts).map(|(sum, count)| sum / count).collect();
        let weights = Some(counts);
        of_sum.impossible.extend(strange.impossible);
        let strange = Strange { falls: of_sum.falls.max(strange.falls), ..of_sum };
        targets[target].tracks.push(Track { signal, rank, labels, values, weights, strange });
    }
}

/// A replica that names no host is on the one whose exporter has the same name, if there is one.
fn find_hosts(targets: &mut [Target]) {
    let hosts = targets.iter().filter(|target| target.kind == "host");
    let hosts: BTreeSet<String> = hosts.map(|host| host.name.clone()).collect();
    for target in targets.iter_mut().filter(|target| target.kind == "replica") {
        let host = target.attribute("instance").map(bare).filter(|name| hosts.contains(*name));
        if let Some(host) = host.map(str::to_owned) {
            target.attributes.entry("host").or_insert_with(|| BTreeSet::from([host]));
        }
    }
}

/// Replicas that say neither service nor model belong to what is scraped as one job, or else to all
/// of the same program.
fn name_services(targets: &mut [Target]) {
    for target in targets.iter_mut().filter(|target| target.kind == "replica") {
        let names = ["service", "model"];
        if names.iter().all(|name| !target.attributes.contains_key(name)) {
            let service = target.attribute("scraped as").or(target.attribute("program"));
            if let Some(service) = service.map(str::to_owned) {
                target.attributes.insert("service", BTreeSet::from([service]));
            }
        }
    }
}

/// A service for each that replicas say they are of, and gateways of the same model become part of it.
fn add_services(targets: &mut Vec<Target>) {
    let mut services: BTreeMap<String, Target> = BTreeMap::new();
    for target in targets.iter().filter(|target| matches!(&*target.kind, "replica" | "source")) {
        let service = target.attribute("service").or(target.attribute("model"));
        let Some(name) = service.map(str::to_owned) else { continue };
        let service = services.entry(name.clone()).or_insert_with(|| Target {
            kind: "service".to_owned(),
            name,
            attributes: BTreeMap::new(),
            tracks: Vec::new(),
            noticed: false,
        });
        for attribute in ["service", "model", "host"] {
            if let Some(values) = target.attributes.get(attribute) {
                let own = service.attributes.entry(attribute).or_default();
                own.extend(values.iter().cloned());
            }
        }
    }
    let mut services: Vec<Target> = services.into_values().collect();
    let mut left = Vec::with_capacity(targets.len());
    for mut target in targets.drain(..) {
        let joins = matches!(&*target.kind, "service" | "gateway" | "router")
            || (target.kind == "replica" && target.name.is_empty());
        // One that says the name of its service belongs there; otherwise the model has to do.
        let by = |name: &str, services: &[Target]| {
            services.iter().position(|service| shares(service, &target, name))
        };
        let find = || by("service", &services).or_else(|| by("model", &services));
        match joins.then(find).flatten() {
            Some(place) => {
                services[place].tracks.append(&mut target.tracks);
                services[place].noticed |= target.noticed;
                if let Some(instances) = target.attributes.remove("instance") {
                    let own = services[place].attributes.entry("instance").or_default();
                    own.extend(instances);
                }
            }
            None => left.push(target),
        }
    }
    left.append(&mut services);
    *targets = left;
}

/// Jobs are on the hosts of their ranks.
fn spread_hosts(targets: &mut [Target]) {
    let mut hosts: BTreeMap<String, BTreeSet<String>> = BTreeMap::new();
    for target in targets.iter().filter(|target| target.kind == "rank") {
        if let (Some(job), Some(told)) = (target.attribute("job"), target.attributes.get("host")) {
            hosts.entry(job.to_owned()).or_default().extend(told.iter().cloned());
        }
    }
    for target in targets.iter_mut().filter(|target| target.kind == "job") {
        if let Some(told) = target.attribute("job").and_then(|job| hosts.get(job)) {
            target.attributes.entry("host").or_default().extend(told.iter().cloned());
        }
    }
}

/// What a process says of itself is said of whatever it shows: a replica, the GPUs of an exporter.
fn lend_process(targets: &mut [Target]) {
    let of_processes = targets.iter().filter(|target| target.kind == "process");
    let lent: HashMap<String, (Vec<Track>, bool)> = of_processes
        .filter_map(|target| {
            let instance = target.attribute("instance")?;
            Some((instance.to_owned(), (target.tracks.clone(), target.noticed)))
        })
        .collect();
    for target in targets.iter_mut().filter(|target| target.kind != "process") {
        let Target { attributes, tracks, noticed, .. } = target;
        let told = attributes.get("instance").into_iter().flatten();
        for (lent, noticed_there) in told.filter_map(|instance| lent.get(instance)) {
            tracks.extend(lent.iter().cloned());
            *noticed |= noticed_there;
        }
    }
}
