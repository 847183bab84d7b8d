//! `/docs`: the HTTP APIs as OpenAPI, shown by Swagger UI from the binary, without any other server.

use actix_web::HttpResponse;
use actix_web::http::header;
use utoipa::openapi::security::{HttpAuthScheme, HttpBuilder, SecurityScheme};
use utoipa::{Modify, OpenApi};
use utoipa_swagger_ui::SwaggerUi;

use crate::dialects::{chatroom, webchat};

#[derive(OpenApi)]
#[openapi(
    info(title = "Chinwag", description = "One chat, spoken through several APIs. Log in, then `Authorize`."),
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

/// The OpenAPI document, generated from the code.
pub fn openapi() -> utoipa::openapi::OpenApi {
    let mut all = Documentation::openapi();
    all.merge(webchat::Documentation::openapi());
    all.merge(chatroom::Documentation::openapi());
    all
}

pub(super) fn swagger() -> SwaggerUi {
    SwaggerUi::new("/docs/{_:.*}").url("/openapi.json", openapi())
}

pub(super) async fn home() -> HttpResponse {
    HttpResponse::SeeOther().insert_header((header::LOCATION, "/docs/")).finish()
}
