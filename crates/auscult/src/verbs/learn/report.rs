//! What was learnt, for people and for machines.

use std::fmt::Write;

use auscult_diagnose::draw::{self, grouped, percent};
use auscult_diagnose::learn::{Confusion, Lesson};

use super::aligned;

/// Leaves up to which a tree is printed whole.
const PRINTED_LEAVES: usize = 60;
/// Causes up to which all confusions are shown.
const SQUARE_CAUSES: usize = 12;
/// Confusions listed beyond that.
const LISTED_MIX_UPS: usize = 10;
/// Features listed by importance.
const LISTED_FEATURES: usize = 10;

/// The report for people.
pub(crate) fn text(lesson: &Lesson) -> String {
    let model = &lesson.model;
    let mut text = format!(
        "Learnt from {} rows to tell {} causes of `{}` apart by {} features.\n",
        grouped(model.training().rows),
        model.causes().len(),
        model.label(),
        model.features().len(),
    );
    // Writing to a string cannot fail, here and below.
    let _ = write!(text, "\n{}", accuracy(lesson));
    let _ = write!(text, "\n{}", per_cause(lesson));
    let _ = write!(text, "\n{}", confusion(lesson));
    let _ = write!(text, "\n{}", importance(lesson));
    let _ = write!(text, "\n{}", tree(lesson));
    text
}

fn accuracy(lesson: &Lesson) -> String {
    let summary = &lesson.model.training().validation;
    let [low, high] = summary.interval;
    let how = match summary.kind.as_str() {
        "time-ordered" => "each block of time predicted from what came before it",
        _ => "each row predicted without having been learnt from",
    };
    let row = |name: &str, value: String, note: String| vec![name.to_owned(), value, note];
    let rows = [
        row(
            "accuracy",
            one_decimal(summary.accuracy),
            format!("95 % interval {} to {}", one_decimal(low), one_decimal(high)),
        ),
        row("macro F1", format!("{:.3}", summary.macro_f1), "mean over the causes".to_owned()),
        row(
            "baseline",
            one_decimal(summary.majority_accuracy),
            format!(
                "accuracy of always saying the most frequent cause; macro F1 {:.3}",
                lesson.held_out.majority.macro_f1()
            ),
        ),
    ];
    format!(
        "On held-out rows ({} {} folds, {} rows, {how}):\n{}",
        summary.folds,
        summary.kind,
        grouped(summary.rows),
        aligned(&rows, 3)
    )
}

fn one_decimal(share: f64) -> String {
    format!("{:.1} %", share * 100.0)
}

fn per_cause(lesson: &Lesson) -> String {
    let confusion = &lesson.held_out.confusion;
    let share = |share: Option<f64>| share.map_or_else(|| "-".to_owned(), percent);
    let mut rows = vec![["cause", "rows", "recall", "precision", "F1"].map(str::to_owned).to_vec()];
    for (at, cause) in lesson.model.causes().iter().enumerate() {
        rows.push(vec![
            cause.name.clone(),
            grouped(confusion.support(at)),
            share(confusion.recall(at)),
            share(confusion.precision(at)),
            confusion.f1(at).map_or_else(|| "-".to_owned(), |f1| format!("{f1:.3}")),
        ]);
    }
    let head = "Per cause (recall: share of its rows that were found; precision: share of the times it \
                was said that it was right):\n";
    head.to_owned() + &aligned(&rows, 1)
}

fn confusion(lesson: &Lesson) -> String {
    if lesson.model.causes().len() > SQUARE_CAUSES {
        return mix_ups(lesson);
    }
    let names = lesson.model.causes().iter().map(|cause| cause.name.clone());
    let mut rows = vec![vec!["true \\ said".to_owned()]];
    rows[0].extend(names.clone());
    for (name, counts) in names.zip(lesson.held_out.confusion.counts()) {
        let mut row = vec![name];
        row.extend(counts.iter().map(
            |&count| {
                if count == 0 { "·".to_owned() } else { grouped(count) }
            },
        ));
        rows.push(row);
    }
    "What was said for what was true:\n".to_owned() + &aligned(&rows, 1)
}

/// The most frequent confusions, where a square of all would be too wide.
fn mix_ups(lesson: &Lesson) -> String {
    let counts = lesson.held_out.confusion.counts();
    let name = |cause: usize| lesson.model.causes()[cause].name.clone();
    let causes = 0..counts.len();
    let mut pairs: Vec<(usize, usize)> = causes
        .clone()
        .flat_map(|truth| causes.clone().map(move |said| (truth, said)))
        .filter(|&(truth, said)| truth != said && counts[truth][said] > 0)
        .collect();
    pairs.sort_by_key(|&(truth, said)| std::cmp::Reverse(counts[truth][said]));
    let mut rows = vec![["true", "said", "rows"].map(str::to_owned).to_vec()];
    rows.extend(
        pairs
            .iter()
            .take(LISTED_MIX_UPS)
            .map(|&(truth, said)| vec![name(truth), name(said), grouped(counts[truth][said])]),
    );
    "What was most often said for something else (--format json has all):\n".to_owned()
        + &aligned(&rows, 2)
}

fn importance(lesson: &Lesson) -> String {
    let all = &lesson.held_out.importance;
    let telling = |mean: f64| mean * 100.0 >= 0.05;
    let shown = all.iter().take(LISTED_FEATURES).filter(|feature| telling(feature.mean));
    let row = |feature: &auscult_diagnose::learn::FeatureImportance| {
        let (mean, deviation) = (feature.mean * 100.0, feature.deviation * 100.0);
        vec![feature.feature.clone(), format!("{mean:.1}"), format!("± {deviation:.1}")]
    };
    let rows: Vec<Vec<String>> = shown.map(row).collect();
    let others = all.len() - rows.len();
    let mut text = "What the accuracy rests on (points it falls when a feature is shuffled among \
                    held-out rows):\n"
        .to_owned()
        + &aligned(&rows, 1);
    if others > 0 {
        let _ =
            writeln!(text, "  {others} other feature{}: less", if others == 1 { "" } else { "s" });
    }
    text
}

fn tree(lesson: &Lesson) -> String {
    let model = &lesson.model;
    let [tree] = model.trees() else {
        let leaves = model.trees().iter().map(|tree| tree.leaves()).sum::<usize>();
        return format!(
            "A forest of {} trees with {} leaves on average.\n",
            model.trees().len(),
            leaves / model.trees().len()
        );
    };
    let (leaves, depth) = (tree.leaves(), tree.depth());
    if leaves == 1 {
        return "The tree asks nothing: no question told the causes apart on held-out rows. Add \
                features or rows, or try --ccp-alpha 0.\n"
            .to_owned();
    }
    if leaves > PRINTED_LEAVES {
        return format!(
            "The tree has {leaves} leaves and asks {depth} questions at most; --plot draws it, \
             --max-depth or --min-leaf make it smaller.\n"
        );
    }
    let questions = if depth == 1 { "question" } else { "questions" };
    format!("The tree ({leaves} leaves, {depth} {questions} at most):\n{}", draw::text(model, tree))
}

/// The report for machines.
pub(crate) fn json(lesson: &Lesson) -> String {
    let model = &lesson.model;
    let confusion = &lesson.held_out.confusion;
    let names: Vec<&str> = model.causes().iter().map(|cause| cause.name.as_str()).collect();
    let causes: Vec<serde_json::Value> =
        names.iter().enumerate().map(|(at, name)| cause(name, confusion, at)).collect();
    let findings: Vec<serde_json::Value> = lesson
        .findings
        .iter()
        .map(|finding| serde_json::json!({"finding": finding, "message": finding.to_string()}))
        .collect();
    let features: Vec<&str> =
        model.features().iter().map(|feature| feature.name.as_str()).collect();
    let trees = model.trees();
    let report = serde_json::json!({
        "label": model.label(),
        "features": features,
        "training": model.training(),
        "majority_macro_f1": lesson.held_out.majority.macro_f1(),
        "causes": causes,
        "confusion": {"labels": names, "counts": confusion.counts()},
        "importance": lesson.held_out.importance,
        "findings": findings,
        "trees": trees.len(),
        "leaves": trees.iter().map(|tree| tree.leaves()).collect::<Vec<_>>(),
        "depth": trees.iter().map(|tree| tree.depth()).max(),
    });
    format!("{report:#}\n")
}

fn cause(name: &str, confusion: &Confusion, at: usize) -> serde_json::Value {
    serde_json::json!({
        "name": name,
        "rows": confusion.support(at),
        "recall": confusion.recall(at),
        "precision": confusion.precision(at),
        "f1": confusion.f1(at),
    })
}
