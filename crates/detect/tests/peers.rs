//! A simulated group of siblings with known faults.

use auscult_core::{Detector, Sample, Timestamp};
use auscult_detect::joint::{Peers, PeersSettings};
use rand::{RngExt, SeedableRng};
use rand_pcg::Pcg64Mcg;

const MEMBERS: usize = 64;
const MINUTES: usize = 7 * 1440;
const FAULTS: usize = 23;
/// How long a fault lasts, and how much later an alarm still counts for it.
const LASTS: usize = 180;
const GRACE: usize = 60;

#[derive(Debug, Clone, Copy)]
enum Kind {
    Slower,
    Drifting,
    Stuck,
    Jittering,
}

struct Fault {
    kind: Kind,
    member: usize,
    starts: usize,
    effect: f64,
}

/// About normal, from twelve uniform numbers.
fn normal(random: &mut Pcg64Mcg) -> f64 {
    (0..12).map(|_| random.random::<f64>()).sum::<f64>() - 6.0
}

/// Seven days of a group: shared phases of load, checkpoints, restarts, and faults
/// of one member at a time.
fn simulate(seed: u64) -> (Vec<Vec<f64>>, Vec<Fault>) {
    let mut random = Pcg64Mcg::seed_from_u64(seed);
    let kinds = [Kind::Slower, Kind::Drifting, Kind::Stuck, Kind::Jittering];
    let faults: Vec<Fault> = (0..FAULTS)
        .map(|at| Fault {
            kind: kinds[at % 4],
            member: random.random_range(0..MEMBERS),
            starts: 1000 + at * 390 + random.random_range(0..100),
            effect: random.random_range(0.05..0.2),
        })
        .collect();
    let own: Vec<f64> = (0..MEMBERS).map(|_| 1.0 + 0.03 * normal(&mut random)).collect();
    let (mut load, mut stuck) = (80.0, vec![None; FAULTS]);
    let mut rows = Vec::with_capacity(MINUTES);
    for minute in 0..MINUTES {
        if minute % 180 == 0 {
            load = random.random_range(40.0..95.0);
        }
        let checkpoint = minute % 60 < 2;
        let restart = minute % 2900 < 8 && minute > 100;
        let row = (0..MEMBERS)
            .map(|member| {
                let mut reading = load * own[member] * (1.0 + 0.015 * normal(&mut random));
                if checkpoint {
                    reading *= random.random_range(0.5..0.7);
                }
                if restart {
                    reading *= 0.1;
                }
                for (at, fault) in faults.iter().enumerate() {
                    let since = minute.wrapping_sub(fault.starts);
                    if fault.member != member || since >= LASTS {
                        continue;
                    }
                    match fault.kind {
                        Kind::Slower => reading *= 1.0 - fault.effect,
                        Kind::Drifting => {
                            reading *= 1.0 - fault.effect * since as f64 / LASTS as f64;
                        }
                        Kind::Stuck => reading = *stuck[at].get_or_insert(reading),
                        Kind::Jittering => {
                            reading += fault.effect * load * normal(&mut random);
                        }
                    }
                }
                reading
            })
            .collect();
        rows.push(row);
    }
    (rows, faults)
}

/// Faults found, and alarms that were none of them.
fn watch(seed: u64) -> (usize, usize) {
    let (rows, faults) = simulate(seed);
    let mut group = Peers::new(PeersSettings::default(), MEMBERS).expect("in range");
    let (mut found, mut wrong, mut last) = (vec![false; FAULTS], 0, None);
    for (minute, row) in rows.iter().enumerate() {
        let sample = Sample::new(Timestamp::from_seconds(60 * minute as i64), row).expect("finite");
        if group.score(sample).expect("width").ready().is_some_and(|score| score > 4.0) {
            let why = group.explain(sample, 4.0).expect("width").expect("warm");
            let most = (0..MEMBERS).max_by(|a, b| why.share[*a].total_cmp(&why.share[*b]));
            let fault = faults.iter().position(|fault| {
                Some(fault.member) == most
                    && (fault.starts..fault.starts + LASTS + GRACE).contains(&minute)
            });
            match fault {
                Some(fault) => found[fault] = true,
                None if last.is_none_or(|last| minute - last > 40) => wrong += 1,
                None => {}
            }
            last = Some(minute);
        }
        group.learn(sample).expect("width");
    }
    (found.iter().filter(|found| **found).count(), wrong)
}

#[test]
fn faulty_siblings_are_found_and_named_with_few_false_alarms() {
    let (found, wrong) = watch(7);
    let per_week = wrong as f64 / MEMBERS as f64;
    println!("{found} of {FAULTS} faults, {per_week:.3} false events per series-week");
    assert!(found >= 20, "{found} of {FAULTS} faults found");
    assert!(per_week <= 0.2, "{per_week} false events per series-week");
}

#[test]
fn a_move_of_the_whole_group_is_no_event_of_a_member() {
    let (mut rows, _) = simulate(3);
    rows.truncate(1000);
    let mut group = Peers::new(PeersSettings::default(), MEMBERS).expect("in range");
    for (minute, row) in rows.iter().enumerate() {
        let moved: Vec<f64> =
            row.iter().map(|reading| if minute > 900 { reading * 0.5 } else { *reading }).collect();
        let time = Timestamp::from_seconds(60 * minute as i64);
        let score = group.update(Sample::new(time, &moved).expect("finite")).expect("width");
        if minute > 900 {
            assert!(score.ready().expect("warm") < 4.0, "{score:?} at {minute}");
        }
    }
}
