//! The argument that names a folder of knowledge of one's own.

use std::path::PathBuf;
use std::sync::Arc;

use auscult_engine::Handbook;
use auscult_knowledge::{FolderError, Knowledge};

use super::check::number;
use crate::outcome::CallError;

/// Which knowledge to go by.
#[derive(Debug, Clone, Default, clap::Args)]
pub(super) struct KnowledgeArguments {
    /// A folder with signals, adapters, faults and laws of your own, laid over what is built in;
    /// `auscult check DIR` says whether it is right
    #[arg(long, value_name = "DIR")]
    pub(super) knowledge: Option<PathBuf>,
}

impl KnowledgeArguments {
    /// Faults, laws and adapters.
    pub(super) fn open(&self) -> Result<Arc<Knowledge>, CallError> {
        let embedded = Handbook::embedded().knowledge();
        match &self.knowledge {
            None => Ok(Arc::clone(embedded)),
            Some(folder) => {
                let (own, _) = embedded.with_folder(folder).map_err(|error| refused(&error))?;
                Ok(Arc::new(own))
            }
        }
    }

    /// The same, ready to diagnose by.
    pub(super) fn handbook(&self) -> Result<Handbook, CallError> {
        match &self.knowledge {
            None => Ok(Handbook::embedded().clone()),
            Some(folder) => {
                let (own, _) = Handbook::with_folder(folder).map_err(|error| refused(&error))?;
                Ok(own)
            }
        }
    }
}

fn refused(error: &FolderError) -> CallError {
    CallError::input(format_args!("{}\n{error}", number(error.problems().len())))
}
