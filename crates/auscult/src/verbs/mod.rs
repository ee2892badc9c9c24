//! One file per verb: its arguments, and what it does with them.

mod backtest;
mod benchmark;
mod benchmark_budget;
mod benchmark_diagnosis;
mod benchmark_select;
mod case;
mod cases;
mod check;
mod consult;
mod demo;
mod detect;
mod diagnose;
mod event;
mod explain;
mod fault_tree;
mod faults;
mod gpus;
mod hash_secret;
mod input;
mod knowledge;
mod laws;
mod learn;
mod method_settings;
mod methods;
mod plan;
mod policies;
mod priors;
mod recordings;
mod remedy;
mod replay;
mod select;
mod serve;
mod simulate;
mod troubleshoot;
mod verdict;

use clap::Subcommand;

use crate::outcome::{CallError, Outcome};

#[derive(Debug, Subcommand)]
pub(crate) enum Verb {
    /// Replays recorded metrics: what would `serve` have told of them?
    Backtest(Box<backtest::Arguments>),
    /// Measures the methods on public data and writes the scorecard.
    Benchmark(benchmark::Arguments),
    /// Writes incidents of which people said what they were as a fault log for `auscult learn`.
    Cases(cases::Arguments),
    /// Says whether a configuration of `serve` or a folder of knowledge is right, and what is wrong where.
    Check(check::Arguments),
    /// Shows it all at once: a simulated fleet falls ill, and the service watches it.
    Demo(demo::Arguments),
    /// Finds anomalies in columns or series, by any method of the catalogue.
    Detect(Box<detect::Arguments>),
    /// Lists the faults that are known, or shows everything about one.
    Faults(faults::Arguments),
    /// Shows the NVIDIA GPUs of this host, once or to be scraped, as dcgm-exporter does.
    Gpus(gpus::Arguments),
    /// Lists the laws that measurements must obey, or shows everything about one.
    Laws(laws::Arguments),
    /// Says what an incident is: its likely causes with their evidence, and what to do.
    Diagnose(Box<diagnose::Arguments>),
    /// Tells a running service of a change (a deployment, another setting, …), or lists those it knows.
    Event(event::Arguments),
    /// Learns a troubleshooting tree or forest from a labelled fault log.
    Learn(Box<learn::Arguments>),
    /// Says what accounts for a change of a column between two periods.
    Explain(Box<explain::Arguments>),
    /// Says how likely the top of a fault tree is, by which causes, and which of them matter.
    FaultTree(fault_tree::Arguments),
    /// Says what a configuration of `serve` will cost: memory, processor, disk, network.
    Plan(plan::Arguments),
    /// Lists policies of a running service and what false alarms suggest, and has suggestions hold.
    Policies(policies::Arguments),
    /// Lists how likely each cause is before any evidence, by the handbook and by verdicts.
    Priors(priors::Arguments),
    /// Tells a running service what was done about an incident, or shows whether it helped.
    Remedy(remedy::Arguments),
    /// Replays a training job: what makes it slow, and what if that had been normal?
    Replay(replay::Arguments),
    /// Tries the catalogue on your data, with labels or without, and says which method to use.
    Select(Box<select::Arguments>),
    /// Watches metrics as they come and tells of incidents, around the clock.
    Serve(Box<serve::Arguments>),
    /// Plays a fleet of simulated models with known faults: into files, or as live metrics.
    Simulate(Box<simulate::Arguments>),
    /// Reads a password or token and prints the hash that stands for it in settings.
    HashSecret(hash_secret::Arguments),
    /// Lists the methods of detection, or shows everything about one.
    Methods(methods::Arguments),
    /// Finds the cause of a case or of an incident, question by question, or for rows of a file.
    Troubleshoot(Box<troubleshoot::Arguments>),
    /// Says what an incident of a running service was, or shows what was said of it.
    Verdict(verdict::Arguments),
}

impl Verb {
    pub(crate) fn run(self) -> Result<Outcome, CallError> {
        match self {
            Self::Backtest(arguments) => backtest::run(&arguments),
            Self::Benchmark(arguments) => benchmark::run(&arguments),
            Self::Cases(arguments) => cases::run(&arguments),
            Self::Check(arguments) => check::run(&arguments),
            Self::Demo(arguments) => demo::run(&arguments),
            Self::Detect(arguments) => detect::run(&arguments),
            Self::Faults(arguments) => faults::run(&arguments),
            Self::Gpus(arguments) => gpus::run(&arguments),
            Self::Laws(arguments) => laws::run(&arguments),
            Self::Diagnose(arguments) => diagnose::run(&arguments),
            Self::Event(arguments) => event::run(&arguments),
            Self::Learn(arguments) => learn::run(&arguments),
            Self::Explain(arguments) => explain::run(&arguments),
            Self::FaultTree(arguments) => fault_tree::run(&arguments),
            Self::Plan(arguments) => plan::run(&arguments),
            Self::Policies(arguments) => policies::run(&arguments),
            Self::Priors(arguments) => priors::run(&arguments),
            Self::Remedy(arguments) => remedy::run(&arguments),
            Self::Replay(arguments) => replay::run(&arguments),
            Self::Select(arguments) => select::run(&arguments),
            Self::Serve(arguments) => serve::run(*arguments),
            Self::Simulate(arguments) => simulate::run(&arguments),
            Self::HashSecret(arguments) => hash_secret::run(&arguments),
            Self::Methods(arguments) => methods::run(&arguments),
            Self::Troubleshoot(arguments) => troubleshoot::run(&arguments),
            Self::Verdict(arguments) => verdict::run(&arguments),
        }
    }
}
