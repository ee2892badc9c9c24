//! The recursions of exponential smoothing.

use serde::{Deserialize, Serialize};

/// How fast each part of the forecast follows the readings; each in `0..=1`.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(crate) struct Rates {
    pub(crate) level: f64,
    pub(crate) trend: f64,
    pub(crate) season: f64,
    /// What is left of the trend after each row.
    pub(crate) damping: f64,
}

/// Level, trend and season of additive Holt-Winters smoothing.
///
/// `season[0]` belongs to the next row. Without a season it is empty.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Smoothing {
    pub(crate) level: f64,
    pub(crate) trend: f64,
    pub(crate) season: std::collections::VecDeque<f64>,
}

impl Smoothing {
    /// A start from `readings`: level and season from their robust means. The
    /// season has `period` rows, none when that is below 2. Beginning rows
    /// teach the rest.
    pub(crate) fn start(readings: &[f64], period: usize) -> Self {
        let mut scratch = readings.to_vec();
        let level = auscult_stats::quantile::median(&mut scratch);
        let mut season = std::collections::VecDeque::new();
        if period >= 2 {
            for phase in 0..period {
                scratch.clear();
                scratch.extend(readings.iter().skip(phase).step_by(period).map(|y| y - level));
                season.push_back(auscult_stats::quantile::median(&mut scratch));
            }
        }
        Self { level, trend: 0.0, season }
    }

    /// What to expect of the next row.
    pub(crate) fn forecast(&self, rates: &Rates) -> f64 {
        self.level + rates.damping * self.trend + self.season.front().copied().unwrap_or(0.0)
    }

    /// Takes in the next row.
    pub(crate) fn learn(&mut self, reading: f64, rates: &Rates) {
        let season = self.season.pop_front();
        let damped = rates.damping * self.trend;
        let before = self.level;
        self.level = rates.level * (reading - season.unwrap_or(0.0))
            + (1.0 - rates.level) * (before + damped);
        self.trend = rates.trend * (self.level - before) + (1.0 - rates.trend) * damped;
        if let Some(season) = season {
            let seen = reading - (before + damped);
            self.season.push_back(rates.season * seen + (1.0 - rates.season) * season);
        }
    }

    /// Whether every number is one that readings can lead to.
    pub(crate) fn is_sound(&self, period: usize) -> bool {
        let wanted = if period >= 2 { period } else { 0 };
        let sound = |value: f64| value.abs() <= 1e3 * auscult_core::LARGEST_READING;
        self.season.len() == wanted
            && sound(self.level)
            && sound(self.trend)
            && self.season.iter().all(|value| sound(*value))
    }
}

#[cfg(test)]
mod tests {
    use serde_json::Value;

    use super::*;

    fn numbers(value: &Value) -> Vec<f64> {
        let list = value.as_array().expect("a list");
        list.iter().map(|number| number.as_f64().expect("a number")).collect()
    }

    /// Values of `golden/seasonal.py`; tolerance 1e-8.
    #[test]
    fn it_equals_statsmodels() {
        let golden: Value =
            serde_json::from_str(include_str!("../../tests/golden/seasonal.json")).expect("JSON");
        let cases = golden["holt_winters"].as_array().expect("cases");
        assert_eq!(cases.len(), 4);
        for (number, case) in cases.iter().enumerate() {
            let get = |key: &str| case[key].as_f64().expect("a number");
            let rates = Rates {
                level: get("alpha"),
                // statsmodels states the trend's rate as it is used here.
                trend: get("beta"),
                season: get("gamma"),
                damping: get("phi"),
            };
            let mut smoothing = Smoothing {
                level: get("initial_level"),
                trend: get("initial_trend"),
                season: numbers(&case["initial_season"]).into(),
            };
            let (fitted, level) = (numbers(&case["fitted"]), numbers(&case["level"]));
            let (trend, season) = (numbers(&case["trend"]), numbers(&case["season"]));
            for (row, reading) in numbers(&case["values"]).into_iter().enumerate() {
                let near = |ours: f64, theirs: f64, what: &str| {
                    let close = (ours - theirs).abs() < 1e-8;
                    assert!(close, "case {number} row {row} {what}: {ours} and {theirs}");
                };
                near(smoothing.forecast(&rates), fitted[row], "forecast");
                smoothing.learn(reading, &rates);
                near(smoothing.level, level[row], "level");
                near(smoothing.trend, trend[row], "trend");
                if let Some(newest) = smoothing.season.back() {
                    near(*newest, season[row], "season");
                }
            }
        }
    }
}
