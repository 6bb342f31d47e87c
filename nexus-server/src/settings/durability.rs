use std::str::FromStr;

use nexus_lib::store::Durability;
use serde::Deserialize;

/// `process` or `power`: the durability of the ledger's rows.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
#[serde(try_from = "String")]
pub(super) struct Outlives(pub(super) Durability);

impl FromStr for Outlives {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        match text {
            // In a compose file an empty variable means "not set".
            "process" | "" => Ok(Self(Durability::Process)),
            "power" => Ok(Self(Durability::Power)),
            _ => Err(format!("`{text}` is no durability: say process or power")),
        }
    }
}

impl TryFrom<String> for Outlives {
    type Error = String;

    fn try_from(text: String) -> Result<Self, String> {
        text.parse()
    }
}
