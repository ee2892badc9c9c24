//! Logs of a simulated fleet as files that grow: one for each kernel and training job.

use std::fs::File;
use std::io::{BufWriter, Write};
use std::path::{Path, PathBuf};

use auscult_simulate::logs::{Log, LogLine};

use crate::outcome::CallError;

/// The files, in the order of the logs.
#[derive(Debug)]
pub(crate) struct LogFiles(Vec<(PathBuf, BufWriter<File>)>);

impl LogFiles {
    /// Empty files in `folder`, which is made if it is not there.
    pub(crate) fn create(folder: &Path, logs: &[Log]) -> Result<Self, CallError> {
        std::fs::create_dir_all(folder).map_err(|error| {
            CallError::input(format!("cannot make {}: {error}", folder.display()))
        })?;
        let files = logs.iter().map(|log| {
            let path = folder.join(log.file());
            let file = File::create(&path).map_err(CallError::write(path.display().to_string()))?;
            Ok((path, BufWriter::new(file)))
        });
        Ok(Self(files.collect::<Result<_, CallError>>()?))
    }

    /// Adds `lines`, so that whoever follows the files sees them whole.
    pub(crate) fn write(&mut self, lines: &[LogLine]) -> Result<(), CallError> {
        for line in lines {
            let (path, file) = &mut self.0[line.log];
            writeln!(file, "{}", line.text)
                .map_err(|error| CallError::write(path.display().to_string())(error))?;
        }
        for (path, file) in &mut self.0 {
            file.flush().map_err(|error| CallError::write(path.display().to_string())(error))?;
        }
        Ok(())
    }
}
