use super::{classic, text};

/// The text formats that Prometheus reads.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
#[non_exhaustive]
pub enum TextFormat {
    /// The classic format, version 0.0.4: the default.
    #[default]
    Classic,
    /// OpenMetrics 1.0.0.
    OpenMetrics,
}

impl TextFormat {
    /// The format that an `Accept` header prefers; OpenMetrics if both are equal.
    pub fn accepted(accept: &str) -> Self {
        let (mut open_metrics, mut classic) = (0.0, 0.0_f32);
        for range in accept.split(',') {
            let mut parts = range.split(';').map(str::trim);
            let media = parts.next().unwrap_or_default().to_ascii_lowercase();
            let quality = parts.find_map(|part| part.strip_prefix("q=")?.parse().ok());
            let quality: f32 = quality.unwrap_or(1.0);
            match media.as_str() {
                "application/openmetrics-text" => open_metrics = quality.max(open_metrics),
                "text/plain" | "text/*" | "*/*" => classic = quality.max(classic),
                _ => {}
            }
        }
        match open_metrics > 0.0 && open_metrics >= classic {
            true => Self::OpenMetrics,
            false => Self::Classic,
        }
    }

    /// The value of `Content-Type`.
    pub const fn content_type(self) -> &'static str {
        match self {
            Self::Classic => classic::CONTENT_TYPE,
            Self::OpenMetrics => text::CONTENT_TYPE,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn format_follows_what_is_accepted() {
        for (accept, open_metrics) in [
            ("", false),
            ("*/*", false),
            ("text/plain", false),
            ("text/html", false),
            ("application/openmetrics-text", true),
            (
                "Application/OpenMetrics-Text; version=1.0.0; charset=utf-8",
                true,
            ),
            ("application/openmetrics-text;q=0", false),
            ("application/openmetrics-text;q=0.2,text/plain;q=0.9", false),
            (
                "application/openmetrics-text;version=1.0.0;q=0.8,\
                 application/openmetrics-text;version=0.0.1;q=0.75,text/plain;version=0.0.4;q=0.5,*/*;q=0.1",
                true,
            ),
        ] {
            let expected = match open_metrics {
                true => TextFormat::OpenMetrics,
                false => TextFormat::Classic,
            };
            assert_eq!(TextFormat::accepted(accept), expected, "{accept}");
        }
    }
}
