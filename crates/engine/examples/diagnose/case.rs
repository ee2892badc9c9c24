//! Plays a scenario and puts what its programs tell into a scene.

use auscult_core::{Labels, METRIC_NAME};
use auscult_diagnose::diagnosis::Cause;
use auscult_diagnose::evidence::{Window, estimate_onset};
use auscult_diagnose::scene::{Event, LogLine, Scene, SceneBuilder, SeriesNumber, Target};
use auscult_knowledge::{Knowledge, Known};
use auscult_simulate::identity::own;
use auscult_simulate::page::{Answer, Page, Values};
use auscult_simulate::place::{PartKind, Place};
use auscult_simulate::random::Random;
use auscult_simulate::scenario::{Plan, Scenario, case_text, scenario_text, small_text};
use auscult_simulate::simulation::Simulation;

/// Seconds from one sample to the next.
const STEP: u64 = 15;
/// Seconds at the beginning of a scenario that are left out: caches and temperatures settle.
const SETTLES: f64 = 600.0;
/// Seconds after the beginning between which one looks early.
const EARLY: [f64; 2] = [45.0, 240.0];
/// Share of the exporters that are missing where only some are there.
const MISSING_EXPORTERS: f64 = 0.5;
/// Seconds of the interval in which an onset is looked for.
const LOOKED_AT: f64 = 1200.0;

/// What a scenario was about.
pub(crate) struct Case {
    /// The faults, or `healthy`.
    pub(crate) fault: String,
    /// Where they are.
    pub(crate) places: Vec<String>,
    /// What was seen.
    pub(crate) scene: Scene,
    /// The stretch of time that is asked about.
    pub(crate) window: Window,
    /// By how many seconds the onset is off, and whether the interval that was told has it.
    pub(crate) onset: Option<(f64, bool)>,
}

/// A fleet that falls ill.
#[derive(Debug, Clone, Copy, Default)]
pub(crate) enum Fleet {
    /// What the fault needs.
    #[default]
    Usual,
    /// More than that.
    Rich,
    /// One host with one replica or two.
    Small,
}

impl Fleet {
    /// As it is called on the command line.
    pub(crate) fn named(name: &str) -> Result<Self, String> {
        match name {
            "rich" => Ok(Self::Rich),
            "small" => Ok(Self::Small),
            _ => Err(format!("--fleet {name}: expected `rich` or `small`")),
        }
    }

    /// Whether scenario `number` of `fault` can be played in it: one host is too small for some, and no fleet has what some
    /// two take together.
    pub(crate) fn can_have(self, fault: &str, number: usize) -> bool {
        let is_single = !fault.contains('+');
        self.text(fault, number).map_or(!matches!(self, Self::Small), |text| {
            is_single || Scenario::read(fault, &text).is_ok_and(|scenario| scenario.plan().is_ok())
        })
    }

    /// Scenario `number` of `fault`; none where it takes another fleet.
    pub(crate) fn text(self, fault: &str, number: usize) -> Option<String> {
        let name = format!("{fault}/{number}");
        match self {
            Self::Usual => scenario_text(&name),
            Self::Rich => case_text(&name),
            Self::Small => small_text(&name),
        }
    }
}

/// How scenarios are played.
#[derive(Debug, Clone, Copy, Default)]
pub(crate) struct Course {
    /// Share of the signals that are missing.
    pub(crate) without: f64,
    /// Whether the onset is estimated.
    pub(crate) estimated: bool,
    /// Which fleet.
    pub(crate) fleet: Fleet,
    /// Whether one looks soon after the beginning; when the fault ends otherwise.
    pub(crate) early: bool,
    /// Whether only some of the exporters are there.
    pub(crate) sparse: bool,
    /// Whether nobody tells of changes.
    pub(crate) untold: bool,
}

/// Plays scenario `number` of `fault`.
pub(crate) fn play(knowledge: &Knowledge, fault: &str, number: usize, course: Course) -> Case {
    let name = format!("{fault}/{number}");
    let text = course.fleet.text(fault, number).unwrap_or_else(|| panic!("no scenario {name}"));
    let scenario = Scenario::read(&name, &text).unwrap_or_else(|_| panic!("{name} cannot be read"));
    let plan = scenario.plan().unwrap_or_else(|_| panic!("{name} cannot be planned"));
    let mut simulation = Simulation::new(&scenario, plan);
    let start = scenario.start as f64;
    let plan = simulation.plan().clone();
    let (begins, ends) = plan.faults.iter().fold((f64::INFINITY, 0.0_f64), |(from, to), fault| {
        (from.min(fault.course.start), to.max(fault.course.end))
    });
    let healthy = plan.faults.is_empty();
    let (begins, ends) = if healthy { (3000.0, 4200.0) } else { (begins, ends) };
    let ends = if course.early {
        let [least, most] = EARLY;
        let waits = least + (most - least) * Random::member(number as u64, fault, 9).uniform();
        ends.min(begins + waits)
    } else {
        ends
    };
    let seconds = scenario.duration.as_secs().min(ends as u64 + STEP);
    let length = (seconds / STEP) as usize + 1;
    let has = |metric: &str| match knowledge.look_up(metric) {
        Some(Known::Signal { signal, .. }) => {
            let name = format!("{fault} {}", signal.name);
            !Random::member(number as u64, &name, 8).chance(course.without)
        }
        _ => false,
    };
    // Who has no exporter of one kind has it nowhere.
    let scrapes = |page: &Page| {
        !course.sparse
            || !Random::member(number as u64, &format!("{fault} {}", page.job), 10)
                .chance(MISSING_EXPORTERS)
    };
    let mut builder = SceneBuilder::new(knowledge, start, STEP as f64, length);
    let pages: Vec<Vec<Option<SeriesNumber>>> =
        simulation.pages().iter().map(|page| declare(&mut builder, page, &has, &scrapes)).collect();
    let mut values = Values::default();
    let mut lines = Vec::new();
    for second in 1..=seconds {
        simulation.advance();
        simulation.take_log_lines(&mut lines);
        if second % STEP != 0 {
            continue;
        }
        let time = simulation.time() as f64;
        for (page, series) in pages.iter().enumerate() {
            let answer = simulation.read(page, &mut values);
            let up = matches!(answer, Answer::Page(seconds) if seconds < 10.0);
            let (own, others) = series.split_last().expect("`up`");
            if up {
                for (number, value) in others.iter().zip(values.iter()) {
                    if let (Some(number), Some(value)) = (number, value) {
                        builder.sample(*number, time, value);
                    }
                }
            }
            if let Some(own) = own {
                builder.sample(*own, time, f64::from(u8::from(up)));
            }
        }
    }
    if !course.untold {
        builder.expect_events();
    }
    for fault in &plan.faults {
        if let Some(kind) = fault.change.filter(|_| !course.untold) {
            for place in &fault.places {
                let target = called(&plan, scenario.seed, *place);
                builder.event(Event {
                    time: start + fault.course.start,
                    kind: kind.word().to_owned(),
                    target,
                });
            }
        }
    }
    for line in lines.into_iter().filter(|line| !line.is_step) {
        let source = simulation.logs()[line.log].of.clone();
        builder.log(LogLine { time: start + line.seconds, source, text: line.text });
    }
    let scene = builder.build();
    let from = scene.index(start + SETTLES);
    let end = scene.index(start + ends);
    let mut random = Random::member(number as u64, fault, 7);
    let (began, onset) = if course.estimated {
        let first = begins - LOOKED_AT * random.uniform();
        let interval = scene.index(start + first)..scene.index(start + first + LOOKED_AT);
        let middle = interval.start.midpoint(interval.end);
        let told = estimate_onset(&scene, from, interval.clone(), end);
        let told = told.map(|told| (told.at, told.earliest..=told.latest));
        let (at, within) = told.unwrap_or((middle, interval.start..=interval.end));
        let truth = scene.index(start + begins);
        let off = (at as f64 - truth as f64) * STEP as f64;
        (at, Some((off, within.contains(&truth))))
    } else {
        // Nobody knows exactly when something began.
        (scene.index(start + begins + 60.0 * (random.uniform() * 2.0 - 1.0)), None)
    };
    let window = Window { from, onset: began, end };
    let places = places(&plan);
    Case {
        fault: if healthy { "healthy".to_owned() } else { fault.to_owned() },
        places,
        scene,
        window,
        onset,
    }
}

/// What a part is called among the targets of a scene: of a replica that is its address.
fn called(plan: &Plan, seed: u64, place: Place) -> String {
    match place.kind {
        PartKind::Replica => own(plan, seed, place)[0][0].1.clone(),
        _ => plan.name(place),
    }
}

fn places(plan: &Plan) -> Vec<String> {
    let places = plan.faults.iter().flat_map(|fault| fault.places.iter());
    places.map(|place| plan.name(*place)).collect()
}

/// Declares the series of a page, and `up` last.
fn declare(
    builder: &mut SceneBuilder<'_>,
    page: &Page,
    has: &impl Fn(&str) -> bool,
    scrapes: &impl Fn(&Page) -> bool,
) -> Vec<Option<SeriesNumber>> {
    let is_scraped = scrapes(page);
    let series = page.scraped().map(|(name, mut labels)| {
        labels.push((METRIC_NAME, &name));
        let labels = Labels::from_pairs(labels).expect("pages carry each label once");
        (is_scraped && has(&name)).then(|| builder.series(&labels)).flatten()
    });
    series.collect()
}

impl Case {
    /// Whether a cause is told where the fault is.
    pub(crate) fn is_where(&self, cause: &Cause) -> bool {
        let is_it = |target: &&Target| target.kind == cause.kind && target.name == cause.place;
        self.scene.targets().iter().find(is_it).is_some_and(|target| self.is_at(target))
    }

    /// Whether `target` is where the fault is: itself, what is made of such places, or a rank on
    /// the host.
    pub(crate) fn is_at(&self, target: &Target) -> bool {
        let name = placed(&target.kind, &target.name);
        let has = |name: &str| self.places.iter().any(|place| place == name);
        let part = format!("{name}/");
        let holds_all =
            || !self.places.is_empty() && self.places.iter().all(|place| place.starts_with(&part));
        has(&name)
            || match &*target.kind {
                "host" => self.places.len() > 1 && holds_all(),
                "service" => holds_all(),
                "rank" => target.attribute("host").is_some_and(has),
                _ => false,
            }
    }
}

/// A target as scenarios call it.
fn placed(kind: &str, name: &str) -> String {
    match kind {
        "replica" => {
            let name = name.rsplit_once(':').map_or(name, |(name, _)| name);
            name.rsplit_once('-')
                .map_or(name.to_owned(), |(service, number)| format!("{service}/{number}"))
        }
        "port" => {
            let mut parts = name.split('/');
            let host = parts.next().unwrap_or_default();
            let device = parts.next().unwrap_or_default();
            let number = device.trim_start_matches(|letter: char| !letter.is_ascii_digit());
            let number = number.rsplit_once('_').map_or(number, |(_, number)| number);
            format!("{host}/port-{number}")
        }
        "storage" => "storage".to_owned(),
        _ => name.to_owned(),
    }
}
