//! The `Idempotency-Key` header.

use chat_domain::idempotency::IdempotencyKey;

use super::header::{note, single};
use super::{Part, Reading};
use crate::problem::Problem;

/// The key of a request, where it has one.
pub(crate) struct OptionalKey(pub(crate) Option<IdempotencyKey>);

impl Part for OptionalKey {
    async fn read(from: &mut Reading) -> Result<Option<Self>, Problem> {
        const NAME: &str = "idempotency-key";
        let Some(text) = single(from.request.headers(), NAME, &mut from.faults) else { return Ok(Some(Self(None))) };
        match text.parse() {
            Ok(key) => Ok(Some(Self(Some(key)))),
            Err(rejection) => {
                note(NAME, rejection, &mut from.faults);
                Ok(None)
            }
        }
    }
}
