//! Base URLs, proxy URLs, the answers of a SOCKS proxy, and form bodies.
#![no_main]

use bytes::Bytes;
use http::Uri;
use libfuzzer_sys::fuzz_target;
use nexus_lib::fuzzing;
use nexus_lib::wire::{BaseUrl, Endpoint, Operation, ProxyList, ProxyUrl, RequestScan};

fuzz_target!(|input: &[u8]| {
    let [which, piece, input @ ..] = input else {
        return;
    };
    match which % 4 {
        0 => base_url(input),
        1 => proxies(input),
        2 => socks(input, usize::from(*piece) % 8 + 1),
        _ => form(input, *piece),
    }
});

fn base_url(input: &[u8]) {
    let Ok(text) = std::str::from_utf8(input) else {
        return;
    };
    let Ok(base) = BaseUrl::parse(text) else {
        return;
    };
    assert_eq!(base.as_str(), text);
    assert!(!base.host().is_empty(), "a host is needed");
    let uri: Uri = text
        .trim_end_matches('#')
        .parse()
        .expect("a base URL is a URL");
    assert_eq!(uri.host(), Some(base.host()), "the host is another one");
    assert!(
        !uri.authority()
            .is_some_and(|authority| authority.as_str().contains('@'))
    );
    if let Ok(joined) = base.join("/v1", "/chat/completions") {
        assert_eq!(
            joined.host(),
            Some(base.host()),
            "what is joined leads elsewhere"
        );
        assert_eq!(joined.authority(), uri.authority());
        assert_eq!(joined.scheme(), uri.scheme());
        let endpoint = Endpoint::new(joined).expect("what is joined is complete");
        assert!(!endpoint.host().as_bytes().contains(&b'\n'));
    }
}

fn proxies(input: &[u8]) {
    use secrecy::ExposeSecret;
    let Ok(text) = std::str::from_utf8(input) else {
        return;
    };
    let Ok(list) = ProxyList::parse(text) else {
        return;
    };
    assert!((1..=16).contains(&list.iter().count()));
    let exposed = list.expose();
    let again = ProxyList::parse(exposed.expose_secret()).expect("what is exposed is read back");
    assert_eq!(again, list, "it comes back as another one");
    list.iter().for_each(masked);
    let shown = list.to_string();
    assert_eq!(ProxyList::parse_shown(&shown, Some(&list)).ok(), Some(list));
}

/// With another secret in place of the mask, it is the same proxy but for the secret.
fn masked(proxy: &ProxyUrl) {
    let shown = proxy.to_string();
    let Some((user, password)) = proxy.expose_credentials() else {
        assert!(!shown.contains('@'), "credentials from nowhere");
        return;
    };
    let (before, after) = shown.rsplit_once("***@").expect("a secret is masked");
    let other = format!("{before}new@{after}");
    // The mask is longer than the shortest passwords.
    if other.len() > 2000 {
        return;
    }
    let other = ProxyUrl::parse(&other).expect("what is shown has the form of a proxy");
    let expected = match before.ends_with(':') {
        true => (user, "new"),
        false => {
            assert!(password.is_empty(), "the user is masked, not the password");
            ("new", "")
        }
    };
    assert_eq!(other.expose_credentials(), Some(expected), "shown: {shown}");
    assert_eq!(other.address(), proxy.address());
}

fn socks(input: &[u8], piece: usize) {
    for url in ["socks5h://a.example", "socks5://user:pass@a.example:1"] {
        let proxy = ProxyUrl::parse(url).expect("it is a URL");
        for name in ["b.example", "192.0.2.1", "2001:db8::1"] {
            let whole = fuzzing::socks5(input, usize::MAX, &proxy, name, 443);
            let cut = fuzzing::socks5(input, piece, &proxy, name, 443);
            assert_eq!(whole, cut, "the tunnel depends on the pieces");
            if whole.is_open {
                // The greeting, its confirmation, and the answer, whose length depends on its
                // address.
                let greeting = match input.get(1) {
                    Some(2) => 4,
                    _ => 2,
                };
                let address = match input[greeting + 3] {
                    1 => 4,
                    4 => 16,
                    _ => 1 + usize::from(input[greeting + 4]),
                };
                assert_eq!(
                    whole.read,
                    greeting + 4 + address + 2,
                    "bytes of the upstream were read"
                );
            }
        }
    }
}

fn form(input: &[u8], seed: u8) {
    let (content_type, body) = match seed % 2 {
        0 => (&b"multipart/form-data; boundary=b"[..], input),
        _ => match memchr::memchr(b'\n', input) {
            Some(at) => (&input[..at], &input[at + 1..]),
            None => return,
        },
    };
    let Ok(scan) = RequestScan::for_operation(Operation::Transcription, body, Some(content_type))
    else {
        return;
    };
    let body = Bytes::copy_from_slice(body);
    assert_eq!(scan.splice(&body, None, true), body);
    let name = "another-model";
    let spliced = scan.splice(&body, Some(name), true);
    if &*scan.model != name {
        assert_eq!(spliced.len() + scan.model.len(), body.len() + name.len());
        let at = (0..=body.len()).rfind(|&at| {
            spliced.starts_with(&body[..at])
                && body[at..].starts_with(scan.model.as_bytes())
                && spliced[at..].starts_with(name.as_bytes())
                && spliced[at + name.len()..] == body[at + scan.model.len()..]
        });
        assert!(at.is_some(), "a splice changes other bytes");
    }
    let again = RequestScan::for_operation(Operation::Transcription, &spliced, Some(content_type));
    let again = again.expect("a splice keeps it a form");
    assert_eq!((&*again.model, again.stream), (name, scan.stream));
}
