//! Points in time as PostgreSQL sends them: microseconds since the year 2000.

use chat_domain::timestamp::Timestamp;
use diesel::data_types::PgTimestamp;

use super::row::Broken;

/// From 1970-01-01T00:00:00Z to 2000-01-01T00:00:00Z.
const EPOCH_MICROS: i64 = 946_684_800_000_000;

/// Later than every [`Timestamp`]: PostgreSQL's `infinity`.
pub(super) const INFINITY: PgTimestamp = PgTimestamp(i64::MAX);
/// Earlier than every [`Timestamp`]: PostgreSQL's `-infinity`.
pub(super) const MINUS_INFINITY: PgTimestamp = PgTimestamp(i64::MIN);

/// For a store. Years 0 to 9999 are well within what PostgreSQL keeps.
pub(super) const fn to_pg(time: Timestamp) -> PgTimestamp {
    PgTimestamp(time.as_micros().saturating_sub(EPOCH_MICROS))
}

/// From a store.
pub(super) fn from_pg(time: PgTimestamp) -> Result<Timestamp, Broken> {
    let micros = time.0.checked_add(EPOCH_MICROS).ok_or(Broken("a point in time"))?;
    Timestamp::from_micros(micros).map_err(|_| Broken("a point in time"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_moment_comes_back_as_it_went() {
        for text in ["0000-01-01T00:00:00Z", "1999-12-31T23:59:59.999999Z", "9999-12-31T23:59:59.999999Z"] {
            let time: Timestamp = text.parse().unwrap();
            assert_eq!(from_pg(to_pg(time)).unwrap(), time);
        }
    }

    #[test]
    fn what_lies_beyond_is_seen() {
        assert!(from_pg(INFINITY).is_err());
        assert!(from_pg(MINUS_INFINITY).is_err());
    }
}
