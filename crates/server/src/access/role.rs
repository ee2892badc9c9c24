//! What somebody may do.

use std::fmt;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// What a user may do.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum Role {
    /// Asks: the API that reads, queries, the service's own metrics.
    Reader,
    /// Pushes metrics.
    Writer,
    /// Everything, also what changes how the service judges and whom it tells.
    Operator,
}

impl fmt::Display for Role {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str(match self {
            Self::Reader => "reader",
            Self::Writer => "writer",
            Self::Operator => "operator",
        })
    }
}

/// Whether somebody with `roles` may do what needs `role`.
pub(super) fn allows(roles: &[Role], role: Role) -> bool {
    roles.iter().any(|has| *has == role || *has == Role::Operator)
}
