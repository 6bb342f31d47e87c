use serde::de::{DeserializeOwned, IgnoredAny};
use serde_json::error::Category;

use crate::error::{Error, ErrorKind, Result};

/// Reads a JSON object into a `T` whose fields are all optional; unknown fields are ignored.
///
/// Errors do not quote the input: a misplaced key must not be returned.
///
/// # Errors
/// [`ErrorKind::InvalidRequest`] with line and column when it is not JSON, and
/// [`ErrorKind::Unprocessable`] naming the field when one is of the wrong type.
pub(super) fn object<T: DeserializeOwned>(body: &[u8]) -> Result<T> {
    // The whole text is checked first: a syntax error takes precedence over wrong fields.
    serde_json::from_slice::<IgnoredAny>(body).map_err(|error| malformed(&error))?;
    // Derived readers would accept an array with the fields in order.
    if !body.trim_ascii_start().starts_with(b"{") {
        return Err(Error::new(
            ErrorKind::Unprocessable,
            "the body must be a JSON object",
        ));
    }
    serde_path_to_error::deserialize(&mut serde_json::Deserializer::from_slice(body)).map_err(
        |error| {
            let path = error.path().to_string();
            match error.inner().classify() {
                Category::Data => ill_typed(&path, &error.inner().to_string()),
                _ => malformed(error.inner()),
            }
        },
    )
}

/// The value of a required field; `null` counts as missing.
///
/// # Errors
/// [`ErrorKind::Unprocessable`] naming the field.
pub(super) fn required<T>(value: Option<T>, field: &'static str) -> Result<T> {
    value.ok_or_else(|| {
        Error::new(
            ErrorKind::Unprocessable,
            format!("`{field}` is missing; it is required"),
        )
        .with_param(field)
    })
}

fn malformed(error: &serde_json::Error) -> Error {
    let (line, column) = (error.line(), error.column());
    let what = match error.classify() {
        Category::Eof => "ends too early",
        _ => "is not valid JSON",
    };
    Error::new(
        ErrorKind::InvalidRequest,
        format!("the body {what} at line {line}, column {column}"),
    )
}

fn ill_typed(path: &str, detail: &str) -> Error {
    if let Some(rest) = detail.strip_prefix("duplicate field `") {
        let field = rest.split('`').next().unwrap_or_default().to_owned();
        let message = format!("`{field}` is present twice; send it once");
        return Error::new(ErrorKind::Unprocessable, message).with_param(field);
    }
    // The text after this word is ours; the text before it may quote the value.
    let expected = match detail.rsplit_once(", expected ") {
        Some((_, rest)) => rest.split(" at line").next().unwrap_or(rest),
        None => "a value of another type",
    };
    let expected = match expected {
        "a boolean" => "true or false",
        "i32" => "a whole number from -2147483648 to 2147483647",
        "i64" => "a whole number",
        "u32" => "a whole number from 0 to 4294967295",
        other => other,
    };
    Error::new(
        ErrorKind::Unprocessable,
        format!("`{path}` must be {expected}"),
    )
    .with_param(path.to_owned())
}

#[cfg(test)]
mod tests {
    use serde::Deserialize;

    use super::*;

    #[derive(Debug, Deserialize)]
    struct Input {
        name: Option<String>,
        priority: Option<i32>,
    }

    fn failure(body: &str) -> (u16, Option<String>, String) {
        let error = object::<Input>(body.as_bytes()).unwrap_err();
        let param = error.param().map(str::to_owned);
        (error.status().as_u16(), param, error.to_string())
    }

    #[test]
    fn object_is_read_and_unknown_fields_passed_over() {
        let deep = "[".repeat(5_000) + &"]".repeat(5_000);
        let body = format!(r#" {{"name":"a","x":{deep},"priority":null}}"#);
        let input: Input = object(body.as_bytes()).unwrap();
        assert_eq!(input.name.as_deref(), Some("a"));
        assert_eq!(input.priority, None);
    }

    #[test]
    fn malformed_text_is_told_with_line_and_column() {
        let (status, _, message) = failure("{\n  \"name\": 5,\n  oops }");
        assert_eq!(status, 400, "{message}");
        assert!(message.ends_with("line 3, column 3"), "{message}");
        for body in ["", "{", r#"{"name":"a"} x"#, "{'name':1}", "\u{feff}{}"] {
            assert_eq!(failure(body).0, 400, "{body}");
        }
        let error = object::<Input>(b"{\"name\":\"\xff\"}").unwrap_err();
        assert_eq!(error.status(), 400);
    }

    #[test]
    fn ill_typed_field_is_named_and_its_value_is_not() {
        for value in ["\"sk-canary\"", "[\"sk-canary\"]", "1.5", "99999999999"] {
            let (status, param, message) = failure(&format!(r#"{{"priority":{value}}}"#));
            assert_eq!((status, param.as_deref()), (422, Some("priority")));
            assert!(message.contains("whole number"), "{message}");
            assert!(!message.contains("canary"), "{message}");
        }
        let (status, param, _) = failure(r#"{"name":"a","name":"b"}"#);
        assert_eq!((status, param.as_deref()), (422, Some("name")));
        for body in ["[]", "3", "null", r#""name""#] {
            assert_eq!(failure(body).0, 422, "{body}");
        }
    }
}
