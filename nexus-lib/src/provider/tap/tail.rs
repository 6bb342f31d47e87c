use std::sync::LazyLock;

use memchr::memmem::Finder;

use crate::wire::json::Cursor;
use crate::wire::{Usage, UsageReport};

static USAGE: LazyLock<Finder<'static>> = LazyLock::new(|| Finder::new("\"usage\""));
static CHOICES: LazyLock<Finder<'static>> = LazyLock::new(|| Finder::new("\"choices\""));
static ERROR: LazyLock<Finder<'static>> = LazyLock::new(|| Finder::new("\"error\""));

/// The usage of a whole answer if it follows the choices, as it nearly always does, without parsing
/// the text before it. `None` means that the answer has to be parsed from its start.
///
/// Inside an answer's text every quote is escaped, so `"usage"` with its quotes is a name or a
/// whole text. It is a member of the answer itself if only further members and one closing brace
/// follow.
pub(super) fn usage(body: &[u8]) -> Option<Usage> {
    let at = USAGE.find_iter(body).last()?;
    if ERROR.find(body).is_some() {
        return None;
    }
    let tail = &body[at..];
    let mut cursor = Cursor::inside_object(tail);
    let mut found = None;
    let mut is_first = true;
    cursor
        .rest_of_object(|_, cursor| {
            if std::mem::take(&mut is_first) {
                found = UsageReport::read_at(tail, cursor)?;
                return Ok(());
            }
            cursor.skip().map(drop)
        })
        .and_then(|()| cursor.end())
        .ok()?;
    found.map(|report| report.usage())
}

/// Whether the answer's `choices` contain an object; only their start is read.
///
/// The name is searched from the front, where it usually is.
pub(super) fn has_choice(body: &[u8]) -> bool {
    let value = CHOICES.find(body).and_then(|at| {
        body[at + CHOICES.needle().len()..]
            .trim_ascii_start()
            .strip_prefix(b":")
    });
    let first = value.and_then(|value| value.trim_ascii_start().strip_prefix(b"["));
    first.is_some_and(|first| first.trim_ascii_start().starts_with(b"{"))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn tokens(body: &str) -> Option<u64> {
        usage(body.as_bytes()).map(|usage| usage.total_tokens)
    }

    #[test]
    fn usage_of_the_answer_itself_is_found() {
        let usage = r#""usage":{"prompt_tokens":1,"completion_tokens":2,"total_tokens":3}"#;
        let choices = r#""choices":[{"message":{"content":"say \"usage\": {}"}}]"#;
        for body in [
            format!("{{{choices},{usage}}}"),
            format!("{{{choices}, {usage} , \"service_tier\":\"default\"}}\n"),
            format!("{{{usage},{choices}}}"),
        ] {
            assert_eq!(tokens(&body), Some(3), "{body}");
        }
    }

    #[test]
    fn any_other_is_left_to_the_full_reading() {
        let usage = r#""usage":{"total_tokens":3,"prompt_tokens":1}"#;
        for body in [
            format!(r#"{{"x_groq":{{{usage}}}}}"#),
            format!(r#"{{{usage},"x_groq":{{{usage}}}}}"#),
            format!(r#"[{{{usage}}}]"#),
            format!(r#"{{"error":{{"message":"m"}},{usage}}}"#),
            format!(r#"{{{usage}"#),
            format!(r#"{{{usage}}} x"#),
            r#"{"a":"usage"}"#.to_owned(),
            r#"{"usage":null}"#.to_owned(),
            r#"{"choices":[]}"#.to_owned(),
        ] {
            assert_eq!(tokens(&body), None, "{body}");
        }
    }
}
