//! Telling others of incidents.

mod alertmanager;

pub(crate) use alertmanager::Alertmanager;
