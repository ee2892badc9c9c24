//! Tails of the chi-square distribution, in logarithms, so that they never run out.

use statrs::function::gamma::ln_gamma;

/// Natural logarithm of the probability that a chi-square variable of `dof`
/// degrees of freedom exceeds `x`.
///
/// `dof` is above 0 and need not be whole. Relative error about 1e-13, also
/// where the probability itself is far below the smallest `f64`. 0 where `x`
/// is not positive.
///
/// Series below the mean and Lentz's continued fraction above it; W. J.
/// Thompson, I. A. Stegun in M. Abramowitz, I. A. Stegun, "Handbook of
/// Mathematical Functions", 1964, formulas 6.5.29 and 6.5.31.
///
/// ```
/// use auscult_stats::chi_square::ln_survival;
/// // With two degrees of freedom the tail is exactly exp(-x / 2).
/// assert!((ln_survival(5000.0, 2.0) + 2500.0).abs() < 1e-9);
/// ```
#[must_use]
pub fn ln_survival(x: f64, dof: f64) -> f64 {
    if x <= 0.0 {
        return 0.0;
    }
    let (a, t) = (dof / 2.0, x / 2.0);
    let ln_front = a * t.ln() - t - ln_gamma(a);
    if t < a + 1.0 {
        let below = (ln_front + series(a, t).ln()).exp();
        (-below.min(1.0)).ln_1p()
    } else {
        ln_front + continued_fraction(a, t).ln()
    }
}

/// `Σ tⁿ / (a (a + 1) … (a + n))`.
fn series(a: f64, t: f64) -> f64 {
    let mut term = 1.0 / a;
    let mut sum = term;
    let mut divisor = a;
    while term > sum * 1e-17 {
        divisor += 1.0;
        term *= t / divisor;
        sum += term;
    }
    sum
}

/// `1 / (t + 1 - a - 1 (1 - a) / (t + 3 - a - 2 (2 - a) / (t + 5 - a - …)))`.
fn continued_fraction(a: f64, t: f64) -> f64 {
    const TINY: f64 = 1e-300;
    let mut b = t + 1.0 - a;
    let mut c = 1.0 / TINY;
    let mut d = 1.0 / b;
    let mut value = d;
    for step in 1..10_000 {
        let step = f64::from(step);
        let numerator = step * (a - step);
        b += 2.0;
        d = 1.0 / nonzero(numerator * d + b, TINY);
        c = nonzero(b + numerator / c, TINY);
        let factor = c * d;
        value *= factor;
        if (factor - 1.0).abs() < 1e-16 {
            break;
        }
    }
    value
}

fn nonzero(value: f64, tiny: f64) -> f64 {
    if value.abs() < tiny { tiny } else { value }
}

/// How many standard deviations from its mean a normal variable must be to be
/// as rare as a chi-square variable of `dof` degrees of freedom above `x`:
/// the `z` with `P(|N(0, 1)| > z) = P(χ²(dof) > x)`.
///
/// So one threshold means one rate of false alarms, whatever the number of
/// channels. Rises with `x`, is finite for every finite `x`, and is exactly
/// `√x` for one degree of freedom.
///
/// ```
/// use auscult_stats::chi_square::normal_equivalent;
/// // 5.99 and 1.96 are both exceeded one time in twenty.
/// assert!((normal_equivalent(5.991_464_547, 2.0) - 1.959_963_985).abs() < 1e-8);
/// assert_eq!(normal_equivalent(1e200, 38.0), 1e100);
/// ```
#[must_use]
pub fn normal_equivalent(x: f64, dof: f64) -> f64 {
    let start = x.max(0.0).sqrt();
    // Far out, what distinguishes the two tails is below rounding.
    if dof == 1.0 || x > 1e30 * dof * dof || start == 0.0 {
        return start;
    }
    let target = ln_survival(x, dof);
    let mut z = start;
    // The logarithm of the normal tail is concave, so that Newton's method
    // never leaves the far side of the root and cannot overshoot.
    for _ in 0..60 {
        let own = ln_survival(z * z, 1.0);
        let step = (own - target) / normal_hazard(z, own);
        z = (z + step).max(0.0);
        if step.abs() <= 1e-14 * z {
            break;
        }
    }
    z
}

/// Density of `|N(0, 1)|` at `z` over its tail, whose logarithm is `ln_tail`.
fn normal_hazard(z: f64, ln_tail: f64) -> f64 {
    if z > 1e4 {
        return z + 1.0 / z;
    }
    let ln_density = 0.5 * std::f64::consts::FRAC_2_PI.ln() - 0.5 * z * z;
    (ln_density - ln_tail).exp()
}

/// The inverse of [`normal_equivalent`]: which `x` is as rare as `z` standard
/// deviations.
///
/// ```
/// use auscult_stats::chi_square::{from_normal_equivalent, normal_equivalent};
/// let x = from_normal_equivalent(3.0, 8.0);
/// assert!((normal_equivalent(x, 8.0) - 3.0).abs() < 1e-12);
/// ```
#[must_use]
pub fn from_normal_equivalent(z: f64, dof: f64) -> f64 {
    let z = z.clamp(0.0, 1e150);
    if dof == 1.0 || z * z > 1e30 * dof * dof {
        return z * z;
    }
    upper_quantile(ln_survival(z * z, 1.0), dof)
}

/// The `x` that a chi-square variable of `dof` degrees of freedom exceeds with
/// probability `exp(ln_tail)`.
///
/// ```
/// use auscult_stats::chi_square::upper_quantile;
/// assert!((upper_quantile(0.025_f64.ln(), 3.0) - 9.348_403_604).abs() < 1e-8);
/// ```
#[must_use]
pub fn upper_quantile(ln_tail: f64, dof: f64) -> f64 {
    if ln_tail >= 0.0 {
        return 0.0;
    }
    let (mut low, mut high) = (0.0, dof - 2.0 * ln_tail);
    while ln_survival(high, dof) > ln_tail {
        high *= 2.0;
    }
    // Halving ends when the two ends are neighbours.
    loop {
        let middle = 0.5 * (low + high);
        if middle <= low || middle >= high {
            return middle;
        }
        if ln_survival(middle, dof) > ln_tail {
            low = middle;
        } else {
            high = middle;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn tails_agree_with_known_values() {
        // By scipy.stats.chi2.logsf; the last two by exact sums of Poisson terms.
        let cases = [
            (0.1, 1.0, -0.285_245_531_169_676_9),
            (3.0, 5.0, -0.356_695_178_602_555_2),
            (40.0, 38.0, -0.963_849_037_793_826_9),
            (200.0, 8.0, -87.946_101_932_517_39),
            (4000.0, 100.0, -1_772.096_731_169_327_6),
        ];
        for (x, dof, expected) in cases {
            let got = ln_survival(x, dof);
            assert!((got - expected).abs() < 1e-11 * expected.abs(), "{x} {dof}: {got}");
        }
    }

    #[test]
    fn the_equivalent_rises_and_stays_finite_for_any_width() {
        for dof in [1.0, 2.0, 3.5, 38.0, 500.0] {
            let mut before = 0.0;
            for step in 0..400 {
                let x = 10_f64.powf(f64::from(step) * 0.55 - 10.0);
                let z = normal_equivalent(x, dof);
                assert!(z.is_finite() && z >= before, "{dof} {x}: {z} after {before}");
                assert!(z <= x.sqrt() * (1.0 + 1e-12), "{dof} {x}: {z}");
                before = z;
            }
        }
    }

    #[test]
    fn the_equivalent_can_be_turned_back() {
        for dof in [0.7, 2.0, 8.0, 120.0] {
            for z in [0.1, 1.0, 3.0, 6.0, 40.0, 1e5] {
                let back = normal_equivalent(from_normal_equivalent(z, dof), dof);
                assert!((back / z - 1.0).abs() < 1e-9, "{dof} {z}: {back}");
            }
        }
    }
}
