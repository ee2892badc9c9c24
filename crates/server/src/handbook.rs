//! What the service diagnoses by: the built-in handbook, a folder of one's own, constants.

use std::collections::BTreeMap;
use std::path::PathBuf;
use std::sync::{Arc, PoisonError, RwLock};

use auscult_engine::{EngineSettings, Handbook, Witness};
use auscult_knowledge::Knowledge;
use auscult_yaml::Path;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::serve::Shared;
use crate::units;

/// What incidents are diagnosed by.
#[derive(Debug, Clone, PartialEq, Default, Serialize, Deserialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
pub struct DiagnosisSettings {
    /// A folder with signals, adapters, faults and laws of your own, laid over what is built in;
    /// `auscult check FOLDER` says whether it is right. It is read again when something in it changes.
    #[schemars(with = "Option<units::AsPath>")]
    pub knowledge: Option<PathBuf>,
    /// Numbers that laws need and no label tells, for every incident, such as
    /// `target_time_to_first_token: 0.5`; `auscult laws --markdown` lists them.
    pub constants: BTreeMap<String, f64>,
    /// A tree or forest that `auscult learn` made of a fault log whose causes are called as in the
    /// handbook: it is heard beside the evidence, as far as it was right on cases that it had not learnt
    /// from. It is read again when it changes.
    #[schemars(with = "Option<units::AsPath>")]
    pub witness: Option<PathBuf>,
}

impl DiagnosisSettings {
    /// Reads the folder.
    ///
    /// # Errors
    ///
    /// All that is wrong with it, and constants that there are not.
    pub(crate) fn open(&self) -> Result<Handbook, String> {
        let mut handbook = match &self.knowledge {
            None => Handbook::embedded().clone(),
            Some(folder) => Handbook::with_folder(folder).map_err(|error| error.to_string())?.0,
        };
        self.constants.iter().try_for_each(|(name, value)| handbook.know(name, *value))?;
        if let Some(model) = &self.witness {
            handbook.hear(Witness::from_file(handbook.knowledge(), model)?);
        }
        Ok(handbook)
    }

    /// All that is wrong with it, where it stands at `path` of the configuration.
    pub(crate) fn check(&self, path: &Path) -> Vec<(Path, String)> {
        let embedded = Handbook::embedded().knowledge();
        let own = self.knowledge.as_ref().map(|folder| embedded.with_folder(folder));
        let knowledge: &Knowledge = match &own {
            Some(Ok((knowledge, _))) => knowledge,
            Some(Err(error)) => {
                let path = path.key("knowledge");
                let problems = error.problems().iter();
                return problems.map(|problem| (path.clone(), problem.to_string())).collect();
            }
            None => embedded,
        };
        let wrong = self.constants.iter().filter_map(|(name, value)| {
            let error = knowledge.constants().accept(name, *value).err()?;
            Some((path.key("constants").key(name), error))
        });
        let mut wrong: Vec<(Path, String)> = wrong.collect();
        if let Some(model) = &self.witness {
            let heard = Witness::from_file(knowledge, model).err();
            wrong.extend(heard.map(|error| (path.key("witness"), error)));
        }
        wrong
    }
}

/// The handbook in use; another one may take its place while the service runs.
#[derive(Debug)]
pub(crate) struct InUse(RwLock<Arc<Handbook>>);

impl InUse {
    pub(crate) fn new(handbook: Handbook) -> Self {
        Self(RwLock::new(Arc::new(handbook)))
    }
}

impl Shared {
    /// What incidents are diagnosed by now.
    pub(crate) fn handbook(&self) -> Arc<Handbook> {
        Arc::clone(&self.handbook.0.read().unwrap_or_else(PoisonError::into_inner))
    }

    /// Diagnoses by `handbook` from now on.
    pub(crate) fn use_handbook(&self, handbook: Handbook) {
        let mut in_use = self.handbook.0.write().unwrap_or_else(PoisonError::into_inner);
        *in_use = Arc::new(handbook);
    }
}

/// Settings of the engine that goes by the same adapters.
pub(crate) fn knowing(engine: EngineSettings, handbook: &Handbook) -> EngineSettings {
    EngineSettings { knowledge: Arc::clone(handbook.knowledge()), ..engine }
}
