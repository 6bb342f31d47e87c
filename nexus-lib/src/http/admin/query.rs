use std::str::FromStr;
use std::time::Duration;

use crate::error::{Error, ErrorKind, Result};
use crate::wire::{TimeRange, TimeZone, Timestamp};

/// The parameters of a request's query string.
pub(super) struct Query(Vec<(String, String)>);

impl Query {
    /// Parses a query string in form encoding. Parameters without a value count as absent.
    ///
    /// # Errors
    /// [`ErrorKind::Unprocessable`] when an escape is not UTF-8.
    pub(super) fn parse(text: Option<&str>) -> Result<Self> {
        let pairs = text.unwrap_or("").split('&').filter_map(|pair| {
            let (name, value) = pair.split_once('=')?;
            (!value.is_empty()).then_some((name, value))
        });
        let decoded = pairs.map(|(name, value)| {
            match (percent_decoded(name, true), percent_decoded(value, true)) {
                (Some(name), Some(value)) => Ok((name, value)),
                _ => Err(wrong(
                    name,
                    "is not valid in a URL; percent-encode it as UTF-8",
                )),
            }
        });
        Ok(Self(decoded.collect::<Result<_>>()?))
    }

    /// The value of `name`, if present.
    ///
    /// # Errors
    /// [`ErrorKind::Unprocessable`] when it is present twice.
    pub(super) fn text(&self, name: &'static str) -> Result<Option<&str>> {
        let mut values = self.0.iter().filter(|(key, _)| key == name);
        let value = values.next().map(|(_, value)| value.as_str());
        match values.next() {
            Some(_) => Err(wrong(name, "is present twice; send it once")),
            None => Ok(value),
        }
    }

    /// The value of `name` as a `T`, which `expected` describes.
    ///
    /// # Errors
    /// [`ErrorKind::Unprocessable`] naming the parameter.
    pub(super) fn value<T: FromStr>(
        &self,
        name: &'static str,
        expected: &str,
    ) -> Result<Option<T>> {
        let parsed = self.text(name)?.map(str::parse);
        parsed
            .transpose()
            .map_err(|_| wrong(name, &format!("must be {expected}")))
    }

    /// The range given by `from` and `to`, or by `last`: a number of seconds before now, by this
    /// machine's clock.
    pub(super) fn range(&self) -> Result<TimeRange> {
        let last = self.value::<u32>("last", "a whole number of seconds")?;
        let from = match (last, self.time("from")?) {
            (None, from) => from,
            (Some(_), Some(_)) => {
                return Err(wrong("last", "replaces `from`; send only one of them"));
            }
            (Some(last), None) => {
                let last = Duration::from_secs(last.into());
                Some(Timestamp::now().saturating_sub(last))
            }
        };
        TimeRange::new(from, self.time("to")?)
    }

    /// The time zone in `time_zone` or `tz`; UTC by default.
    pub(super) fn time_zone(&self) -> Result<TimeZone> {
        let name = match self.text("time_zone")? {
            Some(name) => Some(name),
            None => self.text("tz")?,
        };
        name.map_or(Ok(TimeZone::UTC), str::parse)
    }

    fn time(&self, name: &'static str) -> Result<Option<Timestamp>> {
        let Some(text) = self.text(name)? else {
            return Ok(None);
        };
        // Form decoding turns the plus of an unescaped offset such as `+02:00` into a space.
        let time = text
            .parse()
            .or_else(|error| text.replace(' ', "+").parse().map_err(|_| error));
        time.map(Some).map_err(|error: Error| {
            let message = format!("`{name}`: {error}");
            Error::new(ErrorKind::Unprocessable, message).with_param(name)
        })
    }
}

fn wrong(name: &str, what: &str) -> Error {
    Error::new(ErrorKind::Unprocessable, format!("`{name}` {what}")).with_param(name.to_owned())
}

/// `text` with its percent escapes decoded, and `+` read as a space in forms; `None` if an escape
/// is malformed or the result is not UTF-8.
pub(super) fn percent_decoded(text: &str, form: bool) -> Option<String> {
    let mut decoded = Vec::with_capacity(text.len());
    let mut bytes = text.bytes();
    while let Some(byte) = bytes.next() {
        decoded.push(match byte {
            b'%' => hex_digit(bytes.next()?)? << 4 | hex_digit(bytes.next()?)?,
            b'+' if form => b' ',
            other => other,
        });
    }
    String::from_utf8(decoded).ok()
}

fn hex_digit(byte: u8) -> Option<u8> {
    match byte {
        b'0'..=b'9' => Some(byte - b'0'),
        b'a'..=b'f' => Some(byte - b'a' + 10),
        b'A'..=b'F' => Some(byte - b'A' + 10),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn values_are_decoded_and_empty_ones_absent() {
        let query = Query::parse(Some("model=%E4%BD%A0+b%2Bc&state=&limit=7&x")).unwrap();
        assert_eq!(query.text("model").unwrap(), Some("你 b+c"));
        assert_eq!(query.text("state").unwrap(), None);
        assert_eq!(query.value::<u32>("limit", "a number").unwrap(), Some(7));
        assert_eq!(Query::parse(None).unwrap().range().unwrap(), TimeRange::ALL);
    }

    #[test]
    fn what_is_wrong_is_named() {
        let param = |error: Error| error.param().map(str::to_owned);
        for broken in ["model=%", "model=%e4", "model=%+1"] {
            let error = Query::parse(Some(broken)).err().unwrap();
            assert_eq!(param(error).as_deref(), Some("model"), "{broken}");
        }
        let query = Query::parse(Some("limit=x&to=1&from=2&from=3")).unwrap();
        let error = query.value::<u32>("limit", "a number").unwrap_err();
        assert_eq!(param(error).as_deref(), Some("limit"));
        assert_eq!(param(query.time("to").unwrap_err()).as_deref(), Some("to"));
        let twice = query.time("from").unwrap_err();
        assert_eq!(param(twice).as_deref(), Some("from"));
    }

    #[test]
    fn time_keeps_an_offset_that_was_not_escaped() {
        let query = Query::parse(Some(
            "from=2026-01-31T08:00:00+02:00&to=2026-01-31T06:00:01Z",
        ))
        .unwrap();
        let range = query.range().unwrap();
        assert_eq!(range.from.unwrap().to_string(), "2026-01-31T06:00:00.000Z");
    }
}
