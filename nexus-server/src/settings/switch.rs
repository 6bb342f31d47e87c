/// Reads on or off as people write it.
pub(super) fn switch(text: &str) -> Result<bool, String> {
    match text.trim().to_ascii_lowercase().as_str() {
        "1" | "true" | "yes" | "on" => Ok(true),
        // An empty variable is how a compose file says "not set".
        "0" | "false" | "no" | "off" | "" => Ok(false),
        _ => Err("say 1, true, yes or on; or 0, false, no or off".to_owned()),
    }
}
