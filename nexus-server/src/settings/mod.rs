//! The server's settings: flags take precedence over the environment, the environment over the
//! file, and the file over defaults.
//!
//! [`Flags`] reads the command line and the environment, [`File`] the TOML file; both only contain
//! what was set. [`Settings`] is the validated result.

mod address;
mod durability;
mod error;
mod file;
mod flags;
mod given;
mod log_format;
mod switch;
mod table;

use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::time::Duration;

use clap::Command;
use clap_complete::Shell;
use hyper::header::HeaderValue;
use nexus_lib::store::Durability;
use nexus_lib::wire::ProxyList;
use secrecy::{ExposeSecret, SecretString};
use tracing_subscriber::EnvFilter;
use tracing_subscriber::filter::LevelFilter;

use error::MIN_TOKEN_CHARS;
pub(crate) use error::SettingsError;
use file::File;
use flags::{Flags, Sources};
use given::given;
pub(crate) use log_format::LogFormat;

/// The server's settings.
pub(crate) struct Settings {
    pub(crate) admin_addr: SocketAddr,
    pub(crate) api_addr: SocketAddr,
    pub(crate) admin_token: Option<SecretString>,
    /// The SQLite database's file.
    pub(crate) database: PathBuf,
    pub(crate) durability: Durability,
    pub(crate) data_dir: PathBuf,
    pub(crate) logs_dir: PathBuf,
    /// Where messages are archived, if enabled.
    pub(crate) messages_dir: Option<PathBuf>,
    pub(crate) archive_retention_days: Option<u32>,
    pub(crate) master_key: Option<SecretString>,
    /// Origins whose pages may call the LLM port; `*` means all.
    pub(crate) cors_origins: Vec<HeaderValue>,
    /// For models named like Grok whose provider has none.
    pub(crate) grok_proxies: Option<ProxyList>,
    /// Nothing may be dropped in translation.
    pub(crate) strict: bool,
    pub(crate) demo: bool,
    pub(crate) drain_timeout: Duration,
    pub(crate) max_body_bytes: usize,
    /// For all request bodies and whole answers together; by default a share of the available
    /// memory.
    pub(crate) max_body_memory_bytes: Option<usize>,
    pub(crate) max_open_requests: usize,
    pub(crate) max_socket_chats: usize,
    /// What to log, as a `tracing` filter.
    pub(crate) log_filter: String,
    pub(crate) log_format: LogFormat,
    /// The maximum size of all log files together.
    pub(crate) log_max_bytes: u64,
    /// For how many days log files are kept.
    pub(crate) log_retention_days: usize,
}

/// What the program was started for.
pub(crate) enum Task {
    /// Serve, the default.
    Serve(Settings),
    /// Check whether it could serve.
    Check(Settings),
    /// Ask the server at this admin address whether it is ready.
    Health(SocketAddr),
    /// Print a completion script for this shell.
    Complete(Shell),
}

impl Task {
    /// Reads the command line, the environment and the file. Exits the process for `--help`,
    /// `--version` and an invalid command line.
    pub(crate) fn read() -> Result<Self, SettingsError> {
        let (flags, sources) = Flags::read()?;
        match flags.task {
            None => Settings::load(flags, &sources).map(Self::Serve),
            Some(flags::Task::Check) => Settings::load(flags, &sources).map(Self::Check),
            // The probe needs no token, so it must not require one.
            Some(flags::Task::Health) => Settings::admin_addr(&flags).map(Self::Health),
            Some(flags::Task::Completions { shell }) => Ok(Self::Complete(shell)),
        }
    }
}

/// The command line definition, for completion scripts.
pub(crate) fn command() -> Command {
    flags::command()
}

impl Settings {
    fn load(flags: Flags, sources: &Sources) -> Result<Self, SettingsError> {
        let file = File::of(&flags)?;
        // Not a flag: a command line is visible to every user of the machine.
        let master_key = std::env::var("NEXUS_MASTER_KEY").ok();
        Self::merge(flags, file, master_key).map_err(|error| error.named(|flag| sources.name(flag)))
    }

    /// The admin address of a server with these settings.
    fn admin_addr(flags: &Flags) -> Result<SocketAddr, SettingsError> {
        let given_value = match given(flags.admin_addr) {
            Some(addr) => Some(addr),
            None => File::of(flags)?.admin_addr,
        };
        Ok(given_value.map_or(ADMIN_ADDR, |addr| addr.0))
    }

    fn merge(flags: Flags, file: File, master_key: Option<String>) -> Result<Self, SettingsError> {
        let data_dir = (flags.data_dir.or(file.data_dir)).unwrap_or_else(|| "data".into());
        let store = flags.store.or(file.store);
        let settings = Self {
            admin_addr: (given(flags.admin_addr).or(file.admin_addr))
                .map_or(ADMIN_ADDR, |addr| addr.0),
            api_addr: (given(flags.api_addr).or(file.api_addr)).map_or(API_ADDR, |addr| addr.0),
            admin_token: secret(flags.admin_token).or_else(|| secret(file.admin_token)),
            database: database(store.as_deref(), &data_dir)?,
            durability: (flags.durability.or(file.durability))
                .map_or_else(Durability::default, |given_value| given_value.0),
            data_dir,
            logs_dir: (flags.logs_dir.or(file.logs_dir)).unwrap_or_else(|| "logs".into()),
            messages_dir: (flags.archive_messages.or(file.archive_messages))
                .unwrap_or(false)
                .then(|| flags.messages_dir.or(file.messages_dir))
                .map(|dir| dir.unwrap_or_else(|| "messages".into())),
            archive_retention_days: retention(
                given(flags.archive_retention_days).or(file.archive_retention_days),
            )?,
            master_key: secret(master_key),
            cors_origins: origins(flags.cors_origin.or(file.cors_origin).unwrap_or_default())?,
            grok_proxies: proxies(flags.grok_proxies.or(file.grok_proxies).as_deref())?,
            strict: flags.strict.or(file.strict).unwrap_or(false),
            demo: flags.demo.or(file.demo).unwrap_or(false),
            drain_timeout: Duration::from_secs(
                (given(flags.drain_timeout).or(file.drain_timeout)).unwrap_or(DRAIN_SECONDS),
            ),
            max_body_bytes: bytes(
                "--max-body-mib",
                (given(flags.max_body_mib).or(file.max_body_mib)).unwrap_or(BODY_MIB),
            )?,
            max_body_memory_bytes: given(flags.max_body_memory_mib)
                .or(file.max_body_memory_mib)
                .map(|mib| bytes("--max-body-memory-mib", mib))
                .transpose()?,
            max_open_requests: at_least_one(
                "--max-open-requests",
                (given(flags.max_open_requests).or(file.max_open_requests))
                    .unwrap_or(OPEN_REQUESTS),
            )?,
            max_socket_chats: at_least_one(
                "--max-socket-chats",
                (given(flags.max_socket_chats).or(file.max_socket_chats)).unwrap_or(SOCKET_CHATS),
            )?,
            log_filter: log_filter(flags.log_level.or(file.log_level).as_deref())?,
            log_format: (flags.log_format.or(file.log_format)).unwrap_or_default(),
            log_max_bytes: match given(flags.log_max_mib).or(file.log_max_mib) {
                Some(0) => return Err(SettingsError::wrong("--log-max-mib", AT_LEAST_ONE)),
                mib => mib.unwrap_or(LOG_MIB).saturating_mul(1 << 20),
            },
            log_retention_days: at_least_one(
                "--log-retention-days",
                (given(flags.log_retention_days).or(file.log_retention_days)).unwrap_or(LOG_DAYS),
            )?,
        };
        if !settings.admin_addr.ip().is_loopback() {
            let length = (settings.admin_token.as_ref())
                .map_or(0, |token| token.expose_secret().chars().count());
            match length {
                0 => return Err(SettingsError::OpenAdminPort(settings.admin_addr)),
                1..MIN_TOKEN_CHARS => return Err(SettingsError::ShortToken(settings.admin_addr)),
                _ => {}
            }
        }
        Ok(settings)
    }
}

const ADMIN_ADDR: SocketAddr = address::loopback(8000);
const API_ADDR: SocketAddr = address::loopback(5231);
const DRAIN_SECONDS: u64 = 30;
const BODY_MIB: usize = 64;
const OPEN_REQUESTS: usize = 4096;
const SOCKET_CHATS: usize = 64;
const LOG_DAYS: usize = 14;
const LOG_MIB: u64 = 1024;
const AT_LEAST_ONE: &str = "must be at least 1";

/// In a shell or a compose file an empty value means "none".
fn secret(text: Option<String>) -> Option<SecretString> {
    text.filter(|text| !text.is_empty()).map(SecretString::from)
}

fn database(store: Option<&str>, data_dir: &Path) -> Result<PathBuf, SettingsError> {
    let Some(store) = store.filter(|store| !store.is_empty()) else {
        return Ok(data_dir.join("nexus.db"));
    };
    // The value of a store may contain a password: errors do not repeat it.
    match store.split_once(':') {
        Some(("sqlite", path)) if !path.is_empty() => Ok(path.into()),
        Some(("postgres" | "postgresql", _)) => Err(SettingsError::wrong(
            "--store",
            "names PostgreSQL, which is not supported by this build yet: use sqlite:PATH, or leave it out",
        )),
        _ => Err(SettingsError::wrong("--store", "must be sqlite:PATH")),
    }
}

fn origins(origins: Vec<String>) -> Result<Vec<HeaderValue>, SettingsError> {
    let given = origins.iter().map(|origin| origin.trim());
    given
        .filter(|origin| !origin.is_empty())
        .map(|origin| {
            let has_path = (origin.split_once("://")).is_some_and(|(_, rest)| rest.contains('/'));
            let known =
                origin == "*" || origin.starts_with("http://") || origin.starts_with("https://");
            match HeaderValue::from_str(origin) {
                Ok(value) if known && !has_path => Ok(value),
                _ => Err(SettingsError::wrong(
                    "--cors-origin",
                    format!(
                        "does not accept `{origin}`; use scheme, host and port only, such as \
                         https://chat.example.com, or * for all"
                    ),
                )),
            }
        })
        .collect()
}

fn proxies(text: Option<&str>) -> Result<Option<ProxyList>, SettingsError> {
    let text = text.filter(|text| !text.trim().is_empty());
    let list = text.map(ProxyList::parse).transpose();
    // The cause contains no credentials.
    list.map_err(|error| SettingsError::wrong("--grok-proxies", format!("cannot be used: {error}")))
}

/// Zero days could mean "none" as well as "forever".
fn retention(days: Option<u32>) -> Result<Option<u32>, SettingsError> {
    match days {
        Some(0) => Err(SettingsError::wrong(
            "--archive-retention-days",
            "must be at least 1; omit it to keep messages forever",
        )),
        days => Ok(days),
    }
}

fn bytes(flag: &str, mib: usize) -> Result<usize, SettingsError> {
    mib.checked_mul(1024 * 1024)
        .filter(|bytes| *bytes > 0)
        .ok_or_else(|| SettingsError::wrong(flag, "must be at least 1, and fit into memory"))
}

fn at_least_one(flag: &str, most: usize) -> Result<usize, SettingsError> {
    match most {
        0 => Err(SettingsError::wrong(flag, AT_LEAST_ONE)),
        most => Ok(most),
    }
}

/// A level applies to this gateway only: other crates are limited to `info`, unless a filter asks
/// for more.
fn log_filter(level: Option<&str>) -> Result<String, SettingsError> {
    let text = level.filter(|level| !level.is_empty()).unwrap_or("info");
    if let Ok(level) = text.parse::<LevelFilter>() {
        let others = level.min(LevelFilter::INFO);
        return Ok(format!("{others},nexus_lib={level},nexus_server={level}"));
    }
    // A single word that is not a level would be the name of a crate that never logs.
    let is_filter = text.contains('=') && EnvFilter::try_new(text).is_ok();
    let bad = || {
        let why = format!(
            "does not accept `{text}`; use error, warn, info, debug or trace, or a tracing filter"
        );
        SettingsError::wrong("--log-level", why)
    };
    is_filter.then(|| text.to_owned()).ok_or_else(bad)
}

#[cfg(test)]
mod tests;
