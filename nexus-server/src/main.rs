//! The NexusAI gateway on two ports.
//!
//! A thin shell around `nexus-lib`: [`settings`] are read, [`logs`] begin, the gateway is
//! [built and run](server) on a runtime, and a signal [drains](drain) it.

mod cors;
mod demo;
mod descriptors;
mod drain;
mod edge;
mod failure;
mod listen;
mod logs;
#[cfg(feature = "otel")]
mod otel;
mod request_log;
mod server;
mod settings;
mod signals;
mod tls;

use std::process::ExitCode;

use failure::Failure;
use settings::Settings;

#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

fn main() -> ExitCode {
    match run() {
        Ok(()) => ExitCode::SUCCESS,
        Err(failure) => {
            eprintln!("nexus-server: {failure}");
            failure.exit_code()
        }
    }
}

fn run() -> Result<(), Failure> {
    let settings = Settings::load()?;
    // Kept to the end: what is logged last is written when this is dropped.
    let logs = logs::start(&settings)?;
    let runtime = tokio::runtime::Builder::new_multi_thread()
        .enable_all()
        .build()
        .map_err(Failure::Runtime)?;
    let outcome = runtime.block_on(server::run(settings, &logs));
    // Whatever did not finish in its time is not waited for again.
    runtime.shutdown_background();
    outcome
}
