//! The work for a text grows no faster than its length, whatever it contains: for every client
//! protocol with every provider protocol.

mod answers;
mod requests;
mod streams;

use std::fs;
use std::hint::black_box;
use std::time::{Duration, Instant};

use crate::translate::{ClientProtocol, ProviderProtocol};

/// How many members, messages, parts … the smaller text has. The larger one has four times as many.
const FEW: usize = 750;

/// How much more work the larger text may take. Quadratic work comes near to sixteen times.
const MAX_GROWTH: f64 = 8.0;

/// Less work than this cannot be measured well, and does not matter.
const LITTLE: Duration = Duration::from_millis(60);

const CLIENTS: [ClientProtocol; 3] = [
    ClientProtocol::Chat,
    ClientProtocol::Messages,
    ClientProtocol::Responses,
];

const PROVIDERS: [ProviderProtocol; 5] = [
    ProviderProtocol::Chat,
    ProviderProtocol::Messages,
    ProviderProtocol::Responses,
    ProviderProtocol::Gemini,
    ProviderProtocol::Ollama,
];

/// Checks that the time of `work` on the text that `text` makes of a size grows like the text.
fn grows_with_its_text(what: &str, text: impl Fn(usize) -> String, work: impl Fn(&[u8])) {
    let (few, many) = (text(FEW), text(4 * FEW));
    let mut growth = f64::INFINITY;
    // Try again if something else interfered.
    for _ in 0..4 {
        let many = took(|| work(black_box(many.as_bytes())));
        if many < LITTLE {
            return;
        }
        let few = took(|| work(black_box(few.as_bytes())));
        growth = growth.min(many.as_secs_f64() / few.as_secs_f64().max(1e-6));
        if growth < MAX_GROWTH {
            return;
        }
    }
    panic!("{what}: four times the text is {growth:.1} times the work");
}

/// The processor time of this thread: others may use the processor meanwhile.
fn took(work: impl FnOnce()) -> Duration {
    let (began, ran) = (Instant::now(), ran());
    work();
    match (ran, self::ran()) {
        (Some(before), Some(after)) if after > before => after - before,
        _ => began.elapsed(),
    }
}

/// Linux counts it per thread; elsewhere use the clock.
fn ran() -> Option<Duration> {
    let counts = fs::read_to_string("/proc/thread-self/schedstat").ok()?;
    let nanos = counts.split_whitespace().next()?.parse().ok()?;
    Some(Duration::from_nanos(nanos))
}

/// `count` results of `one`, separated by commas.
fn list(count: usize, one: impl Fn(usize) -> String) -> String {
    (0..count).map(one).collect::<Vec<_>>().join(",")
}
