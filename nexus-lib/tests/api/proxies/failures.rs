//! A failure of the proxy fails the call: the proxy is never bypassed.

use std::time::Duration;

use nexus_lib::testing::{FakeProxy, ProxyConduct, openai, refused_addr};
use nexus_lib::{Timeouts, Transport};
use serde_json::json;

use super::{NEVER, rig};
use crate::support::{PLAIN, Rig, STREAM, assert_error};

#[tokio::test]
async fn a_provider_whose_proxies_all_fail_is_not_reached_around_them() {
    use ProxyConduct as C;
    for scheme in ["http", "socks5", "socks5h"] {
        for conduct in [C::Refuse, C::Unreachable, C::Hang, C::Close, C::Babble] {
            let proxy = FakeProxy::start().await;
            proxy.conduct(conduct);
            let dead = format!("{scheme}://{}", refused_addr().await);
            let rig = rig(NEVER).await;
            let fields = json!({"proxy_url": format!("{dead},{}", proxy.url(scheme))});
            let script = openai::server(&["hi"], 1, 1);
            let upstream = rig.add_upstream_with("Behind", fields, script).await;

            for body in [PLAIN, STREAM] {
                let response = rig.chat(body).await;
                assert_eq!(response.status, 502, "{}", response.body.text());
                let told = response.body.json();
                assert_error(&told, "upstream_error", "upstream_unreachable");
                let message = told["error"]["message"].as_str().unwrap();
                assert!(message.contains("through its proxy"), "{message}");
                assert!(!message.contains("127.0.0.1"), "{message}");
                let row = rig.row(&response).await;
                assert_eq!(
                    (&row["state"], &row["status"]),
                    (&json!("failed"), &json!(502))
                );
                assert!(!row.to_string().contains("127.0.0.1"), "{row}");
            }
            assert!(proxy.connections() > 0, "{scheme} {conduct:?}");
            assert_eq!(upstream.connections(), 0, "{scheme} {conduct:?}");
        }
    }
}

#[tokio::test]
async fn a_proxy_that_takes_too_long_for_the_client_is_504() {
    let proxy = FakeProxy::start().await;
    proxy.conduct(ProxyConduct::Hang);
    let timeouts = Timeouts::default()
        .connect(Duration::from_secs(60))
        .first_event(Duration::from_millis(200));
    let rig = Rig::with_timeouts(timeouts).await;
    let fields = json!({"proxy_url": proxy.url("http")});
    let upstream = rig
        .add_upstream_with("Behind", fields, openai::server(&["hi"], 1, 1))
        .await;
    let response = rig.chat(PLAIN).await;
    assert_eq!(response.status, 504, "{}", response.body.text());
    let told = response.body.json();
    assert_error(&told, "upstream_error", "upstream_timeout");
    let message = told["error"]["message"].as_str().unwrap();
    assert!(message.contains("through its proxy"), "{message}");
    assert_eq!(upstream.connections(), 0);
}

#[tokio::test]
async fn another_provider_answers_for_one_whose_proxy_is_dead() {
    let rig = Rig::with(|builder| builder.transport(Transport::builder().build().unwrap())).await;
    let dead = format!("socks5h://{}", refused_addr().await);
    let script = openai::server(&["hi"], 1, 1);
    let behind = rig
        .add_upstream_with("Behind", json!({"proxy_url": dead}), script.clone())
        .await;
    let other = rig.add_upstream("Other", 1, script).await;
    let response = rig.chat(PLAIN).await;
    assert_eq!(response.status, 200, "{}", response.body.text());
    assert_eq!((behind.connections(), other.connections()), (0, 1));
    let row = rig.row(&response).await;
    assert_eq!(
        (&row["attempts"], &row["provider"]),
        (&json!(2), &json!("Other"))
    );
}
