//! What became of samples, in numbers.

/// Counts what became of samples.
macro_rules! counts {
    ($($(#[doc = $doc:literal])+ $name:ident,)+) => {
        /// What became of samples.
        #[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
        pub struct Counts {
            $($(#[doc = $doc])+ pub $name: u64,)+
        }

        impl Counts {
            pub(super) fn add(&mut self, other: Self) {
                $(self.$name += other.$name;)+
            }
        }
    };
}

counts! {
    /// Taken in by a detector, or the first of a counter.
    judged,
    /// Of series that are not judged by themselves: buckets of histograms, texts; or that nobody
    /// wants to be judged, or not now.
    not_judged,
    /// Of series beyond the most that are watched.
    unwatched,
    /// Not after the sample before, and not judged.
    late,
    /// At the time of the sample before, and not judged.
    duplicate,
    /// Not a number or infinite, or below 0 in a counter, and not judged.
    invalid,
    /// Marks by which a source says that a series has ended for now.
    stale,
}

/// What became of a batch.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Ingested {
    /// Of its samples.
    pub counts: Counts,
    /// Odd samples, rare enough to be looked at.
    pub events: u64,
}
