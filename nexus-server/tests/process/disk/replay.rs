use std::fs;
use std::path::Path;

use crate::random::Random;

/// The bytes before each record's own: see `struct record` in `disk.c`.
const HEAD: usize = 16;

/// A database and its log as on a disk.
pub(super) struct Replay {
    database: File,
    log: File,
}

struct File {
    bytes: Vec<u8>,
    /// Changes since the last sync, in order.
    unsynced: Vec<Change>,
}

enum Change {
    Write { offset: usize, bytes: Vec<u8> },
    Truncate(usize),
}

impl Replay {
    /// The content of a stopped server's folder.
    pub(super) fn new(data: &Path) -> Self {
        let read = |file| File {
            bytes: fs::read(data.join(file)).unwrap_or_default(),
            unsynced: Vec::new(),
        };
        Self {
            database: read("nexus.db"),
            log: read("nexus.db-wal"),
        }
    }

    /// Replays the records, up to the loss of power at their end.
    pub(super) fn replay(&mut self, mut records: &[u8], random: &mut Random) {
        // The last record may be cut off by the death of the server.
        while let Some((head, rest)) = records.split_at_checked(HEAD) {
            let length = u32::from_le_bytes(head[4..8].try_into().unwrap());
            let Some((bytes, rest)) = rest.split_at_checked(length as usize) else {
                break;
            };
            records = rest;
            let offset = u64::from_le_bytes(head[8..16].try_into().unwrap());
            let offset = usize::try_from(offset).unwrap();
            let file = match head[1] {
                b'd' => &mut self.database,
                b'w' => &mut self.log,
                other => panic!("no file {other}"),
            };
            let bytes = bytes.to_vec();
            match head[0] {
                b'W' => file.unsynced.push(Change::Write { offset, bytes }),
                b'T' => file.unsynced.push(Change::Truncate(offset)),
                b'S' => file.sync(|| true),
                other => panic!("no operation {other}"),
            }
        }
        self.database.sync(|| random.up_to(2) == 1);
        self.log.sync(|| random.up_to(2) == 1);
    }

    pub(super) fn files(&self) -> [(&'static str, &[u8]); 2] {
        [
            ("nexus.db", &self.database.bytes),
            ("nexus.db-wal", &self.log.bytes),
        ]
    }
}

impl File {
    /// Makes pending changes durable, as far as `reached` allows.
    fn sync(&mut self, mut reached: impl FnMut() -> bool) {
        for change in self.unsynced.drain(..).filter(|_| reached()) {
            match change {
                Change::Truncate(size) => self.bytes.resize(size, 0),
                Change::Write { offset, bytes } => {
                    let end = offset + bytes.len();
                    if self.bytes.len() < end {
                        self.bytes.resize(end, 0);
                    }
                    self.bytes[offset..end].copy_from_slice(&bytes);
                }
            }
        }
    }
}
