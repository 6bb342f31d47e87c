use std::collections::BTreeMap;
use std::fs;
use std::io::{Read, Write};
use std::net::TcpListener;
use std::path::Path;
use std::process::{Command, Output};

use nexus_lib::testing::{Answer, FakeUpstream, RawRequest, Script, refused_addr};
use serde_json::json;

use crate::server::{Home, Server, chat};

const SERVER_KEY: &str = "sk-canary-server-0123456789";

/// The files below a folder, with their content.
fn files(folder: &Path, found: &mut BTreeMap<String, Vec<u8>>) {
    for entry in fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        if path.is_dir() {
            files(&path, found);
        } else {
            found.insert(path.display().to_string(), fs::read(&path).unwrap());
        }
    }
}

fn all_files(home: &Home) -> BTreeMap<String, Vec<u8>> {
    let mut found = BTreeMap::new();
    files(home.path(), &mut found);
    found
}

/// Runs the check to its end, and returns its exit code and its stdout.
async fn check(home: &Home, args: &[&str]) -> (i32, String) {
    let mut command = Command::new(env!("CARGO_BIN_EXE_nexus-server"));
    command.current_dir(home.path()).env_clear();
    // Do not contact other processes on this machine.
    for port in ["--admin-addr", "--api-addr"] {
        if !args.contains(&port) {
            command.args([port, "127.0.0.1:0"]);
        }
    }
    command.arg("check").args(args);
    let run = tokio::task::spawn_blocking(move || command.output().unwrap());
    let Output {
        status,
        stdout,
        stderr,
    } = run.await.unwrap();
    let said = String::from_utf8(stdout).unwrap();
    assert!(!said.contains("canary"), "{said}");
    assert!(stderr.is_empty() || status.code() == Some(2), "{stderr:?}");
    (status.code().unwrap(), said)
}

async fn add(server: &Server, name: &str, url: &str, models: &[&str]) {
    let provider = json!({"name": name, "server_url": url, "server_key": SERVER_KEY,
        "personalized_key": "key"});
    let request = RawRequest::post("/providers").body(provider.to_string());
    let created = server.admin(&request).await;
    assert_eq!(created.head.status, 201, "{}", created.body.text());
    for model in models {
        let model = json!({"provider_id": created.body.json()["id"], "model_name": model});
        let request = RawRequest::post("/provider_models").body(model.to_string());
        assert_eq!(server.admin(&request).await.head.status, 201);
    }
}

/// Lists two models if the key is right.
async fn listing() -> FakeUpstream {
    let list = json!({"object": "list", "data": [{"id": "a"}, {"id": "b"}]}).to_string();
    FakeUpstream::start(Script::by(move |request| {
        let key = format!("Bearer {SERVER_KEY}");
        match (&*request.target, request.header("authorization")) {
            ("/v1/models", Some(shown)) if shown == key => Answer::json(200, list.clone()),
            _ => Answer::json(404, "{}"),
        }
    }))
    .await
}

#[tokio::test]
async fn before_the_first_start_all_is_well_and_stays_untouched() {
    let home = Home::new();
    let (code, said) = check(&home, &[]).await;
    assert_eq!(code, 0, "{said}");
    assert!(
        said.contains("store: data/nexus.db will be created"),
        "{said}"
    );
    assert!(all_files(&home).is_empty());
}

#[tokio::test]
async fn a_good_provider_is_well_beside_a_server_that_runs() {
    let (home, upstream) = (Home::new(), listing().await);
    let server = home.start(&["--demo"], &[]);
    add(&server, "Good", &upstream.url(), &["a", "gone"]).await;
    let (code, said) = check(&home, &[]).await;
    assert_eq!(code, 0, "{said}");
    for line in [
        "ok    store: data/nexus.db, with 2 providers and 3 models\n",
        "ok    provider 2 `Good`: answers, with 2 models\n",
        "note  provider 2 `Good`: does not list the model `gone`\n",
        "note  provider 1 `demo`: ",
    ] {
        assert!(said.contains(line), "{line:?} in {said}");
    }
    assert!(!said.contains("`a`"), "{said}");
    let addr = server.admin.to_string();
    let (_, said) = check(&home, &["--admin-addr", &addr]).await;
    assert!(
        said.contains(&format!("note  admin port: {addr} is in use")),
        "{said}"
    );
    // The server has not noticed.
    let answer = server
        .api(&chat("demo-key", "nexus-echo", "hi", false))
        .await;
    assert_eq!(answer.head.status, 200);
    server.stop().await;

    let before = all_files(&home);
    assert_eq!(check(&home, &[]).await.0, 0);
    assert!(all_files(&home) == before, "a check leaves nothing behind");
}

#[tokio::test]
async fn each_fault_is_reported_and_is_a_failure() {
    let home = Home::new();
    let refusing = FakeUpstream::start(Answer::json(401, "{}")).await;
    let without = FakeUpstream::start(Answer::json(404, "{}")).await;
    let gone = refused_addr().await;
    // Like a server without TLS.
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let plain = listener.local_addr().unwrap();
    let answering = std::thread::spawn(move || {
        let (mut client, _) = listener.accept().unwrap();
        client
            .write_all(b"HTTP/1.1 400 Bad Request\r\n\r\n")
            .unwrap();
        let _ = client.read_to_end(&mut Vec::new());
    });
    let server = home.start(&[], &[]);
    add(&server, "Refusing", &refusing.url(), &["m"]).await;
    add(&server, "Gone", &format!("http://{gone}/v1"), &["m"]).await;
    add(&server, "Nowhere", "http://nowhere.invalid/v1", &["m"]).await;
    add(&server, "Plain", &format!("https://{plain}/v1"), &["m"]).await;
    add(&server, "Without", &without.url(), &[]).await;
    server.stop().await;
    let (code, said) = check(&home, &[]).await;
    answering.join().unwrap();
    assert_eq!(code, 1, "{said}");
    let line = |name: &str| {
        let mut lines = said
            .lines()
            .filter(|line| line.contains(&format!("`{name}`")));
        lines.next().unwrap().to_ascii_lowercase()
    };
    for (name, verdict, reason) in [
        ("Refusing", "fail", "server_key"),
        ("Gone", "fail", "refused"),
        ("Nowhere", "fail", "dns"),
        ("Plain", "fail", "invalidcontenttype"),
        ("Without", "note", "404"),
    ] {
        let line = line(name);
        assert!(line.starts_with(verdict) && line.contains(reason), "{line}");
    }
    assert!(said.contains("`Without`: has no models"), "{said}");
}

#[tokio::test]
async fn a_store_that_cannot_be_used_is_a_failure_and_settings_are_another() {
    let home = Home::new();
    home.start(&["--demo"], &[]).stop().await;
    fs::remove_file(home.path().join("data/master.key")).unwrap();
    let (code, said) = check(&home, &[]).await;
    assert_eq!(code, 1, "{said}");
    assert!(
        said.contains("FAIL  store: ") && said.contains("master.key is missing"),
        "{said}"
    );
    let (code, said) = check(&home, &["--data-dir", "stderr", "--store", "sqlite:x.db"]).await;
    assert_eq!(code, 1, "{said}");
    assert!(
        said.contains("FAIL  data folder: stderr is not a folder"),
        "{said}"
    );
    assert_eq!(check(&home, &["--log-level", "loud"]).await.0, 2);
}

#[tokio::test]
async fn flags_may_stand_before_the_task_too() {
    let home = Home::new();
    let output = home.fail(
        &[
            "--data-dir",
            "elsewhere",
            "--api-addr",
            "127.0.0.1:0",
            "check",
        ],
        &[],
    );
    let said = String::from_utf8(output.stdout).unwrap();
    assert!(
        said.contains("data folder: elsewhere will be created"),
        "{said}"
    );
}

/// A test may run as root, who can write anywhere except in places such as these.
#[cfg(target_os = "linux")]
#[tokio::test]
async fn folder_that_cannot_be_written_is_found() {
    let home = Home::new();
    home.write("file", "");
    for (args, finding) in [
        (
            &["--logs-dir", "/proc"][..],
            "FAIL  logs folder: /proc cannot be written",
        ),
        (&["--logs-dir", "/proc/nexus/logs"], "cannot be created"),
        (
            &["--data-dir", "/proc/nexus"],
            "FAIL  data folder: /proc/nexus cannot be created",
        ),
        (
            &["--data-dir", "file"],
            "FAIL  data folder: file is not a folder",
        ),
        (
            &["--data-dir", "file/below"],
            "FAIL  data folder: file/below",
        ),
        (
            &["--archive-messages", "--messages-dir", "/proc"],
            "FAIL  messages folder: /proc cannot be written",
        ),
        (
            &["--store", "sqlite:/proc/nexus.db"],
            "FAIL  store's folder: /proc cannot be written",
        ),
    ] {
        let (code, said) = check(&home, args).await;
        assert!(said.contains(finding), "{finding:?} in {said}");
        assert_eq!(code, 1, "{said}");
    }
    assert_eq!(all_files(&home).len(), 1, "nothing is left behind");
}

#[tokio::test]
async fn a_container_can_ask_whether_the_server_is_ready() {
    let home = Home::new();
    let token = [("NEXUS_ADMIN_TOKEN", "canary-token-0123456789")];
    let server = home.start_at(
        &["--admin-addr", "0.0.0.0:0", "--api-addr", "127.0.0.1:0"],
        &token,
    );
    let addr = format!("0.0.0.0:{}", server.admin.port());
    let health = |env: &[(&str, &str)]| home.fail(&["health", "--admin-addr", &addr], env);
    assert_eq!(health(&token).status.code(), Some(0));
    // The probe needs no token: one that was set by a flag is not available to it.
    assert_eq!(health(&[]).status.code(), Some(0));
    server.stop().await;
    let gone = health(&token);
    assert_eq!(gone.status.code(), Some(1));
    assert!(
        String::from_utf8(gone.stderr)
            .unwrap()
            .contains("no server answers on")
    );
}

#[tokio::test]
async fn every_shell_gets_its_script() {
    let home = Home::new();
    for (shell, part) in [
        ("bash", "-o default nexus-server"),
        ("zsh", "#compdef nexus-server"),
        ("fish", "complete -c nexus-server"),
        ("elvish", "nexus-server"),
        ("powershell", "nexus-server"),
    ] {
        let output = home.fail(&["completions", shell], &[]);
        let script = String::from_utf8(output.stdout).unwrap();
        assert_eq!(output.status.code(), Some(0));
        for word in [part, "--admin-addr", "check"] {
            let word = match shell {
                "fish" => word.trim_start_matches("--"),
                _ => word,
            };
            assert!(script.contains(word), "{word} for {shell}");
        }
    }
    assert_eq!(
        home.fail(&["completions", "tcsh"], &[]).status.code(),
        Some(2)
    );
    assert!(all_files(&home).is_empty());
}
