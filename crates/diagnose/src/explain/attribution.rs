//! What accounts for a change, among other columns.

use auscult_stats::linear::{
    Equation, HuberOptions, Rows, Triangle, Unused, huber, variance_inflation,
};
use auscult_stats::moments::Moments;
use auscult_stats::two_sample::{Blocks, automatic_lags, interval};

/// How the target is regressed on the inputs, in each period by itself.
#[derive(Debug, Clone, Copy, PartialEq)]
pub enum Estimator {
    /// Least squares.
    Ols,
    /// Ridge regression: this share of each input's squared spread is added to
    /// it, which steadies inputs that go together, and draws all coefficients
    /// towards 0.
    Ridge(f64),
    /// Huber regression, which large residuals cannot bend.
    Huber,
}

/// Settings of [`attribute`].
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct AttributionOptions {
    /// How to regress.
    pub estimator: Estimator,
    /// Confidence of the intervals, in (0, 1).
    pub confidence: f64,
    /// Bootstrap resamples at most; fewer for very long periods, never below 100.
    pub resamples: usize,
    /// Seed of the bootstrap.
    pub seed: u64,
}

impl Default for AttributionOptions {
    fn default() -> Self {
        Self { estimator: Estimator::Ols, confidence: 0.95, resamples: 1000, seed: 0 }
    }
}

/// A change of the target's mean, taken apart.
///
/// The parts add up: `Σ by_input + Σ by_coefficient + intercept + unexplained =
/// mean_after - mean_before`, up to rounding.
#[derive(Debug, Clone, PartialEq)]
pub struct Attribution {
    /// Mean of the target before.
    pub mean_before: f64,
    /// Mean of the target after.
    pub mean_after: f64,
    /// Every input that could be used.
    pub inputs: Vec<InputEffect>,
    /// Inputs that could not.
    pub unusable: Vec<Unusable>,
    /// Inputs whose own parts cannot be trusted, with what can be said of them
    /// together. Each used input is in one of these at most.
    pub joint: Vec<Joint>,
    /// Intercepts before and after.
    pub intercepts: (f64, f64),
    /// Change of the intercept: a change that no input shows.
    pub intercept: Part,
    /// Change of the mean residual; 0 but for robust estimators.
    pub unexplained: f64,
    /// Sum over all inputs of the part owed to their having changed.
    pub by_inputs: Part,
    /// Sum over all inputs, and the intercept, of the part owed to their
    /// effects having changed. Unlike its summands it does not depend on where
    /// the inputs' zeros lie.
    pub by_coefficients: Part,
    /// Share of the target's variance explained, before and after.
    pub r_squared: (f64, f64),
}

impl Attribution {
    /// The change of the target's mean.
    #[must_use]
    pub fn change(&self) -> f64 {
        self.mean_after - self.mean_before
    }
}

/// A part of a change, in units of the target.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Part {
    /// How much.
    pub amount: f64,
    /// Where it lies, with the confidence asked for.
    pub interval: (f64, f64),
}

impl Part {
    /// Whether the interval leaves no doubt about the sign.
    #[must_use]
    pub fn is_clear(&self) -> bool {
        self.interval.0 > 0.0 || self.interval.1 < 0.0
    }
}

/// What one input has to do with the change.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct InputEffect {
    /// Its index.
    pub input: usize,
    /// Its mean before and after.
    pub means: (f64, f64),
    /// Its coefficient before and after: units of target per unit of input.
    pub coefficients: (f64, f64),
    /// `Δx̄ · (b₀ + b₁) / 2`: the part owed to the input having changed.
    pub by_input: Part,
    /// `Δb · (x̄₀ + x̄₁) / 2`: the part owed to its effect having changed.
    pub by_coefficient: Part,
    /// The same change in three parts.
    pub threefold: Threefold,
    /// Variance inflation, the larger of both periods; above 10 its
    /// coefficients can hardly be told from those of other inputs.
    pub variance_inflation: f64,
    /// Share of rows after that lie outside the range before: there the old
    /// coefficient is an extrapolation.
    pub outside: f64,
}

/// Parts that can only be given together.
#[derive(Debug, Clone, PartialEq)]
pub enum Joint {
    /// Inputs that are sums of multiples of one another in a period: no data
    /// show which of them it is.
    Collinear {
        /// Their indices, ascending, those that could not be used included.
        inputs: Vec<usize>,
        /// The part owed to any of them having changed.
        by_input: Part,
        /// The part owed to any of their effects having changed.
        by_coefficient: Part,
    },
    /// Inputs that after the change were never where they had been before,
    /// while their effects differ between the periods: how much is owed to the
    /// input, how much to its effect and how much to the intercept depends on
    /// how the lines go on where nothing was ever measured.
    Apart {
        /// Their indices, ascending.
        inputs: Vec<usize>,
        /// The parts of the inputs and of their effects, and the intercept's.
        part: Part,
    },
}

impl Joint {
    /// The inputs, ascending.
    #[must_use]
    pub fn inputs(&self) -> &[usize] {
        match self {
            Self::Collinear { inputs, .. } | Self::Apart { inputs, .. } => inputs,
        }
    }
}

/// The threefold decomposition of Oaxaca and Blinder.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Threefold {
    /// `Δx̄ · b₀`.
    pub input: f64,
    /// `x̄₀ · Δb`.
    pub coefficient: f64,
    /// `Δx̄ · Δb`.
    pub interaction: f64,
}

/// An input that the regression cannot use, and why.
#[derive(Debug, Clone, Copy, PartialEq)]
pub enum Unusable {
    /// The same value in every row.
    Constant {
        /// Index of the input.
        input: usize,
        /// The value.
        value: f64,
    },
    /// The same value throughout a period, but not the same in both: it may
    /// well be a cause, but nothing shows what a unit of it does.
    Stepped {
        /// Index of the input.
        input: usize,
        /// Its means before and after.
        means: (f64, f64),
    },
    /// A linear combination of inputs before it.
    Collinear {
        /// Index of the input.
        input: usize,
    },
}

/// Why a change cannot be taken apart.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
#[expect(missing_docs, reason = "each message explains its fields")]
pub enum AttributionError {
    /// More unknowns than rows can settle.
    #[error("{inputs} inputs need at least {need} rows {period} the change, got {got}")]
    Rows { period: &'static str, inputs: usize, need: usize, got: usize },
    /// No input varies.
    #[error("no input varies in both periods")]
    NoInput,
}

/// Row-by-column work that the bootstrap may do, so that long periods stay quick.
const BOOTSTRAP_WORK: usize = 2_000_000_000;

/// Takes the change of a target's mean apart into changes of inputs and changes
/// of their effects.
///
/// In each period the target is regressed on the inputs. The part of an input
/// is then split evenly between the two orders in which the input and its
/// coefficient can be exchanged (Shapley), so that nothing is left over; the
/// classical threefold split is given beside it. Intervals come from a
/// moving-block bootstrap of both periods. Sees linear effects on the mean
/// only; an input outside the model appears in the intercept. Time O(resamples
/// · rows · inputs²).
///
/// `before` and `after` are in order of time, one target per row.
///
/// # Errors
///
/// [`AttributionError`] when there are too few rows for the inputs, or no input
/// varies.
///
/// # Panics
///
/// When the periods differ in the number of inputs, or a target is missing.
///
/// Reference: R. Oaxaca, "Male-female wage differentials in urban labor
/// markets", International Economic Review 14(3), 1973; A. S. Blinder, "Wage
/// discrimination", J. Human Resources 8(4), 1973; the even split is the one of
/// C. Reimers, Review of Economics and Statistics 65(4), 1983.
///
/// ```
/// use auscult_diagnose::explain::{AttributionOptions, attribute};
/// use auscult_stats::linear::Rows;
/// // The target is twice the input in both periods; the input fell by 10.
/// let before: Vec<f64> = (0..30).map(|row| 50.0 + f64::from(row * 7 % 10)).collect();
/// let after: Vec<f64> = before.iter().map(|x| x - 10.0).collect();
/// let double = |inputs: &[f64]| inputs.iter().map(|x| 2.0 * x).collect::<Vec<_>>();
/// let found = attribute(
///     (Rows::new(&before, 1), &double(&before)),
///     (Rows::new(&after, 1), &double(&after)),
///     &AttributionOptions::default(),
/// )?;
/// assert!((found.inputs[0].by_input.amount + 20.0).abs() < 1e-9);
/// assert!(found.inputs[0].by_coefficient.amount.abs() < 1e-9);
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
pub fn attribute(
    before: (Rows<'_>, &[f64]),
    after: (Rows<'_>, &[f64]),
    options: &AttributionOptions,
) -> Result<Attribution, AttributionError> {
    let (unusable, used) = sort_out(before, after);
    check_rows(before.1.len(), after.1.len(), used.len())?;
    let periods = [Period::of(before, &used), Period::of(after, &used)];
    let spreads = pooled_variances(&periods);
    let whole = Fits::of(&periods, None, options.estimator, &spreads);
    let parts = whole.parts();
    let rows = before.1.len() + after.1.len();
    let work = rows * (used.len() + 2).pow(2);
    let blocks = Blocks {
        sizes: (before.1.len(), after.1.len()),
        lengths: (periods[0].block_length(), periods[1].block_length()),
        resamples: options.resamples.min((BOOTSTRAP_WORK / work).max(100)),
        seed: options.seed,
    };
    let resampled = blocks
        .map(|old, new| Fits::of(&periods, Some([old, new]), options.estimator, &spreads).parts());
    let part = |at: usize| {
        let values = resampled.iter().map(|parts| parts[at]).collect();
        Part { amount: parts[at], interval: interval(values, options.confidence) }
    };
    let inflation: Vec<Vec<f64>> =
        periods.iter().map(|period| variance_inflation(period.rows())).collect();
    let effect = |(at, input): (usize, &usize)| {
        let (means, coefficients) = (whole.means(at), whole.coefficients(at));
        let (moved, bent) = (means.1 - means.0, coefficients.1 - coefficients.0);
        InputEffect {
            input: *input,
            means,
            coefficients,
            by_input: part(at),
            by_coefficient: part(used.len() + at),
            threefold: Threefold {
                input: moved * coefficients.0,
                coefficient: means.0 * bent,
                interaction: moved * bent,
            },
            variance_inflation: inflation[0][at].max(inflation[1][at]),
            outside: outside(&periods, at),
        }
    };
    let [old, new] = &whole.equations;
    let inputs: Vec<InputEffect> = used.iter().enumerate().map(effect).collect();
    let sum = |places: &[usize]| {
        let add = |parts: &Vec<f64>| places.iter().map(|place| parts[*place]).sum::<f64>();
        let interval = interval(resampled.iter().map(add).collect(), options.confidence);
        Part { amount: add(&parts), interval }
    };
    let joint = joint(&inputs, &unusable, [before.0, after.0], &sum);
    Ok(Attribution {
        mean_before: whole.targets[0],
        mean_after: whole.targets[1],
        inputs,
        unusable,
        joint,
        intercepts: (old.intercept, new.intercept),
        intercept: part(2 * used.len()),
        unexplained: parts[2 * used.len() + 1],
        by_inputs: part(2 * used.len() + 2),
        by_coefficients: part(2 * used.len() + 3),
        r_squared: (periods[0].r_squared(old), periods[1].r_squared(new)),
    })
}

/// Inputs that cannot be used, and the indices of those that can.
fn sort_out(before: (Rows<'_>, &[f64]), after: (Rows<'_>, &[f64])) -> (Vec<Unusable>, Vec<usize>) {
    let width = before.0.width();
    assert_eq!(after.0.width(), width, "both periods have the same inputs");
    let (old, new) = (triangle(before.0), triangle(after.0));
    let mut unusable = Vec::new();
    let mut used: Vec<usize> = Vec::new();
    for input in 0..width {
        // A period without rows is refused later; here it says nothing.
        let status = |triangle: &Option<Triangle>| {
            let triangle = triangle.as_ref()?;
            let with: Vec<usize> = used.iter().copied().chain([input]).collect();
            // Any column serves as the target: only the inputs matter here.
            let fit = triangle.fit(input, &with, &[]);
            fit.unused.iter().find(|(at, _)| *at == used.len()).map(|(_, reason)| *reason)
        };
        let mean = |triangle: &Option<Triangle>| triangle.as_ref().map_or(0.0, |t| t.mean(input));
        let means = (mean(&old), mean(&new));
        let same = (means.0 - means.1).abs() <= 1e-12 * means.0.abs();
        match (status(&old), status(&new)) {
            (None, None) => used.push(input),
            (Some(Unused::Constant), Some(Unused::Constant)) if same => {
                unusable.push(Unusable::Constant { input, value: means.0 });
            }
            (Some(Unused::Constant), _) | (_, Some(Unused::Constant)) => {
                unusable.push(Unusable::Stepped { input, means });
            }
            _ => unusable.push(Unusable::Collinear { input }),
        }
    }
    (unusable, used)
}

/// Share of rows after outside the range before from which the two have
/// nothing in common worth the name.
const APART: f64 = 0.99;

/// Inputs that can only be judged together; `sum` adds up parts by their places.
fn joint(
    inputs: &[InputEffect],
    unusable: &[Unusable],
    periods: [Rows<'_>; 2],
    sum: &dyn Fn(&[usize]) -> Part,
) -> Vec<Joint> {
    let width = inputs.len();
    // Groups of places among the used inputs, with the unused inputs that bind them.
    let mut groups: Vec<(Vec<usize>, Vec<usize>)> = Vec::new();
    for unusable in unusable {
        let Unusable::Collinear { input } = unusable else { continue };
        let mut group = (bound(*input, inputs, periods), vec![*input]);
        groups.retain_mut(|other| {
            let meets = other.0.iter().any(|place| group.0.contains(place));
            if meets {
                group.0.append(&mut other.0);
                group.1.append(&mut other.1);
            }
            !meets
        });
        groups.push(group);
    }
    let is_apart =
        |place: &usize| inputs[*place].outside >= APART && inputs[*place].by_coefficient.is_clear();
    let mut apart: Vec<usize> = (0..width).filter(is_apart).collect();
    let mut unused: Vec<usize> = Vec::new();
    groups.retain(|(used, others)| {
        let meets = used.iter().any(|place| apart.contains(place));
        if meets {
            apart.extend(used);
            unused.extend(others);
        }
        !meets
    });
    let tidy = |places: &mut Vec<usize>, others: &[usize]| {
        places.sort_unstable();
        places.dedup();
        let used = places.iter().map(|place| inputs[*place].input);
        let mut all: Vec<usize> = used.chain(others.iter().copied()).collect();
        all.sort_unstable();
        all
    };
    let collinear = |(mut used, others): (Vec<usize>, Vec<usize>)| {
        let all = tidy(&mut used, &others);
        let effects: Vec<usize> = used.iter().map(|place| width + place).collect();
        Joint::Collinear { inputs: all, by_input: sum(&used), by_coefficient: sum(&effects) }
    };
    let mut joint: Vec<Joint> = groups.into_iter().map(collinear).collect();
    if !apart.is_empty() {
        let all = tidy(&mut apart, &unused);
        let effects = apart.iter().map(|place| width + place);
        let places: Vec<usize> = apart.iter().copied().chain(effects).chain([2 * width]).collect();
        joint.push(Joint::Apart { inputs: all, part: sum(&places) });
    }
    joint
}

/// The places of the used inputs that `input` is a combination of.
fn bound(input: usize, inputs: &[InputEffect], periods: [Rows<'_>; 2]) -> Vec<usize> {
    let used: Vec<usize> = inputs.iter().map(|effect| effect.input).collect();
    let mut bound = Vec::new();
    for rows in periods {
        let Some(triangle) = triangle(rows) else { continue };
        let spread = |column: usize| triangle.squares(column).sqrt();
        let fit = triangle.fit(input, &used, &[]);
        // The relation may hold in one period only.
        if fit.residual_squares > 1e-12 * triangle.squares(input) {
            continue;
        }
        let parts = fit.equation.coefficients.iter().enumerate();
        let counts = |(place, coefficient): &(usize, &f64)| {
            coefficient.abs() * spread(used[*place]) > 1e-6 * spread(input)
        };
        bound.extend(parts.filter(counts).map(|(place, _)| place));
    }
    bound
}

fn triangle(rows: Rows<'_>) -> Option<Triangle> {
    let mut triangle = Triangle::new(rows.width());
    triangle.observe(rows.len(), |row, column| rows.row(row)[column], None);
    (!rows.is_empty()).then_some(triangle)
}

fn check_rows(before: usize, after: usize, inputs: usize) -> Result<(), AttributionError> {
    if inputs == 0 {
        return Err(AttributionError::NoInput);
    }
    // Twice the unknowns: with fewer rows the bootstrap has nothing to vary.
    let need = 2 * (inputs + 1) + 1;
    for (period, got) in [("before", before), ("after", after)] {
        if got < need {
            return Err(AttributionError::Rows { period, inputs, need, got });
        }
    }
    Ok(())
}

/// The usable inputs and the target of one period.
struct Period<'a> {
    inputs: Vec<f64>,
    width: usize,
    target: &'a [f64],
}

impl<'a> Period<'a> {
    fn of((rows, target): (Rows<'_>, &'a [f64]), used: &[usize]) -> Self {
        assert_eq!(rows.len(), target.len(), "one target per row");
        let inputs = rows.iter().flat_map(|row| used.iter().map(|input| row[*input])).collect();
        Self { inputs, width: used.len(), target }
    }

    fn rows(&self) -> Rows<'_> {
        Rows::new(&self.inputs, self.width)
    }

    fn column(&self, at: usize) -> Vec<f64> {
        self.rows().column(at).collect()
    }

    /// Long enough for the column that resembles itself longest.
    fn block_length(&self) -> usize {
        let inputs = (0..self.width).map(|at| automatic_lags(&self.column(at)));
        inputs.chain([automatic_lags(self.target)]).max().unwrap_or(0).max(1)
    }

    fn r_squared(&self, equation: &Equation) -> f64 {
        let left = Moments::of(&equation.residuals(self.rows(), self.target)).variance(0);
        let total = Moments::of(self.target).variance(0);
        if total > 0.0 { (1.0 - left / total).clamp(0.0, 1.0) } else { 0.0 }
    }
}

/// Variance of each input within the periods, so that a penalty means the same
/// in both.
fn pooled_variances(periods: &[Period<'_>; 2]) -> Vec<f64> {
    let variance = |at: usize| {
        periods.iter().map(|period| Moments::of(&period.column(at)).variance(0)).sum::<f64>() / 2.0
    };
    (0..periods[0].width).map(variance).collect()
}

/// Share of rows after that lie outside the range before.
fn outside(periods: &[Period<'_>; 2], at: usize) -> f64 {
    let (low, high) = periods[0]
        .rows()
        .column(at)
        .fold((f64::INFINITY, f64::NEG_INFINITY), |(low, high), x| (low.min(x), high.max(x)));
    let after = periods[1].rows();
    let count = after.column(at).filter(|x| *x < low || *x > high).count();
    count as f64 / after.len() as f64
}

/// Both periods' regressions, on all rows or on a resample.
struct Fits {
    equations: [Equation; 2],
    means: [Vec<f64>; 2],
    targets: [f64; 2],
}

impl Fits {
    fn of(
        periods: &[Period<'_>; 2],
        rows: Option<[&[usize]; 2]>,
        estimator: Estimator,
        spreads: &[f64],
    ) -> Self {
        let fit = |side: usize| {
            let period = &periods[side];
            let chosen = rows.map(|rows| rows[side]);
            let width = period.width;
            let count = period.target.len();
            let value = |row: usize, column: usize| {
                let row = chosen.map_or(row, |chosen| chosen[row]);
                if column < width {
                    period.inputs[row * width + column]
                } else {
                    period.target[row]
                }
            };
            let mut triangle = Triangle::new(width + 1);
            triangle.observe(count, value, None);
            let means = (0..width).map(|column| triangle.mean(column)).collect::<Vec<f64>>();
            let penalties: Vec<f64> = match estimator {
                Estimator::Ridge(share) => {
                    spreads.iter().map(|variance| share * count as f64 * variance).collect()
                }
                Estimator::Ols | Estimator::Huber => Vec::new(),
            };
            let inputs: Vec<usize> = (0..width).collect();
            let equation = if estimator == Estimator::Huber {
                robust(count, width, value)
            } else {
                triangle.fit(width, &inputs, &penalties).equation
            };
            (equation, means, triangle.mean(width))
        };
        let (old, new) = (fit(0), fit(1));
        Self { equations: [old.0, new.0], means: [old.1, new.1], targets: [old.2, new.2] }
    }

    fn means(&self, at: usize) -> (f64, f64) {
        (self.means[0][at], self.means[1][at])
    }

    fn coefficients(&self, at: usize) -> (f64, f64) {
        (self.equations[0].coefficients[at], self.equations[1].coefficients[at])
    }

    /// Inputs, then coefficients, then intercept, unexplained, all inputs, all
    /// coefficients with the intercept.
    fn parts(&self) -> Vec<f64> {
        let width = self.means[0].len();
        let mut parts = Vec::with_capacity(2 * width + 4);
        for at in 0..width {
            let (means, coefficients) = (self.means(at), self.coefficients(at));
            parts.push((means.1 - means.0) * (coefficients.0 + coefficients.1) / 2.0);
        }
        for at in 0..width {
            let (means, coefficients) = (self.means(at), self.coefficients(at));
            parts.push((coefficients.1 - coefficients.0) * (means.0 + means.1) / 2.0);
        }
        let inputs: f64 = parts[..width].iter().sum();
        let intercept = self.equations[1].intercept - self.equations[0].intercept;
        let coefficients: f64 = parts[width..].iter().sum::<f64>() + intercept;
        let left =
            |side: usize| self.targets[side] - self.equations[side].predict(&self.means[side]);
        parts.extend([intercept, left(1) - left(0), inputs, coefficients]);
        parts
    }
}

/// Huber regression without a penalty, which would depend on units.
fn robust(count: usize, width: usize, value: impl Fn(usize, usize) -> f64) -> Equation {
    let value = &value;
    let inputs: Vec<f64> =
        (0..count).flat_map(|row| (0..width).map(move |column| value(row, column))).collect();
    let target: Vec<f64> = (0..count).map(|row| value(row, width)).collect();
    let options = HuberOptions { penalty: 0.0, ..HuberOptions::default() };
    huber(Rows::new(&inputs, width), &target, &options).equation
}
