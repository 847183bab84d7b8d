//! The audit log.

use actix_web::{HttpResponse, web};
use serde::{Deserialize, Serialize};
use utoipa::{IntoParams, ToSchema};

use super::page_limit;
use crate::dialects::common::utc_millis;
use crate::dialects::webchat::error::ErrorBody;
use crate::dialects::webchat::search::check_query;
use crate::domain::{AuditEntry, AuditFilter, EntryId, Error, Field, Result};
use crate::edge::{Authenticated, Context, QueryParams};
use crate::service::Operator;

/// A user or room that an action concerned.
#[derive(Serialize, ToSchema)]
pub(super) struct AuditTargetView {
    /// `user` or `room`.
    kind: String,
    id: u64,
    /// The name at that time.
    name: String,
}

/// Who did it.
#[derive(Serialize, ToSchema)]
pub(super) struct AuditActorView {
    id: u64,
    /// The name at that time.
    username: String,
}

/// An entry of the audit log.
#[derive(Serialize, ToSchema)]
pub(super) struct AuditView {
    #[schema(example = "1761480000000-0")]
    id: String,
    #[schema(format = DateTime, example = "2025-10-26T12:00:00.000Z")]
    at: String,
    /// The administrator, or the account of the application; `null` for actions on the command line.
    #[schema(required)]
    actor: Option<AuditActorView>,
    /// The address of the request; empty for actions on the command line.
    address: String,
    #[schema(example = "user.ban")]
    act: String,
    #[schema(required)]
    target: Option<AuditTargetView>,
    /// Why, as the administrator said; empty for none.
    reason: String,
}

impl From<AuditEntry> for AuditView {
    fn from(entry: AuditEntry) -> Self {
        Self {
            id: entry.id,
            at: utc_millis(entry.at_ms),
            actor: entry.actor.map(|actor| AuditActorView { id: actor.id.0, username: actor.name }),
            address: entry.address,
            act: entry.act,
            reason: entry.reason,
            target: entry.target.map(|it| AuditTargetView { kind: it.kind, id: it.id, name: it.name }),
        }
    }
}

/// A part of the audit log.
#[derive(Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
pub(super) struct AuditQuery {
    /// An action, as `user.ban`, or all of a kind, as `user`; all actions when absent.
    #[param(max_length = 100)]
    act: Option<String>,
    /// A part of the name of the actor or of the user or room concerned.
    #[param(max_length = 100)]
    q: Option<String>,
    /// `next` of the page before.
    cursor: Option<String>,
    /// Maximum number of entries: 50 when absent, at most 500.
    #[param(value_type = Option<i64>, minimum = 1)]
    limit: Option<String>,
}

/// A page of the audit log, newest first. With `act` or `q` it may have fewer entries than `limit` although there is a next
/// one.
#[derive(Serialize, ToSchema)]
pub(super) struct AuditPage {
    entries: Vec<AuditView>,
    /// The cursor of the next page, if there may be one.
    #[schema(required)]
    next: Option<String>,
}

/// Reads the audit log, or searches it, newest entries first: the latest 10,000 of 90 days.
#[utoipa::path(
    get, path = "/api/v1/admin/audit", operation_id = "webchat_admin_list_audit", tag = "webchat",
    security(("bearer" = [])), params(AuditQuery),
    responses(
        (status = 200, description = "The entries", body = AuditPage),
        (status = 400, description = "A parameter is invalid", body = ErrorBody),
        (status = 401, description = "No valid token", body = ErrorBody),
        (status = 403, description = "The caller is no administrator", body = ErrorBody),
    )
)]
pub(super) async fn list(
    user: Authenticated,
    query: QueryParams<AuditQuery>,
    context: web::Data<Context>,
) -> Result<HttpResponse> {
    let AuditQuery { act, q, cursor, limit } = query.0;
    let (act, name) = (act.unwrap_or_default(), q.unwrap_or_default());
    check_query(&act, 0)?;
    check_query(&name, 0)?;
    let limit = page_limit(limit.as_deref())?;
    let entry = |id: &str| EntryId::parse(id).ok_or(Error::Invalid(Field::Cursor));
    let before = cursor.as_deref().map(entry).transpose()?;
    let operator = Operator::Admin(&user.caller, &user.client);
    let filter = AuditFilter::new(&act, &name);
    let (entries, next) = context.services.administration.audit_log(&operator, &filter, before, limit).await?;
    Ok(HttpResponse::Ok().json(AuditPage { entries: entries.into_iter().map(AuditView::from).collect(), next }))
}
