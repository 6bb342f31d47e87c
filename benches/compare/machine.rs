//! The machine on which the figures were measured, and the runtimes of each part.

use std::fs;
use std::io;
use std::path::Path;
use std::time::Duration;

use rustix::thread::{CpuSet, sched_getaffinity, sched_setaffinity};
use tokio::runtime::{Builder, Runtime};

/// The cores to run on.
#[derive(Clone, Copy)]
pub(crate) struct Cores {
    count: u32,
    /// One for the subject, and one for everything else.
    pair: Option<[usize; 2]>,
}

/// Where a part's threads run.
#[derive(Clone, Copy)]
pub(crate) enum Place {
    /// The subject's core.
    Subject,
    /// The core of everything else.
    Rest,
}

impl Cores {
    /// The cores available to this thread. Call it before anything is pinned, since that narrows
    /// them.
    pub(crate) fn available() -> Self {
        let Ok(set) = sched_getaffinity(None) else {
            return Self {
                count: 0,
                pair: None,
            };
        };
        let mut set_cores = (0..CpuSet::MAX_CPU).filter(|core| set.is_set(*core));
        let pair = set_cores.next().zip(set_cores.next());
        Self {
            count: set.count(),
            pair: pair.map(|(first, second)| [first, second]),
        }
    }

    /// The same, without pinning threads.
    pub(crate) fn unpinned(self) -> Self {
        Self { pair: None, ..self }
    }

    /// Pins this thread, and those it starts, to its place; false if there is only one core, or
    /// none is chosen.
    pub(crate) fn pin(self, place: Place) -> bool {
        let Some([subject, rest]) = self.pair else {
            return false;
        };
        let mut set = CpuSet::new();
        set.set(match place {
            Place::Subject => subject,
            Place::Rest => rest,
        });
        sched_setaffinity(None, &set).is_ok()
    }

    /// A runtime with one worker. Its threads, including blocking ones, are named `name` and stay
    /// in `place`.
    pub(crate) fn runtime(self, name: &str, place: Place) -> io::Result<Runtime> {
        Builder::new_multi_thread()
            .worker_threads(1)
            .thread_name(name)
            // A thread that ended would take its CPU time along.
            .thread_keep_alive(Duration::from_secs(3600))
            .on_thread_start(move || {
                self.pin(place);
            })
            .enable_all()
            .build()
    }

    /// One line about the machine, and the file system of the store.
    pub(crate) fn describe(self, store: &Path) -> String {
        let cpu = field("/proc/cpuinfo", "model name").unwrap_or_else(|| "unknown CPU".into());
        let kernel = fs::read_to_string("/proc/sys/kernel/osrelease").unwrap_or_default();
        let file_system = file_system(store).unwrap_or_else(|| "unknown file system".into());
        let (count, kernel) = (self.count, kernel.trim());
        format!("{cpu}, {count} cores, Linux {kernel}, store on {file_system}")
    }
}

/// A line `name: value` of one of the kernel's text files.
pub(crate) fn field(file: &str, name: &str) -> Option<String> {
    fs::read_to_string(file).ok()?.lines().find_map(|line| {
        let (key, value) = line.split_once(':')?;
        (key.trim() == name).then(|| value.trim().to_owned())
    })
}

fn file_system(path: &Path) -> Option<String> {
    let path = path.canonicalize().ok()?;
    fs::read_to_string("/proc/self/mounts")
        .ok()?
        .lines()
        .filter_map(|line| {
            let mut fields = line.split(' ').skip(1);
            Some((fields.next()?, fields.next()?))
        })
        .filter(|(mount, _)| path.starts_with(mount))
        // Of several mounts at the same place, the last one is visible.
        .max_by_key(|(mount, _)| mount.len())
        .map(|(_, kind)| kind.to_owned())
}
