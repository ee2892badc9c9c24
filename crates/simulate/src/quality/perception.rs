//! Models that hear, see and drive: frames of sources, late labels, deadlines.

use std::collections::VecDeque;

use crate::conditions::{ServiceConditions, SourceConditions};
use crate::page::{Histogram, Kind, Page, PageBuilder, Values};
use crate::random::Random;
use crate::supply::{GpuDemand, GpuSupply};

/// What is perceived.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum PerceptionKind {
    /// Words in utterances.
    Speech,
    /// Objects in pictures.
    Vision,
    /// Objects around a car, in time.
    Driving,
}

/// One service that perceives.
#[derive(Debug, Clone, PartialEq)]
pub struct PerceptionSpec {
    /// Its name.
    pub name: String,
    /// What it perceives.
    pub kind: PerceptionKind,
    /// Its sources: lines, cameras, sensors.
    pub sources: Vec<String>,
    /// Frames or utterances a second of each source.
    pub rate: f64,
    /// Milliseconds of the GPU for each at the highest clock.
    pub frame_ms: f64,
    /// Seconds until people have labelled a sample.
    pub label_delay: u64,
}

/// Age at which a frame is of no use any more, seconds.
const DEADLINE: f64 = 0.1;
/// Frames a minute and source that people label.
const LABELLED: u64 = 30;
/// Words of an utterance; objects of a frame.
const PARTS: f64 = 9.0;
const AGES: &[f64] = &[0.01, 0.02, 0.03, 0.05, 0.075, 0.1, 0.15, 0.25, 0.5, 1.0, 2.5, 5.0];

/// What was counted of one source.
#[derive(Debug, Clone)]
struct Source {
    frames: u64,
    misses: u64,
    confidence: f64,
    signal: f64,
    brightness: f64,
    age: Histogram,
    labelled: Labels,
    /// The last labelled sample.
    recent: Option<Labels>,
    late: VecDeque<(u64, Labels)>,
    owed: f64,
}

/// What labels say.
#[derive(Debug, Clone, Copy, Default)]
struct Labels {
    parts: u64,
    found: u64,
    wrong: u64,
}

/// The service at work.
#[derive(Debug)]
pub struct Perception {
    spec: PerceptionSpec,
    seed: u64,
    sources: Vec<Source>,
    /// When the GPU is done with what it has.
    free: f64,
    drift: f64,
    interventions: u64,
    demand: GpuDemand,
}

impl Perception {
    /// A service that has seen nothing.
    pub fn new(spec: PerceptionSpec, seed: u64) -> Self {
        let source = Source {
            frames: 0,
            misses: 0,
            confidence: f64::NAN,
            signal: f64::NAN,
            brightness: f64::NAN,
            age: Histogram::new(AGES),
            labelled: Labels::default(),
            recent: None,
            late: VecDeque::new(),
            owed: 0.0,
        };
        let sources = vec![source; spec.sources.len()];
        Self {
            spec,
            seed,
            sources,
            free: 0.0,
            drift: 0.0,
            interventions: 0,
            demand: GpuDemand::default(),
        }
    }

    /// What it asked of its GPU in the last second.
    pub fn demand(&self) -> &GpuDemand {
        &self.demand
    }

    /// Simulates the second from `second` on; `conditions` are by source.
    pub fn advance(
        &mut self,
        second: u64,
        gpu: &GpuSupply,
        conditions: &[SourceConditions],
        service: &ServiceConditions,
    ) {
        let mut busy = 0.0;
        let work = self.spec.frame_ms / 1000.0 / gpu.clock.max(0.01);
        let mut arrivals: Vec<(f64, usize)> = Vec::new();
        let count = self.sources_len();
        for (index, source) in self.sources.iter_mut().enumerate() {
            source.owed += self.spec.rate * service.arrivals;
            let frames = source.owed.floor();
            source.owed -= frames;
            arrivals.extend((0..frames as u64).map(|frame| {
                let place = (frame as f64 + 0.5 + 0.3 * index as f64 / count) / frames;
                (second as f64 + place.min(0.999), index)
            }));
        }
        arrivals.sort_by(|a, b| a.0.total_cmp(&b.0).then(a.1.cmp(&b.1)));
        for (time, index) in arrivals {
            let source = &mut self.sources[index];
            // A frame that would be too old before it begins is dropped, and misses its deadline.
            let wait = (self.free - time).max(0.0);
            source.frames += 1;
            if !gpu.alive || wait > 10.0 * DEADLINE {
                source.misses += 1;
                continue;
            }
            self.free = self.free.max(time) + work;
            busy += work;
            let age = self.free - time + 0.012;
            source.age.observe(age);
            source.misses += u64::from(age > DEADLINE);
        }
        if second.is_multiple_of(60) {
            self.sample(second, gpu, conditions, service);
        }
        let share = busy.min(1.0);
        self.demand = GpuDemand {
            active: share,
            tensor: 0.35 * share,
            dram: 0.4 * share,
            memory_bytes: 9e9,
            pcie_in_bytes: self.spec.rate * self.sources.len() as f64 * 6e6,
            ..GpuDemand::default()
        };
    }

    fn sources_len(&self) -> f64 {
        self.spec.sources.len().max(1) as f64
    }

    /// Looks at a minute's frames: what the model says at once, and what labels will say.
    fn sample(
        &mut self,
        second: u64,
        gpu: &GpuSupply,
        conditions: &[SourceConditions],
        service: &ServiceConditions,
    ) {
        let minute = second / 60;
        let (mut missed, mut frames) = (0, 0);
        for (index, source) in self.sources.iter_mut().enumerate() {
            let mut random = Random::member(self.seed, "perception", (minute << 16) | index as u64);
            let degraded = conditions[index].degraded.clamp(0.0, 1.0);
            let clear = 1.0 - degraded;
            let wrong = 1.0
                - (1.0 - gpu.corruption.clamp(0.0, 1.0))
                    * (1.0 - 0.9 * service.bad_weights.clamp(0.0, 1.0));
            let found = 0.9 * libm::pow(clear, 1.3) * (1.0 - wrong);
            let right = found * (1.0 - service.concept_drift.clamp(0.0, 1.0));
            let spurious = 0.05 + 0.25 * degraded + 0.5 * wrong;
            let mut labels = Labels::default();
            for _ in 0..LABELLED {
                let parts = 1 + random.poisson(PARTS - 1.0);
                labels.parts += parts;
                labels.found += (0..parts).filter(|_| random.chance(right)).count() as u64;
                labels.wrong += (0..parts).filter(|_| random.chance(spurious)).count() as u64;
            }
            source.late.push_back((second + self.spec.label_delay, labels));
            while let Some((due, labels)) = source.late.front().copied()
                && due <= second
            {
                source.late.pop_front();
                source.labelled.parts += labels.parts;
                source.labelled.found += labels.found;
                source.labelled.wrong += labels.wrong;
                source.recent = Some(labels);
            }
            // A model knows that it sees badly; it does not know that the world has moved.
            let confidence = 0.86 * libm::pow(clear, 0.6) * (1.0 - 0.3 * wrong);
            source.confidence = (confidence + 0.01 * random.normal()).clamp(0.0, 1.0);
            source.signal = 26.0 * clear + 0.5 * random.normal();
            source.brightness = 0.5 * (1.0 - 0.5 * degraded) + 0.01 * random.normal();
            missed += source.misses;
            frames += source.frames;
        }
        let mut random = Random::member(self.seed, "drift", minute);
        let noise = (random.normal() / 20.0).abs();
        self.drift = (service.input_drift * service.input_drift + noise * noise).sqrt();
        if self.spec.kind == PerceptionKind::Driving {
            let late = missed as f64 / frames.max(1) as f64;
            let blind = conditions.iter().map(|source| source.degraded).fold(0.0, f64::max);
            self.interventions += random.poisson(0.02 + 3.0 * late + 1.5 * blind);
        }
    }

    /// Share of words or objects of the last labelled sample of a source that were missed or
    /// wrong: the word error rate of speech.
    pub fn error_ratio(&self, source: usize) -> Option<f64> {
        let labels = self.sources[source].recent?;
        Some((labels.parts - labels.found + labels.wrong) as f64 / labels.parts as f64)
    }

    /// Mean average precision of the last labelled sample of a source: precision times recall,
    /// the area under a curve with one step.
    pub fn average_precision(&self, source: usize) -> Option<f64> {
        let labels = self.sources[source].recent?;
        let precision = labels.found as f64 / (labels.found + labels.wrong).max(1) as f64;
        Some(precision * labels.found as f64 / labels.parts as f64)
    }

    /// Confidence in the last minute of a source.
    pub fn confidence(&self, source: usize) -> f64 {
        self.sources[source].confidence
    }

    /// Frames of a source that came too late, and all of them.
    pub fn misses(&self, source: usize) -> (u64, u64) {
        (self.sources[source].misses, self.sources[source].frames)
    }

    /// NuScenes detection score of the last labelled samples (H. Caesar et al., 2020): half the mean average
    /// precision, half the errors of true positives, of which we have the one that age makes.
    fn detection_score(&self) -> Option<f64> {
        let mut sum = 0.0;
        for index in 0..self.sources.len() {
            let age = self.sources[index].age.sum() / self.sources[index].age.count().max(1) as f64;
            sum += 0.5 * self.average_precision(index)? + 0.5 * (1.0 - (age / 0.5).min(1.0));
        }
        Some(sum / self.sources_len())
    }

    /// The page.
    pub fn page(spec: &PerceptionSpec, instance: &str) -> Page {
        let mut page = PageBuilder::new("perception", instance, &[("service", &spec.name)]);
        let labels: Vec<[(&str, &str); 1]> =
            spec.sources.iter().map(|source| [("source", source.as_str())]).collect();
        let labels: Vec<&[(&str, &str)]> = labels.iter().map(<[_; 1]>::as_slice).collect();
        let prefix = prefix(spec.kind);
        let name = |rest: &str| format!("{prefix}_{rest}");
        page.family(Kind::Counter, &name("frames"), "_total", "Frames or utterances.", &labels);
        page.family(Kind::Counter, &name("deadline_misses"), "_total", "Frames too late.", &labels);
        page.family(Kind::Gauge, &name("confidence_ratio"), "", "Mean confidence.", &labels);
        page.family(Kind::Gauge, &name("signal_to_noise_decibels"), "", "Clearness.", &labels);
        page.family(Kind::Gauge, &name("brightness_ratio"), "", "Loudness or brightness.", &labels);
        page.histograms(&name("frame_age_seconds"), "Age of a result.", AGES, &labels);
        page.family(
            Kind::Counter,
            &name("labelled_parts"),
            "_total",
            "Words or objects labelled.",
            &labels,
        );
        page.family(Kind::Counter, &name("missed_parts"), "_total", "Of these, missed.", &labels);
        page.family(
            Kind::Counter,
            &name("false_parts"),
            "_total",
            "Found where there were none.",
            &labels,
        );
        let quality = if spec.kind == PerceptionKind::Speech {
            name("word_error_ratio")
        } else {
            name("average_precision_ratio")
        };
        page.family(Kind::Gauge, &quality, "", "Of the last labelled sample.", &labels);
        page.gauge(&name("input_drift_distance"), "Distance of inputs from those of before.");
        if spec.kind == PerceptionKind::Driving {
            page.gauge(&name("detection_score_ratio"), "NuScenes detection score.");
            page.counter(&name("planner_interventions"), "Times that the planner was overruled.");
        }
        page.build()
    }

    /// Writes the values of the page.
    pub fn write(&self, values: &mut Values) {
        let all = |values: &mut Values, value: &dyn Fn(&Source) -> f64| {
            for source in &self.sources {
                values.push(value(source));
            }
        };
        all(values, &|source| source.frames as f64);
        all(values, &|source| source.misses as f64);
        all(values, &|source| source.confidence);
        all(values, &|source| source.signal);
        all(values, &|source| source.brightness);
        for source in &self.sources {
            values.histogram(&source.age);
        }
        all(values, &|source| source.labelled.parts as f64);
        all(values, &|source| (source.labelled.parts - source.labelled.found) as f64);
        all(values, &|source| source.labelled.wrong as f64);
        for index in 0..self.sources.len() {
            let quality = if self.spec.kind == PerceptionKind::Speech {
                self.error_ratio(index)
            } else {
                self.average_precision(index)
            };
            values.push_if(quality);
        }
        values.push(self.drift);
        if self.spec.kind == PerceptionKind::Driving {
            values.push_if(self.detection_score());
            values.push(self.interventions as f64);
        }
    }
}

fn prefix(kind: PerceptionKind) -> &'static str {
    match kind {
        PerceptionKind::Speech => "speech",
        PerceptionKind::Vision => "vision",
        PerceptionKind::Driving => "driving",
    }
}
