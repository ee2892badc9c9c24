//! The names of parts in scenarios: `chat`, `chat/2`, `serve-0/3`, `serve-0/port-1`, `storage`.

use super::plan::Plan;
use crate::place::{PartKind, Place};

impl Plan {
    /// The part called `name`.
    pub(super) fn find(&self, name: &str) -> Option<Place> {
        if name == "storage" {
            return Some(Place::whole(PartKind::Storage, 0));
        }
        let (holder, member) = match name.split_once('/') {
            Some((holder, member)) => (holder, Some(member)),
            None => (name, None),
        };
        let holders = [
            (PartKind::Service, self.service_names().position(|name| name == holder)),
            (PartKind::Host, self.hosts.iter().position(|host| host.name == holder)),
            (PartKind::Job, self.jobs.iter().position(|job| job.spec.name == holder)),
        ];
        let (kind, holder) =
            holders.into_iter().find_map(|(kind, number)| Some((kind, number?)))?;
        let place = match member {
            None => Place::whole(kind, holder),
            Some(member) => {
                let (kind, number) = match (kind, member.split_once('-')) {
                    (PartKind::Service, Some(("source", number))) => (PartKind::Source, number),
                    (PartKind::Host, Some(("port", number))) => (PartKind::Port, number),
                    (PartKind::Service, None) => (PartKind::Replica, member),
                    (PartKind::Host, None) => (PartKind::Gpu, member),
                    (PartKind::Job, None) => (PartKind::Rank, member),
                    _ => return None,
                };
                Place::member(kind, holder, number.parse().ok()?)
            }
        };
        self.shape.has(place).then_some(place)
    }

    fn service_names(&self) -> impl Iterator<Item = &str> {
        let serving = self.services.iter().map(|service| service.spec.name.as_str());
        serving.chain(self.perception.iter().map(|service| service.spec.name.as_str()))
    }

    /// The name of the part at `place`.
    pub fn name(&self, place: Place) -> String {
        let Place { kind, holder, member } = place;
        let holder = match kind {
            PartKind::Storage => return "storage".to_owned(),
            PartKind::Service | PartKind::Replica | PartKind::Source => {
                self.service_names().nth(holder).expect("a part of this fleet")
            }
            PartKind::Host | PartKind::Gpu | PartKind::Port => &self.hosts[holder].name,
            PartKind::Job | PartKind::Rank => &self.jobs[holder].spec.name,
        };
        match kind {
            PartKind::Replica | PartKind::Gpu | PartKind::Rank => format!("{holder}/{member}"),
            PartKind::Source => format!("{holder}/source-{member}"),
            PartKind::Port => format!("{holder}/port-{member}"),
            _ => holder.to_owned(),
        }
    }
}
