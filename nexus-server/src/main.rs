//! The NexusAI gateway on two ports.
//!
//! A thin shell around `nexus-lib`: it reads the [`settings`], starts the [`logs`], and [builds and
//! runs](server) the gateway on a runtime until a signal [drains](drain) it.

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
    // Kept to the end: dropping it writes the last lines.
    let logs = logs::start(&settings)?;
    let runtime = tokio::runtime::Builder::new_multi_thread()
        .enable_all()
        .build()
        .map_err(Failure::Runtime)?;
    let outcome = runtime.block_on(server::run(settings, &logs));
    // Tasks that did not finish in time are not awaited again.
    runtime.shutdown_background();
    outcome
}

/// Prints the completion script for `shell`.
fn complete(shell: Shell) -> ExitCode {
    let mut script = Vec::new();
    let mut command = settings::command();
    clap_complete::generate(shell, &mut command, "nexus-server", &mut script);
    // A closed stdout is not an error here.
    let _ = std::io::stdout().write_all(&script);
    ExitCode::SUCCESS
}
