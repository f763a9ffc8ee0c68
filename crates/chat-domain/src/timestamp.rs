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
/// How many characters a printed one has.
const PRINTED: usize = 27;

/// A point in time: microseconds since 1970-01-01T00:00:00Z. Years 0 to 9999. Prints as RFC 3339 with `Z` and six
/// decimals.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Timestamp(i64);

/// A text or number that is no [`Timestamp`].
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("not a point in time between the years 0 and 9999")]
pub struct InvalidTimestamp;

impl Timestamp {
    /// 1970-01-01T00:00:00Z.
    pub const EPOCH: Self = Self(0);
    /// The last one.
    pub const MAX: Self = Self(MAX_MICROS);

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

    /// The time of a change that happens `now` in what changed last at this time: always a later one, since a clock may be
    /// behind, and two requests may cross on their way. So the time tells one state from another.
    #[must_use]
    pub fn moved_on(self, now: Self) -> Self {
        Self(self.0.saturating_add(1).min(MAX_MICROS).max(now.0))
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

impl Timestamp {
    /// Prints into the buffer: pages hold hundreds of these, and the machinery of formats costs more than the digits.
    fn print(self, buffer: &mut [u8; PRINTED]) -> &str {
        let time = OffsetDateTime::from(self);
        let (year, month, day) = time.to_calendar_date();
        let (hour, minute, second, micro) = time.to_hms_micro();
        *buffer = *b"0000-00-00T00:00:00.000000Z";
        let parts = [(0..4, year.unsigned_abs()), (5..7, u32::from(u8::from(month))), (8..10, u32::from(day))];
        let clock =
            [(11..13, u32::from(hour)), (14..16, u32::from(minute)), (17..19, u32::from(second)), (20..26, micro)];
        for (place, number) in parts.into_iter().chain(clock) {
            print_digits(buffer.get_mut(place).unwrap_or_default(), number);
        }
        str::from_utf8(buffer).unwrap_or_default()
    }
}

/// Prints the last digits of a number, as many as there is place for.
fn print_digits(place: &mut [u8], mut number: u32) {
    for digit in place.iter_mut().rev() {
        *digit = b'0' + u8::try_from(number % 10).unwrap_or_default();
        number /= 10;
    }
}

impl fmt::Display for Timestamp {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.print(&mut [0; PRINTED]))
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
        serializer.serialize_str(self.print(&mut [0; PRINTED]))
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
        let stamp: Timestamp = "1969-07-20T20:17:39.987654Z".parse().unwrap();
        assert_eq!(stamp.to_string(), "1969-07-20T20:17:39.987654Z");
        assert_eq!(serde_json::to_string(&stamp).unwrap(), "\"1969-07-20T20:17:39.987654Z\"");
    }

    #[test]
    fn a_change_comes_after_the_one_before_it_whatever_the_clock_says() {
        let then = Timestamp::from_micros(1_000).unwrap();
        for (now, wanted) in [(0, 1_001), (1_000, 1_001), (1_001, 1_001), (5_000, 5_000)] {
            assert_eq!(then.moved_on(Timestamp::from_micros(now).unwrap()).as_micros(), wanted);
        }
        assert_eq!(Timestamp::MAX.moved_on(then), Timestamp::MAX);
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
