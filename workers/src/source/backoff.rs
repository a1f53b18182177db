//! How long to wait before a connection is tried again: exponential, with full jitter.
//!
//! Source: AWS Architecture Blog, "Exponential Backoff and Jitter": waits are drawn from all of the interval, so that replicas that were cut
//! off together do not come back together.

use std::time::Duration;

/// The longest wait before the first attempt.
pub const SHORTEST: Duration = Duration::from_millis(500);

/// The longest wait of all.
pub const LONGEST: Duration = Duration::from_secs(30);

/// The attempts so far.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Backoff {
    failures: u32,
}

impl Backoff {
    /// Returns how long to wait after a connection that lasted `held`: `share`, from 0 to 1, of a bound that doubles with every
    /// failure. A connection that held longer than the longest wait was not the problem, and the bound is the first again.
    pub fn after(&mut self, held: Duration, share: f64) -> Duration {
        if held > LONGEST {
            self.failures = 0;
        }
        let bound = SHORTEST.saturating_mul(2_u32.saturating_pow(self.failures)).min(LONGEST);
        self.failures = self.failures.saturating_add(1);
        bound.mul_f64(share.clamp(0.0, 1.0))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_bound_doubles_from_half_a_second_to_half_a_minute() {
        let mut backoff = Backoff::default();
        let waits: Vec<u128> = (0..9).map(|_| backoff.after(Duration::ZERO, 1.0).as_millis()).collect();
        assert_eq!(waits, [500, 1_000, 2_000, 4_000, 8_000, 16_000, 30_000, 30_000, 30_000]);
        for _ in 0..100 {
            assert_eq!(backoff.after(Duration::ZERO, 1.0), LONGEST);
        }
    }

    #[test]
    fn any_share_of_the_bound_may_be_drawn_and_no_more() {
        let mut backoff = Backoff { failures: 3 };
        assert_eq!(backoff.clone().after(Duration::ZERO, 0.0), Duration::ZERO);
        assert_eq!(backoff.clone().after(Duration::ZERO, 0.25), Duration::from_secs(1));
        assert_eq!(backoff.after(Duration::ZERO, 7.0), Duration::from_secs(4));
    }

    #[test]
    fn only_a_connection_that_held_begins_again() {
        let mut backoff = Backoff { failures: 5 };
        assert_eq!(backoff.after(LONGEST, 1.0), Duration::from_secs(16));
        assert_eq!(backoff.after(LONGEST + Duration::from_millis(1), 1.0), SHORTEST);
        assert_eq!(backoff.after(Duration::from_secs(1), 1.0), Duration::from_secs(1));
    }
}
