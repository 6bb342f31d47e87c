//! The work for a text grows with its length and no faster, whatever it is made of: for every protocol that
//! clients speak, with every one that providers do.

mod answers;
mod requests;
mod streams;

use std::fs;
use std::hint::black_box;
use std::time::{Duration, Instant};

use crate::translate::{ClientProtocol, ProviderProtocol};

/// How many members, messages, parts … the smaller text has. The larger one has four times as many.
const FEW: usize = 750;

/// How much more work the larger text may be. What is quadratic comes near to sixteen times.
const MOST_GROWTH: f64 = 8.0;

/// Less work than this is not measured well, and nobody has to wait for it.
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

/// Checks that `work` on the text that `text` makes of a size grows like the text.
fn grows_with_its_text(what: &str, text: impl Fn(usize) -> String, work: impl Fn(&[u8])) {
    let (few, many) = (text(FEW), text(4 * FEW));
    let mut growth = f64::INFINITY;
    // Another try where something came in between.
    for _ in 0..4 {
        let many = took(|| work(black_box(many.as_bytes())));
        if many < LITTLE {
            return;
        }
        let few = took(|| work(black_box(few.as_bytes())));
        growth = growth.min(many.as_secs_f64() / few.as_secs_f64().max(1e-6));
        if growth < MOST_GROWTH {
            return;
        }
    }
    panic!("{what}: four times the text is {growth:.1} times the work");
}

/// How long this thread was at work on it: others may have the processor meanwhile.
fn took(work: impl FnOnce()) -> Duration {
    let (began, ran) = (Instant::now(), ran());
    work();
    match (ran, self::ran()) {
        (Some(before), Some(after)) if after > before => after - before,
        _ => began.elapsed(),
    }
}

/// What Linux counts for a thread; elsewhere the clock must do.
fn ran() -> Option<Duration> {
    let counts = fs::read_to_string("/proc/thread-self/schedstat").ok()?;
    let nanos = counts.split_whitespace().next()?.parse().ok()?;
    Some(Duration::from_nanos(nanos))
}

/// So many of what `one` makes of a number, with commas between.
fn list(count: usize, one: impl Fn(usize) -> String) -> String {
    (0..count).map(one).collect::<Vec<_>>().join(",")
}
