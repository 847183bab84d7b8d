//! `/docs`: the HTTP APIs as OpenAPI, shown by an embedded Swagger UI that loads nothing from elsewhere.

use actix_web::HttpResponse;
use actix_web::http::header;
use utoipa::openapi::security::{HttpAuthScheme, HttpBuilder, SecurityScheme};
use utoipa::{Modify, OpenApi};
use utoipa_swagger_ui::SwaggerUi;

#[derive(OpenApi)]
#[openapi(
    info(
        title = "Chinwag",
        description = "One chat server with several APIs. Log in, then press `Authorize`. [WebSockets](/docs/sockets)."
    ),
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
    parts.fold(Documentation::openapi(), |mut all, part| {
        all.merge(part);
        all
    })
}

/// Serves the document and the page that shows it.
pub fn documentation(openapi: utoipa::openapi::OpenApi) -> SwaggerUi {
    SwaggerUi::new("/docs/{_:.*}").url("/openapi.json", openapi)
}

pub(super) async fn home() -> HttpResponse {
    HttpResponse::SeeOther().insert_header((header::LOCATION, "/docs/")).finish()
}
