//! The protocols of proxies, and of upstreams behind them.

use nexus_lib::Transport;
use nexus_lib::testing::{FakeProxy, FakeUpstream, ProxyProtocol, openai};
use serde_json::json;

use super::{NEVER, asked, rig};
use crate::support::{HttpsUpstream, PLAIN, Rig, STREAM};

const SCHEMES: [(&str, ProxyProtocol); 3] = [
    ("http", ProxyProtocol::Http),
    ("socks5", ProxyProtocol::Socks5),
    ("socks5h", ProxyProtocol::Socks5),
];

#[tokio::test]
async fn answers_come_one_after_the_other_through_one_tunnel() {
    for (scheme, protocol) in SCHEMES {
        let proxy = FakeProxy::start().await;
        let rig = rig(NEVER).await;
        let fields = json!({"proxy_url": proxy.url(scheme)});
        let script = openai::server(&["hi"], 1, 1);
        let upstream = rig.add_upstream_with("Behind", fields, script).await;
        for body in [PLAIN, STREAM, PLAIN] {
            let response = rig.chat(body).await;
            assert_eq!(response.status, 200, "{scheme}: {}", response.body.text());
            assert_eq!(rig.row(&response).await["state"], "completed");
        }
        assert_eq!(proxy.requests(), [asked(protocol, upstream.addr())]);
        assert_eq!(upstream.connections(), 1, "{scheme}");
        // The upstream gets the same request as directly: nothing reveals the proxy.
        let direct = FakeUpstream::start(openai::server(&["hi"], 1, 1)).await;
        rig.admin(
            "PUT",
            "/providers/1",
            Some(json!({"name": "Behind", "server_url": direct.url()})),
        )
        .await;
        assert_eq!(rig.chat(PLAIN).await.status, 200);
        let (through, around) = (upstream.request(0).await, direct.request(0).await);
        assert_eq!(through.target, around.target);
        assert_eq!(through.header_names(), around.header_names());
    }
}

#[tokio::test]
async fn https_goes_through_the_tunnel_to_the_upstream_itself() {
    for (scheme, protocol) in SCHEMES {
        for (alpn, version) in [
            (&[&b"h2"[..], b"http/1.1"][..], "HTTP/2.0"),
            (&[], "HTTP/1.1"),
        ] {
            let upstream = HttpsUpstream::start(alpn).await;
            let proxy = FakeProxy::start().await;
            let transport = Transport::builder().tls_config(upstream.trust.clone());
            let rig = Rig::with(|builder| builder.transport(transport.build().unwrap())).await;
            let fields = json!({"proxy_url": proxy.url(scheme)});
            rig.add_provider_with("TLS", &upstream.url, fields).await;
            for _ in 0..2 {
                let response = rig.chat(PLAIN).await;
                assert_eq!(response.status, 200, "{scheme}: {}", response.body.text());
                let answer = response.body.json();
                assert_eq!(answer["choices"][0]["message"]["content"], version);
            }
            assert_eq!(upstream.connections(), 1, "{scheme} {version}");
            let port = upstream.url.rsplit(':').next().unwrap();
            let port = port.strip_suffix("/v1").unwrap();
            let requests = proxy.requests();
            let named = asked(protocol, format!("localhost:{port}"));
            match scheme {
                // Resolved here, to one or two addresses; the last one worked.
                "socks5" => {
                    let last = requests.last().unwrap();
                    assert_eq!(last.target, format!("127.0.0.1:{port}"));
                    assert!(!requests.contains(&named));
                }
                _ => assert_eq!(requests, [named]),
            }
        }
    }
}

#[tokio::test]
async fn names_are_resolved_where_the_scheme_says() {
    // No resolver accepts a label of more than 63 characters, so none is asked for this one.
    let host = format!("{}.example", "u".repeat(64));
    for (scheme, protocol) in SCHEMES {
        let upstream = FakeUpstream::start(openai::server(&["hi"], 1, 1)).await;
        let proxy = FakeProxy::start().await.leading_to(upstream.addr());
        let rig = rig(NEVER).await;
        let url = format!("http://{host}/v1");
        let fields = json!({"proxy_url": proxy.url(scheme)});
        rig.add_provider_with("Named", &url, fields).await;
        let response = rig.chat(PLAIN).await;
        if scheme == "socks5" {
            assert_eq!(response.status, 502, "{}", response.body.text());
            assert_eq!((proxy.connections(), upstream.connections()), (0, 0));
            continue;
        }
        assert_eq!(response.status, 200, "{scheme}: {}", response.body.text());
        assert_eq!(proxy.requests(), [asked(protocol, format!("{host}:80"))]);
    }
}

#[tokio::test]
async fn proxies_are_shown_their_credentials() {
    for (scheme, protocol) in SCHEMES {
        let proxy = FakeProxy::start().await;
        let proxy = proxy.with_credentials("us er", "p@ss:w,rd%密");
        let rig = rig(NEVER).await;
        let url = |credentials| format!("{scheme}://{credentials}@{}", proxy.addr());
        let right = url("us%20er:p%40ss:w%2Crd%25%E5%AF%86");
        let script = openai::server(&["hi"], 1, 1);
        let upstream = rig
            .add_upstream_with("Behind", json!({"proxy_url": right}), script)
            .await;
        let response = rig.chat(PLAIN).await;
        assert_eq!(response.status, 200, "{scheme}: {}", response.body.text());
        let mut request = asked(protocol, upstream.addr());
        request.credentials = Some(("us er".to_owned(), "p@ss:w,rd%密".to_owned()));
        assert_eq!(proxy.requests(), [request]);

        for wrong in [url("us%20er:wrong"), proxy.url(scheme)] {
            let provider = json!({
                "name": "Behind", "server_url": upstream.url(), "proxy_url": wrong,
            });
            let changed = rig.admin("PUT", "/providers/1", Some(provider)).await;
            assert_eq!(changed.status, 200);
            assert_eq!(rig.chat(PLAIN).await.status, 502, "{wrong}");
        }
        assert_eq!(upstream.connections(), 1, "{scheme}");
    }
}
