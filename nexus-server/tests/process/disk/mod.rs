//! A disk that can be full, and whose durable content a test can determine.
//!
//! A small C library, preloaded into the server, sits between SQLite and the system: see `disk.c`.
//! Its records are replayed into the content of a disk after a loss of power.

mod replay;

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::OnceLock;

use crate::random::Random;
use crate::server::Home;
use replay::Replay;

pub(crate) struct Disk {
    data: PathBuf,
    log: PathBuf,
    full: PathBuf,
    /// The content when the server was started.
    held: Replay,
}

impl Disk {
    /// For the servers started in `home` with [`env`](Self::env), in their default folder.
    pub(crate) fn new(home: &Home) -> Self {
        Self {
            data: home.path().join("data"),
            log: home.path().join("disk.log"),
            full: home.path().join("disk.full"),
            held: Replay::new(&home.path().join("data")),
        }
    }

    /// The environment of a server on this disk.
    pub(crate) fn env(&self) -> [(&str, &str); 3] {
        [
            ("LD_PRELOAD", text(library())),
            ("DISK_LOG", text(&self.log)),
            ("DISK_FULL", text(&self.full)),
        ]
    }

    /// From now on every write fails for lack of space.
    pub(crate) fn fill(&self) {
        fs::write(&self.full, "").unwrap();
    }

    pub(crate) fn make_room(&self) {
        fs::remove_file(&self.full).unwrap();
    }

    /// Leaves in the files of a dead server what a loss of power at that moment would have left:
    /// everything synced, and any part of the rest.
    pub(crate) fn lose_power(&mut self, random: &mut Random) {
        let log = fs::read(&self.log).unwrap();
        self.held.replay(&log, random);
        fs::remove_file(&self.log).unwrap();
        let _ = fs::remove_file(self.data.join("nexus.db-shm"));
        for (file, bytes) in self.held.files() {
            fs::write(self.data.join(file), bytes).unwrap();
        }
    }
}

fn text(path: &Path) -> &str {
    path.to_str().unwrap()
}

/// Compiles `disk.c` once: there is a compiler, since SQLite needs one too.
fn library() -> &'static Path {
    static LIBRARY: OnceLock<PathBuf> = OnceLock::new();
    LIBRARY.get_or_init(|| {
        let source = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/process/disk/disk.c");
        let library = Path::new(env!("CARGO_TARGET_TMPDIR")).join("disk.so");
        // Another run may load the library while this one creates it.
        let draft = library.with_extension(std::process::id().to_string());
        let compiled = Command::new("cc")
            .args(["-O1", "-shared", "-fPIC", "-o"])
            .arg(&draft)
            .args([source, "-ldl"])
            .status();
        assert!(compiled.unwrap().success());
        fs::rename(draft, &library).unwrap();
        library
    })
}
