use std::fmt;
use std::sync::Arc;

use crate::call::Grant;
use crate::secret::KeyHash;
use crate::wire::{KeyId, ProjectId};

/// A client that was recognised, with what it may call. A clone is the same client.
///
/// It holds the part of the registry's snapshot that it was found in: a change of the registry is
/// in force for the next request, never for half of one.
///
/// The registry makes one of each key. An application with users of its own makes them itself, with
/// a grant of the registry's:
///
/// ```
/// # use std::sync::Arc;
/// # use nexus_lib::call::{Principal, Scope};
/// # use nexus_lib::registry::Registry;
/// # use nexus_lib::store::SqliteStore;
/// # #[tokio::main(flavor = "current_thread")]
/// # async fn main() -> nexus_lib::Result<()> {
/// # let registry = Registry::open(Arc::new(SqliteStore::in_memory().await?), ["openai"]).await?;
/// let grant = registry.grant(&Scope::everything().models(["gpt-*"]));
/// let principal = Principal::new("user-42", grant);
/// assert_eq!(principal.name(), Some("user-42"));
/// # Ok(())
/// # }
/// ```
#[derive(Clone)]
pub struct Principal(Arc<Client>);

/// What is known of a client.
#[derive(Clone)]
pub(crate) struct Client {
    pub(crate) key_id: Option<KeyId>,
    pub(crate) name: Option<Arc<str>>,
    pub(crate) project_id: Option<ProjectId>,
    pub(crate) identity: KeyHash,
    /// What the registry finds it by, where it has a key.
    pub(crate) key: Option<KeyHash>,
    pub(crate) grant: Arc<Grant>,
}

impl Principal {
    /// A client of the application's own, known by `name`: its rows have that as their `key`, and
    /// its conversations are its own. Two of one name are one client.
    pub fn new(name: impl Into<Arc<str>>, grant: Arc<Grant>) -> Self {
        let name = name.into();
        // Keys have visible characters alone: no key has this hash.
        let identity = KeyHash::of(&[b"\0name\0", name.as_bytes()].concat());
        Self(Arc::new(Client {
            key_id: None,
            name: Some(name),
            project_id: None,
            identity,
            key: None,
            grant,
        }))
    }

    /// The client that this is known of.
    pub(crate) fn of(client: Client) -> Self {
        Self(Arc::new(client))
    }

    /// The operator, who is nobody's client: no key's sums have its calls.
    pub(crate) fn operator(grant: Arc<Grant>) -> Self {
        Self(Arc::new(Client {
            key_id: None,
            name: None,
            project_id: None,
            identity: KeyHash::of(b"\0operator"),
            key: None,
            grant,
        }))
    }

    /// The same client with another grant.
    pub(crate) fn with_grant(&self, grant: Arc<Grant>) -> Self {
        let mut client = Client::clone(&self.0);
        client.grant = grant;
        Self(Arc::new(client))
    }

    /// The key that it showed; `None` for a client without one.
    pub fn key_id(&self) -> Option<KeyId> {
        self.0.key_id
    }

    /// Its name, for people: the key's, or the one that it was made with. `None` for the operator.
    pub fn name(&self) -> Option<&str> {
        self.0.name.as_deref()
    }

    /// Its name, shared.
    pub(crate) fn shared_name(&self) -> Option<Arc<str>> {
        self.0.name.clone()
    }

    /// The project that its key belongs to.
    pub fn project_id(&self) -> Option<ProjectId> {
        self.0.project_id
    }

    /// Distinguishes it from other clients. It stays the same when its key's text changes.
    pub fn identity(&self) -> KeyHash {
        self.0.identity
    }

    /// What the registry finds it by.
    pub(crate) fn key(&self) -> Option<KeyHash> {
        self.0.key
    }

    /// What it may call.
    pub fn grant(&self) -> &Arc<Grant> {
        &self.0.grant
    }
}

impl fmt::Debug for Principal {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Principal")
            .field("key_id", &self.0.key_id)
            .field("name", &self.0.name)
            .field("project_id", &self.0.project_id)
            .finish_non_exhaustive()
    }
}
