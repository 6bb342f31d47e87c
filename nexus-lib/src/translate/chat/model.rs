/// Whether a model is OpenAI's own, judged by its name. A vendor may precede it.
pub(crate) fn is_openais(model: &str) -> bool {
    let name = model.to_ascii_lowercase();
    let name = name.rsplit('/').next().unwrap_or(&name);
    let is_numbered = |rest: &str| rest.starts_with(|first: char| first.is_ascii_digit());
    let is_gpt = name.strip_prefix("gpt-").is_some_and(is_numbered);
    is_gpt || name.starts_with("chatgpt-") || name.strip_prefix('o').is_some_and(is_numbered)
}

#[cfg(test)]
mod tests {
    use super::is_openais;

    #[test]
    fn openais_models_are_known_by_their_names() {
        for name in ["gpt-4o", "openai/gpt-5.1", "o3-mini", "chatgpt-4o-latest"] {
            assert!(is_openais(name), "{name}");
        }
        for name in [
            "gpt-oss-120b",
            "mistral-large",
            "olmo-2",
            "deepseek-chat",
            "",
        ] {
            assert!(!is_openais(name), "{name}");
        }
    }
}
