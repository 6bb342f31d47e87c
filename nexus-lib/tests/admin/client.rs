//! A client of an in-process admin service.

use std::sync::Arc;

use bytes::Bytes;
use http::{HeaderMap, Method, Request, StatusCode};
use http_body_util::{BodyExt, Full};
use nexus_lib::http::AdminService;
use nexus_lib::{Registry, SqliteStore};
use serde_json::{Value, json};
use tempfile::TempDir;
use tokio::sync::OnceCell;
use tower::ServiceExt;

use crate::documented::Documented;

pub(crate) struct Admin {
    service: AdminService,
    token: Option<String>,
    pub(crate) store: Arc<SqliteStore>,
    pub(crate) registry: Registry,
    _folder: TempDir,
}

pub(crate) struct Answer {
    pub(crate) status: StatusCode,
    pub(crate) headers: HeaderMap,
    pub(crate) text: String,
}

impl Answer {
    pub(crate) fn json(&self) -> Value {
        serde_json::from_str(&self.text).unwrap_or_else(|error| panic!("{error}: {}", self.text))
    }

    /// Asserts on an error's status, code and param.
    #[track_caller]
    pub(crate) fn assert_error(&self, status: u16, code: &str, param: Option<&str>) -> &Self {
        let told = self.json();
        assert_eq!(self.status, status, "{told}");
        assert_eq!(told["error"]["code"], code, "{told}");
        assert_eq!(told["error"]["param"], json!(param), "{told}");
        assert!(told["error"]["type"].is_string(), "{told}");
        let message = told["error"]["message"].as_str().unwrap();
        assert!(!message.contains("canary"), "{message}");
        self
    }
}

impl Admin {
    pub(crate) async fn new() -> Self {
        Self::with_token(None).await
    }

    pub(crate) async fn with_token(token: Option<&str>) -> Self {
        let folder = TempDir::new().unwrap();
        let store = SqliteStore::open(folder.path().join("nexus.db"))
            .await
            .unwrap();
        let store = Arc::new(store);
        let kinds = ["openai", "xai", "demo"];
        let registry = Registry::open(store.clone(), kinds).await.unwrap();
        let shown = token.map(str::to_owned);
        let token = token.map(|token| token.to_owned().into());
        let shared: Arc<dyn nexus_lib::Store> = store.clone();
        let service = AdminService::new(registry.clone(), shared, None, token);
        Self {
            service,
            token: shown,
            store,
            registry,
            _folder: folder,
        }
    }

    pub(crate) async fn send<B>(&self, request: Request<B>) -> Answer
    where
        B: http_body::Body<Data = Bytes, Error: Into<nexus_lib::error::BoxError>> + Send + 'static,
    {
        let (method, path) = (request.method().clone(), request.uri().clone());
        let Ok(response) = self.service.clone().oneshot(request).await;
        let (head, body) = response.into_parts();
        let bytes = body.collect().await.unwrap().to_bytes();
        let media = head.headers.get("content-type");
        let media = media.map(|media| media.to_str().unwrap());
        let asked = (method.as_str(), path.path());
        let document = self.document().await;
        document.check(asked, head.status.as_u16(), media, &bytes);
        Answer {
            status: head.status,
            headers: head.headers,
            text: String::from_utf8(bytes.to_vec()).unwrap(),
        }
    }

    /// The port's OpenAPI document: the same in every test.
    pub(crate) async fn document(&self) -> &'static Documented {
        static DOCUMENT: OnceCell<Documented> = OnceCell::const_new();
        let read = async || {
            let token = self.token.as_deref().unwrap_or_default();
            let request = Request::get("/openapi.json")
                .header("host", "localhost")
                .header("authorization", format!("Bearer {token}"))
                .body(Full::new(Bytes::new()));
            let Ok(response) = self.service.clone().oneshot(request.unwrap()).await;
            assert_eq!(response.status(), 200);
            let bytes = response.into_body().collect().await.unwrap().to_bytes();
            Documented(serde_json::from_slice(&bytes).unwrap())
        };
        DOCUMENT.get_or_init(read).await
    }

    pub(crate) async fn request(&self, method: Method, path: &str, body: &str) -> Answer {
        let request = Request::builder()
            .method(method)
            .uri(path)
            .header("host", "localhost:8000")
            .body(Full::new(Bytes::copy_from_slice(body.as_bytes())));
        self.send(request.unwrap()).await
    }

    pub(crate) async fn get(&self, path: &str) -> Answer {
        self.request(Method::GET, path, "").await
    }

    pub(crate) async fn post(&self, path: &str, body: &Value) -> Answer {
        self.request(Method::POST, path, &body.to_string()).await
    }

    pub(crate) async fn put(&self, path: &str, body: &Value) -> Answer {
        self.request(Method::PUT, path, &body.to_string()).await
    }

    pub(crate) async fn delete(&self, path: &str) -> Answer {
        self.request(Method::DELETE, path, "").await
    }

    /// Adds a provider and returns its id.
    pub(crate) async fn provider(&self, name: &str) -> i64 {
        let mut body = openai();
        body["name"] = name.into();
        let answer = self.post("/providers", &body).await;
        assert_eq!(answer.status, 201, "{}", answer.text);
        answer.json()["id"].as_i64().unwrap()
    }
}

/// The required fields of a provider.
pub(crate) fn openai() -> Value {
    json!({
        "name": "OpenAI",
        "server_url": "https://api.openai.com/v1",
        "server_key": "sk-canary-0123456789wxyz",
        "personalized_key": "your-canary-0123456-key",
    })
}
