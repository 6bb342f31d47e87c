use std::collections::{BTreeMap, HashMap, HashSet};
use std::fs::File;
use std::io::{self, BufRead, BufReader, Read};
use std::path::Path;

use serde_json::Value;

use super::files::Hour;
use super::line::HEAD;
use crate::wire::{RequestId, Timestamp};

/// The length of a line's start, including its request's id.
const HEAD_BYTES: u64 = 15 + 36;

/// The lines of `wanted`, in its order.
pub(super) fn read(dir: &Path, wanted: &[(RequestId, Timestamp)]) -> io::Result<Vec<Value>> {
    let mut files: BTreeMap<Hour, HashSet<RequestId>> = BTreeMap::new();
    for (id, ended_at) in wanted {
        // The ledger's time may differ slightly: near a border, the neighbouring hour is searched
        // as well.
        let second = ended_at.as_seconds();
        for second in [second - 1, second, second + 1] {
            files
                .entry(Hour::of_second(second))
                .or_default()
                .insert(*id);
        }
    }
    let mut found = HashMap::new();
    for (hour, mut ids) in files {
        ids.retain(|id| !found.contains_key(id));
        match File::open(hour.path(dir)) {
            Ok(file) => scan(
                BufReader::with_capacity(64 << 10, file),
                &mut ids,
                &mut found,
            )?,
            Err(error) if error.kind() == io::ErrorKind::NotFound => {}
            Err(error) => return Err(error),
        }
    }
    Ok(wanted
        .iter()
        .filter_map(|(id, _)| found.remove(id))
        .collect())
}

/// Reads line by line until all of `ids` are found. Of other lines only the start is kept.
fn scan(
    mut file: impl BufRead,
    ids: &mut HashSet<RequestId>,
    found: &mut HashMap<RequestId, Value>,
) -> io::Result<()> {
    let mut line = Vec::new();
    while !ids.is_empty() {
        line.clear();
        let mut head = file.by_ref().take(HEAD_BYTES);
        if head.read_until(b'\n', &mut line)? == 0 {
            break;
        }
        let Some(id) = request_id(&line).filter(|id| ids.contains(id)) else {
            if !line.ends_with(b"\n") {
                file.skip_until(b'\n')?;
            }
            continue;
        };
        file.read_until(b'\n', &mut line)?;
        // A line that was cut by a crash is not JSON, and may follow whole.
        if let Ok(value) = serde_json::from_slice(&line) {
            ids.remove(&id);
            found.insert(id, value);
        }
    }
    Ok(())
}

/// The id in a line with this start.
fn request_id(head: &[u8]) -> Option<RequestId> {
    let id = head.strip_prefix(HEAD.as_slice())?;
    std::str::from_utf8(id).ok()?.parse().ok()
}
