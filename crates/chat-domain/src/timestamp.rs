//! Points in time, in whole microseconds: the finest that every store keeps.

use std::fmt;
use std::str::FromStr;

use serde::de::Error as _;
use serde::{Deserialize, Deserializer, Serialize, Serializer};
use time::format_description::well_known::Rfc3339;
use time::{Duration, OffsetDateTime};

/// The last microsecond that RFC 3339 can write: the end of the year 9999.
const MAX_MICROS: i64 = 253_402_300_799_999_999;
/// The first: the beginning of the year 0.
const MIN_MICROS: i64 = -62_167_219_200_000_000;

/// A point in time: microseconds since 1970-01-01T00:00:00Z. Years 0 to 9999. Prints as RFC 3339 with `Z` and six
/// decimals.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Timestamp(i64);

/// A text or number that is no [`Timestamp`].
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("not a point in time between the years 0 and 9999")]
pub struct InvalidTimestamp;

impl Timestamp {
    /// From a store's microseconds since the epoch.
    ///
    /// # Errors
    /// Where RFC 3339 cannot write the year.
    pub const fn from_micros(micros: i64) -> Result<Self, InvalidTimestamp> {
        if micros >= MIN_MICROS && micros <= MAX_MICROS { Ok(Self(micros)) } else { Err(InvalidTimestamp) }
    }

    /// Microseconds since the epoch.
    #[must_use]
    pub const fn as_micros(self) -> i64 {
        self.0
    }

    /// The same moment after so many whole seconds, held within the years 0 to 9999.
    #[must_use]
    pub fn plus_seconds(self, seconds: i64) -> Self {
        let micros = self.0.saturating_add(seconds.saturating_mul(1_000_000));
        Self(micros.clamp(MIN_MICROS, MAX_MICROS))
    }

    /// Seconds from `earlier` to this moment; negative where it lies later.
    #[must_use]
    pub const fn seconds_since(self, earlier: Self) -> i64 {
        self.0.saturating_sub(earlier.0) / 1_000_000
    }
}

impl From<OffsetDateTime> for Timestamp {
    /// Cuts to whole microseconds.
    fn from(time: OffsetDateTime) -> Self {
        let micros = time.unix_timestamp_nanos().div_euclid(1_000);
        Self(i64::try_from(micros).unwrap_or(MAX_MICROS).clamp(MIN_MICROS, MAX_MICROS))
    }
}

impl From<Timestamp> for OffsetDateTime {
    fn from(timestamp: Timestamp) -> Self {
        Self::UNIX_EPOCH.saturating_add(Duration::microseconds(timestamp.0))
    }
}

impl fmt::Display for Timestamp {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let time = OffsetDateTime::from(*self);
        let (year, month, day) = time.to_calendar_date();
        let (hour, minute, second, micro) = time.to_hms_micro();
        let month = u8::from(month);
        write!(f, "{year:04}-{month:02}-{day:02}T{hour:02}:{minute:02}:{second:02}.{micro:06}Z")
    }
}

impl FromStr for Timestamp {
    type Err = InvalidTimestamp;

    fn from_str(text: &str) -> Result<Self, InvalidTimestamp> {
        OffsetDateTime::parse(text, &Rfc3339).map(Self::from).map_err(|_| InvalidTimestamp)
    }
}

impl Serialize for Timestamp {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

impl<'de> Deserialize<'de> for Timestamp {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        <std::borrow::Cow<'de, str>>::deserialize(deserializer)?.parse().map_err(D::Error::custom)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn it_prints_six_decimals_and_z_and_reads_itself_back() {
        let stamp = Timestamp::from_micros(1_767_225_600_000_042).unwrap();
        assert_eq!(stamp.to_string(), "2026-01-01T00:00:00.000042Z");
        assert_eq!(stamp.to_string().parse(), Ok(stamp));
    }

    #[test]
    fn nanoseconds_are_cut_not_rounded() {
        let time = OffsetDateTime::UNIX_EPOCH + Duration::nanoseconds(1_999);
        assert_eq!(Timestamp::from(time).as_micros(), 1);
    }

    #[test]
    fn what_rfc_3339_cannot_write_is_refused() {
        assert!(Timestamp::from_micros(i64::MAX).is_err());
        assert!(Timestamp::from_micros(i64::MIN).is_err());
        assert_eq!(Timestamp::from_micros(MAX_MICROS).unwrap().to_string(), "9999-12-31T23:59:59.999999Z");
        assert_eq!(Timestamp::from_micros(MIN_MICROS).unwrap().to_string(), "0000-01-01T00:00:00.000000Z");
    }
}
