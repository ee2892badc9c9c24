//! A fleet pushes its metrics; a fault becomes an incident.
