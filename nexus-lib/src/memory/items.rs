use bytes::Bytes;
use memchr::memmem;
use serde_json::Value;

use super::{Kind, Recent};
use crate::error::{Error, ErrorKind, Result};
use crate::secret::KeyHash;
use crate::wire::json::{elements, members};

/// The maximum number of answers in a chain of references.
const MAX_CHAIN: usize = 4096;

/// The maximum size of a resolved body.
const MAX_BODY_BYTES: usize = 64 << 20;

/// How many items of an answer are remembered.
const MAX_ITEMS: usize = 1024;

/// The maximum length of an id.
const MAX_ID_BYTES: usize = 256;

const PREVIOUS: &str = "previous_response_id";

/// Remembers an answer that this gateway wrote, once it is complete.
#[derive(Clone)]
pub(crate) struct Keeper {
    recent: Recent,
    client: KeyHash,
    /// As the client sent it.
    request: Bytes,
}

impl Keeper {
    /// For the answer to `request`; `None` if the client keeps it itself.
    pub(crate) fn of(recent: &Recent, client: KeyHash, request: &Bytes) -> Option<Self> {
        let is_kept = member(request, "store").is_none_or(|store| store != b"false");
        is_kept.then(|| Self {
            recent: recent.clone(),
            client,
            request: request.clone(),
        })
    }

    /// Remembers `response`, which is about to be sent.
    pub(crate) fn keep(&self, response: &[u8]) {
        let (Some(id), Some(output)) = (
            member(response, "id").and_then(text),
            member(response, "output"),
        ) else {
            return;
        };
        let mut items = Vec::new();
        if elements(output, |item| items.extend(output.get(item))).is_err() {
            return;
        }
        for item in items.iter().take(MAX_ITEMS) {
            if let Some(id) = member(item, "id").and_then(text) {
                let item = Bytes::copy_from_slice(item);
                self.recent.put(self.client, Kind::Item, &id, item);
            }
        }
        let previous = member(&self.request, PREVIOUS).filter(|id| id.starts_with(b"\""));
        let input = member(&self.request, "input").unwrap_or(b"[]");
        let parts: [&[u8]; 7] = [
            b"{\"previous\":",
            previous.unwrap_or(b"null"),
            b",\"input\":",
            input,
            b",\"output\":",
            output,
            b"}",
        ];
        let said = Bytes::from(parts.concat());
        self.recent.put(self.client, Kind::Response, &id, said);
    }
}

/// The value of a member of the object `json`.
fn member<'a>(json: &'a [u8], name: &str) -> Option<&'a [u8]> {
    let mut found = None;
    members(json, |key, value| {
        if key == name {
            found = json.get(value);
        }
    })
    .ok()?;
    found
}

pub(super) fn text(json: &[u8]) -> Option<String> {
    serde_json::from_slice(json).ok()
}

/// The id that `item` refers to, if it is a reference. The type may be missing.
fn reference(item: &[u8]) -> Option<String> {
    let (mut id, mut is_reference, mut others) = (None, false, 0);
    members(item, |key, value| {
        let value = item.get(value).unwrap_or_default();
        match &*key {
            "id" => id = text(value),
            "type" if value == b"\"item_reference\"" => is_reference = true,
            "type" if value == b"null" => {}
            _ => others += 1,
        }
    })
    .ok()?;
    id.filter(|_| is_reference || others == 0)
}

/// The ids in `answer`, or in the event that ends a stream: the answer's own, and those of its
/// items.
pub(crate) fn ids(answer: &[u8]) -> impl Iterator<Item = &str> {
    // Inside an answer's text every quote is escaped, so what follows a name is a value.
    let names = memmem::find_iter(answer, b"\"id\"");
    let ids = names.filter_map(|at| {
        let value = answer
            .get(at + 4..)?
            .trim_ascii_start()
            .strip_prefix(b":")?;
        let text = value.trim_ascii_start().strip_prefix(b"\"")?;
        let end = memchr::memchr(b'"', text.get(..MAX_ID_BYTES.min(text.len()))?)?;
        str::from_utf8(&text[..end])
            .ok()
            .filter(|id| id.contains('_'))
    });
    ids.take(MAX_ITEMS)
}

/// The last reference in a request, whose conversation it continues: an item, or an answer.
pub(crate) fn last_reference(request: &[u8]) -> Option<String> {
    if !may_refer(request) {
        return None;
    }
    if let Some(previous) = member(request, PREVIOUS).and_then(text) {
        return Some(previous);
    }
    let input = member(request, "input")?;
    let mut last = None;
    elements(input, |item| {
        let item = input.get(item).unwrap_or_default();
        if memmem::find(item, b"\"id\"").is_some() {
            last = reference(item).or(last.take());
        }
    })
    .ok()?;
    last
}

/// Whether there may be a reference: most requests have none.
fn may_refer(request: &[u8]) -> bool {
    memmem::find(request, b"item_reference").is_some()
        || memmem::find(request, PREVIOUS.as_bytes()).is_some()
}

/// Replaces the references in `request`, a Responses body, by what they refer to; `None` if nothing
/// changes.
///
/// If the provider keeps answers itself (`is_kept_there`), references to its own are passed
/// through.
///
/// # Errors
/// `InvalidRequest` when a reference is unknown, and not kept by the provider either.
pub(crate) fn resolve(
    recent: &Recent,
    client: KeyHash,
    request: &[u8],
    is_kept_there: bool,
) -> Result<Option<Bytes>> {
    if !may_refer(request) {
        return Ok(None);
    }
    let mut found = Found {
        recent,
        client,
        is_kept_there,
        items: Vec::new(),
        bytes: 0,
        has_changed: false,
    };
    let previous = member(request, PREVIOUS).and_then(text);
    let is_previous_known = match &previous {
        Some(id) => found.go_back(id)?,
        None => false,
    };
    let Some(input) = member(request, "input") else {
        return Ok(None);
    };
    found.add(input, Some("input"))?;
    if !found.has_changed {
        return Ok(None);
    }
    let mut body = Vec::with_capacity(request.len() + found.bytes);
    body.push(b'{');
    members(request, |key, value| {
        if key == PREVIOUS && is_previous_known {
            return;
        }
        if body.len() > 1 {
            body.push(b',');
        }
        // Writing strings into a growing buffer cannot fail.
        let _ = serde_json::to_writer(&mut body, &key);
        body.push(b':');
        match &*key {
            "input" => {
                body.push(b'[');
                body.extend_from_slice(&found.items.join(&b','));
                body.push(b']');
            }
            _ => body.extend_from_slice(request.get(value).unwrap_or_default()),
        }
    })?;
    body.push(b'}');
    Ok(Some(body.into()))
}

struct Found<'r> {
    recent: &'r Recent,
    client: KeyHash,
    is_kept_there: bool,
    items: Vec<Bytes>,
    bytes: usize,
    has_changed: bool,
}

impl Found<'_> {
    /// Adds the conversation up to the end of the answer `id`; returns whether it is known here.
    fn go_back(&mut self, id: &str) -> Result<bool> {
        let mut answers = Vec::new();
        let mut next = Some(id.to_owned());
        while let Some(id) = next {
            let said = self.recent.get(self.client, Kind::Response, &id);
            let Some(said) = said.filter(|_| answers.len() < MAX_CHAIN) else {
                if self.is_kept_there && answers.is_empty() {
                    return Ok(false);
                }
                return Err(not_known(PREVIOUS, "answer"));
            };
            next = member(&said, "previous").and_then(text);
            answers.push(said);
        }
        self.has_changed = true;
        for said in answers.iter().rev() {
            for name in ["input", "output"] {
                self.add(member(said, name).unwrap_or(b"[]"), None)?;
            }
        }
        Ok(true)
    }

    /// Adds an input: a text, or items.
    fn add(&mut self, input: &[u8], at: Option<&str>) -> Result<()> {
        if input.first() == Some(&b'"') {
            let said = serde_json::from_slice::<Value>(input).unwrap_or_default();
            let item = serde_json::json!({"role": "user", "content": said});
            return self.push(item.to_string().into());
        }
        let mut items = Vec::new();
        if elements(input, |item| items.push(item)).is_err() {
            // The translation reports what is wrong with it.
            return self.push(Bytes::copy_from_slice(input));
        }
        for (index, item) in items.into_iter().enumerate() {
            let item = input.get(item).unwrap_or_default();
            let Some(id) = reference(item) else {
                self.push(Bytes::copy_from_slice(item))?;
                continue;
            };
            match self.recent.get(self.client, Kind::Item, &id) {
                Some(known) => {
                    self.has_changed = true;
                    self.push(known)?;
                }
                None if self.is_kept_there => self.push(Bytes::copy_from_slice(item))?,
                None => {
                    let at = at.map_or(PREVIOUS.to_owned(), |at| format!("{at}[{index}].id"));
                    return Err(not_known(&at, "item"));
                }
            }
        }
        Ok(())
    }

    fn push(&mut self, item: Bytes) -> Result<()> {
        self.bytes += item.len() + 1;
        if self.bytes > MAX_BODY_BYTES {
            let message = "what the request refers to is too long; begin a new conversation";
            return Err(Error::new(ErrorKind::TooLarge, message));
        }
        self.items.push(item);
        Ok(())
    }
}

fn not_known(param: &str, what: &str) -> Error {
    let message = format!(
        "`{param}` names an {what} that is not known here: the provider of this model keeps none, and the gateway keeps \
         its own for 30 minutes; send the items themselves, or `store: false`"
    );
    Error::new(ErrorKind::InvalidRequest, message).with_param(param.to_owned())
}
