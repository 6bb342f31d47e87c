use std::borrow::Cow;
use std::ops::Range;

/// The events of a `region` of whole events, as returned by a [`Decoder`](super::Decoder).
///
/// The end of `region` ends its last event, with or without a blank line. A byte order mark at its
/// start is skipped. Blocks without data are not events: comments, or an `id:` alone.
pub fn events(region: &[u8]) -> Events<'_> {
    let at = match region {
        [0xEF, 0xBB, 0xBF, ..] => 3,
        _ => 0,
    };
    Events { region, at }
}

/// An iterator over the events of a region; see [`events`].
#[derive(Debug, Clone)]
pub struct Events<'a> {
    region: &'a [u8],
    at: usize,
}

/// One event, in place.
#[derive(Debug, Clone)]
pub struct Event<'a> {
    region: &'a [u8],
    range: Range<usize>,
    name: Option<&'a [u8]>,
    /// The value of the first `data:` line.
    data: &'a [u8],
    is_multiline: bool,
}

impl<'a> Event<'a> {
    /// The event's data: the values of its `data:` lines, joined by LF.
    pub fn data(&self) -> Cow<'a, [u8]> {
        if !self.is_multiline {
            return Cow::Borrowed(self.data);
        }
        let mut lines = Lines {
            bytes: self.region,
            at: self.range.start,
        };
        let mut data = Vec::with_capacity(self.range.len());
        while let Some(line) = lines.next().filter(|_| lines.at <= self.range.end) {
            if let Some(value) = field(line, b"data") {
                data.extend_from_slice(value);
                data.push(b'\n');
            }
        }
        data.pop();
        Cow::Owned(data)
    }

    /// The event's name, from its `event:` line; `None` if it has none, which means `message`.
    pub fn name(&self) -> Option<&'a [u8]> {
        self.name
    }

    /// The event's position in its region: from its first field to the blank line after it,
    /// inclusive. Bytes between two events belong to neither.
    pub fn range(&self) -> Range<usize> {
        self.range.clone()
    }
}

impl<'a> Iterator for Events<'a> {
    type Item = Event<'a>;

    fn next(&mut self) -> Option<Event<'a>> {
        let mut lines = Lines {
            bytes: self.region,
            at: self.at,
        };
        let (mut start, mut name, mut data, mut is_multiline) = (None, None, None, false);
        loop {
            let line_start = lines.at;
            let line = lines.next();
            self.at = lines.at;
            match line {
                None | Some([]) => {
                    if let (Some(start), Some(data)) = (start, data) {
                        return Some(Event {
                            region: self.region,
                            range: start..lines.at,
                            name,
                            data,
                            is_multiline,
                        });
                    }
                    line?;
                    (start, name) = (None, None);
                }
                Some([b':', ..]) => {}
                Some(line) => {
                    start = start.or(Some(line_start));
                    if let Some(value) = field(line, b"data") {
                        is_multiline = data.is_some();
                        data = data.or(Some(value));
                    } else if let Some(value) = field(line, b"event") {
                        name = Some(value).filter(|name| !name.is_empty());
                    }
                }
            }
        }
    }
}

/// The value of the field on `line`, if its name is `name`.
fn field<'a>(line: &'a [u8], name: &[u8]) -> Option<&'a [u8]> {
    match line.strip_prefix(name)? {
        [b':', b' ', value @ ..] | [b':', value @ ..] => Some(value),
        [] => Some(&[]),
        _ => None,
    }
}

/// Lines without their line ends; the last one may lack it.
struct Lines<'a> {
    bytes: &'a [u8],
    at: usize,
}

impl<'a> Iterator for Lines<'a> {
    type Item = &'a [u8];

    fn next(&mut self) -> Option<&'a [u8]> {
        let rest = self.bytes.get(self.at..).filter(|rest| !rest.is_empty())?;
        let Some(len) = memchr::memchr2(b'\n', b'\r', rest) else {
            self.at = self.bytes.len();
            return Some(rest);
        };
        self.at += match rest[len..] {
            [b'\r', b'\n', ..] => len + 2,
            _ => len + 1,
        };
        Some(&rest[..len])
    }
}
