//! Why a sample scored, in plain words.

use super::seasons::Season;
use super::statistics::{COUNT, STATISTICS, Statistic};
use super::tails::Parts;

/// Clauses at most, the rarity aside.
const CLAUSES: usize = 3;
/// Least share of the score that is worth a clause.
const WORTH: f32 = 0.1;

/// What the words are made of.
#[derive(Debug)]
pub(super) struct Facts<'a> {
    /// Of every scale.
    pub(super) parts: &'a [Parts],
    pub(super) season: Season,
    /// Samples in a row above the band, or below it if negative, with this one.
    pub(super) run: i32,
    /// Outside the range that was declared.
    pub(super) outside: bool,
    /// Whether the residual alone made it rank.
    pub(super) far: bool,
    /// Above or below the band, or inside it.
    pub(super) residual: f64,
    /// Samples of the longest window.
    pub(super) window: usize,
    /// Usual seconds from one such score to the next, and of history, if known.
    pub(super) rarity: Option<(f64, f64)>,
    /// Samples learnt, if they are still few.
    pub(super) few: Option<u32>,
}

/// What made the score, strongest first.
pub(super) fn reasons(facts: &Facts<'_>) -> Vec<String> {
    let mut sides = [(0.0f32, false, Statistic::Residual); 2 * COUNT];
    for (place, statistic) in STATISTICS.into_iter().enumerate() {
        let sum = |side: fn(&Parts) -> &[f32; COUNT]| -> f32 {
            facts.parts.iter().map(|parts| side(parts)[place]).sum()
        };
        sides[2 * place] = (sum(|parts| &parts.high), true, statistic);
        sides[2 * place + 1] = (sum(|parts| &parts.low), false, statistic);
    }
    let total: f32 = sides.iter().map(|side| side.0).sum();
    sides.sort_by(|a, b| b.0.total_cmp(&a.0));
    let mut clauses = Vec::new();
    if facts.outside {
        clauses.push("outside the declared range".to_owned());
    }
    for (part, high, statistic) in sides {
        if part <= WORTH * total || clauses.len() == CLAUSES {
            break;
        }
        let clause = clause(facts, statistic, high);
        if !clauses.contains(&clause) {
            clauses.push(clause);
        }
    }
    if clauses.is_empty() && facts.far {
        clauses.push(clause(facts, Statistic::Residual, facts.residual > 0.0));
    }
    if let Some((between, history)) = facts.rarity
        && !clauses.is_empty()
    {
        clauses.push(format!(
            "once in {} under this series' own history of {}",
            duration(between),
            duration(history)
        ));
    }
    if let Some(few) = facts.few {
        clauses.push(format!("provisional: learnt from {few} samples so far"));
    }
    clauses
}

fn clause(facts: &Facts<'_>, statistic: Statistic, high: bool) -> String {
    let usual = match facts.season {
        Season::None => "the recent level",
        Season::Day => "the daily pattern",
        Season::Week => "the weekly pattern",
        Season::Own => "its own repeating pattern",
    };
    let window = facts.window;
    match statistic {
        Statistic::Residual | Statistic::MeanResidual | Statistic::Sustained => {
            let above = match statistic {
                Statistic::Sustained => facts.residual > 0.0,
                _ => high,
            };
            let side = if above { "above" } else { "below" };
            match facts.run.unsigned_abs() {
                run if run > 1 && (facts.run > 0) == above => {
                    format!("{side} {usual} for {run} samples")
                }
                _ => format!("{side} {usual}"),
            }
        }
        Statistic::Deviation | Statistic::Range if high => {
            format!("swings more than ever within {window} samples")
        }
        Statistic::Deviation | Statistic::Range => {
            format!("stiller than ever for {window} samples")
        }
        Statistic::Lowest if high => format!("has not fallen so little in {window} samples before"),
        Statistic::Lowest => "lower than ever before".to_owned(),
        Statistic::Average if high => format!("mean of about {window} samples higher than before"),
        Statistic::Average => format!("mean of about {window} samples lower than before"),
        Statistic::Jump if high => "a jump up from the sample before".to_owned(),
        Statistic::Jump => "a jump down from the sample before".to_owned(),
    }
}

/// `seconds` in one unit, as a person says it.
fn duration(seconds: f64) -> String {
    const UNITS: [(f64, &str); 5] = [
        (365.25 * 86_400.0, "year"),
        (86_400.0, "day"),
        (3600.0, "hour"),
        (60.0, "minute"),
        (1.0, "second"),
    ];
    let (length, unit) =
        UNITS.into_iter().find(|(length, _)| seconds >= 1.5 * length).unwrap_or((1.0, "second"));
    match (seconds / length).round() {
        count if count > 1000.0 => format!("more than 1000 {unit}s"),
        count if count <= 1.0 => format!("1 {unit}"),
        count => format!("{count} {unit}s"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_strongest_parts_are_told_first_and_once() {
        let mut parts = Parts::none();
        parts.high[0] = 4.0;
        parts.high[7] = 3.0;
        parts.low[6] = 1.0;
        parts.high[2] = 0.1;
        let facts = Facts {
            parts: &[parts],
            season: Season::Day,
            run: 6,
            outside: false,
            far: false,
            residual: 12.0,
            window: 10,
            rarity: Some((9.2 * 86_400.0, 31.0 * 86_400.0)),
            few: None,
        };
        assert_eq!(
            reasons(&facts),
            [
                "above the daily pattern for 6 samples",
                "a jump down from the sample before",
                "once in 9 days under this series' own history of 31 days",
            ]
        );
    }

    #[test]
    fn a_residual_that_no_statistic_tells_of_is_told_by_its_side() {
        let mut facts = Facts {
            parts: &[Parts::none()],
            season: Season::None,
            run: -3,
            outside: false,
            far: true,
            residual: -2.0,
            window: 10,
            rarity: None,
            few: None,
        };
        assert_eq!(reasons(&facts), ["below the recent level for 3 samples"]);
        facts.far = false;
        assert!(reasons(&facts).is_empty());
    }

    #[test]
    fn durations_read_as_a_person_says_them() {
        let cases = [
            (0.2, "1 second"),
            (80.0, "80 seconds"),
            (5400.0, "2 hours"),
            (1e12, "more than 1000 years"),
        ];
        for (seconds, words) in cases {
            assert_eq!(duration(seconds), words);
        }
    }
}
