use xxhash_rust::xxh3::xxh3_128_with_seed;

use crate::wire::json::decode;

/// The fingerprint of what the JSON string `raw`, given without its quotes, says as a `field`.
///
/// Nearly all writers escape alike: what must be, in the short form. Only a string that has another
/// escape is decoded and written anew.
pub(super) fn print(field: u64, raw: &[u8]) -> u128 {
    if !has_odd_escape(raw) {
        return xxh3_128_with_seed(raw, field);
    }
    let usual = decode(raw).and_then(|text| serde_json::to_string(&text).ok());
    match &usual {
        Some(quoted) => xxh3_128_with_seed(&quoted.as_bytes()[1..quoted.len() - 1], field),
        // No Unicode: as it is.
        None => xxh3_128_with_seed(raw, field),
    }
}

/// Whether `raw` has an escape that a text can do without: `\uXXXX` or `\/`.
fn has_odd_escape(raw: &[u8]) -> bool {
    let mut rest = raw;
    while let Some(at) = memchr::memchr(b'\\', rest) {
        if matches!(rest.get(at + 1), Some(b'u' | b'/')) {
            return true;
        }
        rest = rest.get(at + 2..).unwrap_or_default();
    }
    false
}
