use xxhash_rust::xxh3::xxh3_128_with_seed;

use crate::wire::json::{Escapes, decode};

/// The fingerprint of the JSON string `raw`, given without its quotes, as a `field`.
///
/// Only a string with unusual escapes is decoded and written again.
pub(super) fn print(field: u64, raw: &[u8], escapes: Escapes) -> u128 {
    if escapes != Escapes::Other {
        return xxh3_128_with_seed(raw, field);
    }
    let usual = decode(raw).and_then(|text| serde_json::to_string(&text).ok());
    match &usual {
        Some(quoted) => xxh3_128_with_seed(&quoted.as_bytes()[1..quoted.len() - 1], field),
        // Not valid Unicode: hash the raw bytes.
        None => xxh3_128_with_seed(raw, field),
    }
}
