//! What a dialect is to the shared machinery.

use actix_web::web::ServiceConfig;
use actix_web::{HttpRequest, HttpResponse};
use utoipa::openapi::OpenApi;

use super::socket::SocketRoute;
use crate::config::Config;
use crate::domain::Error;

/// One of the chat APIs, as a value.
#[derive(Clone, Copy)]
pub struct Dialect {
    /// Its name in logs and metrics.
    pub name: &'static str,
    /// Whether a path without a route of its own belongs to it.
    pub owns: fn(path: &str) -> bool,
    /// Adds its routes, by full path, and what they need of the settings.
    pub routes: fn(&mut ServiceConfig, &Config),
    /// The answer to a request that failed, with the status of the error's kind.
    pub error: fn(&Error, &HttpRequest) -> HttpResponse,
    /// Its WebSockets.
    pub sockets: fn(&Config) -> Vec<SocketRoute>,
    /// Its part of the OpenAPI document.
    pub openapi: fn() -> OpenApi,
}

/// All dialects in the order in which they are asked, and who answers for paths that none owns.
#[derive(Clone)]
pub struct Registry {
    /// The dialects.
    pub dialects: Vec<Dialect>,
    /// The server itself.
    pub site: Dialect,
}

impl Registry {
    /// Names of all who answer, in the order of [`Self::index`].
    pub fn names(&self) -> Vec<&'static str> {
        self.all().map(|dialect| dialect.name).collect()
    }

    /// Names of all who speak over WebSockets.
    pub fn socket_dialects(&self, config: &Config) -> Vec<&'static str> {
        let sockets = self.all().flat_map(|owner| (owner.sockets)(config));
        let mut names: Vec<&'static str> = sockets.map(|route| route.codec.name).collect();
        names.sort_unstable();
        names.dedup();
        names
    }

    /// All who answer.
    pub fn all(&self) -> impl Iterator<Item = &Dialect> {
        self.dialects.iter().chain([&self.site])
    }

    /// The place of who answers for a path.
    pub fn index(&self, path: &str) -> usize {
        self.dialects.iter().position(|dialect| (dialect.owns)(path)).unwrap_or(self.dialects.len())
    }

    /// Who answers for a path.
    pub fn owner(&self, path: &str) -> &Dialect {
        self.dialects.get(self.index(path)).unwrap_or(&self.site)
    }
}
