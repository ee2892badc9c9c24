//! The answer for programs: JSON and CSV.

use auscult_diagnose::explain::segments::{Measure, Tally};
use auscult_diagnose::explain::{Estimator, InputEffect, Joint, Quantity, Unusable};
use serde_json::{Value, json};

use super::findings::{Attributed, Findings, Part, Segmented, unusable_input};
use super::words::{has_undivided, per_moment, segment_name, warnings};

/// Everything, as one JSON object.
pub(super) fn json(findings: &Findings) -> String {
    let parts: Vec<Value> = findings.parts().iter().map(|part| part_json(part, findings)).collect();
    let object = json!({
        "subject": findings.subject,
        "measure": match findings.measure {
            Measure::Mean => "mean",
            Measure::Ratio => "ratio",
            Measure::Sum => "sum",
        },
        "periods": [findings.periods.0, findings.periods.1],
        "before": findings.totals.0,
        "after": findings.totals.1,
        "change": findings.change(),
        "confidence": findings.confidence,
        "shift": shift_json(findings),
        "warnings": findings.attribution.as_ref().map_or_else(Vec::new, warnings),
        "parts": parts,
        "attribution": findings.attribution.as_ref().map(attribution_json),
        "relations": findings.relations.iter().map(|(one, two, relation)| json!({
            "columns": [one, two],
            "covariance": [relation.covariance.0, relation.covariance.1],
            "correlation": [relation.correlation.before, relation.correlation.after],
            "p_value": relation.correlation.p_value,
            "p_value_adjusted": relation.p_value,
        })).collect::<Vec<_>>(),
        "segments": findings.segments.as_ref().map(segments_json),
        "notes": findings.notes,
    });
    let mut text = serde_json::to_string_pretty(&object).expect("an object of plain data");
    text.push('\n');
    text
}

fn part_json(part: &Part, findings: &Findings) -> Value {
    json!({
        "kind": part.kind,
        "name": part.name,
        "before": part.before,
        "after": part.after,
        "amount": part.amount,
        "share": share(part, findings),
        "interval": part.interval.map(|(low, high)| [low, high]),
        "clear": part.is_clear(),
        "caution": part.caution,
    })
}

fn share(part: &Part, findings: &Findings) -> Option<f64> {
    (findings.change() != 0.0).then(|| part.amount / findings.change())
}

fn shift_json(findings: &Findings) -> Value {
    let Some(shift) = &findings.shift else { return Value::Null };
    let quantity = |quantity: &Quantity| {
        json!({
            "before": quantity.before,
            "after": quantity.after,
            "change": quantity.change(),
            "interval": [quantity.interval.0, quantity.interval.1],
        })
    };
    json!({
        "rows": [shift.rows.0, shift.rows.1],
        "effective_rows": [shift.effective_rows.0, shift.effective_rows.1],
        "significant": shift.is_significant(),
        "mean": quantity(&shift.mean),
        "median": quantity(&shift.median),
        "standard_deviation": quantity(&shift.deviation),
        "deciles": shift.deciles.iter().map(|(level, decile)| {
            json!({"level": level, "quantile": quantity(decile)})
        }).collect::<Vec<_>>(),
        "mean_p_value": shift.mean_test.p_value,
        "mean_t": shift.mean_test.t,
        "rank_p_value": shift.rank_test.p_value,
        "superiority": shift.rank_test.superiority,
        "spread_p_value": shift.spread_p_value,
        "kolmogorov_smirnov": shift.distribution_test.distance,
        "kolmogorov_smirnov_p_value": shift.distribution_test.p_value,
        "effect_size": shift.effect_size,
    })
}

fn attribution_json(attributed: &Attributed) -> Value {
    let found = &attributed.found;
    let part = |part: &auscult_diagnose::explain::Part| json!({"amount": part.amount, "interval": [part.interval.0, part.interval.1]});
    let divided = !has_undivided(attributed);
    let stands_alone = |effect: &InputEffect| {
        !found.joint.iter().any(|joint| joint.inputs().contains(&effect.input))
    };
    let effects = found.inputs.iter().map(|effect| {
        json!({
            "name": attributed.names[effect.input],
            "trusted": stands_alone(effect),
            "means": [effect.means.0, effect.means.1],
            "coefficients": [effect.coefficients.0, effect.coefficients.1],
            "by_input": stands_alone(effect).then(|| part(&effect.by_input)),
            "by_effect": stands_alone(effect).then(|| part(&effect.by_coefficient)),
            "threefold": stands_alone(effect).then(|| json!({
                "input": effect.threefold.input,
                "coefficient": effect.threefold.coefficient,
                "interaction": effect.threefold.interaction,
            })),
            // JSON has no infinity.
            "variance_inflation": Some(effect.variance_inflation).filter(|x| x.is_finite()),
            "outside_earlier_range": effect.outside,
        })
    });
    let unusable = found.unusable.iter().map(|unusable| {
        let reason = match unusable {
            Unusable::Constant { .. } => "constant",
            Unusable::Stepped { .. } => "constant within a period",
            Unusable::Collinear { .. } => "collinear",
        };
        json!({"name": attributed.names[unusable_input(unusable)], "reason": reason})
    });
    json!({
        "model": match attributed.estimator {
            Estimator::Ols => "ols",
            Estimator::Ridge(_) => "ridge",
            Estimator::Huber => "huber",
        },
        "inputs": effects.collect::<Vec<_>>(),
        "unusable": unusable.collect::<Vec<_>>(),
        "intercepts": [found.intercepts.0, found.intercepts.1],
        "intercept": divided.then(|| part(&found.intercept)),
        "unexplained": found.unexplained,
        "by_inputs": divided.then(|| part(&found.by_inputs)),
        "by_effects": divided.then(|| part(&found.by_coefficients)),
        "r_squared": [found.r_squared.0, found.r_squared.1],
        "joint": found.joint.iter().map(|joint| joint_json(attributed, joint)).collect::<Vec<_>>(),
    })
}

fn joint_json(attributed: &Attributed, joint: &Joint) -> Value {
    let part = |part: &auscult_diagnose::explain::Part| json!({"amount": part.amount, "interval": [part.interval.0, part.interval.1]});
    let names: Vec<&str> =
        joint.inputs().iter().map(|input| attributed.names[*input].as_str()).collect();
    match joint {
        Joint::Collinear { by_input, by_coefficient, .. } => json!({
            "reason": "collinear",
            "inputs": names,
            "by_input": part(by_input),
            "by_effect": part(by_coefficient),
        }),
        Joint::Apart { part: whole, .. } => json!({
            "reason": "nothing in common before and after, and the lines differ",
            "inputs": names,
            "all_with_intercept": part(whole),
        }),
    }
}

fn segments_json(segmented: &Segmented) -> Value {
    let attributes = segmented.cells.attributes();
    let rate = |tally: &Tally| tally.rate();
    let mixes = segmented.mixes.iter().map(|mix| {
        let attribute = &attributes[mix.attribute];
        let values = mix.values.iter().map(|value| {
            json!({
                "value": attribute.values[value.value],
                "share": [value.share.0, value.share.1],
                "rate": [value.rate.0, value.rate.1],
                "by_mix": value.by_mix,
                "by_rate": value.by_rate,
            })
        });
        json!({
            "attribute": attribute.name,
            "mix": mix.mix,
            "rate": mix.rate,
            "reversed": mix.reversed,
            "values": values.collect::<Vec<_>>(),
        })
    });
    let singles = segmented.singles.iter().map(|set| {
        let attribute = &attributes[set.attribute];
        let values = set.values.iter().map(|value| {
            json!({
                "value": attribute.values[value.value],
                "power": value.power,
                "surprise": value.surprise,
            })
        });
        json!({
            "attribute": attribute.name,
            "surprise": set.surprise,
            "values": values.collect::<Vec<_>>(),
        })
    });
    let combinations = segmented.combinations.iter().map(|segment| {
        let values = segment.values.iter().map(|(attribute, value)| {
            let attribute = &attributes[*attribute];
            (attribute.name.clone(), Value::from(attribute.values[*value].clone()))
        });
        json!({
            "values": values.collect::<serde_json::Map<_, _>>(),
            "name": segment_name(segmented, segment),
            "before": rate(&segment.before),
            "after": rate(&segment.after),
            "contribution": per_moment(segmented, segment),
            "score": segment.score,
        })
    });
    json!({
        "mix_and_rate": mixes.collect::<Vec<_>>(),
        "single_values": singles.collect::<Vec<_>>(),
        "combinations": combinations.collect::<Vec<_>>(),
    })
}

/// One line for each part of the change, then one for each segment.
pub(super) fn csv(findings: &Findings) -> String {
    let mut text = String::from("kind,name,before,after,amount,share,low,high,caution\n");
    let mut add = |cells: [String; 9]| {
        text.push_str(&cells.join(","));
        text.push('\n');
    };
    let plain = |value: Option<f64>| value.map_or_else(String::new, |value| value.to_string());
    let change = findings.change();
    add([
        "change".to_owned(),
        quoted(&findings.subject),
        findings.totals.0.to_string(),
        findings.totals.1.to_string(),
        change.to_string(),
        plain((change != 0.0).then_some(1.0)),
        plain(findings.shift.as_ref().map(|shift| shift.mean.interval.0)),
        plain(findings.shift.as_ref().map(|shift| shift.mean.interval.1)),
        String::new(),
    ]);
    for part in findings.parts() {
        add([
            part.kind.to_owned(),
            quoted(&part.name),
            plain(part.before),
            plain(part.after),
            part.amount.to_string(),
            plain(share(&part, findings)),
            plain(part.interval.map(|interval| interval.0)),
            plain(part.interval.map(|interval| interval.1)),
            part.caution.unwrap_or_default().to_owned(),
        ]);
    }
    if let Some(segmented) = &findings.segments {
        for segment in &segmented.combinations {
            let contribution = per_moment(segmented, segment);
            add([
                "combination".to_owned(),
                quoted(&segment_name(segmented, segment)),
                plain(segment.before.rate()),
                plain(segment.after.rate()),
                contribution.to_string(),
                plain((change != 0.0).then(|| contribution / change)),
                String::new(),
                String::new(),
                String::new(),
            ]);
        }
    }
    text
}

/// A CSV cell, in quotes where it needs them.
fn quoted(text: &str) -> String {
    if text.contains([',', '"', '\n', '\r']) {
        format!("\"{}\"", text.replace('"', "\"\""))
    } else {
        text.to_owned()
    }
}
