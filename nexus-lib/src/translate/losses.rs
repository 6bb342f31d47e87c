use std::collections::HashSet;
use std::collections::hash_map::RandomState;
use std::hash::BuildHasher;

use crate::error::{Error, ErrorKind, Result};

/// The most bytes of names that a client is sent. What a request can be made of is long, a header is not.
const MAX_NAMED_BYTES: usize = 2000;

/// The longest name that is repeated to a client, in bytes.
const MAX_NAME_BYTES: usize = 128;

/// What of a request cannot be told in another protocol.
///
/// What would change the answer's meaning is refused. What is an optional parameter is left out, and named to
/// the client; a strict gateway refuses that, too.
///
/// The work for a name does not depend on how many there were before, and what is kept of them is bounded: a
/// request may have as many unknown members as its bytes have room for.
#[derive(Debug, Default)]
pub struct Losses {
    is_strict: bool,
    /// The names that were left out, by their hashes: each counts once.
    seen: HashSet<u64>,
    hasher: RandomState,
    /// The first of them: as many as a header has room for.
    named: Vec<String>,
    named_bytes: usize,
}

impl Losses {
    /// None so far.
    pub fn new(is_strict: bool) -> Self {
        Self {
            is_strict,
            ..Self::default()
        }
    }

    /// Leaves out `param`, an optional parameter.
    ///
    /// # Errors
    /// `InvalidRequest` naming it, where losses are not allowed.
    pub fn drop_hint(&mut self, param: &str) -> Result<()> {
        if self.is_strict {
            return Err(Self::refusal(param));
        }
        if !self.seen.insert(self.hasher.hash_one(param)) {
            return Ok(());
        }
        let name = shortened(param);
        self.named_bytes = self.named_bytes.saturating_add(name.len() + 1);
        // In order: none is listed behind one that had no room.
        if self.named_bytes <= MAX_NAMED_BYTES {
            self.named.push(name.to_owned());
        }
        Ok(())
    }

    /// The error for `param`, which changes the meaning.
    pub fn refusal(param: &str) -> Error {
        let param = shortened(param);
        Error::new(
            ErrorKind::InvalidRequest,
            format!("`{param}` cannot be expressed to the provider of this model; leave it out"),
        )
        .with_param(param.to_owned())
    }

    /// The names that were left out, in order, each once: the first 2 KB of them.
    pub fn dropped(&self) -> &[String] {
        &self.named
    }

    /// The names that were left out as the value of a header: visible ASCII, at most 2 KB, and then how many
    /// more there are. `None` when nothing was left out.
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

/// `name` in letters that a header may have, commas aside, which separate names.
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
            losses.drop_hint(name).unwrap();
        }
        assert_eq!(losses.dropped(), ["top_k", "seed", "a,b\nc", "é"]);
        assert_eq!(losses.header().unwrap(), "top_k,seed,a?b?c,?");
        assert_eq!(Losses::new(false).header(), None);
    }

    #[test]
    fn a_header_of_names_is_bounded_and_says_how_many_are_not_listed() {
        let mut losses = Losses::new(false);
        for round in 0..2 {
            for name in 0..100_000 {
                losses.drop_hint(&format!("unknown_{name:06}")).unwrap();
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
        losses.drop_hint(&name).unwrap();
        assert!(losses.header().unwrap().len() <= MAX_NAME_BYTES);
        let refusal = Losses::new(true).drop_hint(&name).unwrap_err();
        assert!(refusal.to_string().len() < 300 && refusal.param().unwrap().len() <= 128);
    }
}
