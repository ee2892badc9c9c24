//! What came of a case, and how often it was right.

use std::collections::BTreeMap;

use auscult_diagnose::diagnosis::{Cause, Conclusion, Diagnosis};

use crate::case::Case;

/// What came of a case.
pub(crate) struct Outcome {
    /// The faults, or `healthy`.
    truth: String,
    /// What came first, health and the unknown among it.
    first: String,
    /// Its probability.
    said: f64,
    right: bool,
    among_three: bool,
    there: bool,
    /// Of two faults at once, those among the three causes that explain most together.
    several: Option<(usize, usize)>,
    /// These causes.
    together: Vec<String>,
    /// Of two faults at once, whether the first cause and the second that is told are these; of others,
    /// whether none is told.
    second: bool,
    /// By how many seconds the onset is off, and whether the interval that was told has it.
    onset: Option<(f64, bool)>,
}

impl Outcome {
    /// Of a diagnosis, and of the causes that explain most together where there are two faults.
    pub(crate) fn of(
        case: &Case,
        diagnosis: &Diagnosis,
        together: &[Cause],
        second: Option<&Cause>,
    ) -> Self {
        let (first, said) = best(diagnosis);
        let benign = is_benign(&case.fault);
        // What only looks like a fault may be called healthy as well.
        let is_true = |fault: &str| {
            case.fault.split('+').any(|truth| truth == fault) || benign && is_benign(fault)
        };
        let rank = diagnosis.causes.iter().position(|cause| is_true(&cause.fault));
        let right = is_true(&first);
        let there = rank.is_some_and(|rank| case.is_where(&diagnosis.causes[rank]));
        let among_three = right || rank.is_some_and(|rank| rank < 3);
        let truths: Vec<&str> = case.fault.split('+').collect();
        let among = |truth: &&&str| together.iter().take(3).any(|cause| cause.fault == **truth);
        let several =
            (truths.len() > 1).then(|| (truths.iter().filter(among).count(), truths.len()));
        let together = together.iter().take(3).map(|cause| cause.fault.clone()).collect();
        let told = |cause: &&Cause| truths.contains(&cause.fault.as_str());
        let second = match truths.len() {
            1 => second.is_none(),
            _ => second.is_some_and(|second| told(&second) && right && second.fault != first),
        };
        let (truth, onset) = (case.fault.clone(), case.onset);
        Self { truth, first, said, right, among_three, there, several, together, second, onset }
    }
}

fn is_benign(fault: &str) -> bool {
    fault == "healthy" || fault.starts_with('L')
}

/// What is concluded, and how likely it is.
fn best(diagnosis: &Diagnosis) -> (String, f64) {
    match diagnosis.conclusion() {
        Conclusion::Healthy => ("healthy".to_owned(), diagnosis.healthy),
        Conclusion::Unknown => ("unknown".to_owned(), diagnosis.unknown),
        Conclusion::Cause => {
            let cause = &diagnosis.causes[0];
            (cause.fault.clone(), cause.probability)
        }
    }
}

#[derive(Default)]
struct Score {
    cases: usize,
    first: usize,
    third: usize,
    there: usize,
}

impl Score {
    fn add(&mut self, other: &Self) {
        self.cases += other.cases;
        self.first += other.first;
        self.third += other.third;
        self.there += other.there;
    }
}

impl std::fmt::Display for Score {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let share = |count: usize| count as f64 / self.cases.max(1) as f64;
        write!(
            formatter,
            "of {:4}: first {:.3}, among three {:.3}, place {:.3}",
            self.cases,
            share(self.first),
            share(self.third),
            share(self.there)
        )
    }
}

/// Prints how often outcomes were right, and how well probabilities hold.
pub(crate) fn report(outcomes: &[Outcome]) {
    let mut tables: BTreeMap<&str, Score> = BTreeMap::new();
    let mut confusions: BTreeMap<(&str, &str), usize> = BTreeMap::new();
    for outcome in outcomes {
        let table = tables.entry(&outcome.truth).or_default();
        table.cases += 1;
        table.first += usize::from(outcome.right);
        table.third += usize::from(outcome.among_three);
        table.there += usize::from(outcome.there);
        if !outcome.right {
            *confusions.entry((&outcome.truth, &outcome.first)).or_default() += 1;
        }
    }
    let (mut harmful, mut benign) = (Score::default(), Score::default());
    for (fault, score) in &tables {
        if score.first < score.cases {
            let others = confusions.iter().filter(|((truth, _), _)| truth == fault);
            let others: Vec<String> =
                others.map(|((_, other), count)| format!("{other}×{count}")).collect();
            println!("{fault:6} {score} instead {}", others.join(" "));
        }
        if is_benign(fault) { benign.add(score) } else { harmful.add(score) }
    }
    println!("faults {harmful}");
    if benign.cases > 0 {
        let alarms = outcomes.iter().filter(|outcome| is_benign(&outcome.truth));
        let alarms = alarms.filter(|outcome| !outcome.right && outcome.first != "unknown").count();
        let share = alarms as f64 / benign.cases as f64;
        println!("benign of {:4}: called a harmful fault {share:.3}", benign.cases);
    }
    calibration(outcomes);
    let several: Vec<(usize, usize)> = outcomes.iter().filter_map(|one| one.several).collect();
    for one in outcomes.iter().filter(|one| one.several.is_some_and(|(found, all)| found < all)) {
        println!("{} not whole: {}", one.truth, one.together.join(" "));
    }
    if !several.is_empty() {
        let share = |least: usize| {
            let count = several.iter().filter(|(found, _)| *found >= least).count();
            count as f64 / several.len() as f64
        };
        println!(
            "of {} with two faults: among three one {:.3}, both {:.3}",
            several.len(),
            share(1),
            share(2)
        );
    }
    let seconds = |are_two: bool| {
        let those = outcomes.iter().filter(|one| one.several.is_some() == are_two);
        let right: Vec<bool> = those.map(|one| one.second).collect();
        let share = right.iter().filter(|right| **right).count() as f64 / right.len() as f64;
        (!right.is_empty()).then_some(share)
    };
    if let Some(share) = seconds(true) {
        println!("both told, the second beside the first: {share:.3}");
    }
    if let Some(share) = seconds(false) {
        println!("a second told where there is none: {:.3}", 1.0 - share);
    }
    let mut off: Vec<f64> = outcomes.iter().filter_map(|one| Some(one.onset?.0)).collect();
    if !off.is_empty() {
        let within = outcomes.iter().filter(|one| one.onset.is_some_and(|onset| onset.1)).count();
        let within = within as f64 / off.len() as f64;
        off.iter_mut().for_each(|off| *off = off.abs());
        off.sort_by(f64::total_cmp);
        let near = off.iter().filter(|off| **off <= 60.0).count() as f64 / off.len() as f64;
        let half = off[off.len() / 2];
        println!(
            "onset off by {half:.0} s in the middle, within 60 s {near:.3}; interval has it {within:.3}"
        );
    }
}

/// Prints what was said of causes that the handbook has not heard of: of each, what came first and how often.
pub(crate) fn report_strange(outcomes: &[Outcome]) {
    let mut tables: BTreeMap<&str, BTreeMap<&str, usize>> = BTreeMap::new();
    for outcome in outcomes {
        *tables.entry(&outcome.truth).or_default().entry(&outcome.first).or_default() += 1;
    }
    for (truth, firsts) in &tables {
        let firsts: Vec<String> =
            firsts.iter().map(|(first, count)| format!("{first}×{count}")).collect();
        println!("{truth:6} {}", firsts.join(" "));
    }
    let share = |is_one: &dyn Fn(&Outcome) -> bool| {
        let count = outcomes.iter().filter(|outcome| is_one(outcome)).count();
        count as f64 / outcomes.len().max(1) as f64
    };
    let is_fault = |one: &Outcome| one.first != "unknown" && !is_benign(&one.first);
    println!(
        "of {:4} with a cause that nobody knows: called unknown {:.3}, no fault {:.3}, another fault {:.3}, sure (0.9) of it {:.3}",
        outcomes.len(),
        share(&|one| one.first == "unknown"),
        share(&|one| is_benign(&one.first)),
        share(&is_fault),
        share(&|one| is_fault(one) && one.said >= 0.9)
    );
}

fn calibration(outcomes: &[Outcome]) {
    let mut bins = [(0.0, 0.0, 0_usize); 10];
    for outcome in outcomes {
        let bin = &mut bins[((outcome.said * 10.0) as usize).min(9)];
        *bin = (bin.0 + outcome.said, bin.1 + f64::from(u8::from(outcome.right)), bin.2 + 1);
    }
    let total = outcomes.len().max(1) as f64;
    let error: f64 = bins.iter().map(|bin| (bin.0 - bin.1).abs() / total).sum();
    let sure = outcomes.iter().filter(|outcome| outcome.said >= 0.9 && !outcome.right).count();
    println!("calibration error {error:.3}, sure (0.9) and wrong {:.3}", sure as f64 / total);
    for (place, (said, right, count)) in bins.iter().enumerate().filter(|(_, bin)| bin.2 > 0) {
        let (least, count) = (place as f64 / 10.0, *count as f64);
        println!("  {least:.1}: said {:.2}, right {:.2}, {count}", said / count, right / count);
    }
}
