//! What becomes of more than can be served.

use std::fmt;

use super::measure::REFUSED;
use super::series::Series;
use crate::load::Summary;

/// The loads that offered too much, in the order in which they came first.
#[derive(Debug, Default)]
pub(super) struct Offers(Vec<Row>);

#[derive(Debug)]
struct Row {
    store: &'static str,
    case: &'static str,
    /// Requests a second.
    offered: Series,
    /// Of all requests: those that were served, refused, and never sent.
    shares: [Series; 3],
}

impl Offers {
    /// Adds a round: so many requests were due each second, from the first of the warm-up on.
    pub(super) fn note(&mut self, store: &'static str, case: &'static str, rate: f64, summary: &Summary) {
        let known = self.0.iter().position(|row| row.store == store && row.case == case);
        let index = known.unwrap_or_else(|| {
            self.0.push(Row { store, case, offered: Series::default(), shares: Default::default() });
            self.0.len() - 1
        });
        if let Some(row) = self.0.get_mut(index) {
            row.offered.push(rate);
            row.shares.iter_mut().zip(shares(summary)).for_each(|(series, share)| series.push(share));
        }
    }

    /// Whether there were any.
    pub(super) fn is_empty(&self) -> bool {
        self.0.is_empty()
    }
}

/// Whatever came due was served, refused or never sent.
fn shares(summary: &Summary) -> [f64; 3] {
    let refused = summary.unexpected.get(&REFUSED).copied().unwrap_or_default();
    let parts = [summary.served, refused, summary.missed].map(approximate);
    let all: f64 = parts.iter().sum();
    parts.map(|part| part / all.max(1.0))
}

#[expect(clippy::cast_precision_loss, reason = "counts of requests are far below 2^52")]
const fn approximate(count: u64) -> f64 {
    count as f64
}

impl fmt::Display for Offers {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        writeln!(f, "| Store | Case | Offered | Served | Refused ({REFUSED}) | Missed, never sent |")?;
        writeln!(f, "|---|---|--:|--:|--:|--:|")?;
        self.0.iter().try_for_each(|row| row.fmt(f))
    }
}

impl fmt::Display for Row {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let offered = self.offered.median().unwrap_or_default();
        write!(f, "| {} | {} | {offered:.0} /s |", self.store, self.case)?;
        for share in &self.shares {
            write!(f, " {:.1} % |", share.median().unwrap_or_default() * 100.0)?;
        }
        writeln!(f)
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;

    use super::*;

    fn summary(served: u64, refused: u64, missed: u64) -> Summary {
        Summary { served, missed, unexpected: BTreeMap::from([(REFUSED, refused)]), ..Summary::default() }
    }

    #[test]
    fn what_was_offered_is_told_in_shares() {
        let mut offers = Offers::default();
        assert!(offers.is_empty());
        for (served, refused) in [(500, 300), (600, 200), (550, 250)] {
            offers.note("SQLite", "create", 200.0, &summary(served, refused, 200));
        }
        offers.note("SQLite", "list", 99.6, &summary(3, 0, 1));
        let table = offers.to_string();
        let mut lines = table.lines().skip(2);
        assert_eq!(lines.next(), Some("| SQLite | create | 200 /s | 55.0 % | 25.0 % | 20.0 % |"));
        assert_eq!(lines.next(), Some("| SQLite | list | 100 /s | 75.0 % | 0.0 % | 25.0 % |"));
    }

    #[test]
    fn nothing_offered_is_no_share_of_anything() {
        assert!(shares(&Summary::default()).iter().all(|share| share.abs() < f64::EPSILON));
    }
}
