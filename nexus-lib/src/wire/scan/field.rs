use std::ops::Range;

use crate::error::{Error, ErrorKind, Result};
use crate::wire::json::{Cursor, SyntaxError};

/// The type of a JSON value, identified by its first byte.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Kind {
    Null,
    True,
    False,
    Array,
    Object,
    /// A string or a number.
    Other,
}

impl Kind {
    pub(super) fn of(body: &[u8], value: &Range<usize>) -> Self {
        match body.get(value.start) {
            Some(b'n') => Self::Null,
            Some(b't') => Self::True,
            Some(b'f') => Self::False,
            Some(b'[') => Self::Array,
            Some(b'{') => Self::Object,
            _ => Self::Other,
        }
    }
}

/// The positions of the fields `names` in `body`, whose bytes `object` are one object. `read` must
/// read the value of each.
///
/// # Errors
/// When the object is malformed, or one of `names` is present twice or in another spelling.
pub(super) fn find<const N: usize>(
    body: &[u8],
    object: Range<usize>,
    names: [&'static str; N],
    mut read: impl for<'a> FnMut(&str, &'a [u8], &mut Cursor<'a>) -> Result<(), SyntaxError>,
) -> Result<[Option<Range<usize>>; N]> {
    let json = body.get(object.clone()).unwrap_or_default();
    let mut values = [const { None }; N];
    let mut ambiguous = None;
    let mut walk = || {
        let mut cursor = Cursor::of_text(json)?;
        cursor.object(|key, cursor| {
            let mut fields = names.iter().zip(&mut values);
            let Some((name, slot)) = fields.find(|(name, _)| is_alike(&key, name)) else {
                return cursor.skip().map(drop);
            };
            let is_exact = *key == *name.as_bytes();
            if names_only(name) {
                if !is_exact {
                    return cursor.skip().map(drop);
                }
            } else if slot.is_some() || !is_exact {
                ambiguous = Some(*name);
            }
            let start = cursor.position();
            read(name, json, cursor)?;
            *slot = Some(object.start + start..object.start + cursor.position());
            Ok(())
        })?;
        cursor.end()
    };
    walk().map_err(|error| error.locate(json))?;
    match ambiguous {
        None => Ok(values),
        Some(name) => Err(Error::new(
            ErrorKind::InvalidRequest,
            format!("`{name}` must be present only once, and in lower case"),
        )
        .with_param(name)),
    }
}

/// Whether the field only names the conversation: then duplicates do no harm.
fn names_only(name: &str) -> bool {
    name == super::CACHE_KEY
}

/// Whether a case-insensitive parser, such as Go's, reads `key` as `name`.
fn is_alike(key: &[u8], name: &str) -> bool {
    // Non-ASCII letters are longer than the ones they fold to.
    if key.len() <= name.len() || key.is_ascii() {
        return key.eq_ignore_ascii_case(name.as_bytes());
    }
    let Ok(key) = str::from_utf8(key) else {
        return false;
    };
    // The two non-ASCII letters that fold to it.
    let fold = |character: char| match character {
        '\u{17f}' => 's',
        '\u{212a}' => 'k',
        other => other.to_ascii_lowercase(),
    };
    key.chars().map(fold).eq(name.chars())
}
