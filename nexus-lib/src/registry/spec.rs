use secrecy::{ExposeSecret, SecretString};

use super::{ProviderRecord, kind};
use crate::error::{Error, ErrorKind, Result};
use crate::secret::Seals;
use crate::store::{ProviderFields, ProviderWrite};
use crate::wire::{BaseUrl, Protocols, ProviderLimits, ProxyList, TimerSettings, mask};

/// A provider as an operator wants it: what
/// [`Registry::add_provider`](super::Registry::add_provider) and
/// [`update_provider`](super::Registry::update_provider) take, and check.
#[derive(Debug, Clone)]
#[non_exhaustive]
pub struct ProviderSpec {
    /// Its name, for people: 1 to 200 characters, none of them control characters.
    pub name: String,
    /// Which implementation speaks to it; inferred from the URL's host when `None`.
    pub kind: Option<String>,
    /// Its base URL, http or https.
    pub server_url: String,
    /// Its own key: up to 4096 visible ASCII characters, empty when it needs none. An update keeps
    /// the present one when this is `None` or the present one's mask.
    pub server_key: Option<SecretString>,
    /// The key that clients show: 1 to 512 visible ASCII characters. `None` and the mask are as for
    /// [`server_key`](Self::server_key).
    pub personalized_key: Option<SecretString>,
    /// Free text.
    pub description: String,
    /// The outbound proxies to reach it by, as a [`ProxyList`]; directly when this is `None` or
    /// empty. A password that is shown back masked stays the present one.
    pub proxy_url: Option<SecretString>,
    /// In which protocols it takes chats as they come. By default its kind and its URL tell: all
    /// others are translated.
    pub protocols: Option<Protocols>,
    /// Whether it takes requests.
    pub enabled: bool,
    /// Low ones are asked first: -1000 to 1000.
    pub priority: i32,
    /// Its share among those of one priority: 1 to 1000.
    pub weight: u32,
    /// How many requests it may have open at once, 1 to 100,000, and how long it may be silent, 1
    /// ms to an hour for each timer. By default what the gateway was built with.
    pub limits: ProviderLimits,
}

impl ProviderSpec {
    const MAX_NAME_CHARS: usize = 200;
    const MAX_SERVER_KEY_CHARS: usize = 4096;
    const MAX_PERSONALIZED_KEY_CHARS: usize = 512;

    /// An enabled provider of priority 0 and weight 1, whose kind its URL tells.
    pub fn new(
        name: impl Into<String>,
        server_url: impl Into<String>,
        server_key: impl Into<SecretString>,
        personalized_key: impl Into<SecretString>,
    ) -> Self {
        Self {
            name: name.into(),
            kind: None,
            server_url: server_url.into(),
            server_key: Some(server_key.into()),
            personalized_key: Some(personalized_key.into()),
            description: String::new(),
            proxy_url: None,
            protocols: None,
            enabled: true,
            priority: 0,
            weight: 1,
            limits: ProviderLimits::default(),
        }
    }

    /// Says which implementation speaks to it.
    #[must_use]
    pub fn kind(mut self, kind: impl Into<String>) -> Self {
        self.kind = Some(kind.into());
        self
    }

    /// Describes it.
    #[must_use]
    pub fn description(mut self, description: impl Into<String>) -> Self {
        self.description = description.into();
        self
    }

    /// Says whether it takes requests.
    #[must_use]
    pub fn enabled(mut self, enabled: bool) -> Self {
        self.enabled = enabled;
        self
    }

    /// Says when it is asked: low ones first.
    #[must_use]
    pub fn priority(mut self, priority: i32) -> Self {
        self.priority = priority;
        self
    }

    /// Says its share among those of one priority.
    #[must_use]
    pub fn weight(mut self, weight: u32) -> Self {
        self.weight = weight;
        self
    }

    /// Bounds it.
    #[must_use]
    pub fn limits(mut self, limits: ProviderLimits) -> Self {
        self.limits = limits;
        self
    }

    /// Says which outbound proxies it is reached by.
    #[must_use]
    pub fn proxy_url(mut self, proxy_url: impl Into<SecretString>) -> Self {
        self.proxy_url = Some(proxy_url.into());
        self
    }

    /// Says in which protocols it takes chats as they come.
    #[must_use]
    pub fn protocols(mut self, protocols: Protocols) -> Self {
        self.protocols = Some(protocols);
        self
    }

    /// Leaves both keys as they are in an update.
    #[must_use]
    pub fn keep_keys(mut self) -> Self {
        (self.server_key, self.personalized_key) = (None, None);
        self
    }

    /// The checked provider to insert; `spoken` are the kinds that the gateway can speak.
    pub(super) fn into_new(mut self, spoken: &[&str], seals: &Seals) -> Result<ProviderWrite> {
        let server_key = self.server_key.take().ok_or_else(|| {
            let message = "`server_key` is required; it is empty for a server that needs none";
            invalid("server_key", message)
        })?;
        let personalized_key = self.personalized_key.take().ok_or_else(|| {
            let message = "`personalized_key` is required: the key that clients will show";
            invalid("personalized_key", message)
        })?;
        check_server_key(&server_key)?;
        check_personalized_key(&personalized_key)?;
        let write = self.into_write(None, spoken, seals)?;
        Ok(write
            .with_server_key(server_key)
            .with_client_key(personalized_key))
    }

    /// The checked update of `present`.
    pub(super) fn into_update(
        mut self,
        present: &ProviderRecord,
        spoken: &[&str],
        seals: &Seals,
    ) -> Result<ProviderWrite> {
        let server_key = unless_mask(
            self.server_key.take(),
            &mask(present.server_key.expose_secret()),
        );
        let personalized_key = unless_mask(self.personalized_key.take(), &present.client_key.mask);
        let mut write = self.into_write(present.proxy_url.as_ref(), spoken, seals)?;
        if let Some(key) = server_key {
            check_server_key(&key)?;
            write = write.with_server_key(key);
        }
        if let Some(key) = personalized_key {
            check_personalized_key(&key)?;
            write = write.with_client_key(key);
        }
        Ok(write)
    }

    /// All but the keys, checked.
    fn into_write(
        self,
        present: Option<&SecretString>,
        spoken: &[&str],
        seals: &Seals,
    ) -> Result<ProviderWrite> {
        let proxies = self.proxies(present)?;
        let fields = ProviderFields {
            kind: self.check(spoken)?,
            name: self.name,
            server_url: self.server_url,
            description: self.description,
            enabled: self.enabled,
            priority: self.priority,
            weight: self.weight,
            limits: self.limits,
            protocols: self.protocols,
        };
        let write = ProviderWrite::sealed_by(fields, seals.clone());
        Ok(match proxies {
            Some(proxies) => write.with_proxy_url(proxies),
            None => write,
        })
    }

    /// The proxies to store: checked, and with the passwords that were shown masked.
    fn proxies(&self, present: Option<&SecretString>) -> Result<Option<SecretString>> {
        let said = self
            .proxy_url
            .as_ref()
            .map(|text| text.expose_secret().trim());
        let Some(said) = said.filter(|text| !text.is_empty()) else {
            return Ok(None);
        };
        // What is stored and cannot be read any more cannot be meant either.
        let present = present.and_then(|text| ProxyList::parse(text.expose_secret()).ok());
        let proxies = ProxyList::parse_shown(said, present.as_ref()).map_err(|error| {
            let message = format!("`proxy_url`: {error}");
            Error::new(ErrorKind::Unprocessable, message).with_param("proxy_url")
        })?;
        Ok(Some(proxies.expose()))
    }

    /// Checks all but the secrets, and returns the kind.
    fn check(&self, spoken: &[&str]) -> Result<String> {
        check_label("name", &self.name, Self::MAX_NAME_CHARS)?;
        let url =
            BaseUrl::parse(&self.server_url).map_err(|error| error.with_param("server_url"))?;
        if !(-1000..=1000).contains(&self.priority) {
            return Err(invalid(
                "priority",
                "`priority` lies between -1000 and 1000",
            ));
        }
        if !(1..=1000).contains(&self.weight) {
            return Err(invalid("weight", "`weight` lies between 1 and 1000"));
        }
        check_limits(&self.limits)?;
        kind::resolve(self.kind.as_deref(), &url, spoken)
    }
}

/// A text for one line on a screen: not empty, not too long, no control characters.
pub(super) fn check_label(field: &'static str, text: &str, max_chars: usize) -> Result<()> {
    let fits = !text.trim().is_empty() && text.chars().count() <= max_chars;
    if fits && !text.chars().any(char::is_control) {
        return Ok(());
    }
    let message = format!("`{field}` has 1 to {max_chars} characters, no control characters");
    Err(Error::new(ErrorKind::Unprocessable, message).with_param(field))
}

/// What a client shows back as it was shown to it is no new key.
fn unless_mask(key: Option<SecretString>, shown: &str) -> Option<SecretString> {
    key.filter(|key| key.expose_secret() != shown)
}

fn check_server_key(key: &SecretString) -> Result<()> {
    let key = key.expose_secret();
    if key.len() <= ProviderSpec::MAX_SERVER_KEY_CHARS && is_visible_ascii(key) {
        return Ok(());
    }
    let message = "`server_key` is empty or up to 4096 visible ASCII characters, without spaces";
    Err(invalid("server_key", message))
}

fn check_personalized_key(key: &SecretString) -> Result<()> {
    let key = key.expose_secret();
    let fits = (1..=ProviderSpec::MAX_PERSONALIZED_KEY_CHARS).contains(&key.len());
    if fits && is_visible_ascii(key) {
        return Ok(());
    }
    let message = "`personalized_key` has 1 to 512 visible ASCII characters, without spaces";
    Err(invalid("personalized_key", message))
}

fn check_limits(limits: &ProviderLimits) -> Result<()> {
    if !matches!(limits.max_concurrency, None | Some(1..=100_000)) {
        return Err(invalid(
            "max_concurrency",
            "`max_concurrency` lies between 1 and 100000, or is null for no limit",
        ));
    }
    for (name, timer) in limits.timers.each() {
        if !matches!(timer, None | Some(1..=TimerSettings::LONGEST_MS)) {
            let message = format!(
                "`timeouts.{name}` lies between 1 and {}, or is null for the default",
                TimerSettings::LONGEST_MS
            );
            let error = Error::new(ErrorKind::Unprocessable, message);
            return Err(error.with_param(format!("timeouts.{name}")));
        }
    }
    Ok(())
}

fn is_visible_ascii(text: &str) -> bool {
    text.bytes().all(|byte| byte.is_ascii_graphic())
}

fn invalid(field: &'static str, message: &'static str) -> Error {
    Error::new(ErrorKind::Unprocessable, message).with_param(field)
}
