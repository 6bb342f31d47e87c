/// The format of a body with a success status, by its first bytes: some upstreams send something
/// else than their `content-type` says.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Shape {
    /// Server-sent events.
    Events,
    /// JSON, or lines of it.
    Json,
    /// An HTML page, or text.
    Other,
}

/// The field names at the start of a server-sent event's line.
const FIELDS: [&[u8]; 4] = [b"data", b"event", b"id", b"retry"];

/// How many of a body's first bytes are enough: more than the longest name.
const ENOUGH: usize = 8;

impl Shape {
    /// The format of a body that begins with `first`, ignoring whitespace and a byte order mark.
    /// `None` if more bytes are needed.
    pub(super) fn of(first: &[u8]) -> Option<Self> {
        const MARK: &[u8] = b"\xef\xbb\xbf";
        let first = first.trim_ascii_start();
        if first.len() < MARK.len() && MARK.starts_with(first) {
            return None;
        }
        let first = first.strip_prefix(MARK).unwrap_or(first).trim_ascii_start();
        let may_be = |field: &[u8]| field.starts_with(first) && first.len() < ENOUGH;
        let is = |field: &[u8]| {
            let value = first.strip_prefix(field).map(<[u8]>::first);
            matches!(value, Some(Some(b':' | b'\n' | b'\r')))
        };
        match first.first() {
            None => None,
            Some(b'{' | b'[') => Some(Self::Json),
            Some(b':') => Some(Self::Events),
            _ if FIELDS.into_iter().any(is) => Some(Self::Events),
            _ if FIELDS.into_iter().any(may_be) => None,
            _ => Some(Self::Other),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_body_is_recognised_by_its_first_bytes() {
        let table: [(&str, Option<Shape>); 14] = [
            ("{\"a\"", Some(Shape::Json)),
            ("\n\n [", Some(Shape::Json)),
            ("\u{feff}{", Some(Shape::Json)),
            ("data: {", Some(Shape::Events)),
            ("\u{feff}data:{", Some(Shape::Events)),
            ("event: a", Some(Shape::Events)),
            (": ping", Some(Shape::Events)),
            ("id: 1", Some(Shape::Events)),
            ("retry:3", Some(Shape::Events)),
            ("da", None),
            ("  ", None),
            ("<html>", Some(Shape::Other)),
            ("database", Some(Shape::Other)),
            ("identity", Some(Shape::Other)),
        ];
        for (first, shape) in table {
            assert_eq!(Shape::of(first.as_bytes()), shape, "{first:?}");
        }
    }
}
