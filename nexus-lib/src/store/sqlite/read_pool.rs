use std::path::PathBuf;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use rusqlite::Connection;
use tokio::sync::Semaphore;

use super::connection::open_reader;
use super::error::Failure;
use super::writer::closed;
use crate::error::{Error, ErrorKind, Result};

/// How many reads run at once.
const READERS: u32 = 4;

/// Read-only connections, opened when they are first needed.
pub(super) struct ReadPool {
    path: PathBuf,
    idle: Mutex<Vec<Connection>>,
    permits: Arc<Semaphore>,
}

impl ReadPool {
    pub(super) fn new(path: PathBuf) -> Self {
        Self {
            path,
            idle: Mutex::default(),
            permits: Arc::new(Semaphore::new(READERS as usize)),
        }
    }

    /// Runs `work` on one consistent view of the database.
    pub(super) async fn read<T, F>(self: &Arc<Self>, work: F) -> Result<T>
    where
        T: Send + 'static,
        F: FnOnce(&Connection) -> Result<T, Failure> + Send + 'static,
    {
        let permit = Arc::clone(&self.permits).acquire_owned().await;
        let permit = permit.map_err(|_| closed())?;
        let pool = Arc::clone(self);
        let read = tokio::task::spawn_blocking(move || {
            let result = pool.read_blocking(work);
            // Kept until here, since the read continues when its future is dropped.
            drop(permit);
            result.map_err(Error::from)
        });
        read.await.map_err(|error| {
            Error::new(ErrorKind::Internal, "a read of the store panicked").with_source(error)
        })?
    }

    fn read_blocking<T>(
        &self,
        work: impl FnOnce(&Connection) -> Result<T, Failure>,
    ) -> Result<T, Failure> {
        let idle = self.idle().pop();
        let mut connection = match idle {
            Some(connection) => connection,
            None => open_reader(&self.path)?,
        };
        let result = connection
            .transaction()
            .map_err(Failure::from)
            .and_then(|view| work(&view));
        self.idle().push(connection);
        result
    }

    /// Awaits running reads, and rejects all later ones.
    pub(super) async fn close(&self) {
        let all = self.permits.acquire_many(READERS).await;
        self.permits.close();
        drop(all);
    }

    /// Closes the connections. Blocks.
    pub(super) fn clear(&self) {
        let idle = std::mem::take(&mut *self.idle());
        drop(idle);
    }

    fn idle(&self) -> MutexGuard<'_, Vec<Connection>> {
        self.idle.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
