use std::io::Write;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};

use memchr::{memchr, memchr_iter, memrchr};

/// How much is written at once: a full disk accepts all of it or none.
const PIECE_BYTES: usize = 64 << 10;

/// A writer of lines that counts the ones it cannot write, and continues with the next.
pub(super) struct Counted<W> {
    to: W,
    lost: Lost,
}

/// How many lines were lost, and whether the last one was. A clone shares the figures.
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

    /// Writes whole lines. Never fails: the writing thread cannot report to anybody.
    pub(super) fn write_lines(&mut self, mut lines: &[u8]) {
        while !lines.is_empty() {
            let (piece, rest) = lines.split_at(piece_len(lines));
            self.write_piece(piece);
            lines = rest;
        }
    }

    fn write_piece(&mut self, piece: &[u8]) {
        let written = self.to.write_all(piece);
        let was_failing = (self.lost.is_failing).swap(written.is_err(), Ordering::Relaxed);
        match written {
            Err(error) => {
                let lines = u64::try_from(memchr_iter(b'\n', piece).count()).unwrap_or(u64::MAX);
                self.lost.lines.fetch_add(lines, Ordering::Relaxed);
                if !was_failing {
                    // For the other output. It is queued: nothing waits here.
                    tracing::error!(%error, "log lines cannot be written, and are lost");
                }
            }
            Ok(()) if was_failing => {
                let lost = self.lost.lines();
                tracing::warn!(lost, "the log can be written again; some lines were lost");
            }
            Ok(()) => {}
        }
    }
}

/// The length of the longest run of whole lines that fits a piece; of one line if it is longer.
fn piece_len(lines: &[u8]) -> usize {
    if lines.len() <= PIECE_BYTES {
        return lines.len();
    }
    let (fitting, beyond) = lines.split_at(PIECE_BYTES);
    match memrchr(b'\n', fitting) {
        Some(last) => last + 1,
        None => memchr(b'\n', beyond).map_or(lines.len(), |end| PIECE_BYTES + end + 1),
    }
}

#[cfg(test)]
mod tests {
    use std::io;

    use super::*;

    /// Accepts a number of pieces, then nothing.
    struct Full {
        room: usize,
        taken: Vec<Vec<u8>>,
    }

    impl Write for Full {
        fn write(&mut self, piece: &[u8]) -> io::Result<usize> {
            if self.taken.len() == self.room {
                return Err(io::ErrorKind::StorageFull.into());
            }
            self.taken.push(piece.to_owned());
            Ok(piece.len())
        }

        fn flush(&mut self) -> io::Result<()> {
            Ok(())
        }
    }

    #[test]
    fn lines_that_a_full_disk_does_not_take_are_counted() {
        let lost = Lost::default();
        let taken = Vec::new();
        let mut log = Counted::new(Full { room: 0, taken }, lost.clone());
        for _ in 0..3 {
            log.write_lines(b"line\nline\n");
        }
        assert_eq!(lost.lines(), 6);
    }

    #[test]
    fn pieces_end_with_a_line() {
        let lost = Lost::default();
        let (room, taken) = (2, Vec::new());
        let mut log = Counted::new(Full { room, taken }, lost.clone());
        let line = |len: usize| [vec![b'x'; len], vec![b'\n']].concat();
        let lines = [
            line(PIECE_BYTES - 3),
            line(PIECE_BYTES * 2),
            line(1),
            line(1),
        ];
        log.write_lines(&lines.concat());
        assert_eq!(log.to.taken, lines[..2]);
        assert_eq!(lost.lines(), 2);
    }
}
