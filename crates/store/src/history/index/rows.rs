//! Sets of rows of a piece of an index.

/// Rows, one bit each.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Rows {
    words: Vec<u64>,
    count: usize,
}

impl Rows {
    /// None of `count` rows.
    pub(super) fn none(count: usize) -> Self {
        Self { words: vec![0; count.div_ceil(64)], count }
    }

    /// All of `count` rows.
    pub(super) fn all(count: usize) -> Self {
        let mut rows = Self::none(count);
        rows.insert(0, count);
        rows
    }

    /// Adds the rows from `start` to before `end`, as far as there are such.
    pub(super) fn insert(&mut self, start: usize, end: usize) {
        let end = end.min(self.count);
        if start >= end {
            return;
        }
        let (first, last) = (start / 64, (end - 1) / 64);
        let (head, tail) = (u64::MAX << (start % 64), u64::MAX >> (63 - (end - 1) % 64));
        if first == last {
            self.words[first] |= head & tail;
        } else {
            self.words[first] |= head;
            self.words[first + 1..last].fill(u64::MAX);
            self.words[last] |= tail;
        }
    }

    pub(super) fn intersect(&mut self, other: &Self) {
        self.words.iter_mut().zip(&other.words).for_each(|(word, other)| *word &= other);
    }

    pub(super) fn unite(&mut self, other: &Self) {
        self.words.iter_mut().zip(&other.words).for_each(|(word, other)| *word |= other);
    }

    pub(super) fn subtract(&mut self, other: &Self) {
        self.words.iter_mut().zip(&other.words).for_each(|(word, other)| *word &= !other);
    }

    pub(super) fn contains(&self, row: usize) -> bool {
        self.words.get(row / 64).is_some_and(|word| word >> (row % 64) & 1 == 1)
    }

    /// Whether any row from `start` to before `end` is in it.
    pub(super) fn meets(&self, start: usize, end: usize) -> bool {
        let mut run = start;
        while run < end.min(self.count) {
            if run.is_multiple_of(64) && end - run >= 64 {
                if self.words[run / 64] != 0 {
                    return true;
                }
                run += 64;
            } else {
                if self.contains(run) {
                    return true;
                }
                run += 1;
            }
        }
        false
    }

    pub(super) fn is_empty(&self) -> bool {
        self.words.iter().all(|word| *word == 0)
    }

    pub(super) fn iter(&self) -> impl Iterator<Item = usize> {
        self.words.iter().enumerate().flat_map(|(place, word)| {
            let mut rest = *word;
            std::iter::from_fn(move || {
                let bit = (rest != 0).then(|| rest.trailing_zeros() as usize)?;
                rest &= rest - 1;
                Some(64 * place + bit)
            })
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    proptest! {
        #[test]
        fn runs_are_what_they_say(
            count in 1_usize..300,
            runs in proptest::collection::vec((0_usize..320, 0_usize..150), 0..6),
            probe in (0_usize..320, 0_usize..150),
        ) {
            let mut rows = Rows::none(count);
            let mut known = std::collections::BTreeSet::new();
            for (start, length) in runs {
                rows.insert(start, start + length);
                known.extend((start..start + length).filter(|row| *row < count));
            }
            prop_assert_eq!(rows.iter().collect::<Vec<_>>(), known.iter().copied().collect::<Vec<_>>());
            prop_assert_eq!(rows.is_empty(), known.is_empty());
            let (start, length) = probe;
            let meets = known.range(start..start + length).next().is_some();
            prop_assert_eq!(rows.meets(start, start + length), meets);
            let mut rest = Rows::all(count);
            rest.subtract(&rows);
            prop_assert!(rest.iter().all(|row| !known.contains(&row)));
            prop_assert_eq!(rest.iter().count() + known.len(), count);
        }
    }
}
