//! Methods for the signals of one target, or of the members of one group.

mod autoregression;
mod ensemble;
mod head;
pub(crate) mod onset;
mod peers;
mod role;
mod two_way;
mod usual;
mod words;

pub use ensemble::{MahalanobisEnsemble, MahalanobisEnsembleSettings};
pub use peers::{LEAST_PEERS, Peers, PeersSettings};
pub use two_way::{TwoWayMahalanobis, TwoWayMahalanobisModel, TwoWayMahalanobisSettings};

use crate::Method;

/// The methods of this family.
pub const METHODS: &[Method] = &[ensemble::METHOD, peers::METHOD, two_way::METHOD];
