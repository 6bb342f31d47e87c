use std::net::SocketAddr;
use std::path::Path;
use std::time::Duration;

use nexus_lib::router::RetryPolicy;
use nexus_lib::testing::{
    DEADLINE, FakeUpstream, RawClient, RawHead, RawRequest, RawResponse, Script,
};
use nexus_lib::{Gateway, GatewayBuilder, SqliteStore, Timeouts, Transport};
use serde_json::{Value, json};
use tempfile::TempDir;
use tokio::sync::{Mutex, OnceCell};
use tokio::task::JoinSet;

use super::documented::Documented;
use super::gated_store::{Append, GatedStore};
use super::serve::serve;
use super::{KEY, MODEL, SERVER_KEY, chat};

/// A gateway with its own store, on two ports.
pub(crate) struct Rig {
    pub(crate) gateway: Gateway,
    pub(crate) api: SocketAddr,
    pub(crate) admin: SocketAddr,
    folder: TempDir,
    /// Aborted with the rig.
    _servers: JoinSet<()>,
}

impl Rig {
    /// A gateway with nothing registered.
    pub(crate) async fn start() -> Self {
        Self::with(|builder| builder).await
    }

    /// A gateway with these timeouts for its upstreams.
    pub(crate) async fn with_timeouts(timeouts: Timeouts) -> Self {
        let transport = Transport::builder().timeouts(timeouts).build().unwrap();
        Self::with(|builder| builder.transport(transport)).await
    }

    /// A gateway with other settings.
    pub(crate) async fn with(settings: impl FnOnce(GatewayBuilder) -> GatewayBuilder) -> Self {
        let (folder, store) = new_store().await;
        // The defaults, except for the waits, which would slow tests down.
        let quick = RetryPolicy::default().first_wait(Duration::from_millis(1));
        let builder = Gateway::builder(store).retries(quick);
        Self::serve(settings(builder), folder).await
    }

    /// A gateway whose ledger treats its first batches as specified.
    pub(crate) async fn appending(appends: impl IntoIterator<Item = Append>) -> Self {
        let (folder, inner) = new_store().await;
        let appends = Mutex::new(appends.into_iter().collect());
        Self::serve(Gateway::builder(GatedStore { inner, appends }), folder).await
    }

    async fn serve(builder: GatewayBuilder, folder: TempDir) -> Self {
        let gateway = builder.build().await.unwrap();
        let mut servers = JoinSet::new();
        let api = serve(&mut servers, gateway.api()).await;
        let admin = serve(&mut servers, gateway.admin()).await;
        Self {
            gateway,
            api,
            admin,
            folder,
            _servers: servers,
        }
    }

    /// A gateway with one provider, `Fake`, that answers with `script`.
    pub(crate) async fn over(script: impl Into<Script>) -> (Self, FakeUpstream) {
        let rig = Self::start().await;
        let upstream = rig.add_upstream("Fake", 0, script).await;
        (rig, upstream)
    }

    /// Registers one more upstream with the usual keys and model.
    pub(crate) async fn add_upstream(
        &self,
        name: &str,
        priority: i32,
        script: impl Into<Script>,
    ) -> FakeUpstream {
        let upstream = FakeUpstream::start(script).await;
        self.add_provider(name, &upstream.url(), priority).await;
        upstream
    }

    /// Registers one more upstream with the usual keys and model, and further `fields`.
    pub(crate) async fn add_upstream_with(
        &self,
        name: &str,
        fields: Value,
        script: impl Into<Script>,
    ) -> FakeUpstream {
        let upstream = FakeUpstream::start(script).await;
        self.add_provider_with(name, &upstream.url(), fields).await;
        upstream
    }

    /// Registers a provider with the usual keys and model; returns its id.
    pub(crate) async fn add_provider(&self, name: &str, url: &str, priority: i32) -> i64 {
        self.add_provider_with(name, url, json!({"priority": priority}))
            .await
    }

    /// Registers a provider with the usual keys and model, and further `fields`; returns its id.
    pub(crate) async fn add_provider_with(&self, name: &str, url: &str, fields: Value) -> i64 {
        let mut provider = provider(name, url);
        let fields = fields.as_object().expect("an object").clone();
        provider.as_object_mut().expect("an object").extend(fields);
        let id = self.create("/providers", provider).await;
        self.create(
            "/provider_models",
            json!({"provider_id": id, "model_name": MODEL}),
        )
        .await;
        id
    }

    /// Posts `body` to the admin port's `route`; returns the new object's id.
    pub(crate) async fn create(&self, route: &str, body: Value) -> i64 {
        let response = self.admin("POST", route, Some(body)).await;
        assert_eq!(response.status, 201, "{}", response.body.text());
        response.body.json()["id"].as_i64().expect("an id")
    }

    /// Sends a request to the admin port.
    pub(crate) async fn admin(
        &self,
        method: &str,
        route: &str,
        body: Option<Value>,
    ) -> RawResponse {
        let mut request = RawRequest::new(method, route);
        if let Some(body) = body {
            request = request
                .header("content-type", "application/json")
                .body(body.to_string());
        }
        self.told(self.admin, &request).await
    }

    /// Sends a request, and checks the gateway's own answer against the port's OpenAPI document.
    async fn told(&self, port: SocketAddr, request: &RawRequest) -> RawResponse {
        static DOCUMENTS: [OnceCell<Documented>; 2] =
            [OnceCell::const_new(), OnceCell::const_new()];
        let document = DOCUMENTS[usize::from(port == self.api)].get_or_init(async || {
            let response = RawClient::exchange(port, &RawRequest::get("/openapi.json")).await;
            assert_eq!(response.status, 200, "{}", response.body.text());
            Documented(response.body.json())
        });
        let document = document.await;
        let response = RawClient::exchange(port, request).await;
        // A provider's answer may be anything.
        if response.header("x-nexus-provider").is_none() {
            let head = String::from_utf8_lossy(&request.to_bytes()).into_owned();
            let mut words = head.split(' ');
            let (method, path) = (words.next().unwrap(), words.next().unwrap());
            let media = response.header("content-type");
            let body = &response.body.content;
            document.check((method, path), response.status, media, body);
        }
        response
    }

    /// A port's OpenAPI document.
    pub(crate) async fn document(&self, port: SocketAddr) -> Documented {
        let response = RawClient::exchange(port, &RawRequest::get("/openapi.json")).await;
        Documented(response.body.json())
    }

    /// Reads `route` of the admin port.
    pub(crate) async fn read(&self, route: &str) -> Value {
        let response = self.admin("GET", route, None).await;
        assert_eq!(response.status, 200, "{}", response.body.text());
        response.body.json()
    }

    /// Sends a request to the LLM port and reads the whole answer.
    pub(crate) async fn ask(&self, request: &RawRequest) -> RawResponse {
        self.told(self.api, request).await
    }

    /// Posts a chat with the usual key and reads the whole answer.
    pub(crate) async fn chat(&self, body: impl Into<bytes::Bytes>) -> RawResponse {
        self.ask(&chat(body)).await
    }

    /// Sends a request to the LLM port without reading the answer.
    pub(crate) async fn send(&self, request: &RawRequest) -> RawClient {
        let mut client = RawClient::connect(self.api).await;
        client.send(&request.to_bytes()).await;
        client
    }

    /// The provider called `name`, as the admin port shows it.
    pub(crate) async fn provider(&self, name: &str) -> Value {
        let list = self.read("/providers").await;
        let providers = list["providers"].as_array().expect("providers");
        let mut named = providers.iter().filter(|provider| provider["name"] == name);
        named.next().expect("the provider").clone()
    }

    /// The ledger's rows, newest first.
    pub(crate) async fn rows(&self) -> Vec<Value> {
        let mut page = self.read("/stats/requests?limit=200").await;
        let Value::Array(rows) = page["requests"].take() else {
            panic!("no rows in {page}");
        };
        rows
    }

    /// The row of an answered request, as it is now.
    pub(crate) async fn row(&self, head: &RawHead) -> Value {
        let id = head.header("x-request-id").expect("an x-request-id");
        let rows = self.rows().await;
        let row = rows.into_iter().find(|row| row["request_id"] == id);
        row.unwrap_or_else(|| panic!("no row for {id}"))
    }

    /// The only row of the ledger once it is settled: for requests whose client has disconnected
    /// and cannot wait for it.
    pub(crate) async fn settled(&self) -> Value {
        let settled = async {
            loop {
                let rows = self.rows().await;
                assert!(rows.len() <= 1, "more than one row: {rows:?}");
                match rows.into_iter().next() {
                    Some(row) if row["state"] != "open" => return row,
                    _ => tokio::task::yield_now().await,
                }
            }
        };
        tokio::time::timeout(DEADLINE, settled)
            .await
            .expect("the row to be settled")
    }

    /// Closes the gateway; it must not be used any more.
    pub(crate) async fn close(&self) {
        self.gateway.close().await.unwrap();
    }

    /// Closes the gateway and starts another one with the same folder.
    pub(crate) async fn restarted(self) -> Self {
        self.gateway.close().await.unwrap();
        let store = SqliteStore::open(self.folder.path().join("nexus.db")).await;
        Self::serve(Gateway::builder(store.unwrap()), self.folder).await
    }

    /// The folder with everything that the gateway has written.
    pub(crate) fn folder(&self) -> &Path {
        self.folder.path()
    }
}

/// A provider with the usual keys, as the admin port takes it.
pub(crate) fn provider(name: &str, url: &str) -> Value {
    json!({
        "name": name, "server_url": url, "server_key": SERVER_KEY, "personalized_key": KEY,
    })
}

/// Timeouts that are short enough for a test.
pub(crate) fn short() -> Timeouts {
    let wait = Duration::from_millis(200);
    Timeouts::default().first_event(wait).idle(wait)
}

async fn new_store() -> (TempDir, SqliteStore) {
    let folder = TempDir::new().unwrap();
    let store = SqliteStore::open(folder.path().join("nexus.db")).await;
    (folder, store.unwrap())
}
