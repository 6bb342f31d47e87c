//! Starts the binary in its own folder, and stops it.

use std::fs::{self, File};
use std::io::{BufRead, BufReader, Read};
use std::net::SocketAddr;
use std::path::Path;
use std::process::{Child, ChildStdout, Command, ExitStatus, Output, Stdio};
use std::sync::mpsc;

use nexus_lib::testing::{DEADLINE, RawClient, RawRequest, RawResponse};
use serde_json::{Value, json};
use tempfile::TempDir;

/// A folder to start servers in, one after the other.
pub(crate) struct Home(TempDir);

/// A listening server. Killed on drop.
pub(crate) struct Server {
    child: Child,
    stdout: BufReader<ChildStdout>,
    pub(crate) admin: SocketAddr,
    pub(crate) api: SocketAddr,
}

impl Home {
    pub(crate) fn new() -> Self {
        Self(TempDir::new().unwrap())
    }

    pub(crate) fn path(&self) -> &Path {
        self.0.path()
    }

    /// The stderr of all servers started here.
    pub(crate) fn stderr(&self) -> String {
        fs::read_to_string(self.path().join("stderr")).unwrap()
    }

    pub(crate) fn write(&self, name: &str, text: &str) {
        fs::write(self.path().join(name), text).unwrap();
    }

    fn command(&self, args: &[&str], env: &[(&str, &str)]) -> Command {
        let mut command = Command::new(env!("CARGO_BIN_EXE_nexus-server"));
        command
            .current_dir(self.path())
            .env_clear()
            .envs(env.iter().copied())
            .args(args);
        command
    }

    /// Starts a server on free ports.
    pub(crate) fn start(&self, args: &[&str], env: &[(&str, &str)]) -> Server {
        let ports = ["--admin-addr", "127.0.0.1:0", "--api-addr", "127.0.0.1:0"];
        self.start_at(&[&ports, args].concat(), env)
    }

    /// Starts a server on given addresses.
    pub(crate) fn start_at(&self, args: &[&str], env: &[(&str, &str)]) -> Server {
        self.spawn(self.command(args, env))
    }

    /// Starts a server on free ports with a limit of open files.
    #[cfg(target_os = "linux")]
    pub(crate) fn start_limited(&self, files: usize, args: &[&str]) -> Server {
        let ports = ["--admin-addr", "127.0.0.1:0", "--api-addr", "127.0.0.1:0"];
        let mut command = Command::new("prlimit");
        command
            .current_dir(self.path())
            .env_clear()
            .arg(format!("--nofile={files}:{files}"))
            .arg(env!("CARGO_BIN_EXE_nexus-server"))
            .args(ports)
            .args(args);
        self.spawn(command)
    }

    fn spawn(&self, mut command: Command) -> Server {
        let stderr = File::options()
            .create(true)
            .append(true)
            .open(self.path().join("stderr"));
        let mut child = command
            .stdout(Stdio::piped())
            .stderr(stderr.unwrap())
            .spawn()
            .unwrap();
        let mut stdout = BufReader::new(child.stdout.take().unwrap());
        let mut announced = |port: &str| {
            let mut line = String::new();
            stdout.read_line(&mut line).unwrap();
            let addr = line.strip_prefix(&format!("{port} listening on http://"));
            let addr = addr.and_then(|rest| rest.strip_suffix('\n')?.parse().ok());
            addr.unwrap_or_else(|| panic!("{line:?} on stdout, on stderr: {}", self.stderr()))
        };
        let (admin, api) = (announced("admin"), announced("api"));
        Server {
            child,
            stdout,
            admin,
            api,
        }
    }

    /// Runs a server that should fail to start, to its end.
    pub(crate) fn fail(&self, args: &[&str], env: &[(&str, &str)]) -> Output {
        let mut command = self.command(args, env);
        let output = command.stdout(Stdio::piped()).stderr(Stdio::piped());
        let child = output.spawn().unwrap();
        let pid = child.id();
        let (ended, end) = mpsc::channel();
        std::thread::spawn(move || ended.send(child.wait_with_output()));
        let Ok(output) = end.recv_timeout(DEADLINE) else {
            kill(pid);
            panic!("a server that should not come up");
        };
        output.unwrap()
    }
}

impl Server {
    /// Sends a request to the admin port.
    pub(crate) async fn admin(&self, request: &RawRequest) -> RawResponse {
        RawClient::exchange(self.admin, request).await
    }

    /// Sends a request to the LLM port.
    pub(crate) async fn api(&self, request: &RawRequest) -> RawResponse {
        RawClient::exchange(self.api, request).await
    }

    pub(crate) async fn admin_json(&self, path: &str) -> Value {
        self.admin(&RawRequest::get(path)).await.body.json()
    }

    /// Registers the server at `url` with a model.
    pub(crate) async fn register(&self, url: &str, server_key: &str, key: &str, model: &str) {
        let provider = json!({"name": "upstream", "server_url": url, "server_key": server_key,
            "personalized_key": key});
        let request = RawRequest::post("/providers").body(provider.to_string());
        let created = self.admin(&request).await;
        assert_eq!(created.head.status, 201, "{}", created.body.text());
        let model = json!({"provider_id": created.body.json()["id"], "model_name": model});
        let request = RawRequest::post("/provider_models").body(model.to_string());
        assert_eq!(self.admin(&request).await.head.status, 201);
    }

    pub(crate) fn pid(&self) -> u32 {
        self.child.id()
    }

    pub(crate) fn signal(&self, name: &str) {
        let pid = self.child.id().to_string();
        let sent = Command::new("kill").args(["-s", name, &pid]).status();
        assert!(sent.unwrap().success());
    }

    /// Kills the server at this instant, like `kill -9`.
    pub(crate) fn kill(&mut self) {
        self.child.kill().unwrap();
    }

    /// Awaits the server's end; returns its status and what it printed to stdout after its
    /// addresses.
    pub(crate) async fn ended(mut self) -> (ExitStatus, String) {
        let pid = self.child.id();
        let ending = tokio::task::spawn_blocking(move || {
            let status = self.child.wait().unwrap();
            let mut rest = String::new();
            self.stdout.read_to_string(&mut rest).unwrap();
            (status, rest)
        });
        match tokio::time::timeout(DEADLINE, ending).await {
            Ok(ended) => ended.unwrap(),
            Err(_) => {
                kill(pid);
                panic!("the server does not end");
            }
        }
    }

    /// Asks the server to end, and asserts that it ends cleanly.
    pub(crate) async fn stop(self) {
        self.signal("TERM");
        let (status, _) = self.ended().await;
        assert_eq!(status.code(), Some(0));
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

fn kill(pid: u32) {
    let pid = pid.to_string();
    let _ = Command::new("kill").args(["-s", "KILL", &pid]).status();
}

/// A chat with the demo model or another one.
pub(crate) fn chat(key: &str, model: &str, text: &str, stream: bool) -> RawRequest {
    let body = json!({"model": model, "stream": stream,
        "messages": [{"role": "user", "content": text}]});
    RawRequest::post("/v1/chat/completions")
        .bearer(key)
        .body(body.to_string())
}
