//! The NexusAI gateway on two ports.
//!
//! A thin shell around `nexus-lib`: [`settings`] are read, [`logs`] begin, the gateway is
//! [built and run](server) on a runtime, and a signal [drains](drain) it.

mod check;
mod cors;
mod demo;
mod descriptors;
mod drain;
mod edge;
mod failure;
mod health;
mod listen;
mod logs;
#[cfg(feature = "otel")]
mod otel;
mod refusal_log;
mod request_log;
mod server;
mod settings;
mod signals;
mod tls;

use std::io::Write;
use std::process::ExitCode;

use clap_complete::Shell;

use failure::Failure;
use settings::{Settings, Task};

#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

fn main() -> ExitCode {
    let done = Task::read()
        .map_err(Failure::from)
        .and_then(|task| match task {
            Task::Serve(settings) => serve(settings).map(|()| ExitCode::SUCCESS),
            Task::Check(settings) => check::run(&settings),
            Task::Health(admin_addr) => Ok(health::run(admin_addr)),
            Task::Complete(shell) => Ok(complete(shell)),
        });
    match done {
        Ok(code) => code,
        Err(failure) => {
            eprintln!("nexus-server: {failure}");
            failure.exit_code()
        }
    }
}

fn serve(settings: Settings) -> Result<(), Failure> {
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

/// Prints how `shell` completes our command line.
fn complete(shell: Shell) -> ExitCode {
    let mut script = Vec::new();
    let mut command = settings::command();
    clap_complete::generate(shell, &mut command, "nexus-server", &mut script);
    // Whoever closed our stdout does not want to know.
    let _ = std::io::stdout().write_all(&script);
    ExitCode::SUCCESS
}
