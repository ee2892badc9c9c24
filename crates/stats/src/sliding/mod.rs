//! Statistics of the last few numbers of a stream.

mod moments;
mod order;

pub use moments::SlidingMoments;
pub use order::SlidingOrder;

/// Why stored window contents were refused.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("a window of {window} cannot hold {values} numbers, {fresh} of them fresh")]
pub struct WindowError {
    /// Numbers that the window has room for.
    pub window: usize,
    /// Numbers that were stored.
    pub values: usize,
    /// Numbers stored as the newest ones.
    pub fresh: usize,
}
