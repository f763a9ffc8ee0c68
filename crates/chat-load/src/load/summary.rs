//! What is told of a run.

use std::collections::BTreeMap;
use std::fmt;
use std::time::Duration;

use serde_json::json;

use crate::error::LoadError;

/// The result of a run.
#[derive(Debug, Clone, Default, PartialEq)]
pub(crate) struct Summary {
    /// Good answers a second.
    pub(crate) rate: f64,
    /// Good answers.
    pub(crate) answered: u64,
    /// Good answers, those of the warm-up and those that came after the end included: in an open loop whatever was due was
    /// served, answered otherwise, or missed.
    pub(crate) served: u64,
    /// Requests that were due and could not be sent before the end; the quantiles hold them, with what they had waited.
    pub(crate) missed: u64,
    /// Half of the latencies are at most this.
    pub(crate) p50: Duration,
    /// Nine in ten.
    pub(crate) p90: Duration,
    /// 99 in a hundred.
    pub(crate) p99: Duration,
    /// 999 in a thousand.
    pub(crate) p999: Duration,
    /// All of them.
    pub(crate) max: Duration,
    /// Answers of other statuses than were expected, the warm-up's included.
    pub(crate) unexpected: BTreeMap<u16, u64>,
}

impl Summary {
    /// One line of JSON; latencies in milliseconds.
    pub(crate) fn json(&self) -> String {
        let object = json!({
            "rate": self.rate, "answered": self.answered, "served": self.served, "missed": self.missed,
            "p50_ms": millis(self.p50), "p90_ms": millis(self.p90), "p99_ms": millis(self.p99),
            "p999_ms": millis(self.p999), "max_ms": millis(self.max), "unexpected": self.unexpected,
        });
        format!("{object}\n")
    }

    /// # Errors
    /// Where any answer had another status than was expected.
    pub(crate) fn refuse_unexpected(&self) -> Result<(), LoadError> {
        self.refuse_but(|_| false)
    }

    /// # Errors
    /// Where any answer had a status that was neither expected nor this one.
    pub(crate) fn refuse_unexpected_but(&self, allowed: u16) -> Result<(), LoadError> {
        self.refuse_but(|status| status == allowed)
    }

    fn refuse_but(&self, allowed: impl Fn(u16) -> bool) -> Result<(), LoadError> {
        let refused = self.unexpected.iter().filter(|(status, _)| !allowed(**status));
        let told: Vec<_> = refused.map(|(status, count)| format!("{status} ({count} times)")).collect();
        if told.is_empty() {
            return Ok(());
        }
        Err(LoadError::failed(format!("answers of a status that was not expected: {}", told.join(", "))))
    }
}

impl fmt::Display for Summary {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        writeln!(f, "{:.0} answers/s ({} in all, {} missed)", self.rate, self.answered, self.missed)?;
        let named = [("p50", self.p50), ("p90", self.p90), ("p99", self.p99), ("p99.9", self.p999), ("max", self.max)];
        let told: Vec<_> = named.iter().map(|(name, value)| format!("{name} {:.3} ms", millis(*value))).collect();
        writeln!(f, "{}", told.join(", "))
    }
}

/// Milliseconds with their fraction.
pub(crate) fn millis(duration: Duration) -> f64 {
    duration.as_secs_f64() * 1e3
}

#[cfg(test)]
mod tests {
    use super::*;

    fn summary() -> Summary {
        let ms = Duration::from_millis;
        let unexpected = BTreeMap::from([(409, 2), (503, 1)]);
        let (p50, p90, p99, p999, max) = (ms(1), ms(2), ms(3), ms(4), ms(5));
        Summary { rate: 10.4, answered: 52, served: 60, missed: 1, p50, p90, p99, p999, max, unexpected }
    }

    #[test]
    fn it_is_told_in_two_lines() {
        let wanted = "10 answers/s (52 in all, 1 missed)\n\
                      p50 1.000 ms, p90 2.000 ms, p99 3.000 ms, p99.9 4.000 ms, max 5.000 ms\n";
        assert_eq!(summary().to_string(), wanted);
    }

    #[test]
    fn json_says_the_same() {
        let value: serde_json::Value = serde_json::from_str(&summary().json()).unwrap();
        assert_eq!(
            (&value["answered"], &value["p99_ms"], &value["unexpected"]["503"]),
            (&52.into(), &3.0.into(), &1.into())
        );
    }

    #[test]
    fn every_unexpected_status_is_named() {
        let error = summary().refuse_unexpected().unwrap_err().to_string();
        assert!(error.ends_with("409 (2 times), 503 (1 times)"), "{error}");
    }

    #[test]
    fn a_status_that_is_allowed_hides_no_other() {
        let error = summary().refuse_unexpected_but(503).unwrap_err().to_string();
        assert!(error.ends_with(": 409 (2 times)"), "{error}");
        let refused = Summary { unexpected: BTreeMap::from([(503, 7)]), ..summary() };
        assert!(refused.refuse_unexpected_but(503).is_ok());
    }
}
