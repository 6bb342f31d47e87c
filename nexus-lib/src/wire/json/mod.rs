//! Reads JSON in place: strictly, in one pass, and without building a tree.
//!
//! Routing needs five fields of a body that may be megabytes long, and a stream's observer two
//! fields of an event. Both walk the bytes with a `Cursor`. It checks the whole grammar of RFC
//! 8259, skips what is not needed, and reports the position of values, so that one can be cut out
//! or replaced without touching any other byte.
//!
//! Nesting is limited to [`MAX_DEPTH`]. Keys are compared after decoding: `"mod\u0065l"` is
//! `model`.

mod cursor;
mod string;
mod syntax;
#[cfg(test)]
mod tests;

pub(crate) use cursor::Cursor;
pub use cursor::MAX_DEPTH;
pub(crate) use string::{Escapes, decode};
pub(crate) use syntax::SyntaxError;
#[cfg(test)]
pub(crate) use tests::any_json;

use std::borrow::Cow;
use std::ops::Range;

use crate::error::Result;

/// Calls `member` with each key of the object `json` and the position of its value in `json`; in
/// order, including duplicates.
///
/// All of `json` is checked, but `member` may have been called before an error is found.
///
/// ```
/// let json = br#"{"model": "gpt-4o", "stream": true}"#;
/// let mut found = Vec::new();
/// nexus_lib::wire::json::members(json, |key, value| found.push((key, &json[value])))?;
/// assert_eq!(found[1], ("stream".into(), &b"true"[..]));
/// # Ok::<(), nexus_lib::Error>(())
/// ```
///
/// # Errors
/// [`ErrorKind::InvalidRequest`](crate::ErrorKind::InvalidRequest), with line and column, when
/// `json` is not one valid JSON object in UTF-8.
pub fn members<'a>(
    json: &'a [u8],
    mut member: impl FnMut(Cow<'a, str>, Range<usize>),
) -> Result<()> {
    let mut walk = || {
        let mut cursor = Cursor::of_text(json)?;
        cursor.object(|key, cursor| {
            let value = cursor.skip()?;
            // `of_text` has checked that it is UTF-8.
            let key = match key {
                Cow::Borrowed(key) => String::from_utf8_lossy(key),
                Cow::Owned(key) => String::from_utf8_lossy(&key).into_owned().into(),
            };
            member(key, value);
            Ok(())
        })?;
        cursor.end()
    };
    walk().map_err(|error| error.locate(json))
}

/// Calls `element` with the position of each element of the array `json`.
///
/// # Errors
/// [`ErrorKind::InvalidRequest`](crate::ErrorKind::InvalidRequest), with line and column, when
/// `json` is not one valid JSON array in UTF-8.
pub fn elements(json: &[u8], mut element: impl FnMut(Range<usize>)) -> Result<()> {
    let mut walk = || {
        let mut cursor = Cursor::of_text(json)?;
        cursor.array(|cursor| {
            element(cursor.skip()?);
            Ok(())
        })?;
        cursor.end()
    };
    walk().map_err(|error| error.locate(json))
}
