//! `auscult diagnose`: the causes of an incident, from recorded metrics or a running service.

use std::io::Write;
use std::path::PathBuf;

use auscult_core::Timestamp;
use auscult_diagnose::diagnosis::Conclusion;
use auscult_engine::Diagnosis;
use auscult_engine::page::{Sheet, page};
use auscult_telemetry::format_time;
use serde::Serialize;

use super::case::{CaseArguments, Patient};
use super::consult;
use crate::outcome::{CallError, Outcome};
use crate::progress::Progress;

/// Arguments of `auscult diagnose`.
#[derive(Debug, clap::Args)]
pub(crate) struct Arguments {
    #[command(flatten)]
    case: CaseArguments,

    /// After the first answer, ask on the terminal what no reading tells, the question that is worth
    /// most first, and take the answers into account
    #[arg(long)]
    ask: bool,

    /// What it costs to find out, as a CSV of name and price or as
    /// `gpu_temperature=3,event deploy=0.5`; 1 unless said
    #[arg(long, value_name = "FILE|LIST", requires = "ask")]
    costs: Option<String>,

    /// Form of the answer
    #[arg(short, long, value_name = "FORM", default_value = "text")]
    format: Form,

    /// Write the answer to a file instead of standard output
    #[arg(short, long, value_name = "FILE")]
    output: Option<PathBuf>,

    /// Also write a report with plots of the evidence: one page that needs nothing else
    #[arg(long, value_name = "FILE.html")]
    html: Option<PathBuf>,

    /// Exit with code 1 if something is wrong
    #[arg(long)]
    fail_on_anomaly: bool,

    /// No progress
    #[arg(short, long)]
    quiet: bool,
}

/// How the answer is written.
#[derive(Debug, Clone, Copy, PartialEq, Eq, clap::ValueEnum)]
enum Form {
    /// For people.
    Text,
    /// Everything as data: an array, an incident an element.
    Json,
}

/// What an incident is.
#[derive(Debug, Serialize)]
struct Answer {
    /// Its number; none of what was asked for by time.
    #[serde(skip_serializing_if = "Option::is_none")]
    incident: Option<u64>,
    #[serde(flatten)]
    diagnosis: Diagnosis,
}

/// Diagnoses and writes what was found.
pub(crate) fn run(arguments: &Arguments) -> Result<Outcome, CallError> {
    let progress = Progress::new(!arguments.quiet);
    let handbook = arguments.case.handbook()?;
    if arguments.ask {
        arguments.case.leave_input_to_answers()?;
    }
    let patients = arguments.case.open(&handbook, &progress)?;
    let (mut answers, mut sheets) = (Vec::new(), Vec::new());
    for (incident, patient) in &patients {
        let incident = *incident;
        // Readings are looked for only where they are drawn.
        let diagnosis = if arguments.html.is_some() {
            let diagnosis = patient.illustrate()?;
            let report = diagnosis.report.clone();
            sheets.push(Sheet { incident, diagnosis, links: patient.links() });
            report
        } else {
            patient.diagnose()?
        };
        answers.push(Answer { incident, diagnosis });
    }
    // What was asked and answered is written to where the person reads.
    let mut is_written = false;
    if arguments.ask && !answers.is_empty() {
        let is_shown = arguments.output.is_none() && arguments.format == Form::Text;
        for ((_, patient), answer) in patients.iter().zip(&mut answers) {
            answer.diagnosis = arguments.ask(patient, answer, is_shown)?;
        }
        is_written = is_shown;
        let drawn = sheets.into_iter().zip(patients.iter().zip(&answers));
        let redrawn = drawn.map(|(sheet, ((_, patient), answer))| Sheet {
            diagnosis: patient.redraw(sheet.diagnosis, answer.diagnosis.clone()),
            ..sheet
        });
        sheets = redrawn.collect();
    }
    if let Some(path) = &arguments.html {
        std::fs::write(path, page(&sheets))
            .map_err(CallError::write(path.display().to_string()))?;
    }
    if is_written {
        return Ok(arguments.outcome(&answers));
    }
    let mut text = Vec::new();
    match arguments.format {
        Form::Json => {
            serde_json::to_writer_pretty(&mut text, &answers).map_err(CallError::input)?;
            text.push(b'\n');
        }
        Form::Text => write(&mut text, &answers).map_err(CallError::write("the answer"))?,
    }
    match &arguments.output {
        Some(path) => {
            let name = path.display().to_string();
            std::fs::write(path, text).map_err(CallError::write(&name))?;
        }
        None => {
            std::io::stdout().write_all(&text).map_err(CallError::write("standard output"))?;
        }
    }
    Ok(arguments.outcome(&answers))
}

impl Arguments {
    fn outcome(&self, answers: &[Answer]) -> Outcome {
        let is_wrong = |answer: &Answer| match answer.diagnosis.conclusion() {
            Conclusion::Healthy => false,
            Conclusion::Unknown => true,
            Conclusion::Cause => !answer.diagnosis.causes[0].benign,
        };
        let found = self.fail_on_anomaly && answers.iter().any(is_wrong);
        if found { Outcome::Found } else { Outcome::Done }
    }

    /// Tells the first answer, asks, and gives the last one. Where the answer goes elsewhere, people are
    /// asked on standard error.
    fn ask(
        &self,
        patient: &Patient<'_>,
        first: &Answer,
        is_shown: bool,
    ) -> Result<Diagnosis, CallError> {
        let mut out: Box<dyn Write> =
            if is_shown { Box::new(std::io::stdout()) } else { Box::new(std::io::stderr()) };
        let written = write(&mut out, std::slice::from_ref(first)).and_then(|()| writeln!(out));
        written.map_err(CallError::write("standard output"))?;
        let asked = consult::asked(self.costs.as_deref(), None)?;
        let mut dialogue = consult::Dialogue::new(patient, asked, out, self.quiet);
        let last = dialogue.run()?;
        if last.is_changed {
            let mut text = format!("\n{}\n\n", "-".repeat(72)).into_bytes();
            let incident = first.incident;
            let last = Answer { incident, diagnosis: last.diagnosis.clone() };
            write(&mut text, &[last]).map_err(CallError::write("the answer"))?;
            if is_shown {
                dialogue.say(&text)?;
            }
        }
        Ok(last.diagnosis)
    }
}

fn write(out: &mut impl Write, answers: &[Answer]) -> std::io::Result<()> {
    if answers.is_empty() {
        return writeln!(out, "no incidents");
    }
    for (place, answer) in answers.iter().enumerate() {
        if place > 0 {
            writeln!(out, "\n{}\n", "-".repeat(72))?;
        }
        let began = Timestamp::from_nanos((answer.diagnosis.began * 1e9) as i64);
        let number = answer.incident.map(|id| format!("incident {id}, ")).unwrap_or_default();
        writeln!(out, "{number}began {}", format_time(began))?;
        write!(out, "{}", answer.diagnosis.text())?;
    }
    Ok(())
}
