//! Each attempt is recorded on the call's row, with its outcome.

use nexus_lib::archive::Archive;
use nexus_lib::testing::{Answer, RawHead, Script, openai};
use nexus_lib::wire::Timestamp;
use nexus_lib::{ChatRequest, ErrorKind, Timeouts, Transport};
use serde_json::{Value, json};
use tempfile::TempDir;
use tokio::io::AsyncWriteExt;
use tokio::net::TcpListener;
use tokio::task::JoinSet;

use crate::support::{HttpsUpstream, KEY, MODEL, PLAIN, Rig, SERVER_KEY, STREAM, short};

fn refusal(status: u16) -> Answer {
    Answer::json(status, r#"{"error":{"message":"too many of them"}}"#)
}

fn good() -> Answer {
    Answer::json(200, openai::completion("ok", 1, 1).to_string())
}

/// The detailed row of an answered request.
async fn record(rig: &Rig, head: &RawHead) -> Value {
    let id = head.header("x-request-id").expect("an x-request-id");
    let mut record = rig.read(&format!("/stats/requests/{id}")).await;
    let now = record.as_object_mut().unwrap().remove("now");
    assert!(now.is_some());
    record
}

/// A server that sends something at once which is not TLS.
async fn no_tls() -> (String, JoinSet<()>) {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let url = format!("https://{}/v1", listener.local_addr().unwrap());
    let mut servers = JoinSet::new();
    servers.spawn(async move {
        while let Ok((mut stream, _)) = listener.accept().await {
            let _ = stream.write_all(b"HTTP/1.1 400 Bad Request\r\n\r\n").await;
        }
    });
    (url, servers)
}

/// One field of each attempt.
fn each(record: &Value, field: &str) -> Vec<Value> {
    let tries = record["tries"].as_array().expect("tries");
    tries.iter().map(|one| one[field].clone()).collect()
}

/// The causes of a call that no provider answered, one per attempt; the row has the last of them.
fn causes(record: &Value) -> Vec<String> {
    let cause = |error: &Value| {
        let error = error.as_str().unwrap_or_default();
        let (_, cause) = error.split_once("(cause: ").unwrap_or_default();
        cause.trim_end_matches(')').to_owned()
    };
    let causes: Vec<_> = each(record, "error").iter().map(cause).collect();
    assert_eq!(causes.last(), Some(&cause(&record["error"])), "{record}");
    causes
}

#[tokio::test]
async fn the_status_of_a_provider_that_refuses_our_key_is_kept() {
    for status in [401, 403] {
        let (rig, upstream) = Rig::over(refusal(status)).await;
        let response = rig.chat(PLAIN).await;
        assert_eq!(response.status, 502);
        let record = record(&rig, &response).await;
        let seen = [&record["status"], &record["upstream_status"]];
        assert_eq!(seen, [&json!(502), &json!(status)], "{record}");
        assert_eq!(record["attempts"], 1);
        assert_eq!(each(&record, "status"), [json!(status)]);
        let error = record["tries"][0]["error"].as_str().unwrap();
        assert!(error.starts_with("upstream_auth_failed: "), "{error}");
        assert!(!record.to_string().contains(SERVER_KEY));
        assert_eq!(upstream.requests().len(), 1);
    }
}

#[tokio::test]
async fn a_plain_call_is_one_try() {
    let (rig, _upstream) = Rig::over(openai::server(&["ok"], 1, 1)).await;
    for body in [PLAIN, STREAM] {
        let response = rig.chat(body).await;
        let record = record(&rig, &response).await;
        let row = rig.row(&response).await;
        for (name, value) in row.as_object().unwrap() {
            assert_eq!(&record[name], value, "{name}");
        }
        assert_eq!(record["upstream_status"], 200);
        let expected = json!([{
            "provider_id": row["provider_id"], "provider": "Fake", "status": 200, "error": null,
            "started_at": row["started_at"], "duration_ms": row["duration_ms"],
        }]);
        assert_eq!(record["tries"], expected);
        assert_eq!(record["messages"], json!([]));
    }
}

#[tokio::test]
async fn failover_and_retries_are_tries_of_their_own_in_order() {
    let rig = Rig::start().await;
    let _first = rig.add_upstream("First", 0, refusal(503)).await;
    let script = Script::each([refusal(429), good()]);
    let _second = rig.add_upstream("Second", 1, script).await;
    let response = rig.chat(PLAIN).await;
    assert_eq!(response.status, 200);
    let before = record(&rig, &response).await;
    assert_eq!(each(&before, "provider"), ["First", "Second", "Second"]);
    assert_eq!(each(&before, "provider_id"), [1, 2, 2]);
    assert_eq!(each(&before, "status"), [503, 429, 200]);
    let words = json!("too many of them");
    assert_eq!(each(&before, "error"), [words.clone(), words, Value::Null]);
    let seen = json!([
        before["status"],
        before["upstream_status"],
        before["attempts"]
    ]);
    assert_eq!(seen, json!([200, 200, 3]));

    let time = |value: &Value| value.as_str().unwrap().parse::<Timestamp>().unwrap();
    let starts: Vec<_> = each(&before, "started_at").iter().map(time).collect();
    assert!(starts.is_sorted() && starts[0] == time(&before["started_at"]));
    let durations = each(&before, "duration_ms");
    let sum: u64 = durations.iter().map(|one| one.as_u64().unwrap()).sum();
    assert!(sum <= before["duration_ms"].as_u64().unwrap(), "{before}");

    // It is on the ledger, not only in memory.
    let rig = rig.restarted().await;
    assert_eq!(record(&rig, &response).await, before);
}

#[tokio::test]
async fn the_status_is_of_the_provider_whose_answer_the_client_got() {
    let rig = Rig::start().await;
    let _first = rig.add_upstream("First", 0, refusal(503)).await;
    let _second = rig.add_upstream("Second", 1, refusal(401)).await;
    let response = rig.chat(PLAIN).await;
    assert_eq!(response.status, 503);
    let record = record(&rig, &response).await;
    assert_eq!(record["provider"], "First");
    let seen = [&record["status"], &record["upstream_status"]];
    assert_eq!(seen, [&json!(503), &json!(503)]);
    assert_eq!(each(&record, "status"), [503, 401]);
}

#[tokio::test]
async fn why_a_provider_was_not_reached_is_on_the_row() {
    let silent = Answer::new().hang();
    let free = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let refused = format!("http://{}/v1", free.local_addr().unwrap());
    drop(free);
    let tls = HttpsUpstream::start(&[b"http/1.1"]).await;
    let (not_tls, _servers) = no_tls().await;
    let cases = [
        (
            "http://no-such-host.invalid/v1".to_owned(),
            "the host name cannot be resolved (DNS",
        ),
        (refused, "connection refused"),
        (
            tls.url.clone(),
            "TLS: the certificate's issuer is not trusted",
        ),
        (not_tls, "the server does not speak TLS"),
    ];
    for (url, cause) in cases {
        let rig = Rig::with_timeouts(Timeouts::default()).await;
        rig.add_provider("Fake", &url, 0).await;
        let response = rig.chat(PLAIN).await;
        assert_eq!(response.status, 502, "{url}");
        let record = record(&rig, &response).await;
        // Two retries within the one provider.
        assert_eq!(causes(&record), [cause; 3], "{record}");
        assert_eq!(record["upstream_status"], Value::Null);
        assert_eq!(
            each(&record, "status"),
            [Value::Null, Value::Null, Value::Null]
        );
        let text = record.to_string();
        assert!(
            !text.contains("invalid/") && !text.contains("127.0.0.1"),
            "{text}"
        );
        assert!(
            !text.contains("no-such-host") && !text.contains("localhost"),
            "{text}"
        );
    }
    let answers = [
        (
            Answer::new().cut(),
            502,
            3,
            "connection closed before the answer started",
        ),
        (
            Answer::new().bytes("SSH-2.0-OpenSSH\r\n\r\n").cut(),
            502,
            3,
            "the server does not speak valid HTTP",
        ),
        (silent, 504, 1, "first event timeout"),
    ];
    for (answer, status, tries, cause) in answers {
        let transport = Transport::builder().timeouts(short()).build().unwrap();
        let rig = Rig::with(|builder| builder.transport(transport)).await;
        let _upstream = rig.add_upstream("Fake", 0, answer).await;
        let response = rig.chat(PLAIN).await;
        assert_eq!(response.status, status);
        let record = record(&rig, &response).await;
        assert_eq!(causes(&record), vec![cause; tries], "{record}");
    }
}

#[tokio::test]
async fn a_stream_that_breaks_has_the_providers_status_and_the_cause() {
    let events = openai::stream_events(&["a", "b"], None);
    let first = [events[0].as_str(), events[1].as_str()];
    for (answer, cause) in [
        (
            Answer::events(&first).cut(),
            "connection closed before the answer ended",
        ),
        (Answer::events(&first).hang(), "idle timeout"),
    ] {
        let rig = Rig::with_timeouts(short()).await;
        let _upstream = rig.add_upstream("Fake", 0, answer).await;
        let response = rig.chat(STREAM).await;
        let record = record(&rig, &response).await;
        let seen = json!([record["state"], record["status"], record["upstream_status"]]);
        assert_eq!(seen, json!(["failed", 200, 200]));
        assert_eq!(causes(&record), [cause]);
        assert_eq!(each(&record, "status"), [200]);
    }
}

#[tokio::test]
async fn open_and_cancelled_calls_show_their_known_attempts() {
    let (rig, upstream) = Rig::over(Answer::new().hang()).await;
    let waiting = rig.send(&crate::support::chat(PLAIN)).await;
    upstream.request(0).await;
    // The row appears a few milliseconds later.
    let id = loop {
        if let [row] = rig.rows().await.as_slice() {
            break row["request_id"].clone();
        }
    };
    let route = format!("/stats/requests/{}", id.as_str().unwrap());
    let open = rig.read(&route).await;
    assert_eq!(
        (&open["state"], &open["tries"]),
        (&json!("open"), &json!([]))
    );
    drop(waiting);
    let row = rig.settled().await;
    let record = rig.read(&route).await;
    assert_eq!(row["state"], "cancelled");
    let seen = json!([
        record["status"],
        record["upstream_status"],
        record["tries"][0]["status"]
    ]);
    assert_eq!(seen, json!([null, null, null]));
    for nothing in ["00000000-0000-7000-8000-000000000000", "x", "%00"] {
        let route = format!("/stats/requests/{nothing}");
        let response = rig.admin("GET", &route, None).await;
        assert_eq!(response.status, 404, "{nothing}");
    }
}

#[tokio::test]
async fn a_call_in_process_has_its_tries_too() {
    let (rig, _upstream) = Rig::over(refusal(401)).await;
    let request = ChatRequest::new(MODEL).user("hi").key(KEY);
    let error = rig.gateway.chat(request).await.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::UpstreamAuth);
    assert_eq!(
        error.upstream_status().map(|status| status.as_u16()),
        Some(401)
    );
    let id = rig.settled().await["request_id"].clone();
    let record = rig
        .read(&format!("/stats/requests/{}", id.as_str().unwrap()))
        .await;
    assert_eq!(record["upstream_status"], 401);
    assert_eq!(each(&record, "status"), [401]);
}

#[tokio::test]
async fn a_request_has_its_own_messages_alone() {
    let folder = TempDir::new().unwrap();
    let archive = Archive::open(folder.path(), None).unwrap();
    let rig = Rig::with(|builder| builder.archive(Some(archive))).await;
    let _upstream = rig
        .add_upstream("Fake", 0, openai::server(&["ok"], 3, 2))
        .await;
    let mut answers = Vec::new();
    for text in ["first", "second"] {
        let messages = json!([{"role": "user", "content": text}]);
        let body = json!({"model": MODEL, "messages": messages}).to_string();
        let request = crate::support::chat(body).header("x-conversation-id", "kept");
        answers.push(rig.ask(&request).await);
    }
    for (answer, text) in answers.iter().zip(["first", "second"]) {
        let record = record(&rig, answer).await;
        let [line] = record["messages"].as_array().unwrap().as_slice() else {
            panic!("one line: {record}");
        };
        assert_eq!(line["messages"][0]["content"], text);
        assert_eq!(line["request_id"], record["request_id"]);
    }
}

#[tokio::test]
async fn a_status_that_the_clients_protocol_lacks_is_kept_as_the_provider_said_it() {
    let refused = r#"{"type":"error","error":{"type":"overloaded_error","message":"Overloaded"}}"#;
    for body in [PLAIN, STREAM] {
        let rig = Rig::start().await;
        let fields = json!({"kind": "anthropic"});
        let answer = Answer::json(529, refused);
        let _upstream = rig.add_upstream_with("Fake", fields, answer).await;
        let response = rig.chat(body).await;
        let record = record(&rig, &response).await;
        assert_eq!(record["status"], response.status);
        assert_eq!(record["upstream_status"], 529, "{record}");
        assert_eq!(each(&record, "status"), [529, 529, 529]);
        assert_eq!(each(&record, "error"), ["Overloaded"; 3]);
    }
}

#[tokio::test]
async fn an_error_inside_a_good_answer_is_a_failed_try() {
    let error = r#"{"error":{"message":"quota used up","code":503}}"#;
    let event = format!("data: {error}\n\n");
    let whole = Answer::json(200, error);
    for (body, answer) in [(PLAIN, whole), (STREAM, Answer::events(&[&event]).end())] {
        let rig = Rig::start().await;
        let _first = rig.add_upstream("First", 0, answer).await;
        let _second = rig
            .add_upstream("Second", 1, openai::server(&["ok"], 1, 1))
            .await;
        let response = rig.chat(body).await;
        assert_eq!(response.status, 200);
        let record = record(&rig, &response).await;
        assert_eq!(each(&record, "provider"), ["First", "Second"]);
        assert_eq!(each(&record, "status"), [200, 200]);
        assert_eq!(
            each(&record, "error"),
            [json!("quota used up"), Value::Null]
        );
    }
}

#[tokio::test]
async fn an_operator_reads_the_cause_where_the_provider_is_asked() {
    let rig = Rig::start().await;
    let url = "http://no-such-host.invalid/v1";
    let id = rig.add_provider("Gone", url, 0).await;
    let chat = json!({"model": MODEL, "messages": [], "provider_id": id});
    let list = rig
        .admin("GET", &format!("/providers/{id}/upstream_models"), None)
        .await;
    let playground = rig.admin("POST", "/playground/chat", Some(chat)).await;
    for answer in [list, playground] {
        assert_eq!(answer.status, 502);
        let message = answer.body.json()["error"]["message"].to_string();
        assert!(
            message.contains("(cause: the host name cannot be resolved"),
            "{message}"
        );
        assert!(!message.contains("no-such-host"), "{message}");
    }
    // The client does not get it.
    let message = rig.chat(PLAIN).await.body.json()["error"]["message"].to_string();
    assert!(!message.contains("resolved"), "{message}");
    let test = rig
        .admin("POST", &format!("/providers/{id}/test"), Some(json!({})))
        .await;
    assert_eq!(test.body.json()["ok"], false);
}
