use std::fs;
use std::path::Path;

use nexus_lib::testing::{Answer, FakeUpstream, RawRequest, Script, openai};
use serde_json::{Value, json};

use crate::server::{Home, Server, chat};

const CLIENT_KEY: &str = "canary-client-0123456789";
const SERVER_KEY: &str = "sk-canary-server-0123456789";
const PROMPT: &str = "canary prompt";
const ANSWER: &str = "canary answer";

/// An upstream that answers, streams, and repeats the request in its errors.
async fn upstream() -> FakeUpstream {
    let repeated = openai::error(&format!("{PROMPT} is refused"), "invalid", "bad").to_string();
    FakeUpstream::start(Script::by(move |request| match request.index {
        0 => Answer::json(200, openai::completion(ANSWER, 30, 5).to_string()),
        1 => openai::stream(request, &["canary ", "answer"], 40, 6),
        2 => Answer::json(400, repeated.clone()),
        3 => Answer::events(
            &openai::stream_events(&[ANSWER], None)[..1]
                .iter()
                .map(|event| &**event)
                .collect::<Vec<_>>(),
        )
        .cut(),
        _ => Answer::json(503, repeated.clone()),
    }))
    .await
}

async fn talk(server: &Server) -> Vec<String> {
    let mut ids = Vec::new();
    for (stream, status) in [
        (false, 200),
        (true, 200),
        (false, 400),
        (true, 200),
        (false, 503),
    ] {
        let request = chat(CLIENT_KEY, "m", PROMPT, stream).header("x-conversation-id", "talk");
        let answer = server.api(&request).await;
        assert_eq!(answer.head.status, status, "{}", answer.body.text());
        ids.push(answer.header("x-request-id").unwrap().to_owned());
    }
    ids
}

/// The day's log file, and stderr.
fn written(home: &Home) -> [String; 2] {
    let mut files = fs::read_dir(home.path().join("logs")).unwrap();
    let file = files.next().unwrap().unwrap().path();
    assert!(files.next().is_none(), "one file a day");
    [fs::read_to_string(file).unwrap(), home.stderr()]
}

async fn logged(home: &Home, args: &[&str]) -> (Vec<String>, [String; 2]) {
    let upstream = upstream().await;
    let server = home.start(args, &[]);
    server
        .register(&upstream.url(), SERVER_KEY, CLIENT_KEY, "m")
        .await;
    let ids = talk(&server).await;
    server.stop().await;
    (ids, written(home))
}

#[tokio::test]
async fn each_request_is_one_line_of_json_without_its_words() {
    let home = Home::new();
    let filter = ["--log-format", "json", "--log-level", "trace"];
    let (ids, logs) = logged(&home, &filter).await;
    for log in &logs {
        for needle in [CLIENT_KEY, SERVER_KEY, "canary"] {
            assert!(!log.contains(needle), "{needle} in {log}");
        }
        let lines = log.lines().map(|line| {
            serde_json::from_str(line).unwrap_or_else(|error| panic!("{error}: {line}"))
        });
        let lines: Vec<Value> = lines.collect();
        let named = |message: &str| -> Vec<&Value> {
            lines
                .iter()
                .filter(|line| line["message"] == message)
                .collect()
        };
        let requests = named("request");
        assert_eq!(requests.len(), ids.len(), "{log}");
        assert_eq!(named("request in detail").len(), ids.len());
        let expected = [
            json!(["completed", 200, 30, 5, null, null]),
            json!(["completed", 200, 40, 6, "ms", null]),
            json!(["failed", 400, 0, 0, null, "upstream_error"]),
            json!([
                "failed",
                200,
                "counted",
                "counted",
                "ms",
                "stream_interrupted"
            ]),
            json!(["failed", 503, 0, 0, null, "upstream_error"]),
        ];
        for ((line, id), expected) in requests.iter().zip(&ids).zip(expected) {
            let fields = json!([
                line["request_id"],
                line["conversation_id"],
                line["key"],
                line["provider"],
                line["model"],
                line["level"]
            ]);
            // The key that a provider carries is named after it.
            let expected_fields = json!([id, "talk", "upstream", "upstream", "m", "INFO"]);
            assert_eq!(fields, expected_fields);
            assert!(line["duration_ms"].is_u64(), "{line}");
            let first_event = line["first_event_ms"].as_u64().map(|_| "ms");
            let tokens = |field: &str| match expected[2] == "counted" {
                true => line[field]
                    .as_u64()
                    .filter(|tokens| *tokens > 0)
                    .map(|_| json!("counted")),
                false => Some(line[field].clone()),
            };
            let ending = json!([
                line["state"],
                line["status"],
                tokens("prompt_tokens"),
                tokens("completion_tokens"),
                first_event,
                line["error"]
            ]);
            assert_eq!(ending, expected, "{line}");
        }
    }
}

#[tokio::test]
async fn text_is_for_people_and_details_are_for_debug() {
    let home = Home::new();
    let (ids, logs) = logged(&home, &[]).await;
    for log in logs {
        for id in ids.iter() {
            let mut lines = log
                .lines()
                .filter(|line| line.contains(&format!(" request_id={id}")));
            let is_request = |line: &&str| line.contains(" request request_id=");
            let requests = lines.clone().filter(is_request);
            assert_eq!(requests.count(), 1, "{id} in {log}");
            assert!(!lines.any(|line| line.contains("in detail")), "{log}");
        }
        assert!(!log.contains("canary"), "{log}");
    }
    let quiet = Home::new();
    let (_, [file, _]) = logged(&quiet, &["--log-level", "error"]).await;
    assert_eq!(file, "");
}

#[tokio::test]
async fn old_logs_are_deleted() {
    let home = Home::new();
    let logs = home.path().join("logs");
    fs::create_dir(&logs).unwrap();
    for day in 1..=9 {
        fs::write(logs.join(format!("nexus.2020-01-0{day}.log")), "old").unwrap();
    }
    fs::write(logs.join("not-ours.log"), "other").unwrap();
    home.start(&["--log-retention-days", "3"], &[]).stop().await;
    let left = names(&logs);
    assert_eq!(left.len(), 4, "{left:?}");
    assert!(left.contains(&"not-ours.log".to_owned()), "{left:?}");
    assert!(
        left.contains(&"nexus.2020-01-09.log".to_owned()),
        "{left:?}"
    );
    let refused = home.fail(&["--log-retention-days", "0"], &[]);
    assert_eq!(refused.status.code(), Some(2));
}

fn names(folder: &Path) -> Vec<String> {
    let entries = fs::read_dir(folder).unwrap();
    let mut names: Vec<_> = entries
        .map(|entry| entry.unwrap().file_name().into_string().unwrap())
        .collect();
    names.sort_unstable();
    names
}

#[tokio::test]
async fn metrics_have_the_logs_own_figure() {
    let home = Home::new();
    let server = home.start(&[], &[]);
    let metrics = server.admin(&RawRequest::get("/metrics")).await;
    let text = metrics.body.text();
    assert!(
        text.contains("\nnexus_log_lines_dropped_total 0\n"),
        "{text}"
    );
    server.stop().await;
}

/// The log file of today.
fn todays_log(home: &Home) -> std::path::PathBuf {
    let date = nexus_lib::wire::Timestamp::now().to_string();
    home.path()
        .join("logs")
        .join(format!("nexus.{}.log", &date[..10]))
}

async fn dropped(server: &Server) -> u64 {
    let metrics = server.admin(&RawRequest::get("/metrics")).await;
    let mut lines = metrics.body.text().lines();
    let line = lines.find_map(|line| line.strip_prefix("nexus_log_lines_dropped_total "));
    line.unwrap().parse().unwrap()
}

#[cfg(target_os = "linux")]
#[tokio::test]
async fn lines_that_a_full_disk_does_not_take_are_counted_and_told_elsewhere() {
    let home = Home::new();
    let log = todays_log(&home);
    fs::create_dir_all(log.parent().unwrap()).unwrap();
    // Every write to it fails for lack of space.
    std::os::unix::fs::symlink("/dev/full", &log).unwrap();
    let server = home.start(&["--demo"], &[]);
    let counted = async {
        while dropped(&server).await == 0 {
            tokio::task::yield_now().await;
        }
    };
    tokio::time::timeout(nexus_lib::testing::DEADLINE, counted)
        .await
        .unwrap();
    server.stop().await;
    let stderr = home.stderr();
    assert!(stderr.contains("log lines cannot be written"), "{stderr}");
    assert!(stderr.contains("lines of the log were dropped"), "{stderr}");
}

#[tokio::test]
async fn log_file_that_was_deleted_is_made_anew() {
    let home = Home::new();
    let server = home.start(&["--demo"], &[]);
    let log = todays_log(&home);
    fs::remove_file(&log).unwrap();
    let written = async {
        loop {
            let chat = chat("demo-key", "nexus-echo", "hi", false);
            assert_eq!(server.api(&chat).await.head.status, 200);
            if fs::read_to_string(&log).is_ok_and(|text| text.contains("request_id=")) {
                break;
            }
        }
    };
    tokio::time::timeout(nexus_lib::testing::DEADLINE, written)
        .await
        .unwrap();
    server.stop().await;
}

#[tokio::test]
async fn log_files_have_a_limit_together() {
    let home = Home::new();
    let flags = ["--demo", "--log-max-mib", "3", "--log-level", "debug"];
    let server = home.start(&flags, &[]);
    let logs = home.path().join("logs");
    let rotated = async {
        loop {
            // The longest conversation name makes long lines.
            let request = chat("demo-key", "nexus-echo", "hi", false)
                .header("x-conversation-id", &"c".repeat(128));
            for _ in 0..100 {
                assert_eq!(server.api(&request).await.head.status, 200);
            }
            if names(&logs).len() > 1 {
                break;
            }
        }
    };
    tokio::time::timeout(nexus_lib::testing::DEADLINE, rotated)
        .await
        .unwrap();
    server.stop().await;
    for name in names(&logs) {
        let size = fs::metadata(logs.join(&name)).unwrap().len();
        assert!(size <= 1 << 20, "{name} has {size} bytes");
    }
    assert_eq!(
        home.fail(&["--log-max-mib", "0"], &[]).status.code(),
        Some(2)
    );
}

#[tokio::test]
async fn refused_requests_leave_lines_with_their_ids_and_a_flood_is_summed_up() {
    let home = Home::new();
    let token = "canary-admin-0123456789";
    let flags = ["--demo", "--log-format", "json"];
    let server = home.start(&flags, &[("NEXUS_ADMIN_TOKEN", token)]);
    let unread = RawRequest::post("/v1/chat/completions")
        .bearer("demo-key")
        .body("{");
    let mut expected = Vec::new();
    for (request, reason) in [
        (
            chat(CLIENT_KEY, "nexus-echo", PROMPT, false),
            "invalid_api_key",
        ),
        (
            chat("demo-key", "no-such-model", PROMPT, false),
            "model_not_found",
        ),
        (unread, "invalid_request"),
    ] {
        let answer = server.api(&request).await;
        let id = answer.header("x-request-id").unwrap().to_owned();
        expected.push((id, reason, Value::Null));
    }
    let wrong = RawRequest::get("/providers").bearer("canary-wrong");
    let answer = server.admin(&wrong).await;
    let id = answer.header("x-request-id").unwrap().to_owned();
    expected.push((id, "invalid_admin_token", json!("127.0.0.1")));
    for _ in 0..99 {
        server.admin(&wrong).await;
    }
    server.stop().await;
    let log = home.stderr();
    assert!(!log.contains("canary"), "{log}");
    let lines: Vec<Value> = log
        .lines()
        .map(|line| serde_json::from_str(line).unwrap())
        .collect();
    let refused: Vec<&Value> = lines
        .iter()
        .filter(|line| {
            line["message"] != "more requests were rejected" && line["reason"].is_string()
        })
        .collect();
    for (id, reason, client) in expected {
        let line = refused.iter().find(|line| line["request_id"] == id);
        let line = line.unwrap_or_else(|| panic!("{id} in {log}"));
        assert_eq!(
            (&line["reason"], &line["client"]),
            (&json!(reason), &client)
        );
    }
    // 20 wrong tokens, then too many: ten lines each, and the rest as sums.
    let of = |reason: &str| {
        refused
            .iter()
            .filter(|line| line["reason"] == reason)
            .count()
    };
    assert_eq!(
        (of("invalid_admin_token"), of("too_many_attempts")),
        (10, 10),
        "{log}"
    );
    let sums = lines
        .iter()
        .filter(|line| line["message"] == "more requests were rejected");
    let suppressed: u64 = sums.map(|line| line["suppressed"].as_u64().unwrap()).sum();
    assert_eq!(suppressed, 80, "{log}");
}

#[tokio::test]
async fn stream_that_broke_is_logged_with_its_request() {
    let home = Home::new();
    let (ids, logs) = logged(&home, &[]).await;
    for log in logs {
        let line = log.lines().find(|line| line.contains("a stream broke"));
        let line = line.unwrap_or_else(|| panic!("{log}"));
        assert!(line.contains(&format!("request_id={}", ids[3])), "{line}");
    }
}

#[tokio::test]
async fn changes_by_the_admin_port_say_who_made_them_from_where() {
    let token = "canary-admin-0123456789";
    for (env, by) in [
        (&[][..], "loopback"),
        (&[("NEXUS_ADMIN_TOKEN", token)], "admin token"),
    ] {
        let home = Home::new();
        let server = home.start(&["--log-format", "json"], env);
        let change = async |method: &str, path: &str, body: Value| {
            let request = RawRequest::new(method, path)
                .bearer(token)
                .body(body.to_string());
            let answer = server.admin(&request).await;
            assert!(answer.head.status < 300, "{}", answer.body.text());
        };
        let provider = json!({"name": "One", "server_url": "http://127.0.0.1:1",
            "server_key": SERVER_KEY, "personalized_key": CLIENT_KEY});
        let model = json!({"provider": "One", "model_name": "m"});
        change("POST", "/providers", provider.clone()).await;
        change("PUT", "/providers/1", provider).await;
        change("POST", "/provider_models", model.clone()).await;
        change("PUT", "/provider_models/1", model).await;
        change("DELETE", "/provider_models/1", Value::Null).await;
        change("DELETE", "/providers/1", Value::Null).await;
        server.stop().await;
        let log = home.stderr();
        assert!(!log.contains("canary"), "{log}");
        let lines = log.lines().map(|line| serde_json::from_str(line).unwrap());
        let changes: Vec<Value> = lines
            .filter(|line: &Value| line["by"].is_string())
            .map(|line| {
                assert!(line["request_id"].is_string(), "{line}");
                json!([
                    line["message"],
                    line["object"],
                    line["id"],
                    line["name"],
                    line["by"],
                    line["client"],
                    line["level"]
                ])
            })
            .collect();
        let expected = [
            ("provider added", "provider", "One"),
            ("provider changed", "provider", "One"),
            ("model added", "model", "m"),
            ("model changed", "model", "m"),
            ("model deleted", "model", "m"),
            ("provider deleted", "provider", "One"),
        ];
        let expected = expected
            .map(|(what, object, name)| json!([what, object, 1, name, by, "127.0.0.1", "INFO"]));
        assert_eq!(changes, expected, "{log}");
    }
}
