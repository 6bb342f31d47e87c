use std::error::Error as _;
use std::path::PathBuf;

use clap::builder::Resettable;
use clap::error::{ContextKind, ContextValue, ErrorKind};
use clap::parser::ValueSource;
use clap::{Arg, ArgMatches, Command, CommandFactory, FromArgMatches, Parser, Subcommand};
use clap_complete::Shell;

use super::SettingsError;
use super::address::Address;
use super::durability::Outlives;
use super::given::{Given, whole};
use super::log_format::LogFormat;
use super::switch::switch;

/// The NexusAI gateway: an OpenAI-compatible LLM API on one port, and the admin API on another.
///
/// Needs no configuration: it makes its database below --data-dir and serves both ports on this
/// machine. Try it without any key or network: `nexus-server --demo`.
#[derive(Parser)]
#[command(version, after_help = AFTER_HELP)]
pub(super) struct Flags {
    #[command(subcommand)]
    pub(super) task: Option<Task>,

    /// TOML file with any of these settings, under the long name of the flag
    #[arg(long, value_name = "FILE", env = "NEXUS_CONFIG")]
    pub(super) config: Option<PathBuf>,

    /// Where the admin API listens [default: 127.0.0.1:8000]; port 0 picks a free one
    #[arg(
        long,
        value_name = "ADDR",
        env = "NEXUS_ADMIN_ADDR",
        hide_env_values = true
    )]
    pub(super) admin_addr: Option<Given<Address>>,

    /// Where the LLM API listens [default: 127.0.0.1:5231]; port 0 picks a free one
    #[arg(
        long,
        value_name = "ADDR",
        env = "NEXUS_API_ADDR",
        hide_env_values = true
    )]
    pub(super) api_addr: Option<Given<Address>>,

    /// Bearer token for the admin port; required when that is not on a loopback address. Better given
    /// by its variable: others on this machine can read a command line
    #[arg(
        long,
        value_name = "TOKEN",
        env = "NEXUS_ADMIN_TOKEN",
        hide_env_values = true
    )]
    pub(super) admin_token: Option<String>,

    /// Where providers and the ledger are kept [default: sqlite:DATA_DIR/nexus.db]
    #[arg(
        long,
        value_name = "sqlite:PATH",
        env = "NEXUS_STORE",
        hide_env_values = true
    )]
    pub(super) store: Option<String>,

    /// What the ledger outlives [default: process]: the death of the process (kill -9, a crash), or a
    /// loss of power too. For power each commit waits for the disk
    #[arg(
        long,
        value_name = "process|power",
        env = "NEXUS_DURABILITY",
        hide_env_values = true
    )]
    pub(super) durability: Option<Outlives>,

    /// Folder for the database and the master key [default: data]
    #[arg(
        long,
        value_name = "DIR",
        env = "NEXUS_DATA_DIR",
        hide_env_values = true
    )]
    pub(super) data_dir: Option<PathBuf>,

    /// Folder for daily log files, written besides stderr [default: logs]
    #[arg(
        long,
        value_name = "DIR",
        env = "NEXUS_LOGS_DIR",
        hide_env_values = true
    )]
    pub(super) logs_dir: Option<PathBuf>,

    /// Folder for archived messages [default: messages]: JSON Lines, a file for each hour
    #[arg(
        long,
        value_name = "DIR",
        env = "NEXUS_MESSAGES_DIR",
        hide_env_values = true
    )]
    pub(super) messages_dir: Option<PathBuf>,

    /// Keep request and response messages, in clear, below --messages-dir
    #[arg(
        long, value_name = "on|off", env = "NEXUS_ARCHIVE_MESSAGES", hide_env_values = true,
        num_args = 0..=1, require_equals = true, default_missing_value = "on", value_parser = switch,
    )]
    pub(super) archive_messages: Option<bool>,

    /// Delete archived messages that are older than so many days [default: keep them]
    #[arg(
        long,
        value_name = "DAYS",
        env = "NEXUS_ARCHIVE_RETENTION_DAYS",
        hide_env_values = true,
        value_parser = whole::<u32>
    )]
    pub(super) archive_retention_days: Option<Given<u32>>,

    /// Origin whose pages may call the LLM port; may be repeated, * allows all
    #[arg(
        long,
        value_name = "ORIGIN",
        env = "NEXUS_CORS_ORIGIN",
        hide_env_values = true,
        value_delimiter = ','
    )]
    pub(super) cors_origin: Option<Vec<String>>,

    /// Outbound proxies, separated by commas, for models named like Grok whose provider names none:
    /// http://, socks5:// or socks5h:// before USER:PASSWORD@HOST:PORT. Better given by its variable: others
    /// on this machine can read a command line
    #[arg(
        long,
        value_name = "URLS",
        env = "NEXUS_GROK_PROXIES",
        hide_env_values = true
    )]
    pub(super) grok_proxies: Option<String>,

    /// Refuse requests of which the provider's protocol cannot tell all; by default hints are left out, and
    /// named in the answer's header x-nexus-dropped
    #[arg(
        long, value_name = "on|off", env = "NEXUS_STRICT", hide_env_values = true,
        num_args = 0..=1, require_equals = true, default_missing_value = "on", value_parser = switch,
    )]
    pub(super) strict: Option<bool>,

    /// Register a built-in model that answers without network: model nexus-echo, key demo-key
    #[arg(
        long, value_name = "on|off", env = "NEXUS_DEMO", hide_env_values = true,
        num_args = 0..=1, require_equals = true, default_missing_value = "on", value_parser = switch,
    )]
    pub(super) demo: Option<bool>,

    /// How long open requests may take to finish once the server is told to stop [default: 30]
    #[arg(
        long,
        value_name = "SECONDS",
        env = "NEXUS_DRAIN_TIMEOUT",
        hide_env_values = true,
        value_parser = whole::<u64>
    )]
    pub(super) drain_timeout: Option<Given<u64>>,

    /// The largest request body that the LLM port reads, in MiB [default: 64]
    #[arg(
        long,
        value_name = "MIB",
        env = "NEXUS_MAX_BODY_MIB",
        hide_env_values = true,
        value_parser = whole::<usize>
    )]
    pub(super) max_body_mib: Option<Given<usize>>,

    /// How much memory all request bodies and whole answers may take together, in MiB [default: a
    /// quarter of this machine's, or of the control group's]; requests beyond are answered 503
    #[arg(
        long,
        value_name = "MIB",
        env = "NEXUS_MAX_BODY_MEMORY_MIB",
        hide_env_values = true,
        value_parser = whole::<usize>
    )]
    pub(super) max_body_memory_mib: Option<Given<usize>>,

    /// How many chats may be open at once [default: 4096]; those beyond are answered 503
    #[arg(
        long,
        value_name = "REQUESTS",
        env = "NEXUS_MAX_OPEN_REQUESTS",
        hide_env_values = true,
        value_parser = whole::<usize>
    )]
    pub(super) max_open_requests: Option<Given<usize>>,

    /// How many chats may be open on one WebSocket [default: 64]
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

    /// How log lines are written, to standard error and to files [default: text]
    #[arg(
        long,
        value_name = "text|json",
        env = "NEXUS_LOG_FORMAT",
        hide_env_values = true
    )]
    pub(super) log_format: Option<LogFormat>,

    /// How much all log files may take together, in MiB [default: 1024]; the oldest are deleted
    #[arg(
        long,
        value_name = "MIB",
        env = "NEXUS_LOG_MAX_MIB",
        hide_env_values = true,
        value_parser = whole::<u64>
    )]
    pub(super) log_max_mib: Option<Given<u64>>,

    /// Delete the log files of days beyond so many [default: 14]
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

/// What to do other than to serve.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Subcommand)]
pub(super) enum Task {
    /// Look whether the settings, the store and the providers are in order, and say what is not
    ///
    /// Starts nothing and changes nothing, and may be run beside a server. Asks each enabled provider for its
    /// list of models. Ends with 0 when all is well, 1 when something is not, and 2 when the settings cannot
    /// be started with.
    Check,
    /// Ask the server that runs with the same settings whether it is ready
    ///
    /// Ends with 0 if it is, else with 1: for a container's health check.
    Health,
    /// Print a script that completes this program's command line, for the shell to read
    ///
    /// For bash: `source <(nexus-server completions bash)`.
    Completions {
        /// Whose
        shell: Shell,
    },
}

impl Flags {
    /// Reads the command line and the environment. Flags may stand before and behind a task. Ends the
    /// process for `--help`, `--version` and a command line that cannot be understood.
    ///
    /// # Errors
    /// When an environment variable has a value that its setting does not take.
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

/// Where each setting was given.
pub(super) struct Sources(ArgMatches);

impl Sources {
    /// How the operator knows the setting whose flag is `flag`: as a flag, a variable or a key of the file.
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
    // Before that, a flag cannot be shown as it is written.
    command.build();
    let arg = command.get_arguments().find(|arg| is_it(arg))?;
    Some(arg.get_env()?.to_string_lossy().into_owned())
}

/// Clap blames a flag where it was a variable that has a wrong value.
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
        None => format!("is `{value}`, which {flag} does not take"),
    };
    Some(SettingsError::wrong(&name, why))
}

/// The command line, as it is read.
pub(super) fn command() -> Command {
    Flags::command().mut_args(|flag| flag.global(true))
}
