use std::fmt;

use serde::de::{Deserialize, Deserializer, MapAccess, Visitor};
use serde_json::value::RawValue;

use super::Json;
use crate::error::{Error, ErrorKind, Result};
use crate::offload;

/// How many members and elements may lie around an object. Results of tools with documents of several blocks
/// have ten.
const MOST_LEVELS: usize = 20;

/// Where in a document something stands, and whose document it is.
#[derive(Debug, Clone, Copy)]
pub(crate) enum Path<'p> {
    /// A client's request: what is wrong in it is the client's to mend.
    Request,
    /// A provider's answer.
    Answer,
    /// A member of an object.
    Key(&'p Path<'p>, &'p str),
    /// An element of a list.
    Index(&'p Path<'p>, usize),
}

impl<'p> Path<'p> {
    pub(crate) fn key(&'p self, name: &'p str) -> Self {
        Self::Key(self, name)
    }

    pub(crate) fn index(&'p self, index: usize) -> Self {
        Self::Index(self, index)
    }

    /// Whether more lists and objects are around it than any protocol nests. Each level of contents within
    /// contents is read once more, so the levels bound the work.
    fn is_too_deep(&self) -> bool {
        let (mut depth, mut at) = (0, self);
        while let Self::Key(parent, _) | Self::Index(parent, _) = at {
            depth += 1;
            at = parent;
        }
        depth > MOST_LEVELS
    }

    /// Whether it is in a client's request.
    pub(crate) fn is_request(&self) -> bool {
        match self {
            Self::Request => true,
            Self::Answer => false,
            Self::Key(parent, _) | Self::Index(parent, _) => parent.is_request(),
        }
    }

    /// That what stands here is wrong; `why` goes on from "… ".
    pub(crate) fn invalid(&self, why: impl fmt::Display) -> Error {
        let at = self.to_string();
        if !self.is_request() {
            let place = if at.is_empty() { "it" } else { &at };
            return Error::new(
                ErrorKind::UpstreamInvalid,
                format!("the provider's answer cannot be understood: `{place}` {why}"),
            );
        }
        if at.is_empty() {
            return Error::new(ErrorKind::InvalidRequest, format!("the body {why}"));
        }
        Error::new(ErrorKind::InvalidRequest, format!("`{at}` {why}")).with_param(at)
    }

    fn refused(&self, error: &serde_json::Error) -> Error {
        let text = error.to_string();
        let text = text.split(" at line ").next().unwrap_or_default();
        // What stands there instead may be private, and the error may be logged.
        match text.rsplit_once(", expected ") {
            Some((_, expected)) => self.invalid(format_args!("must be {expected}")),
            None => self.invalid("cannot be read"),
        }
    }
}

impl fmt::Display for Path<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Request | Self::Answer => Ok(()),
            Self::Key(Path::Request | Path::Answer, name) => f.write_str(name),
            Self::Key(parent, name) => write!(f, "{parent}.{name}"),
            Self::Index(parent, index) => write!(f, "{parent}[{index}]"),
        }
    }
}

/// The value at `at`.
pub(crate) fn value<'a, T: Deserialize<'a>>(json: &'a RawValue, at: &Path<'_>) -> Result<T> {
    serde_json::from_str(json.get()).map_err(|error| at.refused(&error))
}

/// The elements of the list at `at`.
pub(crate) fn list<'a>(json: &'a RawValue, at: &Path<'_>) -> Result<Vec<&'a RawValue>> {
    value(json, at)
}

/// A text, or a list of parts: the two forms that contents take.
pub(crate) enum Content<'a> {
    Text(String),
    Parts(Vec<&'a RawValue>),
}

impl<'a> Content<'a> {
    pub(crate) fn read(json: &'a RawValue, at: &Path<'_>) -> Result<Self> {
        match json.get().as_bytes().first() {
            Some(b'"') => value(json, at).map(Self::Text),
            Some(b'[') => list(json, at).map(Self::Parts),
            _ => Err(at.invalid("must be a text or a list of parts")),
        }
    }
}

/// The members of an object, in place. What nobody asks for is never read.
pub(crate) struct Object<'a> {
    members: Vec<(String, &'a RawValue)>,
}

impl<'a> Object<'a> {
    /// The object that a whole document is.
    pub(crate) fn parse(json: &'a [u8], at: &Path<'_>) -> Result<Self> {
        serde_json::from_slice(json).map_err(|error| match at {
            Path::Request => at.invalid(format_args!(
                "is not a JSON object (line {}, column {})",
                error.line(),
                error.column()
            )),
            _ => at.invalid("is not a JSON object"),
        })
    }

    /// The object at `at`.
    pub(crate) fn of(json: &'a RawValue, at: &Path<'_>) -> Result<Self> {
        if !json.get().starts_with('{') {
            return Err(at.invalid("must be an object"));
        }
        if at.is_too_deep() {
            return Err(at.invalid("is nested too deeply"));
        }
        if !offload::is_wanted() {
            return Err(offload::unwanted());
        }
        value(json, at)
    }

    /// The member of that name; `None` when it is absent or null. Of a name given twice, the last.
    pub(crate) fn raw(&self, name: &str) -> Option<&'a RawValue> {
        let mut named = self.members.iter().rev();
        let (_, json) = named.find(|(member, _)| member == name)?;
        (json.get() != "null").then_some(*json)
    }

    pub(crate) fn json(&self, name: &str) -> Option<Json> {
        self.raw(name).map(Json::of)
    }

    /// The member of that name, where `at` is where the object stands.
    pub(crate) fn get<T: Deserialize<'a>>(&self, name: &str, at: &Path<'_>) -> Result<Option<T>> {
        self.raw(name)
            .map(|json| value(json, &at.key(name)))
            .transpose()
    }

    /// Like [`get`](Self::get), and an error when there is none.
    pub(crate) fn need<T: Deserialize<'a>>(&self, name: &str, at: &Path<'_>) -> Result<T> {
        let value = self.get(name, at)?;
        value.ok_or_else(|| at.key(name).invalid("is missing"))
    }

    pub(crate) fn object(&self, name: &str, at: &Path<'_>) -> Result<Option<Self>> {
        self.raw(name)
            .map(|json| Self::of(json, &at.key(name)))
            .transpose()
    }

    pub(crate) fn need_object(&self, name: &str, at: &Path<'_>) -> Result<Self> {
        let object = self.object(name, at)?;
        object.ok_or_else(|| at.key(name).invalid("is missing"))
    }

    /// The elements of the list of that name; none when it is absent.
    pub(crate) fn list(&self, name: &str, at: &Path<'_>) -> Result<Vec<&'a RawValue>> {
        Ok(self.get(name, at)?.unwrap_or_default())
    }

    pub(crate) fn content(&self, name: &str, at: &Path<'_>) -> Result<Option<Content<'a>>> {
        self.raw(name)
            .map(|json| Content::read(json, &at.key(name)))
            .transpose()
    }

    /// The member of that name, or nothing where a provider wrote it oddly.
    pub(crate) fn lenient<T: Deserialize<'a>>(&self, name: &str) -> Option<T> {
        self.raw(name)
            .and_then(|json| serde_json::from_str(json.get()).ok())
    }

    /// All members, in order.
    pub(crate) fn all(&self) -> impl Iterator<Item = (&String, &'a RawValue)> {
        self.members.iter().map(|(name, json)| (name, *json))
    }

    /// All members that say something, in order.
    pub(crate) fn members(&self) -> impl Iterator<Item = (&str, &'a RawValue)> {
        let members = self.members.iter();
        members
            .filter(|(_, json)| json.get() != "null")
            .map(|(name, json)| (name.as_str(), *json))
    }
}

impl<'de: 'a, 'a> Deserialize<'de> for Object<'a> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct Members;
        impl<'de> Visitor<'de> for Members {
            type Value = Object<'de>;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("an object")
            }

            fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Object<'de>, A::Error> {
                let mut members = Vec::new();
                while let Some(name) = map.next_key::<String>()? {
                    members.push((name, map.next_value()?));
                }
                Ok(Object { members })
            }
        }
        deserializer.deserialize_map(Members)
    }
}
