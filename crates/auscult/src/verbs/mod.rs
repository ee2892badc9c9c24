//! One file per verb: its arguments, and what it does with them.

mod backtest;
mod benchmark;
mod benchmark_budget;
mod benchmark_diagnosis;
mod benchmark_select;
mod check;
mod demo;
mod detect;
mod diagnose;
mod explain;
mod fault_tree;
mod faults;
mod hash_secret;
mod input;
mod laws;
mod learn;
mod method_settings;
mod methods;
mod plan;
mod recordings;
mod select;
mod serve;
mod simulate;
mod troubleshoot;

use clap::Subcommand;

use crate::outcome::{CallError, Outcome};

#[derive(Debug, Subcommand)]
pub(crate) enum Verb {
    /// Replays recorded metrics: what would `serve` have told of them?
    Backtest(Box<backtest::Arguments>),
    /// Measures the methods on public data and writes the scorecard.
    Benchmark(benchmark::Arguments),
    /// Says whether a configuration of `serve` is right, and what is wrong where.
    Check(check::Arguments),
    /// Shows it all at once: a simulated fleet falls ill, and the service watches it.
    Demo(demo::Arguments),
    /// Finds anomalies in columns or series, by any method of the catalogue.
    Detect(Box<detect::Arguments>),
    /// Lists the faults that are known, or shows everything about one.
    Faults(faults::Arguments),
    /// Lists the laws that measurements must obey, or shows everything about one.
    Laws(laws::Arguments),
    /// Says what an incident is: its likely causes with their evidence, and what to do.
    Diagnose(Box<diagnose::Arguments>),
    /// Learns a troubleshooting tree or forest from a labelled fault log.
    Learn(Box<learn::Arguments>),
    /// Says what accounts for a change of a column between two periods.
    Explain(Box<explain::Arguments>),
    /// Says how likely the top of a fault tree is, by which causes, and which of them matter.
    FaultTree(fault_tree::Arguments),
    /// Says what a configuration of `serve` will cost: memory, processor, disk, network.
    Plan(plan::Arguments),
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
    /// Finds the cause of a case, question by question or for rows of a file.
    Troubleshoot(troubleshoot::Arguments),
}

impl Verb {
    pub(crate) fn run(self) -> Result<Outcome, CallError> {
        match self {
            Self::Backtest(arguments) => backtest::run(&arguments),
            Self::Benchmark(arguments) => benchmark::run(&arguments),
            Self::Check(arguments) => check::run(&arguments),
            Self::Demo(arguments) => demo::run(&arguments),
            Self::Detect(arguments) => detect::run(&arguments),
            Self::Faults(arguments) => faults::run(&arguments),
            Self::Laws(arguments) => laws::run(&arguments),
            Self::Diagnose(arguments) => diagnose::run(&arguments),
            Self::Learn(arguments) => learn::run(&arguments),
            Self::Explain(arguments) => explain::run(&arguments),
            Self::FaultTree(arguments) => fault_tree::run(&arguments),
            Self::Plan(arguments) => plan::run(&arguments),
            Self::Select(arguments) => select::run(&arguments),
            Self::Serve(arguments) => serve::run(*arguments),
            Self::Simulate(arguments) => simulate::run(&arguments),
            Self::HashSecret(arguments) => hash_secret::run(&arguments),
            Self::Methods(arguments) => methods::run(&arguments),
            Self::Troubleshoot(arguments) => troubleshoot::run(&arguments),
        }
    }
}
