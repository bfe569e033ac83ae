//! Tokens that a run may still take.

use std::sync::atomic::{AtomicU64, Ordering};

/// Bytes of a token, where nobody counts them: fewer than of usual text, so that estimates are high.
const BYTES_PER_TOKEN: usize = 3;

/// What is left.
#[derive(Debug)]
pub(super) struct Budget(AtomicU64);

impl Budget {
    /// So many tokens.
    pub fn new(tokens: u64) -> Self {
        Self(AtomicU64::new(tokens))
    }

    /// How many are left.
    pub fn left(&self) -> u64 {
        self.0.load(Ordering::Relaxed)
    }

    /// Takes tokens; below nothing there is nothing.
    pub fn spend(&self, tokens: u64) {
        let less = |left: u64| Some(left.saturating_sub(tokens));
        let _ = self
            .0
            .fetch_update(Ordering::Relaxed, Ordering::Relaxed, less);
    }
}

/// About how many tokens so many bytes are.
pub(super) fn tokens(bytes: usize) -> u64 {
    (bytes / BYTES_PER_TOKEN + 16) as u64
}
