//! What a count of violations proves about their rate: the interval of Wilson, at 95 %.

/// The 97.5th percentile of the normal distribution.
const Z: f64 = 1.959_963_984_540_054;

/// The rate that violations stay below with 95 % confidence; 1 when there are no rows. Zero violations are not zero
/// risk: of 10,000 rows they prove a rate below 0.038 %.
pub fn wilson_upper(violations: u64, rows: u64) -> f64 {
    if rows == 0 {
        return 1.0;
    }
    let (centre, spread) = interval(violations, rows);
    (centre + spread).min(1.0)
}

/// The rate that violations exceed with 95 % confidence; 0 when there are no rows.
pub fn wilson_lower(violations: u64, rows: u64) -> f64 {
    if rows == 0 || violations == 0 {
        return 0.0;
    }
    let (centre, spread) = interval(violations, rows);
    (centre - spread).max(0.0)
}

/// The rows without any violation that prove a rate of at most `rate`.
#[expect(
    clippy::cast_sign_loss,
    reason = "a rate lies between 0 and 1, and larger numbers saturate"
)]
pub fn rows_needed(rate: f64) -> u64 {
    (Z * Z * (1.0 - rate) / rate).ceil() as u64
}

#[expect(clippy::cast_precision_loss, reason = "a ratio of counts")]
fn interval(violations: u64, rows: u64) -> (f64, f64) {
    let n = rows as f64;
    let share = violations.min(rows) as f64 / n;
    let z2 = Z * Z;
    let spread = Z * (share * (1.0 - share) / n + z2 / (4.0 * n * n)).sqrt();
    let scale = 1.0 + z2 / n;
    ((share + z2 / (2.0 * n)) / scale, spread / scale)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_bounds_are_those_of_the_tables() {
        for (violations, rows, lower, upper) in [
            (0, 10_000, 0.0, 0.000_384),
            (3, 60_000, 0.000_017, 0.000_147),
            (0, 3_838, 0.0, 0.001_0),
            (1, 10, 0.017_88, 0.404_15),
            (10, 10, 0.722_47, 1.0),
            (0, 0, 0.0, 1.0),
        ] {
            let (low, high) = (
                wilson_lower(violations, rows),
                wilson_upper(violations, rows),
            );
            assert!((low - lower).abs() < 1e-5, "{violations}/{rows}: {low}");
            assert!((high - upper).abs() < 1e-5, "{violations}/{rows}: {high}");
        }
        assert_eq!(rows_needed(0.001), 3_838);
        assert!(wilson_upper(0, 3_838) <= 0.001 && wilson_upper(0, 3_837) > 0.001);
    }
}
