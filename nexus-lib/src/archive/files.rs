use std::fs::{self, DirBuilder, File, OpenOptions};
use std::io::{self, Read, Seek, SeekFrom, Write};
use std::path::{Path, PathBuf};

use jiff::civil::DateTime;
use jiff::tz::TimeZone;

use super::line::HEAD;
use crate::wire::Timestamp;

/// An hour in UTC, which has one file.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct Hour(i64);

pub(super) const SECONDS: i64 = 3600;

impl Hour {
    /// The hour of `time`; for a time before 1970 the first hour.
    pub(super) fn of(time: Timestamp) -> Self {
        Self::of_second(time.as_seconds())
    }

    pub(super) fn of_second(second: i64) -> Self {
        Self(second.max(0).div_euclid(SECONDS))
    }

    /// The hour of the file `YYYY/MM/DD/HH.jsonl`, if these are its names.
    pub(super) fn of_names(year: &str, month: &str, day: &str, file: &str) -> Option<Self> {
        let number = |text: &str, len: usize| {
            let is_plain = text.len() == len && text.bytes().all(|byte| byte.is_ascii_digit());
            is_plain.then(|| text.parse::<i16>().ok()).flatten()
        };
        let small = |text: &str| i8::try_from(number(text, 2)?).ok();
        let hour = small(file.strip_suffix(".jsonl")?)?;
        let time = DateTime::new(number(year, 4)?, small(month)?, small(day)?, hour, 0, 0, 0);
        let time = time.ok()?.to_zoned(TimeZone::UTC).ok()?;
        Some(Self(time.timestamp().as_second().div_euclid(SECONDS)))
    }

    /// The first second after it.
    pub(super) fn end(self) -> i64 {
        (self.0 + 1).saturating_mul(SECONDS)
    }

    /// Its file below `dir`.
    pub(super) fn path(self, dir: &Path) -> PathBuf {
        let time = jiff::Timestamp::from_second(self.0.saturating_mul(SECONDS));
        let time = time.unwrap_or(jiff::Timestamp::MAX).to_zoned(TimeZone::UTC);
        dir.join(time.strftime("%Y/%m/%d/%H.jsonl").to_string())
    }
}

/// Creates a folder and its parents, accessible to their owner only.
pub(super) fn make_folder(path: &Path) -> io::Result<()> {
    let mut builder = DirBuilder::new();
    builder.recursive(true);
    #[cfg(unix)]
    std::os::unix::fs::DirBuilderExt::mode(&mut builder, 0o700);
    builder.create(path)
}

/// Appends `lines` to the file at `path` and removes from `lines` what was written. If a write
/// fails, only whole lines count; a partial line is truncated again.
///
/// The file is opened anew each time: a file that was moved or deleted in the meantime receives
/// nothing more.
pub(super) fn append(path: &Path, lines: &mut Vec<u8>) -> io::Result<()> {
    let mut file = open(path)?;
    if !ends_a_line(&mut file)? {
        // What another program left there stays as it is.
        file.write_all(b"\n")?;
    }
    let before = file.metadata()?.len();
    let mut at = 0;
    let written = loop {
        match file.write(lines.get(at..).unwrap_or_default()) {
            Ok(0) if at == lines.len() => break Ok(()),
            Ok(0) => break Err(io::ErrorKind::WriteZero.into()),
            Ok(len) => at += len,
            Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
            Err(error) => break Err(error),
        }
    };
    let whole = memchr::memrchr(b'\n', &lines[..at]).map_or(0, |end| end + 1);
    if whole < at {
        // If that fails too, the partial line stays as a line of its own.
        let end = u64::try_from(whole)
            .ok()
            .and_then(|whole| before.checked_add(whole));
        let _ = end.map(|end| file.set_len(end));
    }
    lines.drain(..whole);
    written
}

/// Ends the newest file below `dir` with a whole line: a killed process may have left a partial
/// one. Anything that is not our own line is left as it is.
pub(super) fn mend_newest(dir: &Path) -> io::Result<()> {
    let Some(path) = newest(dir)? else {
        return Ok(());
    };
    let mut file = OpenOptions::new().read(true).write(true).open(&path)?;
    let torn = last_piece(&mut file)?;
    if torn.is_empty() {
        return Ok(());
    }
    let end = file.metadata()?.len();
    if serde_json::from_slice::<serde::de::IgnoredAny>(&torn).is_ok() {
        file.seek(SeekFrom::End(0))?;
        return file.write_all(b"\n");
    }
    let is_ours = torn.starts_with(HEAD) || HEAD.starts_with(&torn);
    if !is_ours {
        return Ok(());
    }
    let bytes = torn.len();
    tracing::warn!(path = %path.display(), bytes, "a partial line at the end of the archive was \
                                                   removed");
    file.set_len(end.saturating_sub(u64::try_from(bytes).unwrap_or(0)))
}

/// The file of the newest hour.
fn newest(dir: &Path) -> io::Result<Option<PathBuf>> {
    let mut path = dir.to_owned();
    let mut names: [String; 4] = Default::default();
    for name in &mut names {
        let entries = match fs::read_dir(&path) {
            Ok(entries) => entries,
            Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(None),
            Err(error) => return Err(error),
        };
        // Other files may be here: our names begin with two digits and have no other letters.
        let is_ours = |name: &String| {
            let number = name.strip_suffix(".jsonl").unwrap_or(name);
            matches!(number.len(), 2 | 4) && number.bytes().all(|byte| byte.is_ascii_digit())
        };
        let found = entries.flatten();
        let found = found.filter_map(|entry| entry.file_name().into_string().ok());
        let Some(newest) = found.filter(is_ours).max() else {
            return Ok(None);
        };
        path.push(&newest);
        *name = newest;
    }
    let [year, month, day, file] = &names;
    Ok(Hour::of_names(year, month, day, file).map(|hour| hour.path(dir)))
}

/// The bytes after the last line end.
fn last_piece(file: &mut File) -> io::Result<Vec<u8>> {
    const STEP: u64 = 64 << 10;
    let mut start = file.metadata()?.len();
    let mut piece = Vec::new();
    while start > 0 {
        let from = start.saturating_sub(STEP);
        let mut bytes = vec![0; usize::try_from(start - from).unwrap_or(0)];
        file.seek(SeekFrom::Start(from))?;
        file.read_exact(&mut bytes)?;
        if let Some(end) = memchr::memrchr(b'\n', &bytes) {
            bytes.drain(..=end);
            bytes.append(&mut piece);
            return Ok(bytes);
        }
        bytes.append(&mut piece);
        piece = bytes;
        start = from;
    }
    Ok(piece)
}

fn open(path: &Path) -> io::Result<File> {
    let mut options = OpenOptions::new();
    options.read(true).append(true).create(true);
    #[cfg(unix)]
    std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o600);
    match (options.open(path), path.parent()) {
        (Err(error), Some(folder)) if error.kind() == io::ErrorKind::NotFound => {
            make_folder(folder)?;
            options.open(path)
        }
        (opened, _) => opened,
    }
}

fn ends_a_line(file: &mut File) -> io::Result<bool> {
    if file.metadata()?.len() == 0 {
        return Ok(true);
    }
    let mut last = [0];
    file.seek(SeekFrom::End(-1))?;
    file.read_exact(&mut last)?;
    Ok(last == *b"\n")
}
