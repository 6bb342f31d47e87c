use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, PoisonError, Weak};

use memchr::memmem;

/// Those that count, of all tests of this process.
static WATCHING: Mutex<Vec<Weak<Counts>>> = Mutex::new(Vec::new());

/// Whether there ever were any: benches have none.
static IS_WATCHED: AtomicBool = AtomicBool::new(false);

/// Counts how often bodies that contain a text are read as requests: by whatever part of the
/// gateway, on whatever thread, as they came or in another protocol.
///
/// Give each test a text of its own.
///
/// ```
/// use nexus_lib::testing::BodyReads;
/// use nexus_lib::wire::RequestScan;
///
/// let reads = BodyReads::of("a text of this test alone");
/// let body = br#"{"model":"m","messages":["a text of this test alone"]}"#;
/// RequestScan::of(body)?;
/// assert_eq!((reads.scans(), reads.parses()), (1, 0));
/// # Ok::<(), nexus_lib::Error>(())
/// ```
#[derive(Debug)]
pub struct BodyReads(Arc<Counts>);

#[derive(Debug)]
pub(super) struct Counts {
    text: Vec<u8>,
    pub(super) scans: AtomicUsize,
    pub(super) parses: AtomicUsize,
}

impl BodyReads {
    /// Counts from now on, until this is dropped.
    pub fn of(text: &str) -> Self {
        let counts = Arc::new(Counts {
            text: text.as_bytes().to_vec(),
            scans: AtomicUsize::new(0),
            parses: AtomicUsize::new(0),
        });
        let mut watching = WATCHING.lock().unwrap_or_else(PoisonError::into_inner);
        watching.retain(|counts| counts.strong_count() > 0);
        watching.push(Arc::downgrade(&counts));
        IS_WATCHED.store(true, Ordering::SeqCst);
        Self(counts)
    }

    /// How often such a body was scanned for the fields that routing needs.
    pub fn scans(&self) -> usize {
        self.0.scans.load(Ordering::SeqCst)
    }

    /// How often such a body was parsed as a request.
    pub fn parses(&self) -> usize {
        self.0.parses.load(Ordering::SeqCst)
    }
}

pub(super) fn note(body: &[u8], count: impl Fn(&Counts) -> &AtomicUsize) {
    if !IS_WATCHED.load(Ordering::Relaxed) {
        return;
    }
    let watching = WATCHING.lock().unwrap_or_else(PoisonError::into_inner);
    for counts in watching.iter().filter_map(Weak::upgrade) {
        if memmem::find(body, &counts.text).is_some() {
            count(&counts).fetch_add(1, Ordering::SeqCst);
        }
    }
}
