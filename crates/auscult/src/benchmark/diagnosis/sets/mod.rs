//! The public collections of incidents, one a file.

mod nezha;
mod petshop;
mod robustspot;
mod sockshop1;

use super::Set;

/// Every set.
pub(crate) const SETS: &[&Set] =
    &[&sockshop1::SET, &nezha::BOUTIQUE, &petshop::SET, &robustspot::SET];

/// The set called `name`.
pub(crate) fn find(name: &str) -> Option<&'static Set> {
    SETS.iter().copied().find(|set| set.name == name)
}
