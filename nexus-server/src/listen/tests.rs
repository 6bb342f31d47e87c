use std::pin::Pin;
use std::task::{Context, Poll};

use bytes::Bytes;
use futures_util::Stream;
use nexus_lib::Result;
use nexus_lib::testing::{DEADLINE, RawClient, RawRequest};
use tokio::sync::oneshot;

use super::*;

/// An endless stream that reports when it is dropped.
struct Endless(#[allow(dead_code, reason = "reports its drop")] oneshot::Sender<()>);

impl Stream for Endless {
    type Item = Result<Bytes>;

    fn poll_next(self: Pin<&mut Self>, _: &mut Context<'_>) -> Poll<Option<Result<Bytes>>> {
        Poll::Ready(Some(Ok(Bytes::from_static(&[b'x'; 64 * 1024]))))
    }
}

#[tokio::test]
async fn client_that_takes_nothing_is_let_go_and_its_answer_dropped() {
    let (dropped, mut drops) = tokio::sync::mpsc::channel(1);
    let service = tower::service_fn(move |_: Request<Incoming>| {
        let (signal, drop) = oneshot::channel();
        let sent = dropped.try_send(drop);
        async move {
            sent.unwrap();
            Ok(Response::new(Body::stream(Box::pin(Endless(signal)))))
        }
    });
    let port = Port::bind("test", "127.0.0.1:0".parse().unwrap()).await;
    let port = port.unwrap();
    let addr = port.addr().unwrap();
    let limits = Limits {
        write_stall: Duration::from_millis(200),
        ..Limits::connections(8)
    };
    let (phase, watched) = watch::channel(Phase::Serving);
    let serving = tokio::spawn(port.serve(service, limits, watched));

    let mut client = RawClient::connect(addr).await;
    client.send(&RawRequest::get("/").to_bytes()).await;
    assert_eq!(client.head().await.status, 200);
    let answer = drops.recv().await.unwrap();
    let dropped = tokio::time::timeout(DEADLINE, answer).await;
    assert!(dropped.expect("the answer to be dropped").is_err());
    // What was sent before can still be read; then the end follows.
    client.closed().await;
    phase.send_replace(Phase::Cutting);
    serving.await.unwrap();
}
