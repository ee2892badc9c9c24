//! Linear models against exact arithmetic, statsmodels, scikit-learn and SciPy.

use auscult_stats::linear::{
    Equation, HuberOptions, Rows, TheilSenOptions, huber, newey_west, ols, ridge, theil_sen,
    variance_inflation,
};
use serde_json::Value;

use crate::{close, numbers};

fn golden() -> Value {
    serde_json::from_str(include_str!("golden/linear.json")).expect("JSON")
}

fn parameters(equation: &Equation) -> Vec<f64> {
    std::iter::once(equation.intercept).chain(equation.coefficients.iter().copied()).collect()
}

/// Certified to 9 digits, although the condition of the inputs is 5e9.
#[test]
fn longley_agrees_with_exact_arithmetic_to_nine_digits() {
    let table: Vec<Vec<f64>> = include_str!("golden/longley.csv")
        .lines()
        .skip(1)
        .map(|line| line.split(',').map(|cell| cell.parse().expect("a number")).collect())
        .collect();
    let target: Vec<f64> = table.iter().map(|row| row[0]).collect();
    let inputs: Vec<f64> = table.iter().flat_map(|row| row[1..].to_vec()).collect();
    let inputs = Rows::new(&inputs, 6);
    let fit = ols(inputs, &target);
    let expected: Value =
        serde_json::from_str(include_str!("golden/longley_expected.json")).expect("JSON");
    let list = |key: &str| numbers(&expected[key]);
    let one = |key: &str| expected[key].as_f64().expect("a number");
    assert!(fit.unused.is_empty());
    close("coefficients", &parameters(&fit.equation), &list("coefficient"), 1e-9);
    close("standard errors", &fit.standard_errors(), &list("standard_error"), 1e-9);
    close("t", &fit.t(), &list("t"), 1e-9);
    close("p", &fit.p_values(), &list("p_value"), 1e-6);
    close("R²", &[fit.r_squared()], &[one("r_squared")], 1e-9);
    close("F", &[fit.f_statistic()], &[one("f_statistic")], 1e-9);
    let deviation = one("residual_standard_deviation");
    close("deviation", &[fit.residual_deviation()], &[deviation], 1e-9);
    close("inflation", &variance_inflation(inputs), &list("variance_inflation"), 1e-9);
}

#[test]
fn least_squares_and_its_errors_agree_with_statsmodels() {
    let golden = golden();
    let (x, y) = (numbers(&golden["x"]), numbers(&golden["y"]));
    let inputs = Rows::new(&x, 4);
    let fit = ols(inputs, &y);
    let expected = &golden["ols"];
    let list = |key: &str| numbers(&expected[key]);
    close("parameters", &parameters(&fit.equation), &list("parameters"), 1e-9);
    close("standard errors", &fit.standard_errors(), &list("standard_errors"), 1e-9);
    close("t", &fit.t(), &list("t"), 1e-9);
    close("p", &fit.p_values(), &list("p_values"), 1e-6);
    close("R²", &[fit.r_squared()], &[expected["r_squared"].as_f64().expect("R²")], 1e-9);
    close("F", &[fit.f_statistic()], &[expected["f"].as_f64().expect("F")], 1e-9);
    close("p of F", &[fit.f_p_value()], &[expected["f_p_value"].as_f64().expect("p")], 1e-6);
    let leverage: Vec<f64> = inputs.iter().map(|row| fit.leverage(row)).collect();
    close("leverage", &leverage, &list("leverage"), 1e-9);
    close("inflation", &variance_inflation(inputs), &list("variance_inflation"), 1e-9);
    let residuals = fit.equation.residuals(inputs, &y);
    close("Newey-West", &newey_west(inputs, &residuals, &fit, 5), &list("hac"), 1e-9);
}

#[test]
fn a_superfluous_input_leaves_predictions_as_lstsq_has_them() {
    let golden = golden();
    let (x, y) = (numbers(&golden["x"]), numbers(&golden["y"]));
    let wide: Vec<f64> = Rows::new(&x, 4)
        .iter()
        .flat_map(|row| [row[0], row[1], row[2], row[3], 2.0 * row[0] - row[2]])
        .collect();
    let fit = ols(Rows::new(&wide, 5), &y);
    assert_eq!(fit.unused.len(), 1);
    let predicted: Vec<f64> =
        Rows::new(&wide, 5).iter().map(|row| fit.equation.predict(row)).collect();
    close("predictions", &predicted, &numbers(&golden["deficient"]), 1e-9);
}

#[test]
fn ridge_agrees_with_scikit_learn() {
    let golden = golden();
    let (x, y) = (numbers(&golden["x"]), numbers(&golden["y"]));
    for (penalty, expected) in golden["ridge"].as_object().expect("penalties") {
        let penalties = [penalty.parse().expect("a number"); 4];
        let fit = ridge(Rows::new(&x, 4), &y, &penalties);
        close(penalty, &parameters(&fit.equation), &numbers(expected), 1e-9);
    }
}

/// To 1e-4: scikit-learn stops by a rule of its own.
#[test]
fn huber_agrees_with_scikit_learn() {
    let golden = golden();
    let (x, y) = (numbers(&golden["standard"]), numbers(&golden["wrong"]));
    let inputs = Rows::new(&x, 4);
    let fit = huber(inputs, &y, &HuberOptions::default());
    let expected = &golden["huber"];
    close("parameters", &parameters(&fit.equation), &numbers(&expected["parameters"]), 1e-4);
    close("scale", &[fit.scale], &[expected["scale"].as_f64().expect("scale")], 1e-4);
    let outliers: Vec<bool> = expected["outliers"]
        .as_array()
        .expect("outliers")
        .iter()
        .map(|outlier| outlier.as_bool().expect("a truth value"))
        .collect();
    assert_eq!(fit.outliers, outliers);
    let wide = HuberOptions { epsilon: 2.0, penalty: 0.5, ..Default::default() };
    let fit = huber(inputs, &y, &wide);
    close("wide", &parameters(&fit.equation), &numbers(&expected["wide"]), 1e-4);
}

#[test]
fn theil_sen_agrees_with_scipy_and_scikit_learn() {
    let golden = golden();
    let (x, y) = (numbers(&golden["standard"]), numbers(&golden["wrong"]));
    let expected = &golden["theil_sen"];
    let first: Vec<f64> = Rows::new(&x, 4).column(0).collect();
    let fit = theil_sen(Rows::new(&first, 1), &y, &TheilSenOptions::default());
    close("one input", &parameters(&fit), &numbers(&expected["one"]), 1e-12);
    // All subsets of 30 rows, so nothing is drawn; scikit-learn's iteration
    // stops a little early.
    let two: Vec<f64> = Rows::new(&x, 4).iter().take(30).flat_map(|row| [row[0], row[1]]).collect();
    let fit = theil_sen(Rows::new(&two, 2), &y[..30], &TheilSenOptions::default());
    close("two inputs", &parameters(&fit), &numbers(&expected["two"]), 1e-5);
}
