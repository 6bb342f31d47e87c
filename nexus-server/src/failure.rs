use std::io;
use std::net::SocketAddr;
use std::path::PathBuf;
use std::process::ExitCode;

use crate::settings::SettingsError;

/// Why the server did not start, or did not end cleanly.
#[derive(Debug, thiserror::Error)]
pub(crate) enum Failure {
    #[error(transparent)]
    Settings(#[from] SettingsError),
    #[error("cannot write logs to {}: {cause}", folder.display())]
    Logs { folder: PathBuf, cause: io::Error },
    #[error("cannot start threads: {0}")]
    Runtime(io::Error),
    #[error("the {name} port cannot listen on {addr}: {cause}; is another server running there?")]
    Listen {
        name: &'static str,
        addr: SocketAddr,
        cause: io::Error,
    },
    #[error("cannot listen for signals: {0}")]
    Signals(io::Error),
    #[cfg(feature = "otel")]
    #[error("cannot export traces: {0}")]
    Traces(String),
    #[error("{}", .0.report())]
    Gateway(#[from] nexus_lib::Error),
    #[error("stopped at once by a second signal; open requests were cut off")]
    Forced,
    #[error("stopped at once by a second signal; the last rows may be missing from the ledger")]
    Unwritten,
}

impl Failure {
    /// 2 for invalid settings, like an invalid command line; 1 for everything else.
    pub(crate) fn exit_code(&self) -> ExitCode {
        match self {
            Self::Settings(_) => ExitCode::from(2),
            Self::Gateway(error) if error.kind() == nexus_lib::ErrorKind::InvalidConfig => {
                ExitCode::from(2)
            }
            _ => ExitCode::FAILURE,
        }
    }
}
