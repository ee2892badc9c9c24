//! The Application Server Dataset.

use super::super::Mode;
use super::smd::{MACHINE_COLUMNS, machine, machines};
use super::{Published, Set};

pub(super) const SET: Set = Set {
    name: "asd",
    title: "Application Server Dataset",
    source: "github zhhlee/InterFusion",
    layout: "asd/SERVER/train.csv.gz, test.csv.gz, test_label.csv.gz and interpretation_label.txt",
    protocol: "As for the server machines; 30 days are for learning and 15 are scored, at 5 minutes.",
    modes: &[Mode::Streaming, Mode::Trained],
    columns: MACHINE_COLUMNS,
    published: &[
        Published {
            who: "PCA, 10 components, smoothed",
            values: &[("best_f1", 0.390), ("auc_pr", 0.310)],
            note: "looks ahead; best of three normalisations; measured on these six servers",
        },
        Published {
            who: "PCA residual",
            values: &[("best_f1", 0.301), ("auc_pr", 0.246)],
            note: "causal; measured on these six servers",
        },
    ],
    in_tsb: None,
    names: |data| machines(&data.join("asd")),
    load: |data, name| machine(&data.join("asd").join(name), name, 300, true),
    pooled: None,
};
