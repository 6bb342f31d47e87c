//! Latency histograms: small, and mergeable.

use schemars::JsonSchema;
use serde::Serialize;

/// Shorter durations are counted by the millisecond.
const EXACT_MS: u64 = 64;

/// The number of bins per doubling beyond [`EXACT_MS`]: a bin is at most 3 percent wide.
const BINS_PER_DOUBLING: u64 = 32;

/// The longest duration with a bin of its own: about 12 days.
const LONGEST_MS: u64 = (1 << 30) - 1;

/// Percentiles of durations in milliseconds, at most 2 percent off.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, JsonSchema)]
#[non_exhaustive]
pub struct Percentiles {
    /// The median.
    pub p50: u64,
    /// The 90th percentile.
    pub p90: u64,
    /// The 99th percentile.
    pub p99: u64,
}

/// The number of calls by duration, in bins that grow with the duration.
///
/// ```
/// use nexus_lib::store::Histogram;
///
/// let mut lengths = Histogram::default();
/// (1..=50).for_each(|ms| lengths.add(ms));
/// let percentiles = lengths.percentiles().unwrap();
/// assert_eq!((percentiles.p50, percentiles.p90, percentiles.p99), (25, 45, 50));
/// ```
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Histogram {
    /// The bins that are not empty, in order, with their counts.
    bins: Vec<(u16, u64)>,
}

impl Histogram {
    /// Counts one more call that took `ms` milliseconds.
    pub fn add(&mut self, ms: u64) {
        let bin = bin_of(ms);
        match self.bins.binary_search_by_key(&bin, |(bin, _)| *bin) {
            Ok(at) => self.bins[at].1 = self.bins[at].1.saturating_add(1),
            Err(at) => self.bins.insert(at, (bin, 1)),
        }
    }

    /// Adds the calls of another histogram.
    pub fn merge(&mut self, other: &Self) {
        self.merge_sorted(other.bins.iter().copied());
    }

    /// Adds sorted bins in one pass, since each commit does this to a sum with about a hundred of
    /// them.
    fn merge_sorted(&mut self, others: impl Iterator<Item = (u16, u64)>) {
        let mut merged = Vec::with_capacity(self.bins.len() + 8);
        let mut own = self.bins.iter().copied().peekable();
        for (bin, count) in others {
            while let Some(before) = own.next_if(|one| one.0 < bin) {
                merged.push(before);
            }
            let same = own.next_if(|one| one.0 == bin).map_or(0, |one| one.1);
            merged.push((bin, count.saturating_add(same)));
        }
        merged.extend(own);
        self.bins = merged;
    }

    /// Whether no call was counted.
    pub fn is_empty(&self) -> bool {
        self.bins.is_empty()
    }

    /// The percentiles; `None` if no call was counted.
    pub fn percentiles(&self) -> Option<Percentiles> {
        Some(Percentiles {
            p50: self.percentile(50)?,
            p90: self.percentile(90)?,
            p99: self.percentile(99)?,
        })
    }

    /// The lowest duration that `percent` of the calls did not exceed.
    fn percentile(&self, percent: u64) -> Option<u64> {
        let count = self.bins.iter().map(|bin| u128::from(bin.1)).sum::<u128>();
        let rank = (count * u128::from(percent)).div_ceil(100).max(1);
        let mut below = 0;
        let bin = self.bins.iter().find(|(_, count)| {
            below += u128::from(*count);
            below >= rank
        });
        bin.map(|(bin, _)| middle_of(*bin))
    }

    /// Encodes the step from bin to bin and the count, seven bits per byte.
    pub(crate) fn to_bytes(&self) -> Vec<u8> {
        let mut bytes = Vec::with_capacity(self.bins.len() * 3);
        let mut before = 0;
        for (bin, count) in &self.bins {
            push_varint(&mut bytes, u64::from(bin - before));
            push_varint(&mut bytes, *count);
            before = *bin;
        }
        bytes
    }

    /// Adds the calls encoded by [`to_bytes`](Self::to_bytes); `None` if the bytes are malformed.
    pub(crate) fn merge_bytes(&mut self, bytes: &[u8]) -> Option<()> {
        let mut read = Written {
            bytes,
            bin: None,
            is_broken: false,
        };
        self.merge_sorted(&mut read);
        (!read.is_broken).then_some(())
    }
}

/// The encoded bins.
struct Written<'a> {
    bytes: &'a [u8],
    /// The previous one.
    bin: Option<u16>,
    is_broken: bool,
}

impl Written<'_> {
    fn take(&mut self) -> Option<(u16, u64)> {
        let step = u16::try_from(take_varint(&mut self.bytes)?).ok()?;
        let count = take_varint(&mut self.bytes)?;
        let bin = match self.bin {
            None => step,
            // They increase.
            Some(before) => before.checked_add(step).filter(|bin| *bin > before)?,
        };
        self.bin = Some(bin);
        Some((bin, count))
    }
}

impl Iterator for Written<'_> {
    type Item = (u16, u64);

    fn next(&mut self) -> Option<(u16, u64)> {
        if self.bytes.is_empty() || self.is_broken {
            return None;
        }
        let next = self.take();
        self.is_broken = next.is_none();
        next
    }
}

fn bin_of(ms: u64) -> u16 {
    let ms = ms.min(LONGEST_MS);
    let bin = if ms < EXACT_MS {
        ms
    } else {
        let doublings = u64::from(ms.ilog2()) - 6;
        let within = (ms >> (doublings + 1)) - BINS_PER_DOUBLING;
        EXACT_MS + doublings * BINS_PER_DOUBLING + within
    };
    u16::try_from(bin).unwrap_or(u16::MAX)
}

fn middle_of(bin: u16) -> u64 {
    let bin = u64::from(bin);
    let Some(behind) = bin.checked_sub(EXACT_MS) else {
        return bin;
    };
    // Foreign bytes may name any bin.
    let doublings = (behind / BINS_PER_DOUBLING).min(32);
    let first = (BINS_PER_DOUBLING + behind % BINS_PER_DOUBLING) << (doublings + 1);
    first + (1 << doublings)
}

fn push_varint(bytes: &mut Vec<u8>, mut value: u64) {
    while value > 0x7F {
        bytes.push(u8::try_from(value & 0x7F).unwrap_or(0) | 0x80);
        value >>= 7;
    }
    bytes.push(u8::try_from(value).unwrap_or(0));
}

fn take_varint(bytes: &mut &[u8]) -> Option<u64> {
    let mut value = 0u64;
    for shift in (0..64).step_by(7) {
        let (byte, rest) = bytes.split_first()?;
        *bytes = rest;
        value |= u64::from(byte & 0x7F) << shift;
        if byte & 0x80 == 0 {
            return Some(value);
        }
    }
    None
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_bin_is_near_each_of_its_lengths_and_bins_rise() {
        let mut before = 0;
        for ms in (0..5000).chain((5000..LONGEST_MS).step_by(999_983)) {
            let bin = bin_of(ms);
            assert!(bin >= before, "{ms}");
            before = bin;
            let off = middle_of(bin).abs_diff(ms);
            assert!(off * 50 <= ms, "{ms} is told as {}", middle_of(bin));
        }
        assert_eq!(bin_of(u64::MAX), bin_of(LONGEST_MS));
    }

    #[test]
    fn bytes_bring_back_what_was_counted_and_others_are_refused() {
        let mut one = Histogram::default();
        for ms in [0, 1, 1, 63, 64, 65, 900, 900, 60_000, u64::MAX] {
            one.add(ms);
        }
        let mut read = Histogram::default();
        read.merge_bytes(&one.to_bytes()).unwrap();
        assert_eq!(read, one);
        read.merge_bytes(&one.to_bytes()).unwrap();
        let mut twice = one.clone();
        twice.merge(&one);
        assert_eq!(read, twice);
        for broken in [&[1][..], &[0x80], &[1, 0x80], &[0xFF; 24], &[1, 1, 0, 1]] {
            assert_eq!(Histogram::default().merge_bytes(broken), None);
        }
        // No panic, whatever it means.
        let mut odd = Histogram::default();
        odd.merge_bytes(&[0xFF, 0xFF, 3, 1]).unwrap();
        odd.percentiles().unwrap();
        assert_eq!(Histogram::default().percentiles(), None);
    }

    #[test]
    fn percentiles_are_by_rank() {
        let mut lengths = Histogram::default();
        (0..98).for_each(|_| lengths.add(10));
        lengths.add(20);
        lengths.add(5000);
        let all = lengths.percentiles().unwrap();
        assert_eq!((all.p50, all.p90, all.p99), (10, 10, 20));
        lengths.add(5000);
        let p99 = lengths.percentiles().unwrap().p99;
        assert!(p99.abs_diff(5000) <= 100, "{p99}");
    }
}
