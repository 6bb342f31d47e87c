use std::borrow::Cow;
use std::io;
use std::net::SocketAddr;
use std::path::PathBuf;

/// Why the settings are invalid. Each message says what to do, and contains no secret.
#[derive(Debug, thiserror::Error)]
pub(crate) enum SettingsError {
    #[error("cannot read the configuration file {}: {cause}", path.display())]
    Unreadable { path: PathBuf, cause: io::Error },
    /// The message contains no value of the file: it may be the token.
    #[error("configuration file {}, line {line}: {message}", path.display())]
    Invalid {
        path: PathBuf,
        line: usize,
        message: String,
    },
    /// An invalid value. Starts with the flag's name; [`named`](Self::named) replaces it by the
    /// actual source.
    #[error("{setting} {why}")]
    Wrong {
        /// `--drain-timeout`, `NEXUS_DRAIN_TIMEOUT`, or a key of the file.
        setting: String,
        why: Cow<'static, str>,
    },
    #[error(
        "the admin address {0} can be reached from other machines: set a token with --admin-token or \
         NEXUS_ADMIN_TOKEN, or listen on a loopback address such as 127.0.0.1:8000"
    )]
    OpenAdminPort(SocketAddr),
    #[error(
        "the admin address {0} can be reached from other machines, and an admin token of fewer than \
         {MIN_TOKEN_CHARS} characters can be guessed: set a longer one, for example the output of \
         `openssl rand -hex 32`"
    )]
    ShortToken(SocketAddr),
}

/// The minimum length of a token for an admin port that other machines can reach.
pub(super) const MIN_TOKEN_CHARS: usize = 16;

impl SettingsError {
    /// An invalid value of the setting with the flag `flag` (including its dashes).
    pub(super) fn wrong(flag: &str, why: impl Into<Cow<'static, str>>) -> Self {
        let (setting, why) = (flag.to_owned(), why.into());
        Self::Wrong { setting, why }
    }

    /// The same error with the actual source of the value: `place` maps a flag to its name there.
    pub(super) fn named(self, place: impl Fn(&str) -> Option<String>) -> Self {
        match self {
            Self::Wrong { setting, why } => {
                let setting = place(&setting).unwrap_or(setting);
                Self::Wrong { setting, why }
            }
            other => other,
        }
    }
}
