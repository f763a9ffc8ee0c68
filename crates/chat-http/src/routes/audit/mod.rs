//! The audit.

mod wire;

use actix_web::{HttpRequest, HttpResponse, web};
use chat_domain::access::Caller;
use chat_domain::audit::AuditService;

use self::wire::{AuditEntryView, AuditList, ListAudit};
use crate::extract::{Input, Query};
use crate::link::Links;
use crate::middleware::call;
use crate::problem::Problem;
use crate::reply;

/// List the audit
///
/// Who did what to which thing, newest first: what was done to things of others or in their name, such as the deletion of
/// another's message. It holds nothing of what the thing says. For an `admin`.
#[utoipa::path(
    get, path = "/api/v1/audit", operation_id = "list_audit", tag = "audit",
    params(ListAudit),
    responses((status = 200, description = "A page of entries.", body = Vec<AuditEntryView<'_>>)),
)]
pub(crate) async fn list(
    service: web::Data<AuditService>,
    request: HttpRequest,
    Input((caller, query)): Input<(Caller, Query<ListAudit>)>,
) -> Result<HttpResponse, Problem> {
    let page = call("list_audit", service.list(&caller, query.0.draft())).await?;
    let links = query.0.links(Links::here(&request), &page);
    reply::listed(&links, &AuditList(&page.entries))
}
