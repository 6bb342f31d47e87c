use std::time::SystemTime;

/// SplitMix64: the same seed gives the same numbers.
pub(crate) struct Random(u64);

impl Random {
    /// From `NEXUS_TEST_SEED`, or the clock. The seed is printed, so that a failure can be
    /// repeated.
    pub(crate) fn new() -> Self {
        let given = std::env::var("NEXUS_TEST_SEED");
        let seed = given.map_or_else(
            |_| {
                let now = SystemTime::UNIX_EPOCH.elapsed().unwrap();
                u64::try_from(now.as_nanos()).unwrap()
            },
            |seed| seed.parse().unwrap(),
        );
        println!("NEXUS_TEST_SEED={seed}");
        Self(seed)
    }

    /// A number from 1 to `most`.
    pub(crate) fn up_to(&mut self, most: u64) -> u64 {
        self.0 = self.0.wrapping_add(0x9E37_79B9_7F4A_7C15);
        let mut mixed = self.0;
        mixed = (mixed ^ (mixed >> 30)).wrapping_mul(0xBF58_476D_1CE4_E5B9);
        mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94D0_49BB_1331_11EB);
        (mixed ^ (mixed >> 31)) % most + 1
    }
}
