use std::collections::BTreeMap;

use serde_json::Value;

use super::chat::{Chat, Kind};
use super::load::Seen;
use crate::server::Server;

/// The largest page that the server returns.
const PAGE: usize = 1000;

/// All rows of the ledger, by id.
#[derive(Debug, Default, PartialEq)]
pub(super) struct Ledger(BTreeMap<String, Value>);

impl Ledger {
    /// Reads pages, from the newest row back to known ones.
    pub(super) async fn read_new(&mut self, server: &Server) {
        let mut before = String::new();
        let newest = self.0.keys().next_back().cloned().unwrap_or_default();
        loop {
            let page = format!("/stats/requests?limit={PAGE}&before={before}");
            let page = server.admin_json(&page).await;
            let rows = page["requests"].as_array().unwrap();
            for row in rows {
                let id = row["request_id"].as_str().unwrap();
                if *id <= *newest {
                    return;
                }
                let twice = self.0.insert(id.to_owned(), row.clone());
                assert_eq!(twice, None, "a row that is there twice");
            }
            match page["next"].as_str() {
                Some(next) => next.clone_into(&mut before),
                None => return,
            }
        }
    }

    pub(super) fn has(&self, seen: &Seen) -> bool {
        self.0.contains_key(&seen.request_id)
    }

    pub(super) fn count(&self, kind: Kind, state: &str) -> usize {
        let rows = self.0.values();
        rows.filter(|row| chat_of(row).kind() == kind && row["state"] == state)
            .count()
    }

    /// What must hold for every row, whatever clients got.
    pub(super) fn check_rows(&self) {
        let mut chats = BTreeMap::new();
        for row in self.0.values() {
            let chat = chat_of(row);
            assert_eq!(chats.insert(chat, row), None, "{chat:?} is there twice");
            assert_ne!(row["state"], "open", "{row}");
            assert_eq!(row["stream"], chat.is_streamed(), "{row}");
            let comes_to_its_end = matches!(chat.kind(), Kind::Plain | Kind::Streamed);
            if row["state"] == "completed" {
                assert!(comes_to_its_end, "{row}");
            }
            if row["state"] == "completed" || row["usage_source"] == "reported" {
                assert!(comes_to_its_end || chat.reports_at_once(), "{row}");
                check_usage(row, chat);
            }
        }
    }

    /// What must hold for what clients got.
    pub(super) fn check_seen(&self, seen: &[Seen]) {
        for seen in seen {
            let row = self.0.get(&seen.request_id);
            let row = row.unwrap_or_else(|| panic!("not on the ledger: {seen:?}"));
            assert_eq!(chat_of(row), seen.chat);
            let state = row["state"].as_str().unwrap();
            match seen.chat.kind() {
                Kind::Plain | Kind::Streamed if seen.whole => {
                    assert_eq!(state, "completed", "{seen:?}: {row}");
                    check_usage(row, seen.chat);
                }
                Kind::Cut if seen.whole => {
                    assert_eq!(state, "failed", "{seen:?}: {row}");
                    match seen.chat.reports_at_once() {
                        true => check_usage(row, seen.chat),
                        false => check_estimate(row),
                    }
                }
                // Settled in time, or at the next start.
                Kind::Cancelled => {
                    assert!(
                        matches!(state, "cancelled" | "interrupted"),
                        "{seen:?}: {row}"
                    );
                    // As far as the upstream had reported by then.
                    if state == "cancelled" && row["usage_source"] != "reported" {
                        check_estimate(row);
                    }
                }
                _ => {}
            }
        }
    }

    /// The server's sums are those of its rows.
    pub(super) async fn check_totals(&self, server: &Server) {
        let totals = server.admin_json("/stats/total").await;
        let sum = |field: &str| -> u64 {
            let figures = self.0.values().map(|row| row[field].as_u64().unwrap());
            figures.sum()
        };
        for field in ["prompt_tokens", "completion_tokens", "total_tokens"] {
            assert_eq!(totals[field], sum(field), "{field}");
        }
        let rows = self.0.len();
        assert_eq!(totals["requests"], rows);
        // Each chat is a conversation of its own.
        assert_eq!(totals["total_conversations"], rows);
        let rounds = self.0.values().filter(|row| row["state"] == "completed");
        assert_eq!(totals["total_rounds"], rounds.count());
    }
}

fn chat_of(row: &Value) -> Chat {
    let name = row["conversation_id"].as_str().unwrap();
    Chat::of_conversation(name).unwrap()
}

fn check_usage(row: &Value, chat: Chat) {
    let (prompt, completion) = (chat.prompt_tokens(), chat.completion_tokens());
    assert_eq!(row["usage_source"], "reported", "{row}");
    assert_eq!(row["prompt_tokens"], prompt, "{row}");
    assert_eq!(row["completion_tokens"], completion, "{row}");
    assert_eq!(row["total_tokens"], prompt + completion, "{row}");
}

fn check_estimate(row: &Value) {
    assert_eq!(row["usage_source"], "estimated", "{row}");
    assert!(row["prompt_tokens"].as_u64() > Some(0), "{row}");
}
