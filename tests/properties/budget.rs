//! Random cases until the time is up, each batch from a seed that brings it back.
//!
//! `MIDFLIGHT_PROPERTY_SECONDS` sets the time of every property; `MIDFLIGHT_PROPERTY_SEED` runs the batch
//! of one seed, as a failure names it.

use std::hash::{BuildHasher, RandomState};
use std::time::{Duration, Instant};

use proptest::strategy::Strategy;
use proptest::test_runner::{Config, RngAlgorithm, TestCaseError, TestError, TestRng, TestRunner};

const SECONDS: &str = "MIDFLIGHT_PROPERTY_SECONDS";
const SEED: &str = "MIDFLIGHT_PROPERTY_SEED";

/// Time for each property unless the environment says otherwise.
const SECONDS_DEFAULT: f64 = 10.0;
/// Cases between two looks at the clock.
const BATCH: u32 = 25;

/// What a case comes to.
pub type Verdict = Result<(), TestCaseError>;

/// Checks `property` on random values; panics with the smallest failing one and its seed.
pub fn check<S: Strategy>(strategy: &S, property: impl Fn(S::Value) -> Verdict) {
    let replay = std::env::var(SEED)
        .ok()
        .map(|seed| seed.parse::<u64>().expect("a seed is a number"));
    let seconds = std::env::var(SECONDS)
        .ok()
        .map(|seconds| seconds.parse().expect("seconds"));
    let time = Duration::from_secs_f64(seconds.unwrap_or(SECONDS_DEFAULT));
    let start = Instant::now();
    let first = replay.unwrap_or_else(|| RandomState::new().hash_one(0));
    let mut batches = 0;
    while batches == 0 || replay.is_none() && start.elapsed() < time {
        batch(first.wrapping_add(batches), strategy, &property);
        batches += 1;
    }
    #[expect(
        clippy::print_stdout,
        reason = "shown with --nocapture, and by a test that fails"
    )]
    {
        println!("{} cases from seed {first}", batches * u64::from(BATCH));
    }
}

fn batch<S: Strategy>(seed: u64, strategy: &S, property: &impl Fn(S::Value) -> Verdict) {
    let config = Config {
        cases: BATCH,
        max_shrink_iters: 4_000,
        failure_persistence: None,
        ..Config::default()
    };
    let mut bytes = [0; 32];
    bytes[..8].copy_from_slice(&seed.to_le_bytes());
    let rng = TestRng::from_seed(RngAlgorithm::ChaCha, &bytes);
    let mut runner = TestRunner::new_with_rng(config, rng);
    match runner.run(strategy, property) {
        Ok(()) => {}
        Err(TestError::Fail(why, value)) => panic!("{why}\n{value:#?}\nreplay with {SEED}={seed}"),
        Err(TestError::Abort(why)) => panic!("{why}\nreplay with {SEED}={seed}"),
    }
}
