//! Processor time of processes, as Linux tells it.

use std::fs;
use std::io::{Read as _, Write as _};
use std::net::TcpStream;
use std::time::Duration;

use url::Url;

use super::postgres::Database;
use crate::error::LoadError;

/// What Linux counts processor time in, for programs that ask: a hundredth of a second.
const TICK: Duration = Duration::from_millis(10);

/// Processor time of a process so far, with all threads.
pub(super) fn of_process(process: u32) -> Result<Duration, LoadError> {
    let times = Times::read(process).ok_or_else(|| LoadError::failed("this system tells no processor times"))?;
    Ok(times.own)
}

/// Of a server's processes: the one that listens, those that serve its connections, and those that have ended.
pub(super) fn of_postgres(database: &Database) -> Result<Duration, LoadError> {
    let first_line = "SELECT split_part(pg_read_file('postmaster.pid'), E'\\n', 1)";
    let postmaster = database.ask(first_line)?.trim().parse().ok();
    let here = postmaster.and_then(|postmaster| Times::read(postmaster).map(|times| (postmaster, times)));
    let (postmaster, times) = here.ok_or_else(|| LoadError::failed("this PostgreSQL runs elsewhere"))?;
    let children = processes().filter_map(Times::read).filter(|child| child.parent == postmaster);
    Ok(times.own + times.ended + children.map(|child| child.own).sum::<Duration>())
}

/// As a Redis tells it itself.
pub(super) fn of_redis(url: &str) -> Result<Duration, LoadError> {
    let no_address = || LoadError::failed("the URL of Redis names no host");
    let url: Url = url.parse().map_err(|_| no_address())?;
    let host = url.host_str().ok_or_else(no_address)?;
    let cannot = |source| LoadError::io("Redis does not answer", source);
    let mut stream = TcpStream::connect((host, url.port().unwrap_or(6379))).map_err(cannot)?;
    stream.write_all(b"INFO cpu\r\nQUIT\r\n").map_err(cannot)?;
    let mut told = String::new();
    stream.read_to_string(&mut told).map_err(cannot)?;
    redis_times(&told).ok_or_else(|| LoadError::failed("Redis tells no processor times"))
}

fn redis_times(told: &str) -> Option<Duration> {
    let seconds = |name: &str| told.lines().find_map(|line| line.strip_prefix(name))?.trim().parse::<f64>().ok();
    Duration::try_from_secs_f64(seconds("used_cpu_sys:")? + seconds("used_cpu_user:")?).ok()
}

#[derive(Debug, PartialEq, Eq)]
struct Times {
    parent: u32,
    own: Duration,
    /// Of children that have ended.
    ended: Duration,
}

impl Times {
    fn read(process: u32) -> Option<Self> {
        Self::parse(&fs::read_to_string(format!("/proc/{process}/stat")).ok()?)
    }

    /// The fields are those of `proc_pid_stat(5)`; the second is a name in parentheses, which may hold anything.
    fn parse(stat: &str) -> Option<Self> {
        let (_, fields) = stat.rsplit_once(") ")?;
        let fields: Vec<&str> = fields.split(' ').collect();
        let ticks = |number: usize| fields.get(number - 3)?.parse::<u32>().ok();
        let sum = |one, other| Some(TICK * ticks(one)?.checked_add(ticks(other)?)?);
        Some(Self { parent: ticks(4)?, own: sum(14, 15)?, ended: sum(16, 17)? })
    }
}

fn processes() -> impl Iterator<Item = u32> {
    let names = fs::read_dir("/proc").into_iter().flatten().flatten();
    names.filter_map(|entry| entry.file_name().to_str()?.parse().ok())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_name_of_a_process_may_hold_anything() {
        let stat = "7 (a) b (c) S 3 7 7 0 -1 4194560 1 2 3 4 150 50 10 20 20 0 1 0 99 0 0";
        let wanted = Times { parent: 3, own: Duration::from_secs(2), ended: Duration::from_millis(300) };
        assert_eq!(Times::parse(stat), Some(wanted));
        assert_eq!(Times::parse("7 (a) S"), None);
    }

    #[test]
    fn redis_tells_both_kinds_of_time() {
        let told = "$120\r\n# CPU\r\nused_cpu_sys:1.25\r\nused_cpu_user:0.5\r\n+OK\r\n";
        assert_eq!(redis_times(told), Some(Duration::from_millis(1750)));
        assert_eq!(redis_times("-NOAUTH Authentication required.\r\n"), None);
    }
}
