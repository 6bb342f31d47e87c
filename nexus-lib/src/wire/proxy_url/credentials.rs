use std::fmt;

use secrecy::{ExposeSecret, SecretString};

use super::{ProxyScheme, percent, refused};
use crate::error::Result;

/// Replaces a secret.
const MASK: &str = "***";

/// What is sent to a proxy to authenticate.
#[derive(Clone)]
pub(super) struct Credentials {
    /// Also a secret where there is no password: some proxies take a token in this place.
    user: SecretString,
    password: Option<SecretString>,
}

impl Credentials {
    /// RFC 1929, section 2: each length is one byte.
    const MAX_SOCKS_BYTES: usize = 255;

    /// Reads `user[:password]`, percent-encoded.
    pub(super) fn parse(text: &str, scheme: ProxyScheme) -> Result<Self> {
        let (user, password) = match text.split_once(':') {
            Some((user, password)) => (user, Some(password)),
            None => (text, None),
        };
        let decoded = |text| {
            percent::decoded(text).ok_or_else(|| {
                refused(
                    "the user or password of a proxy URL has an invalid percent escape; write \
                     `%25` for `%`",
                )
            })
        };
        let user = decoded(user)?;
        let password = password.map(decoded).transpose()?;
        let both = [Some(&user), password.as_ref()];
        if both
            .into_iter()
            .flatten()
            .any(|text| text.contains(char::is_control))
        {
            return Err(refused(
                "the user or password of a proxy URL must not contain control characters",
            ));
        }
        match scheme {
            // RFC 7617, section 2: the first colon ends the user name.
            ProxyScheme::Http if user.contains(':') => {
                return Err(refused("the user of a proxy URL must not contain `:`"));
            }
            ProxyScheme::Http => {}
            ProxyScheme::Socks5 | ProxyScheme::Socks5h => {
                let fits = |text: &str| (1..=Self::MAX_SOCKS_BYTES).contains(&text.len());
                if !fits(&user) || !password.as_ref().is_some_and(|text| fits(text)) {
                    return Err(refused(
                        "a SOCKS proxy URL needs a user and a password of 1 to 255 bytes each, or \
                         neither",
                    ));
                }
            }
        }
        let secret = |text: &str| SecretString::from(text);
        Ok(Self {
            user: secret(&user),
            password: password.map(|text| secret(&text)),
        })
    }

    /// User and password; the password is empty if there is none.
    pub(super) fn expose(&self) -> (&str, &str) {
        let password = self.password.as_ref();
        let password = password.map_or("", |password| password.expose_secret());
        (self.user.expose_secret(), password)
    }

    /// Whether the secret is only the stars of a mask.
    pub(super) fn is_masked(&self) -> bool {
        let secret = self.password.as_ref().unwrap_or(&self.user);
        secret.expose_secret() == MASK
    }

    /// Both as in a URL, including the `@`.
    pub(super) fn write(&self, to: &mut String) {
        percent::encode(self.user.expose_secret(), to);
        if let Some(password) = &self.password {
            to.push(':');
            percent::encode(password.expose_secret(), to);
        }
        to.push('@');
    }
}

impl PartialEq for Credentials {
    fn eq(&self, other: &Self) -> bool {
        // Constant time is not needed: nobody who could measure the time can choose either side.
        self.expose() == other.expose() && self.password.is_some() == other.password.is_some()
    }
}

/// As in a URL, with three stars in place of the password, or of the user if there is no password.
impl fmt::Display for Credentials {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if self.password.is_none() {
            return write!(f, "{MASK}@");
        }
        let mut user = String::new();
        percent::encode(self.user.expose_secret(), &mut user);
        write!(f, "{user}:{MASK}@")
    }
}
