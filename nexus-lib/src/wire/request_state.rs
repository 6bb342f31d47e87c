use std::fmt;
use std::str::FromStr;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::error::{Error, ErrorKind, Result};

/// How far a request has come.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
#[non_exhaustive]
pub enum RequestState {
    /// In flight.
    Open,
    /// The client has the whole answer.
    Completed,
    /// The upstream or the gateway failed.
    Failed,
    /// The client went away.
    Cancelled,
    /// The gateway died while it was open; settled at the next start.
    Interrupted,
}

impl RequestState {
    /// The state's name, as rows and answers have it.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Open => "open",
            Self::Completed => "completed",
            Self::Failed => "failed",
            Self::Cancelled => "cancelled",
            Self::Interrupted => "interrupted",
        }
    }
}

impl fmt::Display for RequestState {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

impl FromStr for RequestState {
    type Err = Error;

    fn from_str(text: &str) -> Result<Self> {
        [
            Self::Open,
            Self::Completed,
            Self::Failed,
            Self::Cancelled,
            Self::Interrupted,
        ]
        .into_iter()
        .find(|state| state.as_str() == text)
        .ok_or_else(|| {
            Error::new(
                ErrorKind::Unprocessable,
                "a state is one of open, completed, failed, cancelled, interrupted",
            )
        })
    }
}
