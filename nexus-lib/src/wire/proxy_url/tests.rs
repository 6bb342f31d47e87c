use proptest::prelude::*;
use secrecy::ExposeSecret;

use super::{ProxyList, ProxyScheme, ProxyUrl};
use crate::error::ErrorKind;

fn shown(text: &str) -> String {
    ProxyUrl::parse(text).expect(text).to_string()
}

#[test]
fn reads_what_is_a_proxy() {
    for (text, read) in [
        ("http://proxy.example:3128", "http://proxy.example:3128"),
        ("HTTP://Proxy.Example", "http://proxy.example:80"),
        ("http://p/", "http://p:80"),
        ("socks5://p", "socks5://p:1080"),
        ("socks5h://10.0.0.1:9", "socks5h://10.0.0.1:9"),
        ("socks5h://[::1]", "socks5h://[::1]:1080"),
        ("http://[2001:DB8::1]:3128/", "http://[2001:db8::1]:3128"),
        ("http://u:secret@p:1", "http://u:***@p:1"),
        ("http://u:@p:1", "http://u:***@p:1"),
        ("http://token@p:1", "http://***@p:1"),
        ("http://a%40b:x@p", "http://a%40b:***@p:80"),
        ("socks5://u:p@ss@p", "socks5://u:***@p:1080"),
    ] {
        assert_eq!(shown(text), read, "{text}");
    }
    let proxy = ProxyUrl::parse("http://a%40b:%E5%AF%86:%2C@p").unwrap();
    assert_eq!(proxy.expose_credentials(), Some(("a@b", "密:,")));
    assert_eq!(proxy.scheme(), ProxyScheme::Http);
    assert_eq!(proxy.address(), "http://p:80");
    assert_eq!(
        ProxyUrl::parse("http://p").unwrap().expose_credentials(),
        None
    );
}

#[test]
fn refuses_the_rest_without_repeating_credentials() {
    let long = "secret".repeat(400);
    for text in [
        "",
        "p",
        "p:3128",
        "secret:secret@p:3128",
        "//p",
        "https://u:secret@p",
        "socks4://u:secret@p",
        "u:secret@http://p",
        "http://",
        "http:///",
        "http://:3128",
        "http://u:secret@",
        "http://u:secret@:1",
        "http://u:secret@p:",
        "http://u:secret@p:0",
        "http://u:secret@p:65536",
        "http://u:secret@p:port",
        "http://u:secret@p/x",
        "http://u:secret@p//",
        "http://u:sec/ret@p",
        "http://u:secret@p?x",
        "http://u:secret@p#x",
        "http://u:secret%@p",
        "http://u:secret%+1@p",
        "http://u:secret%ff@p",
        "http://u:secret%0a@p",
        "http://u%3a:secret@p",
        "http://u:secret@p p",
        "http://u:secret密@p",
        "http://u:secret@[::1",
        "http://u:secret@[secret]",
        "http://u:secret@::1",
        "http://u:secret@p!",
        "http://u:secret@p%20p",
        "socks5://:secret@p",
        "socks5://secret@p",
        "socks5://secret:@p",
        &format!("socks5://u:{}@p", &long[..256]),
        &format!("http://u:{long}@p"),
    ] {
        let error = ProxyUrl::parse(text).expect_err(text);
        assert_eq!(error.kind(), ErrorKind::Unprocessable, "{text}");
        assert_eq!(error.param(), Some("proxy_url"), "{text}");
        let shown = format!("{error} {error:?} {}", error.report());
        assert!(!shown.contains("secret"), "{text}: {shown}");
    }
    let error = ProxyUrl::parse("socks4://p").unwrap_err();
    assert!(error.to_string().contains("`socks4`"), "{error}");
}

#[test]
fn a_list_has_one_to_sixteen_proxies() {
    let list = ProxyList::parse(" http://a:1 ,socks5://u:secret@b, http://a:1").unwrap();
    assert_eq!(
        list.to_string(),
        "http://a:1,socks5://u:***@b:1080,http://a:1"
    );
    assert!(!format!("{list:?}").contains("secret"));
    let most = vec!["http://a:1"; ProxyList::MAX];
    assert_eq!(
        ProxyList::parse(&most.join(",")).unwrap().iter().count(),
        16
    );
    let many = vec!["http://a:1"; ProxyList::MAX + 1];
    for text in [
        "",
        " ",
        ",",
        "http://a:1,",
        ",http://a:1",
        "http://a:1,b",
        &many.join(","),
    ] {
        let error = ProxyList::parse(text).expect_err(text);
        assert_eq!(error.param(), Some("proxy_url"), "{text}");
    }
}

#[test]
fn a_masked_secret_stands_for_the_one_that_is_there() {
    let present = ProxyList::parse("http://u:one@a:1,http://u:two@b:1,http://three@c:1").unwrap();
    let same = |text: &str| ProxyList::parse_shown(text, Some(&present));
    assert_eq!(same(&present.to_string()).unwrap(), present);
    assert_eq!(
        same("http://***@c:1,http://u:new@d:1,http://u:***@b:1").unwrap(),
        ProxyList::parse("http://three@c:1,http://u:new@d:1,http://u:two@b:1").unwrap()
    );
    // Not for another place, another user, or another protocol.
    for text in [
        "http://u:***@d:1",
        "http://u:***@a:2",
        "http://v:***@a:1",
        "socks5://u:***@a:1",
        "http://***@a:1",
    ] {
        let error = same(text).expect_err(text);
        assert_eq!(error.param(), Some("proxy_url"), "{text}");
    }
    assert!(ProxyList::parse("http://u:***@a:1").is_err());
    let alike = ProxyList::parse("http://u:one@a:1,http://u:two@a:1").unwrap();
    let kept = ProxyList::parse_shown(&alike.to_string(), Some(&alike));
    assert_eq!(kept.unwrap(), alike);
}

#[test]
fn those_that_differ_in_a_secret_alone_are_not_the_same() {
    let parsed = |text| ProxyUrl::parse(text).unwrap();
    assert_eq!(parsed("http://u:a@p"), parsed("HTTP://u:%61@P:80/"));
    for other in [
        "http://u:b@p",
        "http://u@p",
        "http://p",
        "http://u:a@p:81",
        "http://u:a@q",
    ] {
        assert_ne!(parsed("http://u:a@p"), parsed(other), "{other}");
    }
    assert_ne!(parsed("http://u:@p"), parsed("http://u@p"));
}

fn proxy() -> impl Strategy<Value = (String, Option<(String, String)>)> {
    let credentials = prop::option::of(("[^:\\p{Cc}*]{1,20}", "[^\\p{Cc}*]{1,20}"));
    ("(http|socks5|socks5h)", credentials)
}

#[test]
fn what_is_too_long_once_written_out_is_refused() {
    // Three characters each when percent-encoded.
    let odd = "`".repeat(600);
    let list = ProxyList::parse(&format!("http://{odd}:x@p.example")).unwrap();
    assert_eq!(
        ProxyList::parse(list.expose().expose_secret()).unwrap(),
        list
    );
    let odd = "`".repeat(700);
    let error = ProxyList::parse(&format!("http://{odd}:x@p.example")).unwrap_err();
    assert!(
        error.to_string().contains("at most 2048 characters"),
        "{error}"
    );
}

proptest! {
    #[test]
    fn credentials_come_back_as_they_were_written(
        proxies in prop::collection::vec(proxy(), 1..16),
    ) {
        let text = proxies.iter().map(|(scheme, credentials)| {
            let mut url = format!("{scheme}://");
            if let Some((user, password)) = credentials {
                super::percent::encode(user, &mut url);
                url.push(':');
                super::percent::encode(password, &mut url);
                url.push('@');
            }
            url + "p.example:9"
        });
        let list = ProxyList::parse(&text.collect::<Vec<_>>().join(",")).unwrap();
        let read = list.iter().map(|proxy| {
            let (user, password) = proxy.expose_credentials()?;
            Some((user.to_owned(), password.to_owned()))
        });
        let written = proxies.iter().map(|(_, credentials)| credentials.clone());
        prop_assert!(read.eq(written));
        prop_assert_eq!(&ProxyList::parse(list.expose().expose_secret()).unwrap(), &list);
        prop_assert_eq!(ProxyList::parse_shown(&list.to_string(), Some(&list)).unwrap(), list);
    }

    #[test]
    fn any_text_is_read_or_refused(text in any::<String>(), tail in "[!-~]{0,40}") {
        for text in [text, format!("http://{tail}"), format!("socks5://{tail}")] {
            if let Ok(list) = ProxyList::parse(&text) {
                prop_assert_eq!(ProxyList::parse(list.expose().expose_secret()).unwrap(), list);
            }
        }
    }
}
