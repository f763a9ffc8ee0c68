//! Two nodes on one PostgreSQL and one Redis: whose processor time a request takes.

use std::fmt;
use std::thread;
use std::time::Duration;

use super::measure::Side;
use super::postgres::Database;
use super::processor;
use super::series::Series;
use super::server::Server;
use crate::case::Case;
use crate::cli::Size;
use crate::error::LoadError;
use crate::population::Population;

/// Processor time of each part, and requests.
#[derive(Debug, Clone)]
pub(super) struct Shares {
    load: &'static str,
    rate: f64,
    /// Microseconds of a request: in both nodes together, in PostgreSQL, in Redis.
    micros: [f64; 3],
}

/// The parts, and a load that goes to both nodes alike.
pub(super) struct TwoNodes<'a> {
    pub(super) nodes: [&'a Server; 2],
    pub(super) database: &'a Database,
    pub(super) redis: Option<&'a str>,
    pub(super) people: &'a Population,
    pub(super) size: &'a Size,
}

impl TwoNodes<'_> {
    /// Processor time per create and per list.
    pub(super) fn measure(&self) -> Result<[Shares; 2], LoadError> {
        Ok([self.shares("create message", Case::Create)?, self.shares("list 50 messages", Case::List)?])
    }

    /// The warm-up counts on both sides, in the times and in the requests.
    fn shares(&self, load: &'static str, case: Case) -> Result<Shares, LoadError> {
        let half = Size {
            connections: self.size.connections.div_ceil(2),
            seconds: self.size.seconds + self.size.warm_up,
            warm_up: Duration::ZERO,
            ..*self.size
        };
        let before = self.times()?;
        let rates = thread::scope(|scope| {
            let sent = self.nodes.map(|node| {
                let side = Side { target: node.target(), people: self.people };
                scope.spawn(move || side.closed(&half, case))
            });
            sent.map(|sent| sent.join().unwrap_or_else(|_| Err(LoadError::failed("a load broke"))))
        });
        let after = self.times()?;
        let [one, other] = rates;
        let rate = one? + other?;
        let requests = rate * half.seconds.as_secs_f64();
        let [node, postgres, redis] = [0, 1, 2].map(|part: usize| {
            let of = |times: &[Duration; 3]| times.get(part).copied().unwrap_or_default();
            of(&after).saturating_sub(of(&before)).as_secs_f64() * 1e6 / requests
        });
        Ok(Shares { load, rate, micros: [node, postgres, redis] })
    }

    fn times(&self) -> Result<[Duration; 3], LoadError> {
        let [one, other] = self.nodes.map(|node| processor::of_process(node.process()));
        let redis = self.redis.map_or(Ok(Duration::ZERO), processor::of_redis)?;
        Ok([one? + other?, processor::of_postgres(self.database)?, redis])
    }
}

impl Shares {
    /// The heading of the lines that this prints.
    pub(super) const HEADING: &str = "\
        | Two nodes | Rate | A node | PostgreSQL | Redis | Nodes that fill a database machine of their size |\n\
        |---|--:|--:|--:|--:|--:|\n";

    /// The median of each figure over the rounds, of one load.
    pub(super) fn median(rounds: &[Self]) -> Option<Self> {
        let median = |figure: fn(&Self) -> f64| rounds.iter().map(figure).collect::<Series>().median();
        let micros =
            [median(|round| round.micros[0])?, median(|round| round.micros[1])?, median(|round| round.micros[2])?];
        Some(Self { load: rounds.first()?.load, rate: median(|round| round.rate)?, micros })
    }
}

impl fmt::Display for Shares {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let [node, postgres, redis] = self.micros;
        let nodes = node / postgres.max(f64::EPSILON);
        writeln!(
            f,
            "| {} | {:.0} /s | {node:.1} µs | {postgres:.1} µs | {redis:.1} µs | {nodes:.1} |",
            self.load, self.rate
        )
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_database_is_full_when_its_share_is() {
        let shares = |rate, node| Shares { load: "create", rate, micros: [node, 50.0, 0.5] };
        let middle = Shares::median(&[shares(1.0, 90.0), shares(3.0, 200.0), shares(2.0, 100.0)]).unwrap();
        assert_eq!(middle.to_string(), "| create | 2 /s | 100.0 µs | 50.0 µs | 0.5 µs | 2.0 |\n");
    }
}
