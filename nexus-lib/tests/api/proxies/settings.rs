//! Settings for proxies, and how they are displayed.

use nexus_lib::testing::{FakeProxy, FakeUpstream, RawRequest, openai};
use nexus_lib::wire::ProxyList;
use serde_json::json;

use super::{NEVER, rig};
use crate::support::{CHAT, KEY, PLAIN, Rig, SERVER_KEY, fields};

#[tokio::test]
async fn tunnels_and_direct_connections_are_kept_apart() {
    let rig = rig(NEVER).await;
    let upstream = FakeUpstream::start(openai::server(&["hi"], 1, 1)).await;
    let (one, two) = (FakeProxy::start().await, FakeProxy::start().await);
    let ways = [
        None,
        Some(one.url("http")),
        Some(one.url("socks5")),
        Some(two.url("http")),
    ];
    for (index, proxy_url) in ways.iter().enumerate() {
        let provider = json!({
            "name": "P", "server_url": upstream.url(), "server_key": SERVER_KEY,
            "personalized_key": format!("{KEY}-{index}"), "proxy_url": proxy_url,
        });
        let id = rig.create("/providers", provider).await;
        let model = json!({"provider_id": id, "model_name": "m"});
        rig.create("/provider_models", model).await;
    }
    for _ in 0..2 {
        for index in 0..ways.len() {
            let key = format!("{KEY}-{index}");
            let response = rig
                .ask(&RawRequest::post(CHAT).bearer(&key).body(PLAIN))
                .await;
            assert_eq!(response.status, 200, "{}", response.body.text());
        }
    }
    let requests = upstream.requests();
    let connections: Vec<_> = requests.iter().map(|request| request.connection).collect();
    assert_eq!(connections, [0, 1, 2, 3, 0, 1, 2, 3]);
    assert_eq!((one.connections(), two.connections()), (2, 1));
}

#[tokio::test]
async fn a_change_is_in_force_for_the_next_request() {
    let rig = rig(NEVER).await;
    let (one, two) = (FakeProxy::start().await, FakeProxy::start().await);
    let upstream = rig
        .add_upstream("P", 0, openai::server(&["hi"], 1, 1))
        .await;
    let counts = || (one.connections(), two.connections(), upstream.connections());
    assert_eq!(rig.chat(PLAIN).await.status, 200);
    assert_eq!(counts(), (0, 0, 1));
    for (proxy_url, after) in [
        (json!(one.url("http")), (1, 0, 2)),
        (json!(two.url("socks5")), (1, 1, 3)),
        // The existing tunnel is used again.
        (json!(one.url("http")), (1, 1, 3)),
        (json!(null), (1, 1, 3)),
        (json!(""), (1, 1, 3)),
    ] {
        let provider = json!({
            "name": "P", "server_url": upstream.url(), "proxy_url": proxy_url,
        });
        let changed = rig.admin("PUT", "/providers/1", Some(provider)).await;
        assert_eq!(changed.status, 200, "{}", changed.body.text());
        assert_eq!(rig.chat(PLAIN).await.status, 200);
        assert_eq!(counts(), after, "{proxy_url}");
    }
}

#[tokio::test]
async fn passwords_are_shown_masked_and_kept_when_they_are_sent_back_so() {
    let rig = rig(NEVER).await;
    let proxy = FakeProxy::start().await.with_credentials("user", "canary");
    let addr = proxy.addr();
    let real = format!("http://user:canary@{addr},socks5://p.example");
    let shown = format!("http://user:***@{addr},socks5://p.example:1080");
    let script = openai::server(&["hi"], 1, 1);
    let upstream = rig
        .add_upstream_with("P", json!({"proxy_url": real}), script)
        .await;

    let mut provider = rig.read("/providers/1").await;
    assert_eq!(provider["proxy_url"], shown.as_str());
    assert_eq!(rig.read("/providers").await["providers"][0], provider);
    assert!(fields(&provider).contains(&"proxy_url"));

    provider["description"] = json!("changed");
    let changed = rig
        .admin("PUT", "/providers/1", Some(provider.clone()))
        .await;
    assert_eq!(changed.status, 200, "{}", changed.body.text());
    assert_eq!(changed.body.json()["proxy_url"], shown.as_str());
    assert_eq!(rig.chat(PLAIN).await.status, 200);
    // One of them alone is recognised too, but not at another address.
    provider["proxy_url"] = json!(format!("http://user:***@{addr}"));
    let changed = rig
        .admin("PUT", "/providers/1", Some(provider.clone()))
        .await;
    assert_eq!(changed.status, 200, "{}", changed.body.text());
    assert_eq!(rig.chat(PLAIN).await.status, 200);
    provider["proxy_url"] = json!("http://user:***@p.example");
    let refused = rig.admin("PUT", "/providers/1", Some(provider)).await;
    assert_eq!(refused.status, 422, "{}", refused.body.text());
    assert_eq!(refused.body.json()["error"]["param"], "proxy_url");
    assert_eq!(upstream.connections(), 2);
    for request in proxy.requests() {
        assert_eq!(request.credentials.unwrap().1, "canary");
    }
}

#[tokio::test]
async fn models_named_like_grok_have_proxies_of_their_own() {
    let (pool, own) = (FakeProxy::start().await, FakeProxy::start().await);
    let list = ProxyList::parse(&pool.url("http")).unwrap();
    let rig = Rig::with(|builder| builder.grok_proxies(Some(list))).await;
    let upstream = FakeUpstream::start(openai::server(&["hi"], 1, 1)).await;
    let mut sent = Vec::new();
    for (index, (model, upstream_model, proxy_url, is_pooled)) in [
        ("grok-4", None, None, true),
        ("fast", Some("x-ai/Grok-4-fast"), None, true),
        ("GROK", None, None, true),
        ("grok-like", Some("llama"), None, false),
        ("not-grok", None, None, false),
        ("gro", None, None, false),
        ("grok-5", None, Some(own.url("socks5")), false),
    ]
    .into_iter()
    .enumerate()
    {
        let key = format!("{KEY}-{index}");
        let provider = json!({
            "name": "P", "server_url": upstream.url(), "server_key": "", "personalized_key": key,
            "proxy_url": proxy_url,
        });
        let provider_id = rig.create("/providers", provider).await;
        let body = json!({
            "provider_id": provider_id, "model_name": model, "upstream_model": upstream_model,
        });
        rig.create("/provider_models", body).await;
        let chat = json!({"model": model, "messages": [{"role": "user", "content": "hi"}]});
        let request = RawRequest::post(CHAT).bearer(&key).body(chat.to_string());
        let response = rig.ask(&request).await;
        assert_eq!(response.status, 200, "{}", response.body.text());
        let way = match (is_pooled, proxy_url.is_some()) {
            (true, _) => "pool",
            (_, true) => "own",
            _ => "direct",
        };
        if !sent.contains(&way) {
            sent.push(way);
        }
        let connection = upstream.request(index).await.connection;
        assert_eq!(sent[connection], way, "{model}");
    }
    assert_eq!((pool.connections(), own.connections()), (1, 1));
}
