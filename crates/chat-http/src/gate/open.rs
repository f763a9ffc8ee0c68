//! Callers that are whoever they say.

use actix_web::http::header::HeaderMap;
use chat_domain::access::{Caller, Role};
use chat_domain::fault::{Faults, Rejection};
use chat_domain::id::{ParticipantId, TenantId};

use super::{ROLE, TENANT, USER};
use crate::extract::{note, single};

/// The caller, or `None` where what says so is at fault.
pub(super) fn caller(headers: &HeaderMap, faults: &mut Faults) -> Option<Caller> {
    let tenant = named::<TenantId>(headers, TENANT, "default", faults);
    let id = named::<ParticipantId>(headers, USER, "service", faults);
    let role = named::<Role>(headers, ROLE, Role::Service.as_str(), faults);
    Some(Caller::new(tenant?, id?, role?))
}

fn named<T>(headers: &HeaderMap, name: &'static str, default: &str, faults: &mut Faults) -> Option<T>
where
    T: std::str::FromStr<Err = Rejection>,
{
    let text = single(headers, name, faults).unwrap_or(default);
    text.parse().map_err(|rejection| note(name, rejection, faults)).ok()
}
