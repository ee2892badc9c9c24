//! One-class support vector machine, radial kernel, nu 0.05 and 0.1.

use std::time::Instant;

use auscult_core::{Estimator, Frame};
use auscult_detect::margin::{OneClassSvm, OneClassSvmSettings};
use serde_json::{Value, json};

pub(super) fn run(readings: &[f64], _rows: usize, columns: usize) -> Value {
    let frame = Frame::new(readings, columns).expect("finite readings in whole rows");
    let fit = |nu: f64| {
        let start = Instant::now();
        let settings = OneClassSvmSettings { nu, standardise: false, ..Default::default() };
        let svm = OneClassSvm::new(settings).expect("in range");
        let fit = svm.fit(&frame).expect("enough rows");
        (start.elapsed().as_secs_f64(), fit)
    };
    let (seconds, narrow) = fit(0.05);
    let (seconds_wide, wide) = fit(0.1);
    json!({
        "seconds": seconds + seconds_wide,
        "seconds_nu_0.05": seconds,
        "seconds_nu_0.1": seconds_wide,
        "support_nu_0.05": narrow.model.support().len(),
        "support_nu_0.1": wide.model.support().len(),
        "rho_nu_0.05": narrow.model.rho(),
        "rho_nu_0.1": wide.model.rho(),
        "auc": super::auc_of_last_hundredth(&narrow.scores),
    })
}
