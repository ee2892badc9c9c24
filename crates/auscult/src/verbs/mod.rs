//! One file per verb: its arguments, and what it does with them.

mod explain;
mod methods;

use clap::Subcommand;

use crate::outcome::{CallError, Outcome};

#[derive(Debug, Subcommand)]
pub(crate) enum Verb {
    /// Says what accounts for a change of a column between two periods.
    Explain(Box<explain::Arguments>),
    /// Lists the methods of detection, or shows everything about one.
    Methods(methods::Arguments),
}

impl Verb {
    pub(crate) fn run(self) -> Result<Outcome, CallError> {
        match self {
            Self::Explain(arguments) => explain::run(&arguments),
            Self::Methods(arguments) => methods::run(&arguments),
        }
    }
}
