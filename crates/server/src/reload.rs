//! Settings that are read again while the service runs.

use std::fmt;
use std::time::Duration;

use tokio::sync::{mpsc, oneshot};

use crate::settings::ServerSettings;

/// How often settings are looked at for changes.
pub(crate) const LOOK: Duration = Duration::from_secs(5);

/// Where settings come from, and may come from again.
pub trait SettingsSource: fmt::Debug + Send + 'static {
    /// Whether they have changed since they were read last. May read files.
    fn has_changed(&self) -> bool;

    /// Reads them.
    ///
    /// # Errors
    ///
    /// All that is wrong with them, in words.
    fn read(&mut self) -> Result<ServerSettings, String>;
}

/// Someone waits to hear what came of it.
pub(crate) type Request = oneshot::Sender<Result<(), String>>;

/// Has the settings of a service read again.
#[derive(Debug, Clone)]
pub struct Reloader(pub(crate) mpsc::Sender<Request>);

impl Reloader {
    /// Reads the settings again and applies them as a whole.
    ///
    /// # Errors
    ///
    /// What is wrong with them, or why they cannot be applied; the service goes on as it was.
    pub async fn reload(&self) -> Result<(), String> {
        let stopping = || "the service is stopping".to_owned();
        let (sender, done) = oneshot::channel();
        self.0.send(sender).await.map_err(|_| stopping())?;
        done.await.map_err(|_| stopping())?
    }
}
