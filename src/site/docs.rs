//! `/docs`: the HTTP APIs as OpenAPI, shown by an embedded Swagger UI that loads nothing from elsewhere.

use std::sync::Arc;

use actix_web::HttpResponse;
use actix_web::http::header::{self, ContentEncoding, ContentType};
use actix_web::web::{self, Data, ServiceConfig, get};
use bytes::Bytes;
use utoipa::openapi::security::{HttpAuthScheme, HttpBuilder, SecurityScheme};
use utoipa::{Modify, OpenApi};
use utoipa_swagger_ui::Config;

use super::refusals;
use crate::domain::{Error, Result};
use crate::edge::resource;

const DOCUMENT: &str = "/openapi.json";
/// The page has the same origin as the client with its tokens: scripts and requests are limited to this server. Swagger
/// UI sets styles from its script and has images in them.
const POLICY: &str = "default-src 'none'; script-src 'self'; style-src 'self' 'unsafe-inline'; img-src 'self' data:; \
    connect-src 'self'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'";

#[derive(OpenApi)]
#[openapi(
    info(
        title = "Chinwag",
        description = "One chat server with several APIs. Log in, then press `Authorize`. [WebSockets](/docs/sockets)."
    ),
    servers((url = "/", description = "The server of this document")),
    modifiers(&Bearer)
)]
struct Documentation;

struct Bearer;

impl Modify for Bearer {
    fn modify(&self, openapi: &mut utoipa::openapi::OpenApi) {
        let scheme = HttpBuilder::new().scheme(HttpAuthScheme::Bearer).bearer_format("JWT").build();
        let components = openapi.components.get_or_insert_with(Default::default);
        components.add_security_scheme("bearer", SecurityScheme::Http(scheme));
    }
}

/// Merges the dialects' parts into one OpenAPI document.
pub fn openapi(parts: impl Iterator<Item = utoipa::openapi::OpenApi>) -> utoipa::openapi::OpenApi {
    let mut all = parts.fold(Documentation::openapi(), |mut all, part| {
        all.merge(part);
        all
    });
    refusals::add_common(&mut all);
    all
}

/// The OpenAPI document as it is served: its text, because its tree takes some megabytes. Clones share it.
#[derive(Clone)]
pub struct Document(Bytes);

impl Document {
    /// Prints a document.
    ///
    /// # Errors
    /// `Internal` when it cannot be printed.
    pub fn of(openapi: &utoipa::openapi::OpenApi) -> Result<Self> {
        serde_json::to_vec(openapi).map(|json| Self(json.into())).map_err(Error::internal)
    }
}

/// Serves the document and the page that shows it.
pub fn documentation(routes: &mut ServiceConfig, document: Document) {
    routes
        .app_data(Data::new(document))
        .app_data(Data::new(Config::from(DOCUMENT)))
        .service(resource(DOCUMENT).route(get().to(serve_document)))
        .service(resource("/docs/{file:.*}").route(get().to(page)));
}

async fn serve_document(document: Data<Document>) -> HttpResponse {
    HttpResponse::Ok().content_type(ContentType::json()).body(document.0.clone())
}

/// A file of Swagger UI.
async fn page(file: web::Path<String>, config: Data<Config<'static>>) -> Result<HttpResponse> {
    let config: Arc<Config<'static>> = config.into_inner();
    let file = utoipa_swagger_ui::serve(&file, config).map_err(|error| Error::internal(error.to_string()))?;
    let file = file.ok_or(Error::NotFound)?;
    let mut response = HttpResponse::Ok();
    response
        .content_type(file.content_type)
        .insert_header((header::X_CONTENT_TYPE_OPTIONS, "nosniff"))
        .insert_header((header::CONTENT_SECURITY_POLICY, POLICY))
        .insert_header((header::REFERRER_POLICY, "no-referrer"));
    if file.gzpipped {
        response.insert_header(ContentEncoding::Gzip);
    }
    Ok(response.body(file.bytes.into_owned()))
}

pub(super) async fn home() -> HttpResponse {
    HttpResponse::SeeOther().insert_header((header::LOCATION, "/docs/")).finish()
}
