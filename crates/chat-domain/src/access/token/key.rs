//! What a key must be that tokens are signed with.

use crate::fault::Rejection;

/// The shortest key, in bytes: as long as the digest of HS256 (RFC 7518, section 3.2).
const MIN_SIGNING_KEY_BYTES: usize = 32;
/// A key that comes from chance has more different bytes than this.
const MIN_DIFFERENT_BYTES: usize = 8;
/// What stands in examples, or is thought of first; compared without case and punctuation. Each is so long that it does not
/// come up in a key from chance.
const PLACEHOLDERS: [&str; 32] = [
    "changeme",
    "changethis",
    "changeinproduction",
    "defaultsecret",
    "developmentsecret",
    "examplekey",
    "examplesecret",
    "insertyour",
    "insecure",
    "jwtsecret",
    "letmeinplease",
    "longsecret",
    "mysecret",
    "notasecret",
    "notsecret",
    "nosecret",
    "password",
    "placeholder",
    "privatekey",
    "qwertyui",
    "replaceme",
    "replacethis",
    "secretjwt",
    "secretkey",
    "secretsecret",
    "supersecret",
    "testsecret",
    "thisisasecret",
    "topsecret",
    "verysecret",
    "your256bit",
    "yoursecret",
];

/// Refuses a key that anybody could guess.
///
/// # Errors
/// What is wrong with it; nothing of the key stands in that.
pub fn check_signing_key(key: &str) -> Result<(), Rejection> {
    let bytes = key.as_bytes();
    if bytes.len() < MIN_SIGNING_KEY_BYTES {
        return Err(Rejection::new("key_too_short", "must be at least 32 bytes long"));
    }
    if different(bytes) < MIN_DIFFERENT_BYTES || is_repeated(bytes) || is_run(bytes) {
        return Err(Rejection::new(
            "key_too_plain",
            "must come from chance, not be a row of characters or one over and over",
        ));
    }
    let letters: String = key.chars().filter(char::is_ascii_alphanumeric).map(|c| c.to_ascii_lowercase()).collect();
    if PLACEHOLDERS.iter().any(|placeholder| letters.contains(placeholder)) {
        return Err(Rejection::new("key_is_placeholder", "must be a key of your own, not the one of an example"));
    }
    Ok(())
}

fn different(bytes: &[u8]) -> usize {
    let mut sorted = bytes.to_vec();
    sorted.sort_unstable();
    sorted.dedup();
    sorted.len()
}

/// Whether it is one piece over and over, the last time perhaps not whole.
fn is_repeated(bytes: &[u8]) -> bool {
    let repeats = |piece: usize| bytes.iter().zip(bytes.iter().skip(piece)).all(|(byte, later)| byte == later);
    (1..=bytes.len() / 2).any(repeats)
}

/// Whether most bytes are as far from the one before as most others are, as in `1234` or `zyxw`.
fn is_run(bytes: &[u8]) -> bool {
    let mut steps: Vec<_> =
        bytes.iter().zip(bytes.iter().skip(1)).map(|(byte, next)| next.wrapping_sub(*byte)).collect();
    steps.sort_unstable();
    // What fills more than half of a row has its middle.
    let middle = steps.get(steps.len() / 2);
    steps.iter().filter(|step| Some(*step) == middle).count() * 2 > steps.len()
}

#[cfg(test)]
mod tests {
    use proptest::collection::vec;
    use proptest::prelude::*;

    use super::*;

    proptest! {
        #[test]
        fn a_key_from_chance_is_taken_however_it_is_written(bytes in vec(any::<u8>(), 16..65), base64 in "[A-Za-z0-9+/_-]{32,86}={0,2}") {
            let hex = bytes.iter().fold(String::new(), |hex, byte| hex + &format!("{byte:02x}"));
            prop_assert_eq!(check_signing_key(&hex), Ok(()));
            prop_assert_eq!(check_signing_key(&hex.to_uppercase()), Ok(()));
            prop_assert_eq!(check_signing_key(&base64), Ok(()));
        }
    }

    #[test]
    fn a_key_from_chance_is_taken() {
        for good in [
            "8f14e45fceea167a5a36dedd4bea2543b1d5781111d84f7b3fe45a0852e59758",
            "kZ3vN9q1XwP7rT5yB2mD8sF4gH6jL0cE",
            "a passphrase of some words that nobody knows",
        ] {
            assert_eq!(check_signing_key(good), Ok(()), "{good}");
        }
    }

    #[test]
    fn a_key_that_anybody_could_guess_is_refused() {
        let repeated = "abc".repeat(20);
        for (bad, code) in [
            ("", "key_too_short"),
            ("kZ3vN9q1XwP7rT5yB2mD8sF4gH6jL0c", "key_too_short"),
            (&*"x".repeat(64), "key_too_plain"),
            (&*repeated, "key_too_plain"),
            (&*"aB3$eF7h".repeat(5), "key_too_plain"),
            (&*"1234567890".repeat(4), "key_too_plain"),
            (&*"0123456789abcdef".repeat(2), "key_too_plain"),
            (&*"kZ3vN9q1XwP7rT5yB2".repeat(2), "key_too_plain"),
            ("abcdefghijklmnopqrstuvwxyz012345", "key_too_plain"),
            ("543210zyxwvutsrqponmlkjihgfedcba", "key_too_plain"),
            ("passwordpassword1234passwordpassword1234", "key_too_plain"),
            ("your-256-bit-secret-your-256-bit-secret", "key_is_placeholder"),
            ("my-super-secret-jwt-key-32-characters", "key_is_placeholder"),
            ("This_Is_My_P-a-s-s-w-o-r-d_4_production", "key_is_placeholder"),
            ("aaaaaaaabbbbbbbbccccccccdddddddd", "key_too_plain"),
            ("please-CHANGE_ME-before-production-0123", "key_is_placeholder"),
            ("your-secret-key-with-at-least-32-bytes", "key_is_placeholder"),
        ] {
            assert_eq!(check_signing_key(bad).unwrap_err().code, code, "{bad}");
        }
    }
}
