//! What every statement weighs for every fault.

use std::collections::{BTreeMap, BTreeSet};

use auscult_knowledge::{Fault, Knowledge, Statement};

use super::expect::{most, struck_out_by, weight};
use super::vocabulary::vocabulary;
use super::{Experience, Weights};

/// What every statement weighs for every fault, in the order of the catalogue.
#[derive(Debug)]
pub(super) struct Tables {
    /// For each kind of target, what is looked at for a fault of such a target.
    pub(super) vocabulary: BTreeMap<String, Vec<Statement>>,
    /// For each fault and statement of its vocabulary, the logarithm of the ratio of likelihoods if
    /// it fails and if it holds, of that statement alone.
    pub(super) expected: Vec<Vec<[f64; 2]>>,
    /// What they weigh beside all others.
    pub(super) weights: Vec<Vec<[f64; 2]>>,
    /// For each kind of target and statement, whether the one about `some` targets stands beside that
    /// about most of them.
    pub(super) is_plain: BTreeMap<String, Vec<bool>>,
    /// For each fault, what strikes it out: places of statements, and whether they do by holding.
    pub(super) struck_out_by: Vec<Vec<(usize, bool)>>,
    /// For each fault, places of the statements that it requires.
    pub(super) required: Vec<Vec<usize>>,
    /// For each fault, whether there are programs that cannot have it.
    pub(super) has_never: Vec<bool>,
    /// For each fault, what is added whatever was found.
    pub(super) leanings: Vec<f64>,
}

impl Tables {
    pub(super) fn new(knowledge: &Knowledge, experience: &Experience, settings: Weights) -> Self {
        let vocabulary = vocabulary(knowledge).into_iter();
        let vocabulary = vocabulary.map(|(kind, statements)| (kind.to_owned(), statements));
        let vocabulary: BTreeMap<String, Vec<Statement>> = vocabulary.collect();
        let faults = knowledge.faults();
        let most = vocabulary.iter().map(|(kind, statements)| {
            let most = statements.iter().map(|statement| {
                [false, true].map(|holds| most(experience, kind, statement, holds))
            });
            (kind.as_str(), most.collect())
        });
        let most: BTreeMap<&str, Vec<[f64; 2]>> = most.collect();
        let (mut expected, mut weights) = (Vec::new(), Vec::new());
        for fault in faults {
            let statements = &vocabulary[fault.place.as_str()];
            let alone = statements.iter().map(|statement| {
                [false, true].map(|holds| weight(experience, &settings, fault, statement, holds))
            });
            let alone: Vec<[f64; 2]> = alone.collect();
            let is_new =
                !experience.learnt.is_empty() && !experience.learnt.contains_key(&fault.fault);
            let trust = if is_new { settings.alone } else { settings.trust };
            let each = statements.iter().zip(&alone).zip(&most[fault.place.as_str()]);
            let together = each.map(|((statement, alone), most)| {
                let learnt = experience.weight(&fault.fault, &statement.text);
                [0, 1].map(|holds| (trust * alone[holds] + learnt[holds]).min(most[holds]))
            });
            weights.push(together.collect());
            expected.push(alone);
        }
        let is_plain = vocabulary.iter().map(|(kind, statements)| {
            let texts: BTreeSet<&str> = statements.iter().map(|one| one.text.as_str()).collect();
            let is_plain = |statement: &Statement| {
                statement.text.strip_prefix("some ").is_some_and(|plain| texts.contains(plain))
            };
            (kind.clone(), statements.iter().map(is_plain).collect())
        });
        let is_plain = is_plain.collect();
        let place = |fault: &Fault, statement: &Statement| {
            let mut statements = vocabulary[fault.place.as_str()].iter();
            let place = statements.position(|one| one.text == statement.text);
            place.expect("the vocabulary has all that is said of such places")
        };
        let struck_out_by = faults.iter().map(|fault| {
            struck_out_by(fault).map(|(one, holds)| (place(fault, one), holds)).collect()
        });
        let struck_out_by = struck_out_by.collect();
        let required =
            faults.iter().map(|fault| fault.required.iter().map(|one| place(fault, one)).collect());
        let required = required.collect();
        let never = |fault: &Fault| {
            let mut never = knowledge.adapters().iter().flat_map(|adapter| &adapter.never);
            never.any(|never| never.fault == fault.fault)
        };
        let has_never = faults.iter().map(never).collect();
        let leanings = faults.iter().map(|fault| experience.leaning(&fault.fault)).collect();
        Self {
            vocabulary,
            expected,
            weights,
            is_plain,
            struck_out_by,
            required,
            has_never,
            leanings,
        }
    }
}
