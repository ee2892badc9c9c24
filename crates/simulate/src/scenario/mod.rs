//! Scenarios: their language, what becomes of one, and the library.

mod generate;
mod language;
mod place;
mod plan;
mod settings;

pub use generate::{LIBRARY_EACH, case_text, library, scenario_text, small_text};
pub use language::{
    EngineKind, FaultSection, FleetSection, HostSection, JobSection, PerceptionKind,
    PerceptionSection, Scenario, ServiceSection, TrafficKind,
};
pub use plan::{HostPlan, JobPlan, PerceptionPlan, Plan, PlannedFault, Seat, ServicePlan};

use auscult_core::units::FORMATS;
use auscult_yaml::{Document, Problem};

impl Scenario {
    /// Reads a scenario; problems call the text `file`.
    ///
    /// # Errors
    ///
    /// All that is wrong, each with line, column and what was expected.
    pub fn read(file: &str, text: &str) -> Result<Self, Vec<Problem>> {
        let document = Document::parse(file, text).map_err(|problem| vec![problem])?;
        let scenario: Self = document.read_with(FORMATS, None)?;
        match scenario.plan() {
            Ok(_) => Ok(scenario),
            Err(problems) => Err(problems
                .into_iter()
                .map(|(path, sentence)| document.problem_at(&path, sentence))
                .collect()),
        }
    }
}
