use std::sync::Arc;

use http::header::{HeaderMap, HeaderName, HeaderValue, VIA};

use crate::error::{Error, ErrorKind, Result};

/// Lists the gateways that a request has passed, in order.
const HOP: HeaderName = HeaderName::from_static("x-nexus-hop");

/// Precedes a gateway's id in `Via` (RFC 9110, section 7.6.3). A proxy that strips unknown headers
/// keeps this one.
const PSEUDONYM: &str = "nexus-";

/// How many gateways a request may pass. Two in a row are common; more than this are a loop of
/// gateways that do not recognise their own marks.
const MAX_HOPS: usize = 8;

/// Length of an id, in characters.
const ID_LENGTH: usize = 16;

/// Marks outgoing requests, so that the gateway recognises one that comes back to it. Otherwise a
/// provider URL that leads to the gateway itself, directly or through others, would keep it busy
/// with one request.
///
/// A clone represents the same gateway. The id is random and reveals nothing about the machine.
#[derive(Debug, Clone)]
pub struct Hop(Arc<Marks>);

#[derive(Debug)]
struct Marks {
    id: String,
    hop: HeaderValue,
    via: HeaderValue,
}

impl Default for Hop {
    fn default() -> Self {
        Self::new()
    }
}

impl Hop {
    /// A gateway that no request has passed yet.
    pub fn new() -> Self {
        let mut id = uuid::Uuid::new_v4().simple().to_string();
        id.truncate(ID_LENGTH);
        let value =
            |text: &str| HeaderValue::from_str(text).unwrap_or(HeaderValue::from_static(""));
        Self(Arc::new(Marks {
            hop: value(&id),
            via: value(&format!("1.1 {PSEUDONYM}{id}")),
            id,
        }))
    }

    /// Checks the headers of an incoming request. A request that has been here before is rejected;
    /// for any other, returns what [`mark`](Self::mark) needs. `None` if the request comes from no
    /// gateway.
    ///
    /// # Errors
    /// [`ErrorKind::LoopDetected`].
    pub(crate) fn arrives(&self, headers: &HeaderMap) -> Result<Option<HeaderValue>> {
        if !headers.contains_key(&HOP) && !headers.contains_key(VIA) {
            return Ok(None);
        }
        let mut passed: Vec<&str> = Vec::new();
        for id in ids(headers, &HOP).chain(ids(headers, &VIA)) {
            if id == self.0.id {
                return Err(Error::new(
                    ErrorKind::LoopDetected,
                    "this request has already passed this gateway: a provider's URL points back \
                     to it; ask the operator to change it",
                ));
            }
            if !passed.contains(&id) {
                passed.push(id);
            }
            if passed.len() > MAX_HOPS {
                return Err(Error::new(
                    ErrorKind::LoopDetected,
                    "this request has passed too many gateways: their providers' URLs may lead in a circle; ask \
                     the operator to change them",
                ));
            }
        }
        Ok(match &*passed {
            [] => None,
            passed => HeaderValue::from_str(&passed.join(",")).ok(),
        })
    }

    /// Stores what [`arrives`](Self::arrives) found among the headers that are forwarded with the
    /// call.
    pub(crate) fn keep(passed: Option<HeaderValue>, headers: &mut HeaderMap) {
        if let Some(passed) = passed {
            headers.insert(HOP, passed);
        }
    }

    /// Marks the headers of an outgoing request.
    pub(crate) fn mark(&self, headers: &mut HeaderMap) {
        let Marks { id, hop, via } = &*self.0;
        let passed = headers.get(&HOP).and_then(|passed| passed.to_str().ok());
        let marks = passed.and_then(|passed| {
            let hop = HeaderValue::from_str(&format!("{passed},{id}")).ok()?;
            let passed = passed.split(',').chain([id.as_str()]);
            let via: Vec<String> = passed.map(|id| format!("1.1 {PSEUDONYM}{id}")).collect();
            Some((hop, HeaderValue::from_str(&via.join(", ")).ok()?))
        });
        let (hop, via) = marks.unwrap_or_else(|| (hop.clone(), via.clone()));
        headers.insert(HOP, hop);
        headers.insert(VIA, via);
    }
}

/// The gateway ids in the header `name`. Everything else in it is ignored.
fn ids<'h>(headers: &'h HeaderMap, name: &HeaderName) -> impl Iterator<Item = &'h str> {
    let values = headers.get_all(name).into_iter();
    let texts = values.filter_map(|value| value.to_str().ok());
    texts.flat_map(|text| text.split(',')).filter_map(|one| {
        // In `Via` a protocol precedes the name, and a comment may follow.
        let mut words = one.split_ascii_whitespace();
        let id = words.find_map(|word| match word.strip_prefix(PSEUDONYM) {
            Some(id) => Some(id),
            None => Some(word).filter(|word| word.len() == ID_LENGTH),
        })?;
        let is_id = id.len() == ID_LENGTH && id.bytes().all(|byte| byte.is_ascii_hexdigit());
        is_id.then_some(id)
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    /// What the next gateway receives when `hop` forwards the request.
    fn sent_on(hop: &Hop, arrived: &HeaderMap) -> HeaderMap {
        let mut headers = HeaderMap::new();
        Hop::keep(hop.arrives(arrived).unwrap(), &mut headers);
        hop.mark(&mut headers);
        headers
    }

    fn is_loop(hop: &Hop, headers: &HeaderMap) -> bool {
        let error = hop.arrives(headers).err();
        error.is_some_and(|error| error.kind() == ErrorKind::LoopDetected)
    }

    #[test]
    fn a_gateway_knows_what_it_sent_itself_and_what_others_sent_on() {
        let (first, second) = (Hop::new(), Hop::new());
        let sent = sent_on(&first, &HeaderMap::new());
        assert!(is_loop(&first, &sent));
        assert!(!is_loop(&second, &sent));
        let sent = sent_on(&second, &sent);
        assert!(is_loop(&first, &sent) && is_loop(&second, &sent));
        assert!(!is_loop(&Hop::new(), &sent));
    }

    #[test]
    fn one_of_both_headers_is_enough() {
        let (first, second) = (Hop::new(), Hop::new());
        let sent = sent_on(&second, &sent_on(&first, &HeaderMap::new()));
        for name in [HOP, VIA] {
            let mut sent = sent.clone();
            sent.remove(&name);
            assert!(is_loop(&first, &sent) && is_loop(&second, &sent), "{name}");
        }
    }

    #[test]
    fn other_proxies_do_not_matter() {
        let hop = Hop::new();
        let mut headers = HeaderMap::new();
        for via in [
            "1.1 vegur, 1.1 varnish (Varnish/7.4)",
            "HTTP/2 edge:443",
            "nexus-",
            "\u{7f}",
        ] {
            if let Ok(via) = HeaderValue::from_str(via) {
                headers.append(VIA, via);
            }
        }
        headers.append(HOP, HeaderValue::from_static("x, 0123456789abcdeg,,"));
        assert_eq!(hop.arrives(&headers).unwrap(), None);
        let own = sent_on(&hop, &headers);
        headers.extend(own);
        assert!(is_loop(&hop, &headers));
    }

    #[test]
    fn a_chain_of_gateways_ends() {
        let mut headers = HeaderMap::new();
        let mut passed = 0;
        while passed < 20 && !is_loop(&Hop::new(), &headers) {
            headers = sent_on(&Hop::new(), &headers);
            passed += 1;
        }
        assert_eq!(passed, MAX_HOPS + 1);
    }
}
