//! The routes that set faults of a node of `chinwag dev`, for programs on its machine alone.

use std::sync::Arc;

use actix_web::guard::{GuardContext, fn_guard};
use actix_web::web::{Data, ServiceConfig, delete, get, post};
use actix_web::{HttpResponse, Resource};
use serde::Deserialize;
use serde_json::json;

use crate::domain::Result;
use crate::edge::{Context, FAULTS_PATH, Fault, Faults, JsonBody, OptionalBody, resource};

/// Registers the routes of these faults.
pub fn faults(routes: &mut ServiceConfig, faults: Arc<Faults>) {
    let local = |path: &str| -> Resource { resource(path).guard(fn_guard(is_from_this_machine)) };
    routes
        .app_data(Data::from(faults))
        .service(local(FAULTS_PATH).route(get().to(list)).route(post().to(add)).route(delete().to(reset)))
        .service(local("/dev/faults/cut").route(post().to(cut)));
}

fn is_from_this_machine(request: &GuardContext<'_>) -> bool {
    request.head().peer_addr.is_some_and(|peer| peer.ip().to_canonical().is_loopback())
}

async fn list(faults: Data<Faults>) -> HttpResponse {
    HttpResponse::Ok().json(faults.list())
}

async fn add(faults: Data<Faults>, JsonBody(fault): JsonBody<Fault>) -> HttpResponse {
    if let Some(reason) = fault.reason() {
        return HttpResponse::BadRequest().json(json!({ "error": reason }));
    }
    faults.add(fault);
    HttpResponse::Created().json(faults.list())
}

async fn reset(faults: Data<Faults>) -> HttpResponse {
    faults.reset();
    HttpResponse::NoContent().finish()
}

/// Whose WebSockets are cut; without a name, everybody's.
#[derive(Default, Deserialize)]
#[serde(deny_unknown_fields)]
struct Chosen {
    user: Option<String>,
}

async fn cut(
    faults: Data<Faults>,
    context: Data<Context>,
    OptionalBody(chosen): OptionalBody<Chosen>,
) -> Result<HttpResponse> {
    let user = match chosen.unwrap_or_default().user {
        Some(name) => Some(context.services.accounts.named(&name).await?),
        None => None,
    };
    Ok(HttpResponse::Ok().json(json!({ "cut": faults.cut(user).await })))
}
