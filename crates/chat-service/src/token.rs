//! A token on the command line, for trying things out.

use std::time::Duration;

use chat_domain::access::{Caller, Role};
use chat_domain::clock::Clock as _;
use chat_domain::id::{ParticipantId, TenantId};
use chat_infra::system::SystemClock;
use chat_infra::token::{NewToken, UnsignableToken, sign_token};
use clap::Args;

use crate::settings::Signing;

/// Whose the token is, and for how long.
#[derive(Debug, Clone, PartialEq, Eq, Args)]
pub(crate) struct TokenArgs {
    /// Whose it is: an id of 1 to 255 characters
    #[arg(long, value_name = "ID")]
    sub: ParticipantId,
    /// user, agent, supervisor, admin or service
    #[arg(long)]
    role: Role,
    /// The tenant that it is for
    #[arg(long, default_value = "default")]
    tenant: TenantId,
    /// How long it lives: a number with s, m, h or d behind it, or of seconds
    #[arg(long, value_name = "TIME", default_value = "1h", value_parser = lifetime)]
    expires_in: Duration,
}

/// Signs it.
///
/// # Errors
/// Where it cannot be signed.
pub(crate) fn token(args: &TokenArgs, signing: &Signing) -> Result<String, UnsignableToken> {
    let caller = Caller::new(args.tenant.clone(), args.sub.clone(), args.role);
    let token = NewToken {
        caller: &caller,
        issued_at: SystemClock.now(),
        lives: args.expires_in,
        audience: signing.audience.as_deref(),
        issuer: signing.issuer.as_deref(),
    };
    sign_token(&token, &signing.key)
}

fn lifetime(text: &str) -> Result<Duration, &'static str> {
    let digits = text.trim_end_matches(|unit: char| unit.is_ascii_alphabetic());
    let unit = match text.strip_prefix(digits) {
        Some("" | "s") => 1,
        Some("m") => 60,
        Some("h") => 3_600,
        Some("d") => 86_400,
        _ => 0,
    };
    let seconds = digits.parse::<u64>().ok().and_then(|count| count.checked_mul(unit)).filter(|seconds| *seconds > 0);
    seconds.map(Duration::from_secs).ok_or("must be a number with s, m, h or d behind it, such as 30m")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_lifetime_is_read_as_people_write_it() {
        for (text, seconds) in [("90", 90), ("90s", 90), ("30m", 1_800), ("1h", 3_600), ("2d", 172_800)] {
            assert_eq!(lifetime(text), Ok(Duration::from_secs(seconds)), "{text}");
        }
        for bad in ["", "h", "0", "0h", "-1h", "1.5h", "1w", "1h30m", "99999999999999999999d", "18446744073709551615d"]
        {
            assert!(lifetime(bad).is_err(), "{bad}");
        }
    }
}
