//! What is concluded from probabilities.

use super::{Cause, Diagnosis, Report, ToldCause};

/// What is concluded: the likeliest of the causes, of *none of the known causes* and of *nothing is wrong*.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Conclusion {
    /// The first of the causes.
    Cause,
    /// None of the known causes.
    Unknown,
    /// Nothing is wrong.
    Healthy,
}

impl Conclusion {
    /// Of the probabilities of the first cause, if there is one, that it is none of the known causes, and that
    /// nothing is wrong. Of what is as likely as the other, less is claimed.
    fn of(first: Option<f64>, unknown: f64, healthy: f64) -> Self {
        if first.is_some_and(|probability| probability > unknown.max(healthy)) {
            Self::Cause
        } else if healthy >= unknown {
            Self::Healthy
        } else {
            Self::Unknown
        }
    }
}

impl Diagnosis {
    /// What is concluded.
    ///
    /// ```
    /// use auscult_diagnose::diagnosis::{Conclusion, Diagnosis};
    /// use auscult_diagnose::laws::Laws;
    /// let diagnosis = Diagnosis {
    ///     causes: Vec::new(),
    ///     ruled_out: Vec::new(),
    ///     unknown: 0.2,
    ///     healthy: 0.8,
    ///     laws: Laws::default(),
    /// };
    /// assert_eq!(diagnosis.conclusion(), Conclusion::Healthy);
    /// assert_eq!(diagnosis.answer(), None);
    /// ```
    #[must_use]
    pub fn conclusion(&self) -> Conclusion {
        let first = self.causes.first().map(|cause| cause.probability);
        Conclusion::of(first, self.unknown, self.healthy)
    }

    /// The cause that is concluded; none where nothing is wrong, or none of the known causes fits.
    #[must_use]
    pub fn answer(&self) -> Option<&Cause> {
        self.causes.first().filter(|_| self.conclusion() == Conclusion::Cause)
    }
}

impl Report {
    /// What is concluded, as far as telemetry can be trusted.
    #[must_use]
    pub fn conclusion(&self) -> Conclusion {
        let first = self.causes.first().map(|cause| cause.probability);
        Conclusion::of(first, self.unknown, self.healthy)
    }

    /// The cause that is concluded; none where nothing is wrong, none of the known causes fits, or most of the
    /// telemetry cannot be trusted.
    #[must_use]
    pub fn answer(&self) -> Option<&ToldCause> {
        let is_cause = self.conclusion() == Conclusion::Cause && !self.laws.most_is_not_trusted();
        self.causes.first().filter(|_| is_cause)
    }
}

#[cfg(test)]
mod tests {
    use super::Conclusion;

    #[test]
    fn of_what_is_equally_likely_less_is_claimed() {
        assert_eq!(Conclusion::of(Some(0.5), 0.3, 0.2), Conclusion::Cause);
        assert_eq!(Conclusion::of(Some(0.5), 0.0, 0.5), Conclusion::Healthy);
        assert_eq!(Conclusion::of(Some(0.4), 0.4, 0.2), Conclusion::Unknown);
        assert_eq!(Conclusion::of(None, 0.5, 0.5), Conclusion::Healthy);
        assert_eq!(Conclusion::of(None, 0.6, 0.4), Conclusion::Unknown);
    }
}
