//! Your own users: each shows a JWT of the application in place of a key, may call what the token
//! says, and has a limit of requests a minute.
//!
//! An `Authenticator` makes a `Principal` of the token; a layer of calls refuses those that come
//! too often. The rows on the ledger name the user.
//!
//! `cargo run -p nexus-examples --example jwt_users`. Add `-- --once` to have it ask itself one
//! question and end.

use std::collections::{HashMap, VecDeque};
use std::error::Error;
use std::sync::{Arc, Mutex, PoisonError};
use std::task::{Context, Poll};
use std::time::{Duration, Instant, SystemTime, UNIX_EPOCH};

use async_trait::async_trait;
use base64::Engine;
use base64::prelude::BASE64_URL_SAFE_NO_PAD;
use futures_util::future::{BoxFuture, FutureExt};
use http::StatusCode;
use nexus_lib::call::{Call, Metered, Principal, Scope};
use nexus_lib::intake::{Authenticator, Credentials};
use nexus_lib::secret::KeyHash;
use nexus_lib::{ChatRequest, ErrorKind, Gateway, NewModel, ProviderSpec, Registry, SqliteStore};
use ring::hmac;
use serde::{Deserialize, Serialize};
use tokio::net::TcpListener;
use tokio::sync::oneshot;
use tower::{Layer, Service};

const MODEL: &str = "nexus-echo";
const MINUTE: Duration = Duration::from_secs(60);

/// How many users are counted at once.
const MAX_USERS: usize = 10_000;

/// What a token says of its user.
#[derive(Serialize, Deserialize)]
struct Claims {
    /// The user.
    sub: String,
    /// Until when it is valid, in seconds since 1970.
    exp: u64,
    /// The models that the user may call; `*` stands for any characters.
    models: Vec<String>,
    /// How many requests a minute.
    rpm: usize,
}

#[derive(Deserialize)]
struct Header {
    alg: String,
}

/// All who have shown a token. A clone shares them.
#[derive(Clone)]
struct Users {
    key: hmac::Key,
    allowances: Arc<Mutex<HashMap<KeyHash, Allowance>>>,
}

/// What a user may do in a minute, and has done.
struct Allowance {
    rpm: usize,
    calls: VecDeque<Instant>,
}

impl Users {
    fn new(secret: &[u8]) -> Self {
        Self {
            key: hmac::Key::new(hmac::HMAC_SHA256, secret),
            allowances: Arc::default(),
        }
    }

    /// A token for a user: the application's login does this.
    fn token(&self, claims: &Claims) -> Result<String, serde_json::Error> {
        let header = BASE64_URL_SAFE_NO_PAD.encode(r#"{"alg":"HS256","typ":"JWT"}"#);
        let claims = BASE64_URL_SAFE_NO_PAD.encode(serde_json::to_vec(claims)?);
        let signed = format!("{header}.{claims}");
        let signature = hmac::sign(&self.key, signed.as_bytes());
        let signature = BASE64_URL_SAFE_NO_PAD.encode(signature);
        Ok(format!("{signed}.{signature}"))
    }

    /// The claims of a token that is ours and still valid.
    fn verify(&self, token: &str) -> Option<Claims> {
        let (signed, signature) = token.rsplit_once('.')?;
        let signature = BASE64_URL_SAFE_NO_PAD.decode(signature).ok()?;
        // In constant time, and before anything of it is believed.
        hmac::verify(&self.key, signed.as_bytes(), &signature).ok()?;
        let (header, claims) = signed.split_once('.')?;
        let header: Header = decoded(header)?;
        let claims: Claims = decoded(claims)?;
        let now = SystemTime::now().duration_since(UNIX_EPOCH).ok()?.as_secs();
        (header.alg == "HS256" && now < claims.exp).then_some(claims)
    }

    fn allow(&self, user: KeyHash, rpm: usize) {
        let mut users = self
            .allowances
            .lock()
            .unwrap_or_else(PoisonError::into_inner);
        if users.len() >= MAX_USERS {
            let is_recent = |at: &Instant| at.elapsed() < MINUTE;
            users.retain(|_, allowance| allowance.calls.back().is_some_and(is_recent));
        }
        let calls = VecDeque::new();
        users.entry(user).or_insert(Allowance { rpm, calls }).rpm = rpm;
    }

    /// Counts one more call; how long to wait where that is one too many.
    fn count(&self, user: KeyHash) -> Result<(), Duration> {
        let mut users = self
            .allowances
            .lock()
            .unwrap_or_else(PoisonError::into_inner);
        let Some(Allowance { rpm, calls }) = users.get_mut(&user) else {
            return Ok(());
        };
        while calls.front().is_some_and(|at| at.elapsed() >= MINUTE) {
            calls.pop_front();
        }
        if calls.len() < *rpm {
            calls.push_back(Instant::now());
            return Ok(());
        }
        let oldest = calls.front().map_or(Duration::ZERO, Instant::elapsed);
        Err(MINUTE.saturating_sub(oldest))
    }
}

fn decoded<T: for<'de> Deserialize<'de>>(part: &str) -> Option<T> {
    serde_json::from_slice(&BASE64_URL_SAFE_NO_PAD.decode(part).ok()?).ok()
}

#[async_trait]
impl Authenticator for Users {
    async fn authenticate(
        &self,
        shown: &Credentials<'_>,
        registry: &Registry,
    ) -> nexus_lib::Result<Principal> {
        let token = shown.key.and_then(|key| str::from_utf8(key).ok());
        let claims = token.and_then(|token| self.verify(token)).ok_or_else(|| {
            let message = "the token is missing, expired or not ours; log in again";
            nexus_lib::Error::new(ErrorKind::InvalidApiKey, message)
        })?;
        let scope = Scope::everything().models(claims.models);
        let principal = Principal::new(claims.sub, registry.grant(&scope));
        self.allow(principal.identity(), claims.rpm);
        Ok(principal)
    }
}

/// The limit, as a layer of calls: what is refused is never routed.
impl<S> Layer<S> for Users {
    type Service = Limited<S>;

    fn layer(&self, inner: S) -> Limited<S> {
        let users = self.clone();
        Limited { users, inner }
    }
}

#[derive(Clone)]
struct Limited<S> {
    users: Users,
    inner: S,
}

impl<S> Service<Call> for Limited<S>
where
    S: Service<Call, Response = Metered, Error = nexus_lib::Error>,
    S::Future: Send + 'static,
{
    type Response = Metered;
    type Error = nexus_lib::Error;
    type Future = BoxFuture<'static, nexus_lib::Result<Metered>>;

    fn poll_ready(&mut self, cx: &mut Context<'_>) -> Poll<nexus_lib::Result<()>> {
        self.inner.poll_ready(cx)
    }

    fn call(&mut self, call: Call) -> Self::Future {
        match self.users.count(call.principal.identity()) {
            Ok(()) => self.inner.call(call).boxed(),
            Err(wait) => {
                let status = StatusCode::TOO_MANY_REQUESTS;
                let message = "you have asked too often in this minute; wait a moment";
                let refusal = nexus_lib::Error::refused(status, "rate_limit_exceeded", message);
                futures_util::future::ready(Err(refusal.with_retry_after(wait))).boxed()
            }
        }
    }
}

#[tokio::main]
async fn main() -> Result<(), Box<dyn Error>> {
    // A real program names a folder that lasts, and keeps its secret to itself.
    let folder = tempfile::tempdir()?;
    let store = SqliteStore::open(folder.path().join("nexus.db")).await?;
    let users = Users::new(b"a secret of 32 bytes or more, please");
    let nexus = Gateway::builder(store)
        .authenticator(users.clone())
        .layer_calls(users.clone())
        .build()
        .await?;
    // The built-in model, so that this runs without a network. Nobody shows the provider's own
    // client key.
    let spec = ProviderSpec::new("demo", "http://demo.invalid", "", "unused-key").kind("demo");
    let demo = nexus.registry().add_provider(spec).await?;
    nexus
        .registry()
        .add_model(NewModel::new(demo.id, MODEL))
        .await?;

    let exp = SystemTime::now().duration_since(UNIX_EPOCH)?.as_secs() + 3600;
    let token = |sub: &str, rpm| {
        let (sub, models) = (sub.to_owned(), vec!["nexus-*".to_owned()]);
        users.token(&Claims {
            sub,
            exp,
            models,
            rpm,
        })
    };
    let ada = token("ada", 2)?;
    let ask = |token: &str| ChatRequest::new(MODEL).user("hello").key(token);
    for _ in 0..2 {
        println!("ada: {}", nexus.chat(ask(&ada)).await?.completion.text());
    }
    let refusal = nexus
        .chat(ask(&ada))
        .await
        .err()
        .ok_or("the limit does not hold")?;
    println!("ada: {} {}: {refusal}", refusal.status(), refusal.code());
    let mut forged = token("mallory", 1000)?;
    forged.pop();
    let refusal = nexus
        .chat(ask(&forged))
        .await
        .err()
        .ok_or("a forged token was taken")?;
    println!(
        "mallory: {} {}: {refusal}",
        refusal.status(),
        refusal.code()
    );

    let listener = TcpListener::bind("127.0.0.1:0").await?;
    let url = format!("http://{}/v1/chat/completions", listener.local_addr()?);
    let (stop, stopped) = oneshot::channel::<()>();
    let app = axum::Router::new().fallback_service(nexus.api());
    let server = axum::serve(listener, app).with_graceful_shutdown(async {
        let _ = stopped.await;
    });
    let (served, asked) = tokio::join!(server.into_future(), async {
        let asked = nexus_examples::until_done(&url, MODEL, &token("bob", 10)?).await;
        drop(stop);
        asked
    });
    served?;
    nexus.close().await?;
    asked
}
