use std::io::{self, Write};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};

/// A writer of lines that counts those that it cannot write, and goes on with the next one.
pub(super) struct Counted<W> {
    to: W,
    lost: Lost,
}

/// How many lines were lost, and whether the last one was. A clone is the same figures.
#[derive(Clone, Default)]
pub(super) struct Lost {
    lines: Arc<AtomicU64>,
    is_failing: Arc<AtomicBool>,
}

impl Lost {
    pub(super) fn lines(&self) -> u64 {
        self.lines.load(Ordering::Relaxed)
    }
}

impl<W: Write> Counted<W> {
    pub(super) fn new(to: W, lost: Lost) -> Self {
        Self { to, lost }
    }
}

impl<W: Write> Write for Counted<W> {
    fn write(&mut self, line: &[u8]) -> io::Result<usize> {
        self.write_all(line)?;
        Ok(line.len())
    }

    /// Never fails: the thread that writes has nobody to report to.
    fn write_all(&mut self, line: &[u8]) -> io::Result<()> {
        let written = self.to.write_all(line);
        let was_failing = self
            .lost
            .is_failing
            .swap(written.is_err(), Ordering::Relaxed);
        match written {
            Err(error) => {
                self.lost.lines.fetch_add(1, Ordering::Relaxed);
                if !was_failing {
                    // For the other places that the log goes to. These queue it: nothing waits here.
                    tracing::error!(%error, "lines of the log cannot be written, and are lost");
                }
            }
            Ok(()) if was_failing => {
                let lost = self.lost.lines();
                tracing::warn!(lost, "the log is written again; some lines were lost");
            }
            Ok(()) => {}
        }
        Ok(())
    }

    fn flush(&mut self) -> io::Result<()> {
        self.to.flush()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    struct Full;

    impl Write for Full {
        fn write(&mut self, _: &[u8]) -> io::Result<usize> {
            Err(io::ErrorKind::StorageFull.into())
        }

        fn flush(&mut self) -> io::Result<()> {
            Ok(())
        }
    }

    #[test]
    fn lines_that_a_full_disk_does_not_take_are_counted() {
        let lost = Lost::default();
        let mut log = Counted::new(Full, lost.clone());
        for _ in 0..3 {
            log.write_all(b"line\n").unwrap();
        }
        assert_eq!(lost.lines(), 3);
    }
}
