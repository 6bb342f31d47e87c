use std::fmt;
use std::ops::Range;

use bytes::Bytes;
use http::Uri;

use crate::error::{Error, ErrorKind, Result};

/// A provider's base URL, as the operator entered it.
///
/// Its path decides how it is completed:
///
/// | base | meaning |
/// |---|---|
/// | `https://h/v1`, `https://h/v1beta/openai` | has a version: only the tail is added |
/// | `https://h`, `https://h/api` | has none: version and tail are added |
/// | `https://h/api/` | ends with `/`: only the tail is added |
/// | `https://h/x/y#` | ends with `#`: exactly this URL |
///
/// ```
/// use nexus_lib::wire::BaseUrl;
///
/// let base = BaseUrl::parse("https://api.example.com")?;
/// let url = base.join("/v1", "/chat/completions")?;
/// assert_eq!(url, "https://api.example.com/v1/chat/completions");
/// # Ok::<(), nexus_lib::Error>(())
/// ```
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct BaseUrl {
    text: String,
    host: Range<usize>,
    form: Form,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Form {
    /// The version has to be added.
    Bare,
    /// The path already has a version, or the operator wants none.
    Complete,
    /// Nothing is added.
    Exact,
}

impl BaseUrl {
    /// Parses a base URL.
    ///
    /// # Errors
    /// [`ErrorKind::Unprocessable`], for the parameter `server_url`: when it is not an http or
    /// https URL with a host; when it contains a user or a password, which belong in `server_key`;
    /// and when it has a query without the trailing `#` that says where the query goes.
    pub fn parse(text: &str) -> Result<Self> {
        let exact = text.strip_suffix('#');
        let url = exact.unwrap_or(text);
        let uri = parse_http(url)?;
        let host = host_span(url, &uri)?;
        let form = match exact {
            Some(_) => Form::Exact,
            None if url.contains('?') => {
                return Err(refused(
                    "`server_url` must not have a query; if it is the complete URL, end it with \
                     `#`",
                ));
            }
            None if url.ends_with('/') => Form::Complete,
            // Search the text: `Uri` reports the path `/` even where the text has none.
            None if url[host.end..].split('/').any(is_version) => Form::Complete,
            None => Form::Bare,
        };
        Ok(Self {
            text: text.to_owned(),
            host,
            form,
        })
    }

    /// The URL as entered.
    pub fn as_str(&self) -> &str {
        &self.text
    }

    /// The host without port, as entered; an IPv6 address keeps its brackets.
    pub fn host(&self) -> &str {
        &self.text[self.host.clone()]
    }

    /// The URL of `tail` (such as `/chat/completions`) below this base. `version` (such as `/v1`)
    /// is added if the base has none.
    ///
    /// # Errors
    /// [`ErrorKind::Internal`] when `version` or `tail` is not a path.
    pub fn join(&self, version: &str, tail: &str) -> Result<Uri> {
        let text = self.text.as_str();
        let parts = match self.form {
            Form::Exact => [text.trim_end_matches('#'), "", ""],
            Form::Complete => [text.trim_end_matches('/'), "", tail],
            Form::Bare => [text, version, tail],
        };
        let is_path = |part: &&str| part.is_empty() || part.starts_with('/');
        if !parts[1..].iter().all(is_path) {
            return Err(unjoinable());
        }
        Uri::from_maybe_shared(Bytes::from(parts.concat())).map_err(|_| unjoinable())
    }
}

impl fmt::Display for BaseUrl {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.text)
    }
}

fn parse_http(url: &str) -> Result<Uri> {
    // `Uri` drops a fragment silently, and accepts some bytes that must be escaped.
    let is_clean = url.bytes().all(|byte| byte.is_ascii_graphic()) && !url.contains('#');
    let uri: Option<Uri> = is_clean.then(|| url.parse().ok()).flatten();
    match uri {
        Some(uri) if matches!(uri.scheme_str(), Some("http" | "https")) => Ok(uri),
        _ => Err(refused(
            "`server_url` must be an http or https URL, such as https://api.example.com/v1",
        )),
    }
}

fn host_span(url: &str, uri: &Uri) -> Result<Range<usize>> {
    let authority = uri.authority().map_or("", |authority| authority.as_str());
    if authority.contains('@') {
        return Err(refused(
            "`server_url` must not contain a user or a password; put the key into `server_key`",
        ));
    }
    let host = uri.host().unwrap_or_default();
    let port = &authority[host.len()..];
    let start = url.find("://").map(|at| at + "://".len());
    match start {
        Some(start) if !host.is_empty() && (port.is_empty() || uri.port_u16().is_some()) => {
            Ok(start..start + host.len())
        }
        _ => Err(refused(
            "`server_url` needs a host, and a port if it has a `:`",
        )),
    }
}

/// `v1`, `v4`, `v1beta`, `v1beta1`, `v1alpha`, …
fn is_version(segment: &str) -> bool {
    let digits = |text: &str| text.bytes().take_while(u8::is_ascii_digit).count();
    let Some(number) = segment.strip_prefix(['v', 'V']) else {
        return false;
    };
    let (major, stage) = number.split_at(digits(number));
    let stage = stage.to_ascii_lowercase();
    let minor = ["alpha", "beta"]
        .iter()
        .find_map(|name| stage.strip_prefix(name));
    !major.is_empty()
        && match minor {
            Some(minor) => digits(minor) == minor.len(),
            None => stage.is_empty(),
        }
}

fn refused(message: &'static str) -> Error {
    Error::new(ErrorKind::Unprocessable, message).with_param("server_url")
}

fn unjoinable() -> Error {
    Error::new(ErrorKind::Internal, "the provider's URL cannot be built")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn joins_as_promised() {
        let table = [
            ("https://h", "https://h/v1/chat/completions"),
            ("http://h:8080", "http://h:8080/v1/chat/completions"),
            ("https://h/", "https://h/chat/completions"),
            ("https://h/v1", "https://h/v1/chat/completions"),
            ("https://h/v1/", "https://h/v1/chat/completions"),
            ("https://h/api", "https://h/api/v1/chat/completions"),
            ("https://h/api/", "https://h/api/chat/completions"),
            ("https://h/api//", "https://h/api/chat/completions"),
            ("https://h/x/y#", "https://h/x/y"),
            ("https://h/x/y/#", "https://h/x/y/"),
            ("https://h/x?api-version=1#", "https://h/x?api-version=1"),
            ("https://h/v1beta", "https://h/v1beta/chat/completions"),
            ("https://h/v1beta1", "https://h/v1beta1/chat/completions"),
            (
                "https://h/v1alpha/x",
                "https://h/v1alpha/x/chat/completions",
            ),
            ("https://h/V2", "https://h/V2/chat/completions"),
            ("https://h/video", "https://h/video/v1/chat/completions"),
            ("https://h/v", "https://h/v/v1/chat/completions"),
            ("https://h/v1x", "https://h/v1x/v1/chat/completions"),
            ("https://h/v1betax", "https://h/v1betax/v1/chat/completions"),
            ("https://v1", "https://v1/v1/chat/completions"),
            (
                "http://[::1]:11434",
                "http://[::1]:11434/v1/chat/completions",
            ),
            (
                "https://generativelanguage.googleapis.com/v1beta/openai",
                "https://generativelanguage.googleapis.com/v1beta/openai/chat/completions",
            ),
            (
                "https://api.groq.com/openai/v1",
                "https://api.groq.com/openai/v1/chat/completions",
            ),
            (
                "https://openrouter.ai/api/v1",
                "https://openrouter.ai/api/v1/chat/completions",
            ),
            (
                "https://open.bigmodel.cn/api/paas/v4",
                "https://open.bigmodel.cn/api/paas/v4/chat/completions",
            ),
            (
                "https://ark.cn-beijing.volces.com/api/v3",
                "https://ark.cn-beijing.volces.com/api/v3/chat/completions",
            ),
            (
                "https://dashscope.aliyuncs.com/compatible-mode/v1",
                "https://dashscope.aliyuncs.com/compatible-mode/v1/chat/completions",
            ),
        ];
        for (base, url) in table {
            let joined = BaseUrl::parse(base).unwrap();
            let joined = joined.join("/v1", "/chat/completions").unwrap();
            assert_eq!(joined.to_string(), url, "from {base}");
        }
    }

    #[test]
    fn joins_other_dialects_with_their_own_version_and_tail() {
        let gemini = BaseUrl::parse("https://h").unwrap();
        let url = gemini
            .join("/v1beta", "/models/m:streamGenerateContent?alt=sse")
            .unwrap();
        assert_eq!(
            url,
            "https://h/v1beta/models/m:streamGenerateContent?alt=sse"
        );
        let anthropic = BaseUrl::parse("https://api.anthropic.com/v1").unwrap();
        let url = anthropic.join("/v1", "/messages").unwrap();
        assert_eq!(url, "https://api.anthropic.com/v1/messages");
    }

    #[test]
    fn refuses_what_is_no_base() {
        let table = [
            "",
            "h",
            "/v1",
            "h/v1",
            "ftp://h/v1",
            "https://",
            "https:///v1",
            "https://:8080/v1",
            "https://h:/v1",
            "https://h:port/v1",
            "https://h:99999/v1",
            "https://user:secret@h/v1",
            "https://secret@h/v1",
            "https://@h/v1",
            "https://h/v1?key=secret",
            "https://h/v1#part",
            "https://h/x##",
            " https://h/v1",
            "https://h/v1\n",
            "https://h/v 1",
            "https://例子.中国/v1",
        ];
        for text in table {
            let error = BaseUrl::parse(text).expect_err(text);
            assert_eq!(error.kind(), ErrorKind::Unprocessable, "{text}");
            assert_eq!(error.param(), Some("server_url"), "{text}");
            assert!(!format!("{error:?}").contains("secret"), "{text}");
        }
        let error = BaseUrl::parse("https://secret@h").unwrap_err();
        assert!(error.to_string().contains("`server_key`"));
    }

    #[test]
    fn returns_host_and_text() {
        let table = [
            ("https://api.openai.com/v1", "api.openai.com"),
            ("http://127.0.0.1:11434", "127.0.0.1"),
            ("http://[::1]:8080/v1/", "[::1]"),
            ("HTTPS://H/x#", "H"),
        ];
        for (text, host) in table {
            let base = BaseUrl::parse(text).unwrap();
            assert_eq!(base.host(), host);
            assert_eq!(base.as_str(), text);
            assert_eq!(base.to_string(), text);
        }
    }

    #[test]
    fn refuses_a_tail_that_would_change_the_host() {
        let base = BaseUrl::parse("https://h").unwrap();
        assert!(base.join("", ".evil.example/").is_err());
        assert!(base.join("@evil", "/x").is_err());
        assert!(base.join("/v1", "/a b").is_err());
    }
}
