//! Methods that people assigned to single series of a shard.

use std::collections::HashMap;
use std::sync::Arc;

use auscult_core::{Sample, Timestamp};

use super::Shard;
use crate::assigned::{Found, MethodState, MethodView, NoRoom, Room, Stream};
use crate::policy::{AssignedMethod, Judging};
use crate::saved::{Record, Records, SavedMethod};
use crate::slab::Key;

/// By series; those that have none cost nothing.
#[derive(Debug)]
pub(super) struct Methods {
    room: Arc<Room>,
    streams: HashMap<Key, (Arc<AssignedMethod>, Option<Box<Stream>>)>,
}

impl Methods {
    pub(super) fn new(room: Arc<Room>) -> Self {
        Self { room, streams: HashMap::new() }
    }

    /// Has `method`, or none, judge the series at `key` from now on.
    pub(super) fn assign(&mut self, key: Key, method: Option<&Arc<AssignedMethod>>) {
        match method {
            Some(method) => {
                let stream = self.make(method);
                self.streams.insert(key, (Arc::clone(method), stream));
            }
            None => self.remove(key),
        }
    }

    pub(super) fn remove(&mut self, key: Key) {
        if !self.streams.is_empty() {
            self.streams.remove(&key);
        }
    }

    /// Begins anew with the series at `key`, whose readings mean something else from now on.
    pub(super) fn begin_anew(&mut self, key: Key) {
        if let Some((method, _)) = self.streams.get(&key) {
            let method = Arc::clone(method);
            self.assign(key, Some(&method));
        }
    }

    /// Lets series that there was no room for try again.
    pub(super) fn retry(&mut self) {
        let refused = self.streams.iter().filter(|(_, (_, stream))| stream.is_none());
        let refused: Vec<Key> = refused.map(|(key, _)| *key).collect();
        refused.into_iter().for_each(|key| self.begin_anew(key));
    }

    fn make(&self, method: &Arc<AssignedMethod>) -> Option<Box<Stream>> {
        // That it can be built for one channel was made sure of.
        Stream::new(method, 1, &self.room).ok()?.ok().map(Box::new)
    }

    /// What the method of the series at `key` says of `sample`; `None` where it has none, and
    /// while the method cannot say how rare that is.
    pub(super) fn watch(
        &mut self,
        key: Key,
        sample: Sample<'_>,
        explained_from: f64,
        is_set_back: bool,
    ) -> Option<Found> {
        let (_, place) = self.streams.get_mut(&key)?;
        let stream = place.as_mut()?;
        if is_set_back {
            stream.follow_clock_back();
        }
        match stream.watch(sample, explained_from) {
            Ok(found) => found,
            Err(NoRoom) => {
                *place = None;
                None
            }
        }
    }

    /// Forgets how odd the series at `key` was from `from` to `until`.
    pub(super) fn confirm(&mut self, key: Key, from: Timestamp, until: Timestamp) {
        if let Some((_, Some(stream))) = self.streams.get_mut(&key) {
            stream.confirm(from, until);
        }
    }

    /// Seconds in which the method of the series at `key` says something as odd as it did last
    /// once; `None` where it has none that judges.
    pub(super) fn return_seconds(&self, key: Key) -> Option<f64> {
        let (_, stream) = self.streams.get(&key)?;
        stream.as_ref().filter(|stream| stream.is_known()).map(|stream| stream.return_seconds())
    }

    pub(super) fn view(&self, key: Key) -> Option<MethodView> {
        self.streams.get(&key).map(view)
    }

    /// Every method that is assigned.
    pub(super) fn views(&self) -> impl Iterator<Item = MethodView> {
        self.streams.values().map(view)
    }

    /// Appends what the method of the series at `key` learnt.
    pub(super) fn save(&self, key: Key, records: &mut Records) {
        let Some((method, Some(stream))) = self.streams.get(&key) else { return };
        let mut snapshot = Vec::new();
        let stream = stream.save(&mut snapshot);
        records.push(&Record::Method(SavedMethod { method: &method.as_json(), stream }));
    }

    /// Takes in what was stored; false if it cannot be. What another method learnt is of no use.
    fn put(&mut self, key: Key, saved: &SavedMethod<'_>) -> bool {
        match self.streams.get_mut(&key) {
            Some((method, Some(stream))) if method.as_json() == saved.method => {
                stream.load(&saved.stream)
            }
            _ => true,
        }
    }
}

fn view((method, stream): &(Arc<AssignedMethod>, Option<Box<Stream>>)) -> MethodView {
    let state = match stream {
        None => MethodState::NoRoom,
        Some(stream) if stream.is_known() => MethodState::Judging,
        Some(_) => MethodState::Learning,
    };
    MethodView {
        method: Arc::clone(method),
        judging: Judging::Alone,
        state,
        channels: 1,
        return_seconds: stream.as_ref().map_or(0.0, |stream| stream.return_seconds()),
    }
}

impl Shard {
    /// The method of the series at `key`, if a person assigned one.
    pub(crate) fn method(&self, key: Key) -> Option<MethodView> {
        self.methods.view(key)
    }

    /// Every method that people assigned to single series.
    pub(crate) fn methods(&self) -> impl Iterator<Item = MethodView> {
        self.methods.views()
    }

    /// Lets series that there was no room for try again.
    pub(crate) fn retry_methods(&mut self) {
        self.methods.retry();
    }

    /// Takes in what was stored of the method of the series at `key`; false if it cannot be.
    pub(crate) fn put_method(&mut self, key: Key, saved: &SavedMethod<'_>) -> bool {
        self.methods.put(key, saved)
    }
}
