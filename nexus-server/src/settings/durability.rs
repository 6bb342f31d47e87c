use std::str::FromStr;

use nexus_lib::store::Durability;
use serde::Deserialize;

/// `process` or `power`: the durability of the ledger's rows.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
#[serde(try_from = "String")]
pub(super) struct LedgerDurability(pub(super) Durability);

impl FromStr for LedgerDurability {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        match text {
            // In a compose file an empty variable means "not set".
            "process" | "" => Ok(Self(Durability::Process)),
            "power" => Ok(Self(Durability::Power)),
            _ => Err(format!(
                "`{text}` is not a durability; use process or power"
            )),
        }
    }
}

impl TryFrom<String> for LedgerDurability {
    type Error = String;

    fn try_from(text: String) -> Result<Self, String> {
        text.parse()
    }
}
