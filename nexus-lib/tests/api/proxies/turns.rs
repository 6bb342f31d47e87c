//! Several proxies are tried in turn, those that are up first.

use std::time::Duration;

use nexus_lib::testing::{DEADLINE, FakeProxy, FakeUpstream, ProxyConduct, refused_addr};
use serde_json::json;

use super::{NEVER, once, rig};
use crate::support::{PLAIN, Rig};

/// Registers an upstream behind `proxies`, in this order.
async fn behind(rig: &Rig, proxies: &[String]) -> FakeUpstream {
    let fields = json!({"proxy_url": proxies.join(",")});
    rig.add_upstream_with("Behind", fields, once()).await
}

async fn chat(rig: &Rig) {
    let response = rig.chat(PLAIN).await;
    assert_eq!(response.status, 200, "{}", response.body.text());
    assert_eq!(rig.row(&response).await["attempts"], 1);
}

#[tokio::test]
async fn the_first_that_gives_a_tunnel_wins() {
    use ProxyConduct as C;
    for scheme in ["http", "socks5", "socks5h"] {
        for conduct in [C::Refuse, C::Unreachable, C::Hang, C::Close, C::Babble] {
            let [first, second, third] = [
                FakeProxy::start().await,
                FakeProxy::start().await,
                FakeProxy::start().await,
            ];
            first.conduct(conduct);
            let rig = rig(NEVER).await;
            let dead = format!("{scheme}://{}", refused_addr().await);
            let proxies = [
                dead,
                first.url(scheme),
                second.url(scheme),
                third.url(scheme),
            ];
            let upstream = behind(&rig, &proxies).await;
            chat(&rig).await;
            assert_eq!(first.connections(), 1, "{scheme} {conduct:?}");
            assert_eq!((second.requests().len(), third.connections()), (1, 0));
            assert_eq!(upstream.connections(), 1);
        }
    }
}

#[tokio::test]
async fn one_that_failed_is_tried_last_until_it_is_up_again() {
    let (first, second) = (FakeProxy::start().await, FakeProxy::start().await);
    let rig = rig(NEVER).await;
    let _upstream = behind(&rig, &[first.url("http"), second.url("socks5h")]).await;
    first.conduct(ProxyConduct::Refuse);
    for round in 1..=3 {
        chat(&rig).await;
        assert_eq!(
            (first.requests().len(), second.requests().len()),
            (1, round)
        );
    }
    // Without a better one it is tried anyway, and found up.
    first.conduct(ProxyConduct::Serve);
    second.conduct(ProxyConduct::Close);
    chat(&rig).await;
    second.conduct(ProxyConduct::Serve);
    chat(&rig).await;
    assert_eq!((first.requests().len(), second.requests().len()), (3, 3));
}

#[tokio::test]
async fn one_that_cannot_reach_an_upstream_is_not_down_for_that() {
    for scheme in ["http", "socks5", "socks5h"] {
        let (first, second) = (FakeProxy::start().await, FakeProxy::start().await);
        first.conduct(ProxyConduct::Unreachable);
        let rig = rig(NEVER).await;
        let _upstream = behind(&rig, &[first.url(scheme), second.url(scheme)]).await;
        for round in 1..=2 {
            chat(&rig).await;
            assert_eq!(first.requests().len(), round, "{scheme}");
        }
    }
}

#[tokio::test]
async fn one_that_comes_back_is_found_by_the_checks() {
    for scheme in ["http", "socks5"] {
        let addr = refused_addr().await;
        let other = FakeProxy::start().await;
        let rig = rig(Duration::from_millis(10)).await;
        let first = format!("{scheme}://u:p@{addr}");
        let _upstream = behind(&rig, &[first, other.url(scheme)]).await;
        chat(&rig).await;
        assert_eq!(other.requests().len(), 1);

        let back = FakeProxy::start_at(addr).await.with_credentials("u", "p");
        let used = async {
            while back.requests().is_empty() {
                chat(&rig).await;
            }
        };
        tokio::time::timeout(DEADLINE, used)
            .await
            .expect("the proxy to be used again");
        // The checks found it: requests used the other proxy until then.
        assert!(back.connections() > back.requests().len());
    }
}

#[tokio::test]
async fn those_that_are_up_are_checked_too_without_a_request() {
    let (first, second) = (FakeProxy::start().await, FakeProxy::start().await);
    let rig = rig(Duration::from_millis(10)).await;
    let _upstream = behind(&rig, &[first.url("socks5"), second.url("http")]).await;
    chat(&rig).await;
    first.connected(3).await;
    second.connected(2).await;
    assert_eq!((first.requests().len(), second.requests().len()), (1, 0));
}
