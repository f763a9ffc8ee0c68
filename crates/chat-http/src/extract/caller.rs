//! Who calls.

use actix_web::http::header::HeaderMap;
use actix_web::{HttpMessage as _, web};
use chat_domain::access::{Caller, Role};
use chat_domain::fault::{Faults, Rejection};
use chat_domain::id::{ParticipantId, TenantId};

use super::header::{note, single};
use super::{Part, Reading};
use crate::problem::Problem;

/// The header that names the tenant.
const TENANT: &str = "x-tenant-id";
/// The header that names the caller.
const USER: &str = "x-user-id";
/// The header that names the caller's role.
const ROLE: &str = "x-user-role";

/// How the service learns who calls.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub enum AuthMode {
    /// From `X-Tenant-Id`, `X-User-Id` and `X-User-Role`, unchecked; what they leave out is the service named `service`
    /// of the tenant `default`.
    Open,
}

impl AuthMode {
    /// The caller, or `None` where what says so is at fault.
    fn identify(self, headers: &HeaderMap, faults: &mut Faults) -> Option<Caller> {
        match self {
            Self::Open => open(headers, faults),
        }
    }
}

fn open(headers: &HeaderMap, faults: &mut Faults) -> Option<Caller> {
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

impl Part for Caller {
    async fn read(from: &mut Reading) -> Result<Option<Self>, Problem> {
        let mode = from.request.app_data::<web::Data<AuthMode>>();
        let mode = mode.ok_or_else(|| Problem::internal(std::io::Error::other("nothing says who may call")))?;
        let caller = mode.identify(from.request.headers(), &mut from.faults);
        if let Some(caller) = &caller {
            // For the access event.
            from.request.extensions_mut().insert(caller.clone());
            from.caller = Some(caller.clone());
        }
        Ok(caller)
    }
}
