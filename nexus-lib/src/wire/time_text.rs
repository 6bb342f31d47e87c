//! Times as text: RFC 3339.

use std::borrow::Cow;
use std::fmt;
use std::str::FromStr;

use schemars::{JsonSchema, Schema, SchemaGenerator, json_schema};
use serde::{Deserialize, Deserializer, Serialize, Serializer, de};

use crate::error::{Error, ErrorKind, Result};
use crate::wire::Timestamp;

impl fmt::Display for Timestamp {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match jiff::Timestamp::from_microsecond(self.as_micros()) {
            Ok(time) => write!(f, "{time:.3}"),
            Err(_) => f.write_str("0000-00-00T00:00:00Z"),
        }
    }
}

impl FromStr for Timestamp {
    type Err = Error;

    /// # Errors
    /// [`ErrorKind::Unprocessable`] when the text is not an RFC 3339 time.
    fn from_str(text: &str) -> Result<Self> {
        text.parse::<jiff::Timestamp>()
            .map(|time| Self::from_micros(time.as_microsecond()))
            .map_err(|_| {
                Error::new(
                    ErrorKind::Unprocessable,
                    "a time must be in RFC 3339 format, such as 2026-01-31T08:00:00Z",
                )
            })
    }
}

impl JsonSchema for Timestamp {
    fn schema_name() -> Cow<'static, str> {
        "Timestamp".into()
    }

    fn inline_schema() -> bool {
        true
    }

    fn json_schema(_: &mut SchemaGenerator) -> Schema {
        json_schema!({"type": "string", "format": "date-time"})
    }
}

impl Serialize for Timestamp {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

impl<'de> Deserialize<'de> for Timestamp {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let text = <Cow<'_, str>>::deserialize(deserializer)?;
        text.parse().map_err(de::Error::custom)
    }
}
