//! Document 004: flat WebSocket messages at `/ws/chat?token=`, and the upload that they presuppose. Errors are `system`
//! frames. Errors of the upload have the form of document 000, which owns the path.

mod socket;
mod upload;
mod wire;

use actix_web::web::{self, ServiceConfig};
use utoipa::OpenApi;

use crate::config::Config;
use crate::edge::{Dialect, resource};

/// This dialect. It owns no path: its upload is below a path of document 000.
pub const DIALECT: Dialect = Dialect {
    name: "imtypes",
    owns: |_| false,
    routes: |routes: &mut ServiceConfig, _| {
        routes.service(resource("/api/v1/upload/file").route(web::post().to(upload::file)));
    },
    error: |error, _| actix_web::HttpResponse::new(actix_web::ResponseError::status_code(error)),
    sockets: socket::routes,
    openapi: Documentation::openapi,
};

#[derive(OpenApi)]
#[openapi(
    paths(upload::file),
    tags((name = "imtypes", description = "Document 004, WebSocket API 文档: the upload for its WebSocket. Errors are `{\"error\"}`."))
)]
struct Documentation;

/// The paths of the WebSocket: the document's, and a configured one.
fn paths(config: &Config) -> Vec<String> {
    let mut paths = vec!["/ws/chat".to_owned(), config.server.websocket_path.clone()];
    paths.dedup();
    paths
}
