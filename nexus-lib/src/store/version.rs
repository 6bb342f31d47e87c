use std::fmt;

use crate::error::{Error, ErrorKind, Result};
use crate::wire::Timestamp;

/// Which state of a provider or a model it is: another one after each change.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct Version(Timestamp);

impl Version {
    /// The version of what was changed last at `updated_at`.
    pub const fn of(updated_at: Timestamp) -> Self {
        Self(updated_at)
    }

    /// Lets a change go on that was made to `expected`, where that is this version, or any would
    /// do.
    ///
    /// # Errors
    /// [`ErrorKind::PreconditionFailed`].
    pub fn check(self, expected: Option<Self>) -> Result<()> {
        match expected {
            Some(expected) if expected != self => Err(Self::overtaken()),
            _ => Ok(()),
        }
    }

    /// What a change is refused with that another one overtook.
    pub(crate) fn overtaken() -> Error {
        Error::new(
            ErrorKind::PreconditionFailed,
            "it was changed since you read it; read it again, then repeat your change",
        )
    }
}

impl fmt::Display for Version {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:x}", self.0.as_micros())
    }
}
