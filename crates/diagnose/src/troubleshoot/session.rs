//! One case, from the first question to the cause.

use auscult_trees::{Answer, FeatureKind};

use super::value::{Prepared, Question, leading, questions};
use crate::model::LearntModel;

/// Bits that a question must be expected to gain to be worth asking.
const WORTHWHILE: f64 = 0.005;

/// A dialogue about one case.
///
/// Everything is worked out anew from the answers so far, so their order does
/// not matter, and [`Session::back`] is exact.
///
/// ```
/// # use auscult_diagnose::learn::{FaultLog, FeatureColumn, FeatureValues, LearnSettings, learn};
/// use auscult_diagnose::troubleshoot::{Answer, Next, Session};
/// # let log = FaultLog::new(
/// #     "cause",
/// #     vec!["healthy".to_owned(), "fan".to_owned()],
/// #     (0..60).map(|row| u32::from(row % 3 == 0)).collect(),
/// #     vec![FeatureColumn {
/// #         name: "temperature".to_owned(),
/// #         values: FeatureValues::Numbers(
/// #             (0..60).map(|row| f64::from(row % 5 + [90, 60, 60][row as usize % 3])).collect(),
/// #         ),
/// #     }],
/// # )?;
/// # let model = learn(&log, &LearnSettings::default(), &|_| {})?.model;
///
/// let mut session = Session::new(&model, 0.95)?;
/// let Next::Ask(questions) = session.next() else { panic!("nothing to ask") };
/// assert_eq!(model.features()[questions[0].feature].name, "temperature");
/// session.answer(questions[0].feature, Answer::Number(93.0))?;
/// assert!(matches!(session.next(), Next::Clear));
/// assert_eq!(model.causes()[session.leading()].name, "fan");
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Debug, Clone)]
pub struct Session<'m> {
    model: &'m LearntModel,
    prepared: Vec<Prepared<'m>>,
    prices: Vec<f64>,
    certainty: f64,
    stages: Vec<Stage>,
}

/// A question that was put, and what came of it.
#[derive(Debug, Clone, PartialEq)]
pub struct Stage {
    /// The feature asked about.
    pub feature: usize,
    /// What was answered.
    pub answer: Answer,
    /// Probabilities of the causes before.
    pub before: Vec<f64>,
    /// Probabilities of the causes after.
    pub after: Vec<f64>,
    /// Causes that this answer ruled out: of the rows of the log with all
    /// answers so far, none had them, and some had before. Answers that the
    /// tree does not ask rule nothing out, they only shift probabilities.
    pub ruled_out: Vec<usize>,
}

/// The least shift of any probability, as a share, that a person is told about.
const FELT: f64 = 0.0005;

impl Stage {
    /// Whether the answer moved no probability by as much as 0.05 points.
    #[must_use]
    pub fn is_idle(&self) -> bool {
        self.before.iter().zip(&self.after).all(|(before, after)| (after - before).abs() < FELT)
    }
}

/// What to do next.
#[derive(Debug, Clone, PartialEq)]
pub enum Next {
    /// Ask; the best question first, and the others after it. Never empty.
    Ask(Vec<Question>),
    /// The leading cause is clear.
    Clear,
    /// No question that is left would help.
    Exhausted,
}

/// Why an answer or a setting was refused.
#[derive(Debug, Clone, PartialEq, thiserror::Error)]
#[non_exhaustive]
#[expect(missing_docs, reason = "each message explains its fields")]
pub enum SessionError {
    #[error("certainty = {0}: must be above 0 and at most 1")]
    Certainty(f64),
    #[error("the price of `{feature}` is {price}: must be above 0 and finite")]
    Price { feature: String, price: f64 },
    #[error("the model has no feature {0}")]
    Feature(usize),
    #[error("`{feature}` is answered with {expected}")]
    Kind { feature: String, expected: &'static str },
}

impl<'m> Session<'m> {
    /// A case of which nothing is known; it ends when a cause has probability
    /// `certainty`.
    ///
    /// # Errors
    ///
    /// [`SessionError::Certainty`] unless `certainty` is in (0, 1].
    pub fn new(model: &'m LearntModel, certainty: f64) -> Result<Self, SessionError> {
        if !(certainty > 0.0 && certainty <= 1.0) {
            return Err(SessionError::Certainty(certainty));
        }
        let prepared = model.trees().iter().map(Prepared::new).collect();
        let prices = model.features().iter().map(|feature| feature.price).collect();
        Ok(Self { model, prepared, prices, certainty, stages: Vec::new() })
    }

    /// Sets what it costs to find out about `feature`.
    ///
    /// # Errors
    ///
    /// [`SessionError`] when there is no such feature, or the price is not
    /// above 0 and finite.
    pub fn set_price(&mut self, feature: usize, price: f64) -> Result<(), SessionError> {
        let info = self.model.features().get(feature).ok_or(SessionError::Feature(feature))?;
        if !(price > 0.0 && price.is_finite()) {
            return Err(SessionError::Price { feature: info.name.clone(), price });
        }
        self.prices[feature] = price;
        Ok(())
    }

    /// The model in use.
    #[must_use]
    pub fn model(&self) -> &'m LearntModel {
        self.model
    }

    /// Takes an answer; [`Answer::Unknown`] means never to ask again.
    ///
    /// # Errors
    ///
    /// [`SessionError`] when there is no such feature, or it is of another kind.
    pub fn answer(&mut self, feature: usize, answer: Answer) -> Result<&Stage, SessionError> {
        self.check(feature, answer)?;
        let before_answers = self.answers();
        let before = self.model.probabilities(&before_answers);
        let possible = self.model.shares(&before_answers);
        self.stages.push(Stage {
            feature,
            answer,
            before,
            after: Vec::new(),
            ruled_out: Vec::new(),
        });
        let answers = self.answers();
        let left = self.model.shares(&answers);
        let is_out = |&cause: &usize| possible[cause] > 0.0 && left[cause] == 0.0;
        let last = self.stages.len() - 1;
        let stage = &mut self.stages[last];
        stage.after = self.model.probabilities(&answers);
        stage.ruled_out = (0..left.len()).filter(is_out).collect();
        Ok(stage)
    }

    /// Takes back the last answer; `None` when there is none.
    pub fn back(&mut self) -> Option<Stage> {
        self.stages.pop()
    }

    /// What was asked and answered so far.
    #[must_use]
    pub fn stages(&self) -> &[Stage] {
        &self.stages
    }

    /// One answer per feature.
    #[must_use]
    pub fn answers(&self) -> Vec<Answer> {
        let mut answers = vec![Answer::Unknown; self.model.features().len()];
        for stage in &self.stages {
            answers[stage.feature] = stage.answer;
        }
        answers
    }

    /// The probability of each cause.
    #[must_use]
    pub fn beliefs(&self) -> Vec<f64> {
        self.model.probabilities(&self.answers())
    }

    /// The causes of which no row of the log with these answers is left.
    #[must_use]
    pub fn ruled_out(&self) -> Vec<usize> {
        let left = self.model.shares(&self.answers());
        (0..left.len()).filter(|&cause| left[cause] == 0.0).collect()
    }

    /// The likeliest cause.
    #[must_use]
    pub fn leading(&self) -> usize {
        leading(&self.beliefs())
    }

    /// Whether to go on, and with what.
    ///
    /// Questions are ordered by expected gain per price. Where no single one
    /// gains anything but several together would, as with causes that show in
    /// the combination of two readings only, by that joint gain. At least one
    /// question is answered before the cause is called clear, if any helps.
    #[must_use]
    pub fn next(&self) -> Next {
        let beliefs = self.beliefs();
        let is_clear = beliefs[leading(&beliefs)] >= self.certainty;
        let has_evidence = self.stages.iter().any(|stage| stage.answer != Answer::Unknown);
        if is_clear && has_evidence {
            return Next::Clear;
        }
        let is_open = |feature| !self.stages.iter().any(|stage| stage.feature == feature);
        let answers = self.answers();
        let open = questions(self.model, &self.prepared, &answers, &is_open, &self.prices);
        match ordered(open) {
            open if open.is_empty() && is_clear => Next::Clear,
            open if open.is_empty() => Next::Exhausted,
            open => Next::Ask(open),
        }
    }

    fn check(&self, feature: usize, answer: Answer) -> Result<(), SessionError> {
        let info = self.model.features().get(feature).ok_or(SessionError::Feature(feature))?;
        let expected = match (answer, info.values.kind()) {
            (Answer::Number(number), FeatureKind::Number) if number.is_finite() => return Ok(()),
            (Answer::Category(code), FeatureKind::Category { categories })
                if (code as usize) < categories =>
            {
                return Ok(());
            }
            (Answer::Missing | Answer::Unknown, _) => return Ok(()),
            (_, FeatureKind::Number) => "a finite number",
            (_, FeatureKind::Category { .. }) => "one of its words",
        };
        Err(SessionError::Kind { feature: info.name.clone(), expected })
    }
}

fn ordered(mut open: Vec<Question>) -> Vec<Question> {
    let helps = |question: &Question| question.gain >= WORTHWHILE;
    if open.iter().any(helps) {
        open.retain(helps);
        open.sort_by(|a, b| (b.gain / b.price).total_cmp(&(a.gain / a.price)));
    } else {
        open.retain(|question| question.later_gain >= WORTHWHILE);
        open.sort_by(|a, b| (b.later_gain / b.price).total_cmp(&(a.later_gain / a.price)));
    }
    open
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::learn::{
        Alpha, FaultLog, FeatureColumn, FeatureValues, LearnSettings, Learner, learn,
    };

    fn model(cause: impl Fn(usize, usize) -> u32, balanced: bool) -> LearntModel {
        let (x, y) = (|row: usize| row % 10, |row: usize| row / 10 % 10);
        let numbers = |value: &dyn Fn(usize) -> usize| {
            FeatureValues::Numbers((0..200).map(|row| value(row) as f64).collect())
        };
        let feature = |name: &str, values| FeatureColumn { name: name.to_owned(), values };
        let labels = (0..200).map(|row| cause(x(row), y(row))).collect();
        let classes = ["a", "b", "c"].map(str::to_owned).to_vec();
        let features = vec![feature("x", numbers(&x)), feature("y", numbers(&y))];
        let log = FaultLog::new("cause", classes, labels, features).expect("sound");
        let learner = Learner::Tree { alpha: Alpha::Given(0.0) };
        let settings =
            LearnSettings { learner, balanced, importance_repeats: 0, ..LearnSettings::default() };
        learn(&log, &settings, &|_| {}).expect("learns").model
    }

    fn first(session: &Session<'_>) -> Question {
        let Next::Ask(mut questions) = session.next() else { panic!("nothing to ask") };
        questions.swap_remove(0)
    }

    #[test]
    fn the_gain_of_a_clean_cut_is_the_entropy_that_it_settles() {
        // x splits off half of the rows as `a`; y then halves the rest.
        let model = model(|x, y| if x < 5 { 0 } else { 1 + u32::from(y < 5) }, false);
        let mut session = Session::new(&model, 0.95).expect("in range");
        let question = first(&session);
        assert_eq!(model.features()[question.feature].name, "x");
        // Entropy 1.5 bits, of which x settles one; smoothing takes a little.
        assert!((0.9..=1.0).contains(&question.gain), "{}", question.gain);
        assert_eq!(question.outcomes.len(), 2);
        assert!((question.outcomes[0].probability - 0.5).abs() < 0.02);
        let stage = session.answer(question.feature, Answer::Number(2.0)).expect("a number");
        assert_eq!(stage.ruled_out, [1, 2]);
        assert_eq!(session.next(), Next::Clear);
        session.back();
        session.answer(question.feature, Answer::Number(7.0)).expect("a number");
        assert_eq!(model.features()[first(&session).feature].name, "y");
    }

    #[test]
    fn causes_that_show_in_a_combination_only_are_found() {
        let model = model(|x, y| u32::from((x < 5) != (y < 5)), false);
        for (x, y, cause) in [(1.0, 1.0, 0), (1.0, 8.0, 1), (8.0, 1.0, 1), (8.0, 8.0, 0)] {
            let mut session = Session::new(&model, 0.95).expect("in range");
            while let Next::Ask(questions) = session.next() {
                let feature = questions[0].feature;
                session.answer(feature, Answer::Number([x, y][feature])).expect("a number");
            }
            assert_eq!((session.leading(), session.stages().len()), (cause, 2));
        }
    }

    #[test]
    fn the_order_of_answers_does_not_matter_and_a_price_does() {
        let model = model(|x, y| u32::from(x < 6) + u32::from(y < 3), true);
        let (mut one, mut other) =
            (Session::new(&model, 1.0).unwrap(), Session::new(&model, 1.0).unwrap());
        let best = first(&one).feature;
        one.set_price(best, 100.0).expect("above 0");
        assert_ne!(first(&one).feature, best);
        one.answer(0, Answer::Number(3.0)).expect("a number");
        one.answer(1, Answer::Number(1.0)).expect("a number");
        other.answer(1, Answer::Number(1.0)).expect("a number");
        other.answer(0, Answer::Number(3.0)).expect("a number");
        assert_eq!(one.beliefs(), other.beliefs());
    }

    #[test]
    fn answers_that_do_not_fit_are_refused() {
        let model = model(|x, _| u32::from(x < 5), false);
        let mut session = Session::new(&model, 0.9).expect("in range");
        assert!(session.answer(0, Answer::Category(0)).is_err());
        assert!(session.answer(0, Answer::Number(f64::NAN)).is_err());
        assert!(session.answer(9, Answer::Unknown).is_err());
        assert!(session.set_price(0, 0.0).is_err());
        assert!(Session::new(&model, 0.0).is_err());
        assert!(session.stages().is_empty());
    }

    /// `a` and `b` differ in `x`, and in `echo`, which says the same less
    /// surely and which the tree therefore never asks.
    fn echoing() -> LearntModel {
        let noise = |row: usize| row * 7919 % 101;
        let cause = |row: usize| row as u32 % 2;
        let column = |name: &str, value: &dyn Fn(usize) -> f64| FeatureColumn {
            name: name.to_owned(),
            values: FeatureValues::Numbers((0..200).map(value).collect()),
        };
        let features = vec![
            column("x", &|row| f64::from(cause(row) * 50) + (noise(row) % 20) as f64),
            column("echo", &|row| {
                let told = if noise(row) < 80 { cause(row) } else { 1 - cause(row) };
                f64::from(told * 10) + (noise(row + 1) % 5) as f64
            }),
            column("chatter", &|row| (noise(row + 7) % 10) as f64),
        ];
        let classes = ["a", "b"].map(str::to_owned).to_vec();
        let log = FaultLog::new("cause", classes, (0..200).map(cause).collect(), features);
        let settings = LearnSettings { importance_repeats: 0, ..LearnSettings::default() };
        learn(&log.expect("sound"), &settings, &|_| {}).expect("learns").model
    }

    #[test]
    fn an_answer_that_the_tree_never_asks_counts_by_bayes_rule() {
        let model = echoing();
        assert!(!model.asks_about(1), "or the test shows nothing");
        let mut session = Session::new(&model, 0.95).expect("in range");
        let high = Answer::Number(12.0);
        let stage = session.answer(1, high).expect("a number").clone();
        assert!((stage.before[1] - 0.5).abs() < 1e-6, "{stage:?}");
        // About four of five rows with a high echo are `b`.
        assert!((0.7..0.9).contains(&stage.after[1]), "{stage:?}");
        assert!(stage.ruled_out.is_empty() && !stage.is_idle());
        assert_eq!(super::super::reasons(&model, &session.answers(), 1)[0].feature, "echo");
        // The question that decides is still asked, and decides.
        assert_eq!(first(&session).feature, 0);
        session.answer(0, Answer::Number(3.0)).expect("a number");
        assert!(session.beliefs()[0] > 0.95, "{:?}", session.beliefs());
    }

    #[test]
    fn answers_in_any_order_or_in_a_row_of_a_file_lead_to_the_same_beliefs() {
        let model = echoing();
        let answers = [Answer::Unknown, Answer::Number(11.0), Answer::Number(4.0)];
        for order in [[1, 2], [2, 1]] {
            let mut session = Session::new(&model, 1.0).expect("in range");
            for feature in order {
                session.answer(feature, answers[feature]).expect("a number");
            }
            assert_eq!(session.beliefs(), model.probabilities(&answers));
        }
    }

    #[test]
    fn a_model_of_an_older_release_still_loads_and_says_that_it_weighs_less() {
        let model = echoing();
        let mut json: serde_json::Value =
            serde_json::from_str(&model.to_json().expect("small")).expect("JSON");
        json.as_object_mut().expect("an object").remove("companions");
        json["version"] = 1.into();
        let old = LearntModel::from_json(json.to_string().as_bytes()).expect("still readable");
        assert!(model.weighs_all() && !old.weighs_all());
        let mut session = Session::new(&old, 0.95).expect("in range");
        assert!(session.answer(1, Answer::Number(12.0)).expect("a number").is_idle());
    }
}
