//! Why GPUs could not be read.

use std::time::Duration;

use nvml_wrapper::error::NvmlError;

/// Why GPUs could not be read.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum GpuError {
    /// The driver's library is nowhere.
    #[error(
        "there is no NVIDIA driver here: libnvidia-ml.so.1 cannot be loaded ({tried}); on a host with GPUs \
         install the driver, in a container run with NVIDIA's runtime, or name the library"
    )]
    NoLibrary {
        /// Where it was looked for.
        tried: String,
    },
    /// The library is there and refuses.
    #[error("the NVIDIA driver refuses: {0}")]
    Driver(#[source] NvmlError),
    /// A call into the driver did not come back.
    #[error(
        "the NVIDIA driver has not answered for {} s: a call into it hangs, as when a GPU is wedged",
        waited.as_secs()
    )]
    Hangs {
        /// Since the call that is waited for began.
        waited: Duration,
    },
    /// The thread that reads ended.
    #[error("reading the GPUs ended: {0}")]
    Ended(String),
}
