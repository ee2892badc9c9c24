//! A scenario in motion.

use crate::conditions::Injector;
use crate::fleet::Fleet;
use crate::logs::{Log, LogLine};
use crate::page::{Answer, Page, Values};
use crate::scenario::{Plan, Scenario};

/// A scenario that is played, second by second.
///
/// ```
/// use auscult_simulate::page::{Answer, Values};
/// use auscult_simulate::scenario::{Scenario, scenario_text};
/// use auscult_simulate::simulation::Simulation;
///
/// let text = scenario_text("G1/1").unwrap();
/// let scenario = Scenario::read("G1/1", &text).unwrap();
/// let mut simulation = Simulation::new(&scenario, scenario.plan().unwrap());
/// for _ in 0..60 {
///     simulation.advance();
/// }
/// let mut values = Values::default();
/// assert!(matches!(simulation.read(0, &mut values), Answer::Page(_)));
/// assert_eq!(values.len(), simulation.pages()[0].series());
/// ```
#[derive(Debug)]
pub struct Simulation {
    start: u64,
    seconds: u64,
    fleet: Fleet,
    injector: Injector,
    plan: Plan,
}

impl Simulation {
    /// `plan` of `scenario`, before its first second.
    pub fn new(scenario: &Scenario, plan: Plan) -> Self {
        let fleet = Fleet::new(&plan, scenario.seed, scenario.start);
        Self { start: scenario.start, seconds: 0, fleet, injector: plan.injector(), plan }
    }

    /// The same fleet without what goes wrong, before its first second.
    #[must_use]
    pub fn twin(scenario: &Scenario, plan: &Plan) -> Self {
        Self::new(scenario, plan.healthy())
    }

    /// One second.
    pub fn advance(&mut self) {
        self.fleet.advance(self.injector.at(self.seconds as f64));
        self.seconds += 1;
    }

    /// Seconds since the beginning.
    pub fn seconds(&self) -> u64 {
        self.seconds
    }

    /// Seconds since 1970.
    pub fn time(&self) -> u64 {
        self.start + self.seconds
    }

    /// What is played.
    pub fn plan(&self) -> &Plan {
        &self.plan
    }

    /// Everything that can be scraped; never changes.
    pub fn pages(&self) -> &[Page] {
        self.fleet.pages()
    }

    /// What a scrape of page number `page` gets; on [`Answer::Page`], `values` has its values.
    pub fn read(&mut self, page: usize, values: &mut Values) -> Answer {
        self.fleet.read(page, values)
    }

    /// The logs that are written; which there are never changes.
    pub fn logs(&self) -> &[Log] {
        self.fleet.logs()
    }

    /// Adds what was written into logs since the last call to `lines`, log by log, each in the order
    /// of time. Ask each second: links that come and go in between are written with the time of the call.
    pub fn take_log_lines(&mut self, lines: &mut Vec<LogLine>) {
        self.fleet.take_log_lines(lines);
    }
}
