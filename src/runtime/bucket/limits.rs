//! How long a store may take, and how often a request is tried again.

use std::time::Duration;

use crate::error::{Error, ErrorKind, Result};

/// What the names of these settings begin with, in any case.
pub const PREFIX: &str = "midflight_store_";

/// Bounds of a store's requests.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Limits {
    /// How long one answer may take.
    pub answer: Duration,
    /// How long all tries of one request may take together; one that is under way then is waited for.
    pub tries: Duration,
    /// Requests are tried again at most this often.
    pub retries: usize,
}

impl Default for Limits {
    fn default() -> Self {
        Self {
            answer: Duration::from_secs(30),
            tries: Duration::from_secs(120),
            retries: 6,
        }
    }
}

impl Limits {
    /// Takes a setting in, as `midflight_store_answer_seconds`. `false` when it is none of these.
    ///
    /// # Errors
    /// `Config` when its value is no number within its bounds.
    pub fn set(&mut self, name: &str, value: &str) -> Result<bool> {
        let Some(own) = name.strip_prefix(PREFIX) else {
            return Ok(false);
        };
        let most = match own {
            "answer_seconds" | "tries_seconds" => 3_600,
            "retries" => 100,
            _ => return Ok(false),
        };
        let least = u64::from(own != "retries");
        let number = value.parse::<u64>().ok();
        let Some(number) = number.filter(|number| (least..=most).contains(number)) else {
            let message = format!("`{}` must be {least} to {most}", name.to_ascii_uppercase());
            return Err(Error::new(ErrorKind::Config, message));
        };
        match own {
            "answer_seconds" => self.answer = Duration::from_secs(number),
            "tries_seconds" => self.tries = Duration::from_secs(number),
            _ => self.retries = number as usize,
        }
        Ok(true)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn settings_are_read_within_their_bounds() {
        let mut limits = Limits::default();
        assert_eq!(limits.set("midflight_store_retries", "0").ok(), Some(true));
        assert_eq!(
            limits.set("midflight_store_answer_seconds", "5").ok(),
            Some(true)
        );
        assert_eq!(limits.set("aws_region", "x").ok(), Some(false));
        assert_eq!((limits.retries, limits.answer.as_secs()), (0, 5));
        for wrong in ["0", "3601", "-1", "1.5", ""] {
            assert!(limits.set("midflight_store_tries_seconds", wrong).is_err());
        }
    }
}
