//! What queries of others may take.

use std::time::Duration;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::units;

/// What queries of others may take.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
pub struct QuerySettings {
    /// How long a query may take, waiting for its turn included. A request may ask for less.
    #[serde(with = "units::AsDuration")]
    pub timeout: Duration,
    /// Most queries that are evaluated at a time, at least 1; others wait for their turn.
    pub most_concurrent: usize,
    /// Most samples that a query may hold in memory, those of results included; 16 bytes each.
    pub most_samples: usize,
    /// Most points of a series that a range query may ask for.
    pub most_points: usize,
    /// How long after its last sample a series still counts.
    #[serde(with = "units::AsDuration")]
    pub lookback: Duration,
    /// Step of a subquery that names none.
    #[serde(with = "units::AsDuration")]
    pub subquery_step: Duration,
}

impl Default for QuerySettings {
    /// As Prometheus has them, with fewer queries at a time.
    fn default() -> Self {
        Self {
            timeout: Duration::from_secs(120),
            most_concurrent: 4,
            most_samples: 50_000_000,
            most_points: 11_000,
            lookback: Duration::from_secs(300),
            subquery_step: Duration::from_secs(60),
        }
    }
}
