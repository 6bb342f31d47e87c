//! The ledger's rows somewhere else too: one JSON line for each request that is over.
//!
//! A sink gets rows once they are committed, in order, and at least once: what it has not taken
//! when the process dies comes again at the next start. So it keeps what it takes before it says
//! so, and whoever reads the lines takes the first of each `request_id`.
//!
//! ```sh
//! cargo run -p nexus-examples --example ledger_sink -- --once
//! ```

use std::error::Error;
use std::fs::{File, OpenOptions};
use std::io::Write;
use std::path::Path;
use std::sync::Arc;

use async_trait::async_trait;
use nexus_lib::error::ErrorKind;
use nexus_lib::ledger::LedgerSink;
use nexus_lib::store::LedgerRow;
use nexus_lib::{ChatRequest, Gateway, NewModel, ProviderSpec, SqliteStore};

const KEY: &str = "client-key";
const MODEL: &str = "nexus-echo";

/// Appends rows to a file.
struct JsonLines(Arc<File>);

impl JsonLines {
    fn open(path: &Path) -> std::io::Result<Self> {
        let file = OpenOptions::new().create(true).append(true).open(path)?;
        Ok(Self(Arc::new(file)))
    }
}

#[async_trait]
impl LedgerSink for JsonLines {
    async fn take(&self, rows: &[LedgerRow]) -> nexus_lib::Result<()> {
        let mut lines = Vec::new();
        for row in rows {
            serde_json::to_writer(&mut lines, row).map_err(cannot_write)?;
            lines.push(b'\n');
        }
        let file = Arc::clone(&self.0);
        // Files block; and a row that is taken must outlive the power supply, too.
        let written = tokio::task::spawn_blocking(move || {
            (&*file).write_all(&lines)?;
            file.sync_data()
        });
        written.await.map_err(cannot_write)?.map_err(cannot_write)
    }

    fn max_waiting(&self) -> u64 {
        // While the disk is full, so many requests are still served.
        10_000
    }
}

/// It is logged, and the same rows come again.
fn cannot_write(cause: impl Error + Send + Sync + 'static) -> nexus_lib::Error {
    nexus_lib::Error::new(ErrorKind::Internal, "rows cannot be written").with_source(cause)
}

#[tokio::main]
async fn main() -> Result<(), Box<dyn Error>> {
    // A real program names a folder that lasts.
    let folder = tempfile::tempdir()?;
    let lines = folder.path().join("requests.jsonl");
    let store = SqliteStore::open(folder.path().join("nexus.db")).await?;
    let sink = JsonLines::open(&lines)?;
    let nexus = Gateway::builder(store).ledger_sink(sink).build().await?;
    let spec = ProviderSpec::new("Demo", "http://demo.invalid", "", KEY).kind("demo");
    let demo = nexus.registry().add_provider(spec).await?;
    let model = NewModel::new(demo.id, MODEL);
    nexus.registry().add_model(model).await?;

    for question in ["Hello there!", "And again?"] {
        let question = ChatRequest::new(MODEL).user(question).key(KEY);
        let reply = nexus.chat(question).await?;
        println!("{}", reply.completion.text());
    }
    // Closing hands over what is left.
    nexus.close().await?;
    let lines = std::fs::read_to_string(lines)?;
    println!("{lines}");
    match lines.lines().count() {
        2 => Ok(()),
        others => Err(format!("two requests, and {others} lines").into()),
    }
}
