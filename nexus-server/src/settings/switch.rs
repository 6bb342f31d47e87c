/// Parses on or off in the usual spellings.
pub(super) fn switch(text: &str) -> Result<bool, String> {
    match text.trim().to_ascii_lowercase().as_str() {
        "1" | "true" | "yes" | "on" => Ok(true),
        // In a compose file an empty variable means "not set".
        "0" | "false" | "no" | "off" | "" => Ok(false),
        _ => Err("use 1, true, yes or on; or 0, false, no or off".to_owned()),
    }
}
