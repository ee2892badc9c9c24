//! What is looked up is what reading every series finds.

use proptest::prelude::*;

use super::*;

type Series = (Labels, u8, u64, (i64, i64));

fn labels(one: usize) -> Labels {
    let (host, gpu) = ((one / 7).to_string(), (one % 7).to_string());
    let mut pairs = vec![("__name__", if one.is_multiple_of(3) { "power" } else { "steps" })];
    let id = format!("id-{one}");
    pairs.push(("id", &id));
    if one.is_multiple_of(2) {
        pairs.push(("host", &host));
    }
    pairs.push(("gpu", &gpu));
    Labels::from_pairs(pairs).unwrap()
}

fn series(count: usize) -> Vec<Series> {
    (0..count)
        .map(|one| {
            let from = 1_000 + (one as i64 % 11) * 10;
            (labels(one), (one % 5) as u8, 1 + one as u64 % 4, (from, from + one as i64 % 13 * 20))
        })
        .collect()
}

fn bytes(series: &[Series]) -> Vec<u8> {
    let mut writer = IndexWriter::in_pieces_of(257, Vec::new()).unwrap();
    for (labels, kind, samples, times) in series {
        writer.push(labels.as_ref(), *kind, *samples, *times).unwrap();
    }
    writer.finish([7, 8]).unwrap()
}

fn matchers<'a>(kinds: &'a [(u8, String)]) -> Vec<LabelMatcher<'a>> {
    let names = ["__name__", "id", "host", "gpu", "nothing"];
    let matcher = |(kind, value): &'a (u8, String)| {
        let name = names[usize::from(*kind) % names.len()];
        match kind / 5 {
            0 => LabelMatcher::equal(name, value),
            1 => LabelMatcher::that(name, move |other| other != value),
            2 => LabelMatcher::that(name, move |other| other.starts_with(value.as_str())),
            _ => LabelMatcher::that(name, move |other| !other.ends_with(value.as_str())),
        }
    };
    kinds.iter().map(matcher).collect()
}

fn value() -> impl Strategy<Value = String> {
    prop_oneof![
        Just("power"),
        Just("steps"),
        Just("id-12"),
        Just("3"),
        Just("1"),
        Just("id"),
        Just("")
    ]
    .prop_map(str::to_owned)
}

proptest! {
    #[test]
    fn what_is_looked_up_is_what_is_there(
        count in 0_usize..700,
        any in proptest::collection::vec(proptest::collection::vec((0_u8..20, value()), 0..3), 0..3),
        from in 900_i64..1_400,
        length in 0_i64..500,
    ) {
        let all = series(count);
        let index = Index::in_memory(bytes(&all), [7, 8]).unwrap();
        let selection = Selection::new(any.iter().map(|kinds| matchers(kinds)).collect());
        let window = (from, from + length);
        let mut expected = Vec::new();
        let mut first = 0;
        for (labels, kind, samples, (from, to)) in &all {
            if selection.wants(labels.as_ref()) && *to >= window.0 && *from <= window.1 {
                let (kind, samples) = (*kind, *samples);
                expected.push(IndexRow { labels: labels.clone(), kind, first, samples });
            }
            first += samples;
        }
        let mut found = Vec::new();
        index.series(&selection, window, |row| found.push(row)).unwrap();
        prop_assert_eq!(&found, &expected);
        let mut names = BTreeSet::new();
        index.names(&selection, window, &mut names).unwrap();
        let pairs = || expected.iter().flat_map(|row| row.labels.iter());
        prop_assert_eq!(names, pairs().map(|(name, _)| name.to_owned()).collect::<BTreeSet<_>>());
        let mut values = BTreeSet::new();
        index.values("gpu", &selection, window, &mut values).unwrap();
        let gpus = pairs().filter(|(name, _)| *name == "gpu");
        prop_assert_eq!(values, gpus.map(|(_, value)| value.to_owned()).collect::<BTreeSet<_>>());
    }
}

#[test]
fn a_flipped_bit_is_seen_or_changes_nothing() {
    let all = series(300);
    let sound = bytes(&all);
    let power = || Selection::new(vec![vec![LabelMatcher::equal("__name__", "power")]]);
    let look = |bytes: Vec<u8>| -> Result<Vec<IndexRow>, IndexError> {
        let mut found = Vec::new();
        Index::in_memory(bytes, [7, 8])?.series(&power(), (0, 9_999), |row| found.push(row))?;
        Ok(found)
    };
    let expected = look(sound.clone()).unwrap();
    assert_eq!(expected.len(), 100);
    let mut seen = 0;
    for at in 0..sound.len() {
        let mut bytes = sound.clone();
        bytes[at] ^= 1 << (at % 8);
        match look(bytes) {
            // What stands there was not needed.
            Ok(found) => assert_eq!(found, expected, "byte {at}"),
            Err(IndexError::Unusable) => seen += 1,
            Err(error) => panic!("{error:?}"),
        }
        let cut = sound[..at].to_vec();
        assert!(matches!(look(cut), Err(IndexError::Unusable)), "cut at {at}");
    }
    assert!(seen > sound.len() / 4, "{seen} of {}", sound.len());
    assert!(matches!(Index::in_memory(sound, [7, 9]), Err(IndexError::Unusable)));
}
