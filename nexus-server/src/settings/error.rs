use std::io;
use std::net::SocketAddr;
use std::path::PathBuf;

/// Why the settings cannot be started with. Each message says what to do, and shows no secret.
#[derive(Debug, thiserror::Error)]
pub(crate) enum SettingsError {
    #[error("cannot read the configuration file {}: {cause}", path.display())]
    Unreadable { path: PathBuf, cause: io::Error },
    #[error("configuration file {}, line {line}: {message}", path.display())]
    Invalid {
        path: PathBuf,
        line: usize,
        message: String,
    },
    #[error(
        "the admin address {0} can be reached from other machines: set a token with --admin-token or \
         NEXUS_ADMIN_TOKEN, or listen on a loopback address such as 127.0.0.1:8000"
    )]
    OpenAdminPort(SocketAddr),
    #[error(
        "PostgreSQL is not supported by this build yet: use --store sqlite:PATH, or leave --store out"
    )]
    PostgresMissing,
    #[error("--store must be sqlite:PATH")]
    UnknownStore,
    #[error("--archive-retention-days must be at least 1; leave it out to keep messages for ever")]
    NoRetention,
    #[error(
        "`{0}` is no origin for --cors-origin: give scheme, host and port only, such as \
         https://chat.example.com, or * for all"
    )]
    BadOrigin(String),
    /// The cause shows no credentials.
    #[error("--grok-proxies: {0}")]
    BadProxies(nexus_lib::Error),
    #[error("--max-body-mib must be at least 1, and fit into memory")]
    BadBodyLimit,
    #[error("{0} must be at least 1")]
    NotOne(&'static str),
    #[error("`{0}` is no log level: say error, warn, info, debug or trace, or a tracing filter")]
    BadLogLevel(String),
}
