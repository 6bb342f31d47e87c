use std::fmt;
use std::ops::Range;

use serde::de::{Deserialize, Deserializer, MapAccess, Visitor};
use serde_json::value::RawValue;

use super::Json;
use crate::error::{Error, ErrorKind, Result};
use crate::offload;
use crate::wire::reads;

/// The maximum nesting around an object. Tool results with documents of several blocks have ten
/// levels.
const MAX_LEVELS: usize = 20;

/// A position in a document, and the document's origin.
#[derive(Debug, Clone, Copy)]
pub(crate) enum Path<'p> {
    /// A client's request: the client must correct an error in it.
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

    /// Whether it is nested deeper than any protocol nests. Each level of nested content is read
    /// once more, so the maximum bounds the work.
    fn is_too_deep(&self) -> bool {
        let (mut depth, mut at) = (0, self);
        while let Self::Key(parent, _) | Self::Index(parent, _) = at {
            depth += 1;
            at = parent;
        }
        depth > MAX_LEVELS
    }

    /// Whether it is in a client's request.
    pub(crate) fn is_request(&self) -> bool {
        match self {
            Self::Request => true,
            Self::Answer => false,
            Self::Key(parent, _) | Self::Index(parent, _) => parent.is_request(),
        }
    }

    /// The error for an invalid value here; `why` continues the sentence "… ".
    pub(crate) fn invalid(&self, why: impl fmt::Display) -> Error {
        let at = self.to_string();
        if !self.is_request() {
            let place = if at.is_empty() { "it" } else { &at };
            return Error::new(
                ErrorKind::UpstreamInvalid,
                format!("the provider's answer is malformed: `{place}` {why}"),
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
        // The value itself may be private, and the error may be logged.
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

/// A text, or a list of parts: the two forms of content.
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

/// The name of a member, and the position of its value in a document.
pub(super) type Place = (String, Range<usize>);

/// The members of an object, in place. Members that are not requested are never parsed.
pub(crate) struct Object<'a> {
    members: Vec<(String, &'a RawValue)>,
}

impl<'a> Object<'a> {
    /// Parses a whole document as an object.
    pub(crate) fn parse(json: &'a [u8], at: &Path<'_>) -> Result<Self> {
        if matches!(at, Path::Request) {
            reads::parsed(json);
        }
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

    /// The positions in `document`, which it was parsed from, of all members but those in
    /// `without`.
    pub(super) fn into_places(self, document: &[u8], without: &[&str]) -> Vec<Place> {
        let start = document.as_ptr().addr();
        let members = self.members.into_iter();
        let kept = members.filter(|(name, _)| !without.contains(&name.as_str()));
        kept.map(|(name, json)| {
            let at = json.get().as_ptr().addr() - start;
            (name, at..at + json.get().len())
        })
        .collect()
    }

    /// The object of these members of `document`.
    pub(super) fn of_places(document: &'a [u8], places: Vec<Place>) -> Result<Self> {
        let members = places.into_iter().map(|(name, at)| {
            let json = document.get(at).unwrap_or_default();
            // They were read before.
            let json = serde_json::from_slice(json);
            let json = json.map_err(|_| Path::Request.key(&name).invalid("cannot be read"))?;
            Ok((name, json))
        });
        Ok(Self {
            members: members.collect::<Result<_>>()?,
        })
    }

    /// The member with this name; `None` if it is absent or null. If a name repeats, the last one
    /// counts.
    pub(crate) fn raw(&self, name: &str) -> Option<&'a RawValue> {
        let mut named = self.members.iter().rev();
        let (_, json) = named.find(|(member, _)| member == name)?;
        (json.get() != "null").then_some(*json)
    }

    pub(crate) fn json(&self, name: &str) -> Option<Json> {
        self.raw(name).map(Json::of)
    }

    /// The member with this name; `at` is the position of the object.
    pub(crate) fn get<T: Deserialize<'a>>(&self, name: &str, at: &Path<'_>) -> Result<Option<T>> {
        self.raw(name)
            .map(|json| value(json, &at.key(name)))
            .transpose()
    }

    /// Like [`get`](Self::get), but an error if it is missing.
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

    /// The elements of the list with this name; none if it is absent.
    pub(crate) fn list(&self, name: &str, at: &Path<'_>) -> Result<Vec<&'a RawValue>> {
        Ok(self.get(name, at)?.unwrap_or_default())
    }

    pub(crate) fn content(&self, name: &str, at: &Path<'_>) -> Result<Option<Content<'a>>> {
        self.raw(name)
            .map(|json| Content::read(json, &at.key(name)))
            .transpose()
    }

    /// The member with this name, or `None` if the provider's value has an unexpected type.
    pub(crate) fn lenient<T: Deserialize<'a>>(&self, name: &str) -> Option<T> {
        self.raw(name)
            .and_then(|json| serde_json::from_str(json.get()).ok())
    }

    /// All members, in order.
    pub(crate) fn all(&self) -> impl Iterator<Item = (&String, &'a RawValue)> {
        self.members.iter().map(|(name, json)| (name, *json))
    }

    /// All members that are not null, in order.
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
