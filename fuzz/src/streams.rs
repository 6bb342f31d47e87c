use nexus_lib::sse;
use nexus_lib::translate::ClientProtocol;
use serde_json::Value;

/// Checks that the protocol's own server could have written `stream`, as far as it goes; returns
/// whether it is complete.
///
/// # Panics
/// When it could not.
pub fn check(client: ClientProtocol, stream: &[u8]) -> bool {
    assert!(
        stream.is_empty() || stream.ends_with(b"\n\n"),
        "the last event is not whole"
    );
    let mut over = false;
    let (mut begun, mut open) = (0, Vec::new());
    let mut id = None;
    for (at, event) in sse::events(stream).enumerate() {
        assert!(!over, "something comes behind the end");
        let data = event.data();
        if client == ClientProtocol::Chat && &*data == b"[DONE]" {
            over = true;
            continue;
        }
        let json: Value = serde_json::from_slice(&data).expect("events are JSON");
        let kind = json["type"].as_str().unwrap_or_default();
        let index = json["index"].as_u64().or(json["output_index"].as_u64());
        match client {
            ClientProtocol::Chat => {
                assert_eq!(event.name(), None);
                if json.get("error").is_some() {
                    over = true;
                    continue;
                }
                assert_eq!(json["object"], "chat.completion.chunk");
                assert_eq!(
                    &json["id"],
                    id.get_or_insert_with(|| json["id"].clone()),
                    "one id"
                );
                let is_first = json["choices"][0]["delta"]["role"] == "assistant";
                assert_eq!(is_first, at == 0, "the role comes first, and once");
            }
            ClientProtocol::Messages => {
                assert_eq!(event.name(), Some(kind.as_bytes()));
                assert!(
                    kind == "error" || (at == 0) == (kind == "message_start"),
                    "{kind} at {at}"
                );
                match kind {
                    "content_block_start" => {
                        assert_eq!(index, Some(begun), "blocks are counted");
                        open.push(begun);
                        begun += 1;
                    }
                    "content_block_delta" => assert!(index.is_some_and(|at| open.contains(&at))),
                    "content_block_stop" => {
                        let at = open.iter().position(|open| Some(*open) == index);
                        open.remove(at.expect("only what is open ends"));
                    }
                    "message_delta" => assert!(open.is_empty(), "all blocks have ended"),
                    "message_stop" | "error" => over = true,
                    _ => {}
                }
            }
            ClientProtocol::Responses => {
                assert_eq!(event.name(), Some(kind.as_bytes()));
                assert_eq!(json["sequence_number"].as_u64(), u64::try_from(at).ok());
                match kind {
                    "response.output_item.added" => open.push(index.expect("an item has a place")),
                    "response.output_item.done" => {
                        let at = open.iter().position(|open| Some(*open) == index);
                        open.remove(at.expect("only what is open ends"));
                    }
                    "response.completed" | "response.incomplete" => {
                        assert!(open.is_empty(), "all items have ended");
                        over = true;
                    }
                    "response.failed" | "error" => over = true,
                    _ if index.is_some() => assert!(index.is_some_and(|at| open.contains(&at))),
                    _ => {}
                }
            }
            unknown => panic!("streams for {unknown:?} are not checked"),
        }
    }
    over
}

/// The events of `stream`, without comments, and without generated ids and times.
pub fn masked(stream: &[u8]) -> Vec<String> {
    let events = sse::events(stream).map(|event| {
        let data = String::from_utf8_lossy(&event.data()).into_owned();
        let mut masked = String::with_capacity(data.len());
        let mut run = String::new();
        for character in data.chars().chain(['\0']) {
            if character.is_ascii_hexdigit() {
                run.push(character);
                continue;
            }
            let is_time = masked.ends_with("\"created\":")
                || masked.ends_with("\"created_at\":")
                || masked.ends_with("\"completed_at\":");
            match run.len() >= 24 || is_time {
                true => masked.push('#'),
                false => masked.push_str(&run),
            }
            run.clear();
            masked.push(character);
        }
        masked
    });
    events.collect()
}
