//! More clients than file descriptors.

use std::process::Command;

use nexus_lib::testing::{Answer, DEADLINE, FakeUpstream, Gate, RawClient, RawRequest, openai};

use crate::server::{Home, Server, chat};

/// Limits the server's open files from now on.
fn limit_files(server: &Server, files: usize) {
    let pid = server.pid().to_string();
    let limit = format!("--nofile={files}:{files}");
    let set = Command::new("prlimit")
        .args(["--pid", &pid, &limit])
        .status();
    assert!(set.unwrap().success());
}

fn open_files(server: &Server) -> usize {
    let files = std::fs::read_dir(format!("/proc/{}/fd", server.pid()));
    files.unwrap().count()
}

async fn crowd(server: &Server, clients: usize) -> Vec<RawClient> {
    let mut crowd = Vec::new();
    for _ in 0..clients {
        crowd.push(RawClient::connect(server.api).await);
    }
    crowd
}

#[tokio::test]
async fn server_without_descriptors_goes_on_with_what_it_has() {
    let (home, gate) = (Home::new(), Gate::new());
    let first = openai::delta_event("Hello");
    let (usage, done) = (openai::usage_event(3, 1), openai::DONE);
    let answer = Answer::events(&[&first]).pause(&gate).sse(&[&usage, done]);
    let upstream = FakeUpstream::start(answer.end()).await;
    let server = home.start(&[], &[]);
    server.register(&upstream.url(), "", "key", "m").await;
    let mut client = RawClient::connect(server.api).await;
    client.send(&chat("key", "m", "hi", true).to_bytes()).await;
    assert_eq!(client.head().await.status, 200);

    limit_files(&server, open_files(&server) + 4);
    let crowd = crowd(&server, 40).await;
    let logged = async {
        while !home.stderr().contains("connections cannot be accepted") {
            tokio::task::yield_now().await;
        }
    };
    tokio::time::timeout(DEADLINE, logged).await.unwrap();
    gate.open();
    assert!(client.body().await.text().contains("[DONE]"));
    // The next request on that connection too, over the existing upstream connection.
    client.send(&chat("key", "m", "hi", true).to_bytes()).await;
    assert_eq!(client.head().await.status, 200);
    assert!(client.body().await.text().contains("[DONE]"));

    drop(crowd);
    let health = server.api(&RawRequest::get("/healthz")).await;
    assert_eq!(health.head.status, 200);
    server.stop().await;
}

#[tokio::test]
async fn clients_beyond_the_limit_wait_until_others_leave() {
    let home = Home::new();
    // Seven sixteenths of them are for clients of the LLM port.
    let server = home.start_limited(128, &["--demo"]);
    let mut first = RawClient::connect(server.api).await;
    let mut crowd = crowd(&server, 60).await;
    let mut last = RawClient::connect(server.api).await;
    let chat = chat("demo-key", "nexus-echo", "hi", false).to_bytes();
    last.send(&chat).await;
    for _ in 0..3 {
        first.send(&chat).await;
        assert_eq!(first.response().await.head.status, 200);
        let admin = server.admin(&RawRequest::get("/healthz")).await;
        assert_eq!(admin.head.status, 200);
    }
    assert!(open_files(&server) < 128);
    let rows = server.admin_json("/stats/requests").await;
    assert_eq!(rows["requests"].as_array().unwrap().len(), 3, "{rows}");
    crowd.truncate(20);
    assert_eq!(last.response().await.head.status, 200);
}
