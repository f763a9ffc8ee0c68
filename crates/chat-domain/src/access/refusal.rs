//! Why a request is answered as one of nobody's: each reason with its stable code and a sentence for people. Nothing of
//! what was sent stands in either.

use std::fmt;

/// Makes the enum and both of its texts from one table.
macro_rules! refusals {
    ($($(#[$doc:meta])* $variant:ident = $code:literal, $detail:literal;)+) => {
        /// Why a caller is not known.
        #[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
        pub enum Refusal {
            $($(#[$doc])* $variant,)+
        }

        impl Refusal {
            /// All reasons.
            pub const ALL: &[Self] = &[$(Self::$variant),+];

            /// The stable, machine-readable name.
            #[must_use]
            pub const fn code(self) -> &'static str {
                match self {
                    $(Self::$variant => $code,)+
                }
            }

            /// A sentence for people.
            #[must_use]
            pub const fn detail(self) -> &'static str {
                match self {
                    $(Self::$variant => $detail,)+
                }
            }
        }
    };
}

refusals! {
    /// Nothing was sent that says who calls.
    MissingToken = "missing_token", "A Bearer token is needed.";
    /// More than one `Authorization` header came: it is open which of them counts.
    RepeatedAuthorization = "repeated_authorization", "There must be one Authorization header only.";
    /// Something other than a Bearer token was sent.
    UnsupportedScheme = "unsupported_scheme", "The Authorization header must hold a Bearer token.";

    /// It is longer than any sound token.
    TokenTooLong = "token_too_long", "The token is longer than 8 KiB.";
    /// It is no signed token at all, or says something twice.
    MalformedToken = "malformed_token", "The token cannot be read.";
    /// It is signed by a method that is not taken, or by none.
    UnsupportedAlgorithm = "unsupported_algorithm", "The token's algorithm is not one of HS256, RS256, ES256 and EdDSA.";
    /// It demands that an extension be understood (`crit`), and none is.
    UnsupportedExtension = "unsupported_extension", "The token demands an extension that is not understood.";
    /// It names a key that is not there, or none fits.
    UnknownKey = "unknown_key", "The token was signed with a key that is not known.";
    /// The key that it names is of another kind than its algorithm.
    WrongKeyType = "wrong_key_type", "The token's algorithm does not go with the key that it names.";
    /// It was changed, or signed by somebody else.
    BadSignature = "bad_signature", "The token's signature is wrong.";

    /// It does not say how long it lives.
    MissingExpiry = "missing_expiry", "The token has no exp claim.";
    /// It says so in a form that is no moment.
    InvalidExpiry = "invalid_expiry", "The token's exp claim is not a number of seconds since 1970 up to the year 9999.";
    /// Its time is over.
    TokenExpired = "token_expired", "The token has expired.";
    /// It says from when on it holds, in a form that is no moment.
    InvalidNotBefore = "invalid_not_before", "The token's nbf claim is not a number of seconds since 1970 up to the year 9999.";
    /// Its time has not come.
    TokenNotYetValid = "token_not_yet_valid", "The token is not valid yet.";
    /// It was made by somebody who is not listed.
    WrongIssuer = "wrong_issuer", "The token's iss claim is not one that is taken here.";
    /// It was made for others.
    WrongAudience = "wrong_audience", "The token's aud claim does not name this service.";

    /// Two claims that mean the same differ.
    ContradictingClaims = "contradicting_claims", "Claims of the token that mean the same differ (sub, user_id and id; tenant_id and tenantId).";
    /// It does not say whose it is.
    MissingSubject = "missing_subject", "The token has no sub claim (nor user_id or id).";
    /// It says so in a form that is no id.
    InvalidSubject = "invalid_subject", "The token's subject is not an id of 1 to 255 characters without control characters.";
    /// It does not say which tenant it is for.
    MissingTenant = "missing_tenant", "The token has no tenant_id claim (nor tenantId).";
    /// It says so in a form that is no tenant's id.
    InvalidTenant = "invalid_tenant", "The token's tenant is not 1 to 64 of A-Z a-z 0-9 _ . : -.";
    /// It does not say what its owner is.
    MissingRole = "missing_role", "The token has no role claim.";
    /// It says so in a word that is no role.
    UnknownRole = "unknown_role", "The role is not one of user, agent, supervisor, admin and service.";

    /// The headers that say who calls came from somebody who may not set them.
    UntrustedProxy = "untrusted_proxy", "Only a trusted gateway may say who calls.";
    /// The gateway did not say all of who calls.
    MissingIdentity = "missing_identity", "X-Tenant-Id, X-User-Id and X-User-Role are needed, each once.";
    /// What the gateway said is no identity.
    InvalidIdentity = "invalid_identity", "One of X-Tenant-Id, X-User-Id and X-User-Role is not what it must be.";
}

impl fmt::Display for Refusal {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.code())
    }
}

impl std::error::Error for Refusal {}

#[cfg(test)]
mod tests {
    use std::collections::HashSet;

    use super::*;

    #[test]
    fn each_reason_has_a_code_of_its_own_and_a_sentence() {
        let codes: HashSet<_> = Refusal::ALL.iter().map(|refusal| refusal.code()).collect();
        assert_eq!(codes.len(), Refusal::ALL.len());
        for refusal in Refusal::ALL {
            assert!(refusal.code().bytes().all(|byte| byte.is_ascii_lowercase() || byte == b'_'), "{refusal}");
            // It is sent in a quoted string of a header as it is.
            let plain = |byte: u8| (b' '..=b'~').contains(&byte) && byte != b'"' && byte != b'\\';
            assert!(refusal.detail().ends_with('.') && refusal.detail().bytes().all(plain), "{refusal}");
        }
    }
}
