use std::error::Error as _;
use std::path::PathBuf;

use clap::builder::Resettable;
use clap::error::{ContextKind, ContextValue, ErrorKind};
use clap::parser::ValueSource;
use clap::{Arg, ArgMatches, Command, CommandFactory, FromArgMatches, Parser, Subcommand};
use clap_complete::Shell;

use super::SettingsError;
use super::address::Address;
use super::durability::LedgerDurability;
use super::given::{Given, whole};
use super::log_format::LogFormat;
use super::switch::switch;

/// The NexusAI gateway: an OpenAI-compatible LLM API on one port, and the admin API on another.
///
/// Needs no configuration: it creates its database below --data-dir and serves both ports on this
/// machine. Try it without any key or network: `nexus-server --demo`.
#[derive(Parser)]
#[command(version, after_help = AFTER_HELP)]
pub(super) struct Flags {
    #[command(subcommand)]
    pub(super) task: Option<Task>,

    /// TOML file with any of these settings, under the flag's long name
    #[arg(long, value_name = "FILE", env = "NEXUS_CONFIG")]
    pub(super) config: Option<PathBuf>,

    /// Address of the admin API [default: 127.0.0.1:8000]; port 0 picks a free one
    #[arg(
        long,
        value_name = "ADDR",
        env = "NEXUS_ADMIN_ADDR",
        hide_env_values = true
    )]
    pub(super) admin_addr: Option<Given<Address>>,

    /// Address of the LLM API [default: 127.0.0.1:5231]; port 0 picks a free one
    #[arg(
        long,
        value_name = "ADDR",
        env = "NEXUS_API_ADDR",
        hide_env_values = true
    )]
    pub(super) api_addr: Option<Given<Address>>,

    /// Bearer token for the admin port; required if its address is not loopback. Prefer the
    /// environment variable: other users of this machine can read a command line
    #[arg(
        long,
        value_name = "TOKEN",
        env = "NEXUS_ADMIN_TOKEN",
        hide_env_values = true
    )]
    pub(super) admin_token: Option<String>,

    /// Store for providers and the ledger [default: sqlite:DATA_DIR/nexus.db]
    #[arg(
        long,
        value_name = "sqlite:PATH",
        env = "NEXUS_STORE",
        hide_env_values = true
    )]
    pub(super) store: Option<String>,

    /// Durability of the ledger [default: process]: rows survive the death of the process (kill -9,
    /// a crash), or also a loss of power. With power each commit waits for the disk
    #[arg(
        long,
        value_name = "process|power",
        env = "NEXUS_DURABILITY",
        hide_env_values = true
    )]
    pub(super) durability: Option<LedgerDurability>,

    /// Folder for the database and the master key [default: data]
    #[arg(
        long,
        value_name = "DIR",
        env = "NEXUS_DATA_DIR",
        hide_env_values = true
    )]
    pub(super) data_dir: Option<PathBuf>,

    /// Folder for daily log files, in addition to stderr [default: logs]
    #[arg(
        long,
        value_name = "DIR",
        env = "NEXUS_LOGS_DIR",
        hide_env_values = true
    )]
    pub(super) logs_dir: Option<PathBuf>,

    /// Folder for archived messages [default: messages]: JSON Lines, one file per hour
    #[arg(
        long,
        value_name = "DIR",
        env = "NEXUS_MESSAGES_DIR",
        hide_env_values = true
    )]
    pub(super) messages_dir: Option<PathBuf>,

    /// Archive request and response messages, unencrypted, below --messages-dir
    #[arg(
        long, value_name = "on|off", env = "NEXUS_ARCHIVE_MESSAGES", hide_env_values = true,
        num_args = 0..=1, require_equals = true, default_missing_value = "on", value_parser = switch,
    )]
    pub(super) archive_messages: Option<bool>,

    /// Delete archived messages after this many days [default: keep them]
    #[arg(
        long,
        value_name = "DAYS",
        env = "NEXUS_ARCHIVE_RETENTION_DAYS",
        hide_env_values = true,
        value_parser = whole::<u32>
    )]
    pub(super) archive_retention_days: Option<Given<u32>>,

    /// Origin whose pages may call the LLM port; repeatable, * allows all
    #[arg(
        long,
        value_name = "ORIGIN",
        env = "NEXUS_CORS_ORIGIN",
        hide_env_values = true,
        value_delimiter = ','
    )]
    pub(super) cors_origin: Option<Vec<String>>,

    /// Outbound proxies, separated by commas, for models named like Grok whose provider has none:
    /// http://, socks5:// or socks5h://, followed by USER:PASSWORD@HOST:PORT. Prefer the
    /// environment variable: other users of this machine can read a command line
    #[arg(
        long,
        value_name = "URLS",
        env = "NEXUS_GROK_PROXIES",
        hide_env_values = true
    )]
    pub(super) grok_proxies: Option<String>,

    /// Reject requests that cannot be fully translated to the provider's protocol; by default
    /// optional parameters are dropped and listed in the response header x-nexus-dropped
    #[arg(
        long, value_name = "on|off", env = "NEXUS_STRICT", hide_env_values = true,
        num_args = 0..=1, require_equals = true, default_missing_value = "on", value_parser = switch,
    )]
    pub(super) strict: Option<bool>,

    /// Register a built-in model that answers without a network: model nexus-echo, key demo-key
    #[arg(
        long, value_name = "on|off", env = "NEXUS_DEMO", hide_env_values = true,
        num_args = 0..=1, require_equals = true, default_missing_value = "on", value_parser = switch,
    )]
    pub(super) demo: Option<bool>,

    /// Seconds for open requests to finish during shutdown [default: 30]
    #[arg(
        long,
        value_name = "SECONDS",
        env = "NEXUS_DRAIN_TIMEOUT",
        hide_env_values = true,
        value_parser = whole::<u64>
    )]
    pub(super) drain_timeout: Option<Given<u64>>,

    /// Maximum request body on the LLM port, in MiB [default: 64]
    #[arg(
        long,
        value_name = "MIB",
        env = "NEXUS_MAX_BODY_MIB",
        hide_env_values = true,
        value_parser = whole::<usize>
    )]
    pub(super) max_body_mib: Option<Given<usize>>,

    /// Memory limit for all request bodies and whole answers together, in MiB [default: a quarter
    /// of this machine's, or of the control group's]; requests beyond it get 503
    #[arg(
        long,
        value_name = "MIB",
        env = "NEXUS_MAX_BODY_MEMORY_MIB",
        hide_env_values = true,
        value_parser = whole::<usize>
    )]
    pub(super) max_body_memory_mib: Option<Given<usize>>,

    /// Maximum number of open chats [default: 4096]; further ones get 503
    #[arg(
        long,
        value_name = "REQUESTS",
        env = "NEXUS_MAX_OPEN_REQUESTS",
        hide_env_values = true,
        value_parser = whole::<usize>
    )]
    pub(super) max_open_requests: Option<Given<usize>>,

    /// Maximum number of open chats on one WebSocket [default: 64]
    #[arg(
        long,
        value_name = "CHATS",
        env = "NEXUS_MAX_SOCKET_CHATS",
        hide_env_values = true,
        value_parser = whole::<usize>
    )]
    pub(super) max_socket_chats: Option<Given<usize>>,

    /// What to log: error, warn, info, debug, trace, or a tracing filter [default: info]
    #[arg(long, value_name = "LEVEL", env = "NEXUS_LOG", hide_env_values = true)]
    pub(super) log_level: Option<String>,

    /// Format of log lines, on standard error and in files [default: text]
    #[arg(
        long,
        value_name = "text|json",
        env = "NEXUS_LOG_FORMAT",
        hide_env_values = true
    )]
    pub(super) log_format: Option<LogFormat>,

    /// Maximum size of all log files together, in MiB [default: 1024]; the oldest are deleted
    #[arg(
        long,
        value_name = "MIB",
        env = "NEXUS_LOG_MAX_MIB",
        hide_env_values = true,
        value_parser = whole::<u64>
    )]
    pub(super) log_max_mib: Option<Given<u64>>,

    /// Delete log files after this many days [default: 14]
    #[arg(
        long,
        value_name = "DAYS",
        env = "NEXUS_LOG_RETENTION_DAYS",
        hide_env_values = true,
        value_parser = whole::<usize>
    )]
    pub(super) log_retention_days: Option<Given<usize>>,
}

const AFTER_HELP: &str = "\
A flag beats its environment variable, which beats the file, which beats the default.
NEXUS_MASTER_KEY seals the providers' keys and proxies in the database; without it a key file is made in
the data folder at the first start.
SIGTERM and Ctrl-C finish open requests and stop; a second one stops at once.";

/// A task other than serving.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Subcommand)]
pub(super) enum Task {
    /// Check the settings, the store and the providers, and report problems
    ///
    /// Starts nothing and changes nothing, and may run beside a server. Asks each enabled provider
    /// for its list of models. Exits with 0 if all is well, 1 if there is a problem, and 2 if the
    /// settings are invalid.
    Check,
    /// Ask the running server with the same settings whether it is ready
    ///
    /// Exits with 0 if it is, otherwise with 1: for a container's health check.
    Health,
    /// Print a shell completion script
    ///
    /// For bash: `source <(nexus-server completions bash)`.
    Completions {
        /// The shell
        shell: Shell,
    },
}

impl Flags {
    /// Reads the command line and the environment. Flags may precede or follow a task. Exits the
    /// process for `--help`, `--version` and an invalid command line.
    ///
    /// # Errors
    /// When an environment variable has an invalid value.
    pub(super) fn read() -> Result<(Self, Sources), SettingsError> {
        let matches = match command().try_get_matches() {
            Ok(matches) => matches,
            Err(error) => return Err(blame_variable(&error).unwrap_or_else(|| error.exit())),
        };
        match Self::from_arg_matches(&matches) {
            Ok(flags) => Ok((flags, Sources(matches))),
            Err(error) => error.exit(),
        }
    }
}

/// The source of each setting.
pub(super) struct Sources(ArgMatches);

impl Sources {
    /// The operator's name for the setting with the flag `flag`: the flag, a variable or a key of
    /// the file.
    pub(super) fn name(&self, flag: &str) -> Option<String> {
        let id = flag.trim_start_matches('-').replace('-', "_");
        match self.0.value_source(&id) {
            Some(ValueSource::CommandLine) => None,
            Some(ValueSource::EnvVariable) => variable(|arg| arg.get_id().as_str() == id),
            _ => Some(format!("`{id}` in the configuration file")),
        }
    }
}

/// The environment variable of a flag.
fn variable(is_it: impl Fn(&Arg) -> bool) -> Option<String> {
    let mut command = command();
    // Without this, flags cannot be displayed.
    command.build();
    let arg = command.get_arguments().find(|arg| is_it(arg))?;
    Some(arg.get_env()?.to_string_lossy().into_owned())
}

/// Clap blames a flag even if a variable has the invalid value.
fn blame_variable(error: &clap::Error) -> Option<SettingsError> {
    if !matches!(
        error.kind(),
        ErrorKind::ValueValidation | ErrorKind::InvalidValue
    ) {
        return None;
    }
    let without_variables = command().mut_args(|arg| arg.env(Resettable::Reset));
    without_variables.try_get_matches().ok()?;
    let text = |kind| match error.get(kind) {
        Some(ContextValue::String(text)) => Some(text),
        _ => None,
    };
    let flag = text(ContextKind::InvalidArg)?;
    let value = text(ContextKind::InvalidValue)?;
    let name = variable(|arg| arg.to_string() == *flag)?;
    let expected = error.source().map(ToString::to_string);
    let why = match expected {
        Some(expected) => format!("is `{value}`: {expected} (as for {flag})"),
        None => format!("is `{value}`, which {flag} does not accept"),
    };
    Some(SettingsError::wrong(&name, why))
}

/// The command line definition.
pub(super) fn command() -> Command {
    Flags::command().mut_args(|flag| flag.global(true))
}
