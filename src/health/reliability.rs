//! How reliably runs go well: the lower bound of Wilson's interval over the last runs, where later ones weigh more.
//!
//! The outcome of the run `i` runs ago weighs `0.5^(i/10)`; with the weights `w` of the runs that went well and `W` of
//! all, the share is `p = Σw / ΣW`, as if of `n = (ΣW)² / ΣW²` runs. The score is the lower bound of `p` with 95 %
//! confidence, `(p + z²/2n - z·√(p(1-p)/n + z²/4n²)) / (1 + z²/n)`. So a few runs that went well prove little, and it
//! takes about ten good runs until a failure weighs half as much.

use super::Entry;

/// Runs after which an outcome weighs half.
const HALF: f64 = 10.0;

/// Runs that are looked back on.
const RUNS: usize = 100;

/// The 97.5th percentile of the normal distribution.
const Z: f64 = 1.959_963_984_540_054;

/// The score, from 0 to 1, of the runs up to the last one; 0 without any.
pub fn score(entries: &[Entry]) -> f64 {
    let (mut weights, mut squares, mut well) = (0.0, 0.0, 0.0);
    let mut weight = 1.0;
    for entry in entries.iter().rev().take(RUNS) {
        weights += weight;
        squares += weight * weight;
        if entry.succeeded() {
            well += weight;
        }
        weight *= 0.5_f64.powf(1.0 / HALF);
    }
    if weights == 0.0 {
        return 0.0;
    }
    let (share, n) = (well / weights, weights * weights / squares);
    let z2 = Z * Z;
    let spread = Z * (share * (1.0 - share) / n + z2 / (4.0 * n * n)).sqrt();
    let bound = (share + z2 / (2.0 * n) - spread) / (1.0 + z2 / n);
    (bound.max(0.0) * 1_000.0).round() / 1_000.0
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::health::entry::Outcome;
    use crate::health::testing::daily;

    /// Runs by their outcomes, `x` for a failure.
    fn of(outcomes: &str) -> f64 {
        let entries: Vec<Entry> = outcomes
            .chars()
            .enumerate()
            .map(|(day, outcome)| {
                let mut entry = daily(day);
                if outcome == 'x' {
                    entry.outcome = Outcome::Failed;
                }
                entry
            })
            .collect();
        score(&entries)
    }

    #[test]
    fn more_runs_that_went_well_prove_more() {
        assert_eq!(of(""), 0.0);
        assert!(of("o") < 0.25);
        assert!(
            (0.7..0.75).contains(&of(&"o".repeat(10))),
            "{}",
            of(&"o".repeat(10))
        );
        assert!(of(&"o".repeat(60)) > 0.87);
        assert_eq!(of("xxxxxxxxxx"), 0.0);
    }

    #[test]
    fn a_late_failure_weighs_more_than_an_early_one() {
        let well = "o".repeat(30);
        let (late, early) = (of(&format!("{well}x")), of(&format!("x{well}")));
        assert!(
            late < early && early < of(&format!("o{well}")),
            "{late} {early}"
        );
    }
}
