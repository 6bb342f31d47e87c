use std::str::FromStr;

use jiff::tz;

use crate::error::{Error, ErrorKind, Result};

/// The time zone for the days and hours of a series: an IANA name, or an offset such as `+08:00`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct TimeZone(Zone);

#[derive(Debug, Clone, PartialEq, Eq)]
enum Zone {
    Utc,
    Fixed(tz::Offset),
    /// Looked up when needed, since that may read a file.
    Named(Box<str>),
}

/// The maximum length of a name, in bytes; the longest in the database has 32.
const MAX_NAME_BYTES: usize = 64;

impl TimeZone {
    /// UTC: days begin at midnight UTC.
    pub const UTC: Self = Self(Zone::Utc);

    /// The zone's rules. May read a file.
    ///
    /// # Errors
    /// [`ErrorKind::Unprocessable`] when this machine has no zone of that name.
    pub(crate) fn rules(&self) -> Result<Rules> {
        let rules = match &self.0 {
            Zone::Utc => tz::TimeZone::UTC,
            Zone::Fixed(offset) => tz::TimeZone::fixed(*offset),
            Zone::Named(name) => tz::TimeZone::get(name).map_err(|cause| {
                unknown("this time zone is unknown; send an offset such as +08:00")
                    .with_source(cause)
            })?,
        };
        Ok(Rules(rules))
    }
}

impl FromStr for TimeZone {
    type Err = Error;

    /// # Errors
    /// [`ErrorKind::Unprocessable`] when the text cannot be a time zone.
    fn from_str(text: &str) -> Result<Self> {
        let is_utc = ["utc", "z", "etc/utc", "gmt"].contains(&text.to_ascii_lowercase().as_str());
        if is_utc {
            return Ok(Self::UTC);
        }
        if let Some(seconds) = offset_seconds(text) {
            let offset = tz::Offset::from_seconds(seconds).map_err(|_| unknown(FORM))?;
            return Ok(Self(Zone::Fixed(offset)));
        }
        let is_name = text.starts_with(|first: char| first.is_ascii_alphabetic())
            && text.len() <= MAX_NAME_BYTES
            && !text.contains("..")
            && text
                .bytes()
                .all(|byte| byte.is_ascii_alphanumeric() || b"/_+-".contains(&byte));
        match is_name {
            true => Ok(Self(Zone::Named(text.into()))),
            false => Err(unknown(FORM)),
        }
    }
}

const FORM: &str = "a time zone must be a name such as Asia/Shanghai, or an offset such as +08:00";

fn unknown(message: &'static str) -> Error {
    Error::new(ErrorKind::Unprocessable, message).with_param("time_zone")
}

/// `+08:00`, `-0330` or `+8`. Form decoding turns a plus into a space, so that is accepted as one.
fn offset_seconds(text: &str) -> Option<i32> {
    let (sign, digits) = match text.split_at_checked(1)? {
        ("+" | " ", digits) => (1, digits),
        ("-", digits) => (-1, digits),
        _ => return None,
    };
    let (hours, minutes) = match digits.split_once(':') {
        Some(parts) => parts,
        None if digits.len() > 2 => digits.split_at_checked(digits.len() - 2)?,
        None => (digits, "0"),
    };
    let number = |text: &str, most: i32| -> Option<i32> {
        let is_short = (1..=2).contains(&text.len()) && text.bytes().all(|b| b.is_ascii_digit());
        text.parse().ok().filter(|value| is_short && *value <= most)
    };
    Some(sign * (number(hours, 25)? * 3600 + number(minutes, 59)? * 60))
}

/// When days and hours begin in a zone.
#[derive(Debug, Clone)]
pub(crate) struct Rules(tz::TimeZone);

impl Rules {
    /// The start of the hour that contains this moment; both in seconds since 1970.
    pub(crate) fn hour_of(&self, seconds: i64) -> i64 {
        let offset = i64::from(self.offset_at(seconds));
        seconds - (seconds + offset).rem_euclid(3600)
    }

    /// The start of the day that contains this moment, and of the next day; all in seconds since
    /// 1970.
    pub(crate) fn day_of(&self, seconds: i64) -> (i64, i64) {
        let at = jiff::Timestamp::from_second(seconds).unwrap_or_default();
        let zoned = at.to_zoned(self.0.clone());
        let day = |zoned: Result<jiff::Zoned, jiff::Error>| {
            let begins = zoned.and_then(|zoned| zoned.start_of_day());
            begins.map(|begins| begins.timestamp().as_second()).ok()
        };
        let begins = day(Ok(zoned.clone()));
        let next = day(zoned.tomorrow());
        // Only at the ends of the calendar does no such day exist.
        let begins = begins.unwrap_or(seconds - seconds.rem_euclid(86_400));
        (begins, next.unwrap_or(begins + 86_400).max(seconds + 1))
    }

    fn offset_at(&self, seconds: i64) -> i32 {
        let at = jiff::Timestamp::from_second(seconds).unwrap_or_default();
        self.0.to_offset(at).seconds()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::wire::Timestamp;

    #[test]
    fn names_and_offsets_are_zones_and_other_text_is_none() {
        let zone = |text: &str| text.parse::<TimeZone>();
        assert_eq!(zone("utc").unwrap(), TimeZone::UTC);
        for (text, seconds) in [
            ("+08:00", 28_800),
            (" 08:00", 28_800),
            ("-0330", -12_600),
            ("+5:45", 20_700),
            ("-5", -18_000),
        ] {
            let offset = tz::Offset::from_seconds(seconds).unwrap();
            assert_eq!(zone(text).unwrap(), TimeZone(Zone::Fixed(offset)), "{text}");
        }
        for wrong in [
            "",
            "+",
            "+99",
            "+08:60",
            "+ab",
            "../etc/passwd",
            "/etc",
            "a b",
            "x..y",
        ] {
            let error = zone(wrong).unwrap_err();
            assert_eq!(error.param(), Some("time_zone"), "{wrong}");
        }
        let missing = zone("Middle/Earth").unwrap().rules().unwrap_err();
        assert_eq!(missing.kind(), ErrorKind::Unprocessable);
    }

    #[test]
    fn days_are_as_long_as_they_are_there() {
        let berlin: TimeZone = "Europe/Berlin".parse().unwrap();
        let rules = berlin.rules().unwrap();
        let seconds = |text: &str| text.parse::<Timestamp>().unwrap().as_seconds();
        let spring = rules.day_of(seconds("2026-03-29T10:00:00Z"));
        assert_eq!(spring.0, seconds("2026-03-28T23:00:00Z"));
        assert_eq!(spring.1 - spring.0, 23 * 3600);
        let autumn = rules.day_of(seconds("2026-10-25T10:00:00Z"));
        assert_eq!(autumn.1 - autumn.0, 25 * 3600);
        let kolkata: TimeZone = "+05:30".parse().unwrap();
        let hour = kolkata
            .rules()
            .unwrap()
            .hour_of(seconds("2026-03-29T10:29:59Z"));
        assert_eq!(hour, seconds("2026-03-29T09:30:00Z"));
    }
}
