//! `nexus-server check`: checks whether the server could serve, without serving.
//!
//! Nothing is changed and nothing left behind. The store is only read, without its lock, so that a
//! running server is not disturbed. A test file in each folder is deleted again. Providers are
//! asked for their lists of models, which costs no tokens.

mod folders;
mod providers;
mod report;

use std::net::SocketAddr;
use std::process::ExitCode;
use std::time::Duration;

use nexus_lib::SqliteStore;
use nexus_lib::registry::Registered;
use nexus_lib::secret::MasterKey;
use secrecy::ExposeSecret;
use tokio::net::TcpStream;

use crate::failure::Failure;
use crate::settings::Settings;
use report::Report;

/// The connect timeout for our own addresses.
const KNOCK_TIMEOUT: Duration = Duration::from_secs(1);

/// Runs all checks, prints the results to stdout, and returns 0 if all is well, otherwise 1.
///
/// # Errors
/// When a check cannot be run.
pub(crate) fn run(settings: &Settings) -> Result<ExitCode, Failure> {
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()
        .map_err(Failure::Runtime)?;
    let mut report = Report::default();
    runtime.block_on(check(settings, &mut report));
    // A hanging resolver is not awaited.
    runtime.shutdown_background();
    Ok(report.verdict())
}

async fn check(settings: &Settings, report: &mut Report) {
    report.well("settings", "can be started with");
    folders::check(settings, report);
    for (name, addr) in [
        ("admin port", settings.admin_addr),
        ("api port", settings.api_addr),
    ] {
        check_port(name, addr, report).await;
    }
    if let Some(records) = check_store(settings, report).await {
        providers::check(&records, settings, report).await;
    }
}

/// An open port is not an error: it may be the server in question.
async fn check_port(name: &str, addr: SocketAddr, report: &mut Report) {
    let knock = tokio::time::timeout(KNOCK_TIMEOUT, TcpStream::connect(addr));
    match knock.await {
        Ok(Ok(_)) if addr.port() != 0 => {
            let finding = format!("{addr} is in use: a server is running, or another program");
            report.note(name, finding);
        }
        _ => report.well(name, addr),
    }
}

async fn check_store(settings: &Settings, report: &mut Report) -> Option<Registered> {
    let path = settings.database.display();
    match records(settings).await {
        Ok(Some(records)) => {
            let (providers, models) = (records.providers.len(), records.models.len());
            let finding = format!("{path}, with {providers} providers and {models} models");
            report.well("store", finding);
            Some(records)
        }
        Ok(None) => {
            report.well(
                "store",
                format!("{path} will be created at the first start"),
            );
            None
        }
        Err(error) => {
            report.ill("store", error.report());
            None
        }
    }
}

async fn records(settings: &Settings) -> nexus_lib::Result<Option<Registered>> {
    let options = SqliteStore::options(&settings.database);
    let options = match &settings.master_key {
        Some(text) => options.master_key(MasterKey::from_base64(text.expose_secret())?),
        None => options.master_key_file(settings.data_dir.join("master.key")),
    };
    let Some(inspected) = options.inspect().await? else {
        return Ok(None);
    };
    let registered = match &inspected.master_key {
        Some(key) => Registered::unseal(inspected.records, key)?,
        // Where nothing is sealed, nothing is registered.
        None => Registered::default(),
    };
    Ok(Some(registered))
}
