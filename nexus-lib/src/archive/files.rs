use std::fs::{DirBuilder, File, OpenOptions};
use std::io::{self, Read, Seek, SeekFrom, Write};
use std::path::{Path, PathBuf};

use jiff::civil::DateTime;
use jiff::tz::TimeZone;

use crate::wire::Timestamp;

/// An hour in UTC: it has a file.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct Hour(i64);

pub(super) const SECONDS: i64 = 3600;

impl Hour {
    /// The hour that `time` is in; for a time before 1970 the first.
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

    /// The first second behind it.
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

/// Makes a folder and those above it, for their owner only.
pub(super) fn make_folder(path: &Path) -> io::Result<()> {
    let mut builder = DirBuilder::new();
    builder.recursive(true);
    #[cfg(unix)]
    std::os::unix::fs::DirBuilderExt::mode(&mut builder, 0o700);
    builder.create(path)
}

/// Adds `lines` to the file at `path`, and takes from them what was written: of a failed write, the
/// lines that are whole.
///
/// The file is opened anew each time: one that was moved or deleted meanwhile gets nothing more.
pub(super) fn append(path: &Path, lines: &mut Vec<u8>) -> io::Result<()> {
    let mut file = open(path)?;
    if !ends_a_line(&mut file)? {
        // A line that was torn by a crash or a full disk stays alone.
        file.write_all(b"\n")?;
    }
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
    lines.drain(..whole);
    written
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
