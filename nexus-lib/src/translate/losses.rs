use std::collections::HashSet;
use std::collections::hash_map::RandomState;
use std::hash::BuildHasher;

use crate::error::{Error, ErrorKind, Result};

/// The maximum size of the names sent to a client. A request may have many parameters, but a header
/// must be short.
const MAX_NAMED_BYTES: usize = 2000;

/// The maximum length of one name sent to a client, in bytes.
const MAX_NAME_BYTES: usize = 128;

/// The parameters of a request that cannot be translated to another protocol.
///
/// A parameter that would change the meaning of the answer causes a rejection. An optional
/// parameter is dropped and reported to the client; in strict mode it causes a rejection too.
///
/// The work per name does not depend on the number of earlier names, and what is kept is bounded: a
/// request may contain as many unknown members as its size allows.
#[derive(Debug, Default)]
pub struct Losses {
    is_strict: bool,
    /// The dropped names, by hash: each counts once.
    seen: HashSet<u64>,
    hasher: RandomState,
    /// The first of them: as many as fit into a header.
    named: Vec<String>,
    named_bytes: usize,
}

impl Losses {
    /// Without losses so far.
    pub fn new(is_strict: bool) -> Self {
        Self {
            is_strict,
            ..Self::default()
        }
    }

    /// Drops the optional parameter `param`.
    ///
    /// # Errors
    /// `InvalidRequest` naming it, if losses are not allowed.
    pub fn drop_param(&mut self, param: &str) -> Result<()> {
        if self.is_strict {
            return Err(Self::refusal(param));
        }
        if !self.seen.insert(self.hasher.hash_one(param)) {
            return Ok(());
        }
        let name = shortened(param);
        self.named_bytes = self.named_bytes.saturating_add(name.len() + 1);
        // In order: after a name that did not fit, no later one is listed.
        if self.named_bytes <= MAX_NAMED_BYTES {
            self.named.push(name.to_owned());
        }
        Ok(())
    }

    /// The error for `param`, which would change the meaning.
    pub fn refusal(param: &str) -> Error {
        let param = shortened(param);
        Error::new(
            ErrorKind::InvalidRequest,
            format!("`{param}` is not supported by the provider of this model; leave it out"),
        )
        .with_param(param.to_owned())
    }

    /// The dropped names, in order, each once: the first 2 KB of them.
    pub fn dropped(&self) -> &[String] {
        &self.named
    }

    /// The dropped names as a header value: visible ASCII, at most 2 KB, followed by the number of
    /// further ones. `None` if nothing was dropped.
    pub fn header(&self) -> Option<String> {
        let names: Vec<String> = self.named.iter().map(|name| printable(name)).collect();
        let names = names.join(",");
        match self.seen.len() - self.named.len() {
            0 if names.is_empty() => None,
            0 => Some(names),
            more => Some(format!("{names} and {more} more")),
        }
    }
}

/// `name` in characters that a header may contain, without commas, which separate names.
fn printable(name: &str) -> String {
    let is_plain = |letter: char| letter.is_ascii_graphic() && letter != ',';
    name.chars()
        .map(|letter| if is_plain(letter) { letter } else { '?' })
        .collect()
}

fn shortened(name: &str) -> &str {
    let mut end = name.len().min(MAX_NAME_BYTES);
    while !name.is_char_boundary(end) {
        end -= 1;
    }
    &name[..end]
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_are_listed_once_in_order() {
        let mut losses = Losses::new(false);
        for name in ["top_k", "seed", "top_k", "seed", "a,b\nc", "é"] {
            losses.drop_param(name).unwrap();
        }
        assert_eq!(losses.dropped(), ["top_k", "seed", "a,b\nc", "é"]);
        assert_eq!(losses.header().unwrap(), "top_k,seed,a?b?c,?");
        assert_eq!(Losses::new(false).header(), None);
    }

    #[test]
    fn a_header_of_names_is_bounded_and_counts_the_rest() {
        let mut losses = Losses::new(false);
        for round in 0..2 {
            for name in 0..100_000 {
                losses.drop_param(&format!("unknown_{name:06}")).unwrap();
            }
            let header = losses.header().unwrap();
            assert!(header.len() <= 2048, "{} in round {round}", header.len());
            let (named, more) = header.split_once(" and ").unwrap();
            let named = named.split(',').count();
            assert_eq!(named, losses.dropped().len());
            assert_eq!(more, format!("{} more", 100_000 - named));
        }
        assert_eq!(losses.seen.len(), 100_000);
    }

    #[test]
    fn a_long_name_is_not_repeated_whole() {
        let name = "名".repeat(1 << 20);
        let mut losses = Losses::new(false);
        losses.drop_param(&name).unwrap();
        assert!(losses.header().unwrap().len() <= MAX_NAME_BYTES);
        let refusal = Losses::new(true).drop_param(&name).unwrap_err();
        assert!(refusal.to_string().len() < 300 && refusal.param().unwrap().len() <= 128);
    }
}
