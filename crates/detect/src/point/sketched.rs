//! What is usual in all of a stream, from a sketch of it.

use auscult_stats::sketch::QuantileSketch;

use super::usual::Usual;

/// Usual readings that a sketch can tell.
pub(super) trait FromSketch: Usual {
    /// What `sketch` says is usual.
    fn from_sketch(sketch: &QuantileSketch) -> Self;
}

/// A sketch of all readings so far, and what it says is usual.
#[derive(Debug, Clone)]
pub(super) struct Sketched<U> {
    sketch: QuantileSketch,
    /// What the sketch says, kept until it says otherwise.
    usual: U,
}

impl<U: FromSketch> Sketched<U> {
    pub(super) fn new(sketch: QuantileSketch) -> Self {
        Self { usual: U::from_sketch(&sketch), sketch }
    }

    pub(super) fn push(&mut self, reading: f64) {
        if self.sketch.push(reading) {
            self.usual = U::from_sketch(&self.sketch);
        }
    }

    /// Readings so far.
    pub(super) fn count(&self) -> u64 {
        self.sketch.count()
    }

    pub(super) fn usual(&self) -> U {
        self.usual
    }

    /// The part that is worth storing: the rest follows from it.
    pub(super) fn sketch(&self) -> &QuantileSketch {
        &self.sketch
    }
}
