use xxhash_rust::xxh3::xxh3_128_with_seed;

use crate::wire::json::{Escapes, decode};

/// The fingerprint of what the JSON string `raw`, given without its quotes, says as a `field`.
///
/// Only a string that is written unusually is decoded and written anew.
pub(super) fn print(field: u64, raw: &[u8], escapes: Escapes) -> u128 {
    if escapes != Escapes::Other {
        return xxh3_128_with_seed(raw, field);
    }
    let usual = decode(raw).and_then(|text| serde_json::to_string(&text).ok());
    match &usual {
        Some(quoted) => xxh3_128_with_seed(&quoted.as_bytes()[1..quoted.len() - 1], field),
        // No Unicode: as it is.
        None => xxh3_128_with_seed(raw, field),
    }
}
