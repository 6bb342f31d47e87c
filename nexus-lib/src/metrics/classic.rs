//! The older of the two text formats, which `promtool check metrics` and simple scrapers expect.

/// The content type of the classic text format.
pub(super) const CONTENT_TYPE: &str = "text/plain; version=0.0.4; charset=utf-8";

/// Rewrites OpenMetrics text into the classic format.
///
/// The samples are equal in both. In OpenMetrics a family's name lacks the suffix of its samples
/// (`_total`, `_info`); in the classic format it is the name of the samples. It has no type `info`,
/// no unit and no end mark.
pub(super) fn from_open_metrics(text: &str) -> String {
    let mut classic = String::with_capacity(text.len() + text.len() / 8);
    let mut help = None;
    for line in text.lines() {
        if let Some(definition) = line.strip_prefix("# HELP ") {
            // Held back: the next line decides which suffix the name gets.
            help = definition.split_once(' ').map(|(_, words)| words);
        } else if let Some(definition) = line.strip_prefix("# TYPE ") {
            let (name, kind) = definition
                .split_once(' ')
                .unwrap_or((definition, "untyped"));
            let (suffix, kind) = match kind {
                "counter" => ("_total", "counter"),
                "info" => ("_info", "gauge"),
                "unknown" => ("", "untyped"),
                kind => ("", kind),
            };
            if let Some(words) = help.take() {
                push(&mut classic, &["# HELP ", name, suffix, " ", words]);
            }
            push(&mut classic, &["# TYPE ", name, suffix, " ", kind]);
        } else if !line.starts_with('#') {
            push(&mut classic, &[line]);
        }
    }
    classic
}

fn push(text: &mut String, parts: &[&str]) {
    for part in parts {
        text.push_str(part);
    }
    text.push('\n');
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn families_get_the_names_of_their_samples() {
        let open = "# HELP a Of a.\n# TYPE a counter\na_total{x=\"#\"} 1\n\
            # HELP b_seconds Of b.\n# TYPE b_seconds histogram\n# UNIT b_seconds seconds\n\
            b_seconds_bucket{le=\"+Inf\"} 1\n# HELP c Of c.\n# TYPE c info\nc_info{v=\"1\"} 1\n# EOF\n";
        let classic = "# HELP a_total Of a.\n# TYPE a_total counter\na_total{x=\"#\"} 1\n\
            # HELP b_seconds Of b.\n# TYPE b_seconds histogram\n\
            b_seconds_bucket{le=\"+Inf\"} 1\n# HELP c_info Of c.\n# TYPE c_info gauge\nc_info{v=\"1\"} 1\n";
        assert_eq!(from_open_metrics(open), classic);
    }
}
