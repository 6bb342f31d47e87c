use http::{HeaderMap, header};

/// The key that a request shows, in any of the three places where clients of this field put it:
/// `Authorization: Bearer`, `x-api-key` (Anthropic's) or `api-key` (Azure's).
pub(super) fn presented_key(headers: &HeaderMap) -> Option<&[u8]> {
    let bearer = headers.get(header::AUTHORIZATION).and_then(|value| {
        let (scheme, key) = value.as_bytes().split_at_checked(7)?;
        scheme
            .eq_ignore_ascii_case(b"bearer ")
            .then(|| key.trim_ascii())
    });
    bearer
        .or_else(|| headers.get("x-api-key").map(|value| value.as_bytes()))
        .or_else(|| headers.get("api-key").map(|value| value.as_bytes()))
        .filter(|key| !key.is_empty())
}

#[cfg(test)]
mod tests {
    use http::HeaderValue;

    use super::*;

    fn key(name: &'static str, value: &'static str) -> Option<Vec<u8>> {
        let headers = HeaderMap::from_iter([(
            header::HeaderName::from_static(name),
            HeaderValue::from_static(value),
        )]);
        presented_key(&headers).map(<[u8]>::to_vec)
    }

    #[test]
    fn keys_are_found_wherever_clients_put_them() {
        assert_eq!(key("authorization", "Bearer abc"), Some(b"abc".to_vec()));
        assert_eq!(key("authorization", "bearer  abc "), Some(b"abc".to_vec()));
        assert_eq!(key("x-api-key", "abc"), Some(b"abc".to_vec()));
        assert_eq!(key("api-key", "abc"), Some(b"abc".to_vec()));
    }

    #[test]
    fn what_is_no_key_is_none() {
        for value in ["", "Bearer", "Bearer ", "Basic abc", "abc"] {
            assert_eq!(key("authorization", value), None, "{value}");
        }
        assert_eq!(key("x-api-key", ""), None);
    }
}
