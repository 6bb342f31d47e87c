use std::path::PathBuf;
use std::sync::Arc;
use std::time::{Duration, Instant};

use super::files::{self, Hour};
use super::queue::{Disk, Next, Queue, size};
use super::{ArchiveRecord, line, retention};
use crate::isolate;
use crate::wire::Timestamp;

const FIRST_PAUSE: Duration = Duration::from_millis(50);
const LONGEST_PAUSE: Duration = Duration::from_secs(2);

/// Lines are collected up to this size before they are written.
const BATCH_BYTES: usize = 1 << 20;

const BETWEEN_DELETIONS: Duration = Duration::from_secs(3600);

/// The thread's part: turns records into lines in files.
pub(super) struct Writer {
    dir: PathBuf,
    retention_days: Option<u32>,
    queue: Arc<Queue>,
    batch: Batch,
}

/// Lines of one hour that are written together.
#[derive(Default)]
struct Batch {
    hour: Option<Hour>,
    lines: Vec<u8>,
    records: usize,
    /// What their records count in the queue.
    bytes: u64,
}

/// Reports the thread's end to the queue, however it ends.
struct End<'a>(&'a Queue);

impl Drop for End<'_> {
    fn drop(&mut self) {
        self.0.end();
    }
}

impl Writer {
    pub(super) fn new(dir: PathBuf, retention_days: Option<u32>, queue: Arc<Queue>) -> Self {
        Self {
            dir,
            retention_days,
            queue,
            batch: Batch::default(),
        }
    }

    /// Writes until the queue is closed and empty; returns how many records could not be written.
    pub(super) fn run(mut self) -> u64 {
        let queue = Arc::clone(&self.queue);
        let _end = End(&queue);
        if let Err(error) = files::mend_newest(&self.dir) {
            tracing::warn!(%error, "the end of the archive could not be checked");
        }
        let mut deletion = self.retention_days.map(|_| Instant::now());
        loop {
            if deletion.is_some_and(|deletion| deletion <= Instant::now()) {
                self.delete_old();
                deletion = Some(Instant::now() + BETWEEN_DELETIONS);
            }
            match queue.next() {
                Next::Record(record) => {
                    let hour = Hour::of(record.ended_at);
                    let is_other = self.batch.hour.is_some_and(|other| other != hour);
                    if is_other && !self.write_batch() {
                        break;
                    }
                    self.add_line(&record);
                    self.batch.hour = Some(hour);
                    self.batch.records += 1;
                    self.batch.bytes += size(&record);
                    drop(record);
                    if self.batch.lines.len() >= BATCH_BYTES && !self.write_batch() {
                        break;
                    }
                }
                Next::Pause if self.batch.records == 0 => queue.wait(deletion),
                Next::Pause => {
                    if !self.write_batch() {
                        break;
                    }
                }
                Next::End => {
                    self.write_batch();
                    break;
                }
            }
        }
        let lost = queue.end();
        if lost > 0 {
            tracing::error!(
                records = lost,
                "the archive closed before all records were written"
            );
        }
        lost
    }

    /// Adds a record's line to the batch, or nothing of it.
    fn add_line(&mut self, record: &ArchiveRecord) {
        let lines = &mut self.batch.lines;
        let before = lines.len();
        let request_id = record.request_id;
        match isolate::call(|| line::write(record, lines)) {
            Ok(Ok(())) => return,
            Ok(Err(error)) => tracing::error!(%error, %request_id, "no line for a call"),
            Err(error) => tracing::error!(%error, %request_id, "no line for a call"),
        }
        self.batch.lines.truncate(before);
    }

    /// Writes the batch, retrying while writing fails. Gives up only when nobody waits any longer:
    /// the queue is closed, and writing has failed for too long.
    fn write_batch(&mut self) -> bool {
        let Some(hour) = self.batch.hour else {
            return true;
        };
        let path = hour.path(&self.dir);
        let mut pause = FIRST_PAUSE;
        let mut refused_since = None;
        let mut is_closed = false;
        while let Err(error) = files::append(&path, &mut self.batch.lines) {
            let since = *refused_since.get_or_insert_with(|| {
                tracing::error!(%error, records = self.batch.records, "writing the archive fails; \
                                                                       retrying");
                Instant::now()
            });
            let is_long = since.elapsed() >= self.queue.limits.patience;
            self.queue.set_disk(match is_long {
                true => Disk::RefusesLong,
                false => Disk::Refuses,
            });
            if is_closed && is_long {
                return false;
            }
            is_closed = self.queue.rest(pause);
            pause = (pause * 2).min(LONGEST_PAUSE);
        }
        if refused_since.is_some() {
            tracing::info!("the archive can be written again");
            self.queue.set_disk(Disk::Writes);
        }
        let Batch { records, bytes, .. } = self.batch;
        self.queue.release(records, bytes);
        // A batch that was large once does not keep its memory.
        self.batch.lines.shrink_to(BATCH_BYTES);
        self.batch = Batch {
            lines: std::mem::take(&mut self.batch.lines),
            ..Batch::default()
        };
        true
    }

    fn delete_old(&self) {
        let Some(days) = self.retention_days else {
            return;
        };
        let oldest = Timestamp::now().as_seconds() - i64::from(days) * 24 * files::SECONDS;
        match retention::delete(&self.dir, oldest) {
            Ok(0) => {}
            Ok(files) => tracing::info!(files, days, "old archive files were deleted"),
            Err(error) => {
                tracing::warn!(%error, "old archive files could not be deleted; retrying later")
            }
        }
    }
}
