use std::str::FromStr;

/// A value from the command line or the environment. An empty one counts as not set, as in compose
/// files.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Given<T>(Option<T>);

/// The value, if it was set.
pub(super) fn given<T>(value: Option<Given<T>>) -> Option<T> {
    value.and_then(|value| value.0)
}

impl<T: FromStr<Err = String>> FromStr for Given<T> {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        match text.trim() {
            "" => Ok(Self(None)),
            text => text.parse().map(Some).map(Self),
        }
    }
}

/// Parses an integer.
pub(super) fn whole<T: FromStr>(text: &str) -> Result<Given<T>, String> {
    match text.trim() {
        "" => Ok(Given(None)),
        text => match text.parse() {
            Ok(number) => Ok(Given(Some(number))),
            Err(_) => Err("must be a whole number, such as 30".to_owned()),
        },
    }
}
