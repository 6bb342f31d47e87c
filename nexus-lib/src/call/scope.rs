use std::sync::Arc;

use crate::wire::ProviderId;

/// What of all that is registered a client may call. Everything unless narrowed.
#[derive(Debug, Clone, PartialEq, Eq, Hash, Default)]
pub struct Scope {
    models: Option<Arc<[Box<str>]>>,
    providers: Option<Arc<[ProviderId]>>,
}

impl Scope {
    /// Every model of every provider.
    pub fn everything() -> Self {
        Self::default()
    }

    /// Only models of these names, in which `*` stands for any characters.
    ///
    /// ```
    /// use nexus_lib::call::Scope;
    ///
    /// let scope = Scope::everything().models(["gpt-4o", "claude-*"]);
    /// assert!(scope.has_model("gpt-4o") && scope.has_model("claude-opus-4-5"));
    /// assert!(!scope.has_model("gpt-4o-mini"));
    /// ```
    #[must_use]
    pub fn models<N: Into<Box<str>>>(mut self, names: impl IntoIterator<Item = N>) -> Self {
        self.models = Some(names.into_iter().map(Into::into).collect());
        self
    }

    /// Only models of these providers.
    #[must_use]
    pub fn providers(mut self, ids: impl IntoIterator<Item = ProviderId>) -> Self {
        self.providers = Some(ids.into_iter().collect());
        self
    }

    /// Whether the model of this name is in it.
    pub fn has_model(&self, name: &str) -> bool {
        let patterns = self.models.as_deref();
        patterns.is_none_or(|patterns| patterns.iter().any(|pattern| fits(pattern, name)))
    }

    /// Whether the provider of this id is in it.
    pub fn has_provider(&self, id: ProviderId) -> bool {
        let ids = self.providers.as_deref();
        ids.is_none_or(|ids| ids.contains(&id))
    }
}

/// Whether `name` is as `pattern` says, in which `*` stands for any characters. Between two stars
/// the first place will do: what is behind it is the longest that can be.
fn fits(pattern: &str, name: &str) -> bool {
    let mut parts = pattern.split('*');
    let begin = parts.next().unwrap_or_default();
    let Some(mut rest) = name.strip_prefix(begin) else {
        return false;
    };
    let Some(end) = parts.next_back() else {
        return rest.is_empty();
    };
    for part in parts {
        match rest.find(part) {
            Some(at) => rest = &rest[at + part.len()..],
            None => return false,
        }
    }
    rest.ends_with(end)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn stars_stand_for_any_characters() {
        for (pattern, fitting, others) in [
            ("gpt-4", &["gpt-4"][..], &["", "gpt-4o", "xgpt-4"][..]),
            ("*", &["", "a", "任意"], &[]),
            ("gpt-*", &["gpt-", "gpt-4"], &["gpt", "a-gpt-4"]),
            ("*-mini", &["o4-mini", "-mini"], &["mini", "o4-mini-high"]),
            ("a*b*c", &["abc", "aXbYc", "abbcc"], &["ab", "acb", "abcd"]),
            ("a*a", &["aa", "aba"], &["a"]),
            ("**", &["", "a"], &[]),
            ("", &[""], &["a"]),
        ] {
            for name in fitting {
                assert!(fits(pattern, name), "{pattern} {name}");
            }
            for name in others {
                assert!(!fits(pattern, name), "{pattern} {name}");
            }
        }
    }
}
