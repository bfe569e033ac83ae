//! Numbers by chance, the same for the same seed.

/// SplitMix64.
pub struct Chance(u64);

impl Chance {
    /// The seed of the variable `MIDFLIGHT_KILL_SEED`, or of the clock; it is printed.
    pub fn seeded(what: &str) -> Self {
        let given = std::env::var("MIDFLIGHT_KILL_SEED").ok();
        let clock = std::time::SystemTime::now().duration_since(std::time::UNIX_EPOCH);
        let clock = clock.map_or(1, |since| since.as_nanos() as u64);
        let seed = given.and_then(|text| text.parse().ok()).unwrap_or(clock);
        tell(&format!("{what}: MIDFLIGHT_KILL_SEED={seed}"));
        Self(seed)
    }

    pub fn of(seed: u64) -> Self {
        Self(seed)
    }

    pub fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut mixed = self.0;
        mixed = (mixed ^ (mixed >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        mixed ^ (mixed >> 31)
    }

    pub fn below(&mut self, end: u64) -> u64 {
        self.next() % end.max(1)
    }
}

/// How many kills a test makes: those of the variable `MIDFLIGHT_KILLS`, or a few.
pub fn kills(few: usize) -> usize {
    let given = std::env::var("MIDFLIGHT_KILLS").ok();
    given.and_then(|text| text.parse().ok()).unwrap_or(few)
}

/// Prints a line of a test's course.
pub fn tell(line: &str) {
    use std::io::Write;
    let _ = writeln!(std::io::stderr(), "{line}");
}
