use std::time::Duration;

use http::{HeaderMap, header};
use jiff::Timestamp;
use jiff::fmt::rfc2822::DateTimeParser;

/// How long the upstream asks the client to wait: from `retry-after-ms`, which OpenAI and Azure
/// send, or `retry-after`, in seconds or as a date (RFC 9110, section 10.2.3).
pub(crate) fn retry_after(headers: &HeaderMap) -> Option<Duration> {
    let text = |name| headers.get(name)?.to_str().ok().map(str::trim);
    if let Some(ms) = text("retry-after-ms").and_then(number) {
        return Duration::try_from_secs_f64(ms / 1000.0).ok();
    }
    let after = text(header::RETRY_AFTER.as_str())?;
    match number(after) {
        Some(seconds) => Duration::try_from_secs_f64(seconds).ok(),
        None => until(after, Timestamp::now()),
    }
}

fn number(text: &str) -> Option<f64> {
    let number: f64 = text.parse().ok()?;
    number.is_finite().then_some(number)
}

fn until(date: &str, now: Timestamp) -> Option<Duration> {
    let date = DateTimeParser::new().parse_timestamp(date).ok()?;
    // A date in the past means now.
    Some(Duration::try_from(date.duration_since(now)).unwrap_or(Duration::ZERO))
}

#[cfg(test)]
mod tests {
    use http::HeaderValue;

    use super::*;

    fn read(pairs: &[(&'static str, &'static str)]) -> Option<Duration> {
        let pairs = pairs.iter();
        let headers = pairs.map(|(name, value)| {
            let name = header::HeaderName::from_static(name);
            (name, HeaderValue::from_static(value))
        });
        retry_after(&headers.collect())
    }

    #[test]
    fn seconds_and_milliseconds_are_read() {
        let after = |text| read(&[("retry-after", text)]);
        assert_eq!(after("3"), Some(Duration::from_secs(3)));
        assert_eq!(after(" 0.5"), Some(Duration::from_millis(500)));
        let both = [("retry-after", "3"), ("retry-after-ms", "1250")];
        assert_eq!(read(&both), Some(Duration::from_millis(1250)));
        for text in ["", "soon", "-1", "inf", "NaN", "1e300"] {
            assert_eq!(after(text), None, "{text}");
        }
    }

    #[test]
    fn a_date_is_read_and_the_past_is_now() {
        let now = Timestamp::from_second(784_111_770).unwrap();
        let date = "Sun, 06 Nov 1994 08:49:37 GMT";
        assert_eq!(until(date, now), Some(Duration::from_secs(7)));
        assert_eq!(until(date, Timestamp::now()), Some(Duration::ZERO));
    }
}
