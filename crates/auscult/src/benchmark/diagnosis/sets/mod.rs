//! The public collections of incidents, one a file.

mod ai4i;
mod attribution;
mod fault_trees;
mod llm_fault_trace;
mod llm_straggler;
mod nezha;
mod openstack;
mod petshop;
mod robustspot;
mod sockshop1;
mod troubleshooting;

use super::Set;

/// Every set.
pub(crate) const SETS: &[&Set] = &[
    &sockshop1::SET,
    &nezha::BOUTIQUE,
    &nezha::TICKET,
    &petshop::SET,
    &robustspot::SET,
    &openstack::SET,
    &ai4i::SET,
    &llm_fault_trace::SET,
    &llm_straggler::SET,
    &fault_trees::SET,
    &troubleshooting::SET,
    &attribution::SET,
];

/// The set called `name`.
pub(crate) fn find(name: &str) -> Option<&'static Set> {
    SETS.iter().copied().find(|set| set.name == name)
}

#[cfg(test)]
mod tests;
