//! What may be wrong with each part of a fleet: the dials that faults turn.
//!
//! A condition describes the mechanism (how much heat is carried away, how many cores
//! tokenise, how often a link flaps), never a metric. A healthy part has its defaults.

mod device;
mod fleet;
mod host;
mod job;
mod service;

pub use device::{GpuConditions, PortConditions};
pub use fleet::{FleetConditions, Injection, Injector};
pub use host::{HostConditions, StorageConditions};
pub use job::{JobConditions, RankConditions};
pub use service::{ReplicaConditions, ServiceConditions, SourceConditions};

/// One dial of a part.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Dial {
    /// Its name in scenarios, `gpu.cooling`.
    pub name: &'static str,
    /// Where it stands in a healthy part.
    pub healthy: f64,
    /// What it means, with its unit.
    pub about: &'static str,
}

/// Declares a part's conditions: fields with a healthy value, and the table of dials.
macro_rules! conditions {
    (
        $(#[doc = $about:literal])+
        pub struct $name:ident of $part:literal {
            $( $(#[doc = $doc:literal])+ $field:ident = $healthy:expr, )+
        }
    ) => {
        $(#[doc = $about])+
        #[derive(Debug, Clone, Copy, PartialEq)]
        pub struct $name {
            $( $(#[doc = $doc])+ pub $field: f64, )+
        }

        impl Default for $name {
            fn default() -> Self {
                Self { $( $field: $healthy, )+ }
            }
        }

        impl $name {
            /// The dials, in the order of the fields.
            pub const DIALS: &'static [super::Dial] = &[
                $( super::Dial {
                    name: concat!($part, ".", stringify!($field)),
                    healthy: $healthy,
                    about: concat!($($doc),+),
                }, )+
            ];

            /// Turns dial number `dial` of [`Self::DIALS`] by `by`.
            pub fn turn(&mut self, dial: usize, by: f64) {
                let fields = [ $( &mut self.$field, )+ ];
                *fields.into_iter().nth(dial).expect("a dial of this part") += by;
            }
        }
    };
}
use conditions;
