use crate::error::{Error, ErrorKind, Result};
use crate::wire::BaseUrl;

/// "Any server that speaks OpenAI's protocol".
const OPENAI: &str = "openai";
const OPENAI_ALIAS: &str = "openai-compatible";

/// The kind of a provider at `url`: the given one, or the one known for its host.
pub(super) fn resolve(said: Option<&str>, url: &BaseUrl, spoken: &[&str]) -> Result<String> {
    let said = said.map(str::trim).filter(|said| !said.is_empty());
    let kind = match said {
        Some(said) => {
            let said = said.to_ascii_lowercase();
            if said == OPENAI_ALIAS {
                OPENAI.to_owned()
            } else {
                said
            }
        }
        None => of_url(url).to_owned(),
    };
    if spoken.contains(&kind.as_str()) {
        return Ok(kind);
    }
    let cause = match said {
        Some(_) => "this gateway does not support this kind".to_owned(),
        None => format!(
            "`server_url` is a provider of kind `{kind}`, which this gateway does not support"
        ),
    };
    let hint = if spoken.contains(&OPENAI) {
        "; a provider's OpenAI-compatible endpoint can be registered with \"kind\":\"openai\""
    } else {
        ""
    };
    let message = format!("{cause}; it speaks {}{hint}", spoken.join(", "));
    Err(Error::new(ErrorKind::Unprocessable, message).with_param("kind"))
}

fn of_url(url: &BaseUrl) -> &'static str {
    let host = url.host().to_ascii_lowercase();
    let path = url.as_str().trim_end_matches('/');
    match host.as_str() {
        "api.anthropic.com" => "anthropic",
        // The name of Gemini's OpenAI-compatible endpoint.
        "generativelanguage.googleapis.com" if path.ends_with("/openai") => OPENAI,
        "generativelanguage.googleapis.com" => "gemini",
        "api.x.ai" => "xai",
        host if host.ends_with(".openai.azure.com") => "azure",
        _ => OPENAI,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn url(host: &str) -> BaseUrl {
        BaseUrl::parse(&format!("https://{host}")).unwrap()
    }

    #[test]
    fn hosts_tell_kinds() {
        for (host, kind) in [
            ("api.anthropic.com", "anthropic"),
            ("generativelanguage.googleapis.com", "gemini"),
            ("my-team.openai.azure.com", "azure"),
            ("API.X.AI", "xai"),
            ("openai.azure.com.evil.example", "openai"),
            ("api.openai.com", "openai"),
            ("generativelanguage.googleapis.com/v1beta", "gemini"),
            ("generativelanguage.googleapis.com/v1beta/openai/", "openai"),
            ("localhost", "openai"),
        ] {
            assert_eq!(of_url(&url(host)), kind, "{host}");
        }
    }

    #[test]
    fn what_is_said_beats_the_host() {
        let said =
            |kind| resolve(Some(kind), &url("api.anthropic.com"), &["openai", "demo"]).unwrap();
        assert_eq!(said("openai"), "openai");
        assert_eq!(said("openai-compatible"), "openai");
        assert_eq!(said("Demo"), "demo");
    }

    #[test]
    fn a_kind_that_is_not_spoken_is_refused_with_a_way_out() {
        let spoken = ["openai", "demo"];
        for error in [
            resolve(Some("gemini"), &url("localhost"), &spoken).unwrap_err(),
            resolve(None, &url("generativelanguage.googleapis.com"), &spoken).unwrap_err(),
        ] {
            assert_eq!(
                (error.status().as_u16(), error.param()),
                (422, Some("kind"))
            );
            let message = error.to_string();
            assert!(message.contains("openai, demo"), "{message}");
            assert!(message.contains("\"kind\":\"openai\""), "{message}");
        }
    }
}
