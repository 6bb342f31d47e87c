use std::fs::{self, File, OpenOptions};
use std::io::{self, Write};
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant, SystemTime, UNIX_EPOCH};

use nexus_lib::wire::Timestamp;

/// The minimum size of a file before the next one is started.
const LEAST_FILE_BYTES: u64 = 1 << 20;
/// The total limit is divided into this many files: one of these is deleted at a time.
const FILES_OF_LIMIT: u64 = 16;
/// How often to check whether the file is still the one at its path.
const LOOK_EVERY: Duration = Duration::from_secs(1);

const PREFIX: &str = "nexus.";
const SUFFIX: &str = ".log";

/// Today's file.
pub(crate) fn todays_file(folder: &Path) -> PathBuf {
    folder.join(format!("{PREFIX}{}{SUFFIX}", today()))
}

/// Daily log files: `nexus.2026-01-31.log`. A file that reaches its limit is renamed to
/// `nexus.2026-01-31.1.log`, then `.2`, and so on. The oldest ones are deleted to stay within the
/// limits.
///
/// A file that was deleted or moved is recreated within a second, so that the log is always
/// visible.
pub(super) struct DailyFiles {
    folder: PathBuf,
    limits: Limits,
    open: Option<Open>,
}

/// How much is kept.
#[derive(Debug, Clone, Copy)]
pub(super) struct Limits {
    pub(super) days: usize,
    pub(super) bytes: u64,
}

struct Open {
    file: File,
    path: PathBuf,
    /// Since 1970.
    day: u64,
    bytes: u64,
    looked_at: Instant,
}

impl DailyFiles {
    /// Opens today's file in `folder`, which is created if it does not exist.
    ///
    /// # Errors
    /// When it cannot be written.
    pub(super) fn open(folder: &Path, limits: Limits) -> io::Result<Self> {
        fs::create_dir_all(folder)?;
        let mut files = Self {
            folder: folder.to_owned(),
            limits,
            open: None,
        };
        files.open = Some(files.todays()?);
        files.prune();
        Ok(files)
    }

    fn todays(&self) -> io::Result<Open> {
        let (day, path) = (day(), todays_file(&self.folder));
        let file = append(&path)?;
        Ok(Open {
            bytes: file.metadata()?.len(),
            file,
            path,
            day,
            looked_at: Instant::now(),
        })
    }

    /// The file for another `more` bytes.
    fn ready(&mut self, more: u64) -> io::Result<&mut Open> {
        if let Some(open) = &mut self.open
            && open.looked_at.elapsed() >= LOOK_EVERY
        {
            open.looked_at = Instant::now();
            if !open.is_at_its_path() {
                self.open = None;
            }
        }
        let most = (self.limits.bytes / FILES_OF_LIMIT).max(LEAST_FILE_BYTES);
        match &self.open {
            Some(open) if open.day != day() => {
                self.open = None;
                self.prune();
            }
            Some(open) if open.bytes > 0 && open.bytes + more > most => {
                put_aside(&open.path)?;
                self.open = None;
                self.prune();
            }
            _ => {}
        }
        if self.open.is_none() {
            fs::create_dir_all(&self.folder)?;
        }
        match self.open {
            Some(ref mut open) => Ok(open),
            None => {
                let todays = self.todays()?;
                Ok(self.open.insert(todays))
            }
        }
    }

    /// Deletes the oldest files beyond the limits. Failures are retried the next time.
    fn prune(&self) {
        let mut files = ours(&self.folder);
        // Newest first: a day's own file before the renamed ones.
        files.sort_unstable_by(|a, b| b.0.cmp(&a.0));
        let (mut days, mut bytes, mut last) = (0, 0_u64, None);
        // The current file may still grow to its limit.
        let room = self
            .limits
            .bytes
            .saturating_sub(self.limits.bytes / FILES_OF_LIMIT);
        for ((date, number), size, path) in files {
            if last.as_ref() != Some(&date) {
                days += 1;
                last = Some(date);
            }
            let is_current = days == 1 && number == u64::MAX;
            bytes = bytes.saturating_add(size);
            if !is_current && (days > self.limits.days || bytes > room) {
                let _ = fs::remove_file(path);
            }
        }
    }
}

impl Open {
    /// Whether the file is still at its path, and its current length.
    fn is_at_its_path(&mut self) -> bool {
        let (Ok(here), Ok(there)) = (self.file.metadata(), fs::metadata(&self.path)) else {
            return false;
        };
        self.bytes = here.len();
        is_same(&here, &there)
    }
}

#[cfg(unix)]
fn is_same(here: &fs::Metadata, there: &fs::Metadata) -> bool {
    use std::os::unix::fs::MetadataExt;
    (here.dev(), here.ino()) == (there.dev(), there.ino())
}

#[cfg(not(unix))]
fn is_same(_: &fs::Metadata, _: &fs::Metadata) -> bool {
    true
}

impl Write for DailyFiles {
    fn write(&mut self, line: &[u8]) -> io::Result<usize> {
        self.write_all(line)?;
        Ok(line.len())
    }

    /// Writes a line completely, or not at all.
    fn write_all(&mut self, line: &[u8]) -> io::Result<()> {
        let len = u64::try_from(line.len()).unwrap_or(u64::MAX);
        let open = self.ready(len)?;
        let written = open.file.write_all(line);
        match written {
            Ok(()) => open.bytes += len,
            Err(_) => {
                // A full disk may have accepted the start of the line.
                let _ = open.file.set_len(open.bytes);
            }
        }
        written
    }

    fn flush(&mut self) -> io::Result<()> {
        match &mut self.open {
            Some(open) => open.file.flush(),
            None => Ok(()),
        }
    }
}

fn append(path: &Path) -> io::Result<File> {
    OpenOptions::new().append(true).create(true).open(path)
}

/// Renames the file with a number that is unique in its day.
fn put_aside(path: &Path) -> io::Result<()> {
    let Some(folder) = path.parent() else {
        return Ok(());
    };
    let files = ours(folder);
    let Some(date) = path.file_name().and_then(|name| read(name.to_str()?)) else {
        return Ok(());
    };
    let of_the_day = files.iter().filter(|((day, _), ..)| *day == date.0);
    let numbers = of_the_day.map(|((_, number), ..)| *number);
    let next = numbers.filter(|number| *number != u64::MAX).max();
    let next = next.unwrap_or(0).saturating_add(1);
    fs::rename(
        path,
        folder.join(format!("{PREFIX}{}.{next}{SUFFIX}", date.0)),
    )
}

type Name = (String, u64);

/// The log files in a folder: day and number, size and path.
fn ours(folder: &Path) -> Vec<(Name, u64, PathBuf)> {
    let Ok(entries) = fs::read_dir(folder) else {
        return Vec::new();
    };
    let files = entries.flatten().filter_map(|entry| {
        let name = read(entry.file_name().to_str()?)?;
        Some((name, entry.metadata().ok()?.len(), entry.path()))
    });
    files.collect()
}

/// The day and the number of a log file; the one without a number is the newest of its day.
fn read(name: &str) -> Option<Name> {
    let name = name.strip_prefix(PREFIX)?.strip_suffix(SUFFIX)?;
    let (date, number) = match name.split_once('.') {
        Some((date, number)) => (date, number.parse().ok()?),
        None => (name, u64::MAX),
    };
    let is_date = date.len() == 10
        && date.bytes().enumerate().all(|(at, byte)| match at {
            4 | 7 => byte == b'-',
            _ => byte.is_ascii_digit(),
        });
    is_date.then(|| (date.to_owned(), number))
}

/// Days since 1970, in UTC.
fn day() -> u64 {
    let since = SystemTime::now().duration_since(UNIX_EPOCH);
    since.map_or(0, |since| since.as_secs() / 86_400)
}

/// As in file names, in UTC.
fn today() -> String {
    let mut now = Timestamp::now().to_string();
    now.truncate(10);
    now
}

#[cfg(test)]
mod tests {
    use tempfile::TempDir;

    use super::*;

    fn names(folder: &Path) -> Vec<String> {
        let entries = fs::read_dir(folder).unwrap().flatten();
        let mut names: Vec<_> = entries
            .map(|entry| entry.file_name().into_string().unwrap())
            .collect();
        names.sort_unstable();
        names
    }

    fn all_bytes(folder: &Path) -> u64 {
        ours(folder).iter().map(|(_, size, _)| size).sum()
    }

    #[test]
    fn all_files_together_stay_within_the_limit_and_the_newest_lines_are_kept() {
        let home = TempDir::new().unwrap();
        let limits = Limits {
            days: 14,
            bytes: 32 << 20,
        };
        let old = home.path().join("nexus.2020-01-01.log");
        fs::write(&old, vec![b'x'; 1 << 20]).unwrap();
        let mut files = DailyFiles::open(home.path(), limits).unwrap();
        assert!(old.exists());
        let line = [vec![b'y'; 65_535], vec![b'\n']].concat();
        for _ in 0..(48 << 20) / line.len() {
            files.write_all(&line).unwrap();
        }
        files.write_all(b"the last line\n").unwrap();
        let bytes = all_bytes(home.path());
        assert!(bytes <= limits.bytes, "{bytes}");
        assert!(bytes >= limits.bytes / 2, "{bytes}");
        assert!(!old.exists(), "the oldest go first");
        let current = fs::read(todays_file(home.path())).unwrap();
        assert!(current.ends_with(b"the last line\n"));
        assert!(
            ours(home.path())
                .iter()
                .all(|(_, size, _)| *size <= 2 << 20)
        );
    }

    #[test]
    fn file_that_was_removed_or_moved_is_made_anew() {
        let home = TempDir::new().unwrap();
        let limits = Limits {
            days: 2,
            bytes: 1 << 30,
        };
        let mut files = DailyFiles::open(home.path(), limits).unwrap();
        let path = todays_file(home.path());
        for text in ["first\n", "second\n"] {
            files.write_all(text.as_bytes()).unwrap();
            assert_eq!(fs::read_to_string(&path).unwrap(), text);
            fs::remove_file(&path).unwrap();
            // The next check is due.
            files.open.as_mut().unwrap().looked_at -= LOOK_EVERY;
        }
        files.write_all(b"third\n").unwrap();
        fs::rename(&path, home.path().join("moved")).unwrap();
        fs::write(&path, "another's\n").unwrap();
        files.open.as_mut().unwrap().looked_at -= LOOK_EVERY;
        files.write_all(b"fourth\n").unwrap();
        assert_eq!(fs::read_to_string(&path).unwrap(), "another's\nfourth\n");
        fs::remove_dir_all(home.path()).unwrap();
        files.open.as_mut().unwrap().looked_at -= LOOK_EVERY;
        files.write_all(b"fifth\n").unwrap();
        assert_eq!(fs::read_to_string(&path).unwrap(), "fifth\n");
    }

    #[test]
    fn days_beyond_the_limit_are_deleted_with_all_their_files() {
        let home = TempDir::new().unwrap();
        for name in [
            "nexus.2020-01-01.log",
            "nexus.2020-01-01.1.log",
            "nexus.2020-01-02.log",
            "nexus.2020-01-02.1.log",
            "nexus.2020-01-02.12.log",
            "nexus.db",
            "nexus.2020-01-01.log.gz",
            "nexus.2020-1-1.log",
        ] {
            fs::write(home.path().join(name), "x").unwrap();
        }
        let limits = Limits {
            days: 2,
            bytes: 1 << 30,
        };
        drop(DailyFiles::open(home.path(), limits).unwrap());
        let today = format!("nexus.{}.log", today());
        let expected = [
            "nexus.2020-01-01.log.gz",
            "nexus.2020-01-02.1.log",
            "nexus.2020-01-02.12.log",
            "nexus.2020-01-02.log",
            "nexus.2020-1-1.log",
            &*today,
            "nexus.db",
        ];
        assert_eq!(names(home.path()), expected);
    }
}
