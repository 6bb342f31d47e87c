//! Text that agents add to messages anew in each request.

use crate::translate::Part;

/// Claude Code's reminders: it adds them to the latest messages, and removes them from earlier
/// ones.
const REMINDER: (&str, &str) = ("<system-reminder>", "</system-reminder>");

/// Its first instruction, which identifies the request for billing.
const BILLING: &str = "x-anthropic-billing-header:";

/// Whether there are any in `part`.
pub(super) fn are_in(part: &Part) -> bool {
    match part {
        Part::Text(text) => text.text.starts_with(BILLING) || text.text.contains(REMINDER.0),
        _ => false,
    }
}

/// Removes these from `parts`, and parts that become empty.
pub(super) fn forget(parts: &mut Vec<Part>) {
    parts.retain_mut(|part| {
        let Part::Text(text) = part else {
            return true;
        };
        if text.text.starts_with(BILLING) {
            return false;
        }
        match without_reminders(&text.text) {
            None => true,
            Some(rest) => {
                text.text = rest;
                !text.text.is_empty()
            }
        }
    });
}

/// `None` if there are none.
fn without_reminders(text: &str) -> Option<String> {
    let (begin, end) = REMINDER;
    text.contains(begin).then(|| {
        let mut kept = String::with_capacity(text.len());
        let mut rest = text;
        while let Some((before, reminder)) = rest.split_once(begin) {
            kept.push_str(before);
            rest = reminder.split_once(end).map_or("", |(_, behind)| behind);
        }
        kept.push_str(rest);
        kept.trim().to_owned()
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn reminders_are_taken_out_wherever_they_stand() {
        for (text, rest) in [
            ("<system-reminder>x</system-reminder>", Some("")),
            ("a\n<system-reminder>x</system-reminder>\n", Some("a")),
            (
                "<system-reminder>x</system-reminder>b<system-reminder>y",
                Some("b"),
            ),
            ("plain", None),
        ] {
            assert_eq!(without_reminders(text).as_deref(), rest, "{text}");
        }
    }
}
