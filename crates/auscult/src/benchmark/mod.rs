//! The accuracy scorecard: public data, their protocols, every method of the catalogue.
//!
//! A *unit* is a method on a data set in one mode. The parent process hands units
//! to workers, which are the same program in processes of their own, so that a unit
//! over its time limit can be ended; results go through the [`cache`].

pub(crate) mod baseline;
pub(crate) mod budget;
pub(crate) mod cache;
pub(crate) mod diagnosis;
mod files;
pub(crate) mod machine;
mod measure;
mod pooled;
pub(crate) mod published;
pub(crate) mod runner;
pub(crate) mod schedule;
pub(crate) mod scorecard;
pub(crate) mod series;
pub(crate) mod sets;
pub(crate) mod worker;

pub(crate) use series::Mode;
