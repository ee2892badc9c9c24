//! What a method takes, found out by running it on a made-up stream.

use auscult_core::{Sample, SettingError, Timestamp};

use super::room::state_bytes;
use crate::policy::AssignedMethod;

/// Samples after which what it takes is looked at first; then after twice as many each time.
const FIRST: u64 = 512;
/// Most samples that it is given.
const MOST: u64 = 8192;

/// What a method took on a made-up stream.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct MethodTrial {
    /// Bytes of its state at the end.
    pub bytes: u64,
    /// Whether the state was still growing.
    pub is_growing: bool,
    /// Samples that it was given.
    pub samples: u64,
}

impl AssignedMethod {
    /// Runs it on a made-up stream of so many channels until its state grows no more, at most
    /// for 8,192 samples.
    ///
    /// ```
    /// use auscult_engine::{AssignedMethod, Judging};
    /// let method = AssignedMethod::new("zscore", Default::default(), Judging::Alone)?;
    /// let trial = method.trial(1)?;
    /// assert!(trial.bytes < 1024 && !trial.is_growing);
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    ///
    /// # Errors
    ///
    /// [`SettingError`] where its settings do not fit so many channels.
    pub fn trial(&self, channels: usize) -> Result<MethodTrial, SettingError> {
        let mut detector = self.build(channels)?;
        let mut readings = vec![0.0; channels];
        let (mut bytes, mut is_growing) = (0, true);
        let mut samples = 0;
        while samples < MOST && is_growing {
            let until = if samples == 0 { FIRST } else { 2 * samples };
            for at in samples..until {
                for (channel, reading) in (0_u64..).zip(&mut readings) {
                    let bits = (at << 8 | channel).wrapping_mul(0x9e37_79b9_7f4a_7c15);
                    let noise = (bits ^ bits >> 29) >> 40;
                    *reading = (at as f64 / 40.0).sin() + noise as f64 / (1_u64 << 24) as f64;
                }
                let time = Timestamp::from_seconds(i64::try_from(15 * at).unwrap_or(i64::MAX));
                let sample = Sample::new(time, &readings).expect("made up of finite numbers");
                detector.update(sample).expect("of the width that it was built for");
            }
            samples = until;
            let now = state_bytes(&detector.snapshot().state) as u64;
            // A state of numbers that are written more shortly now and then is not smaller.
            is_growing = now > bytes + bytes / 50;
            bytes = bytes.max(now);
        }
        Ok(MethodTrial { bytes, is_growing, samples })
    }
}
