//! The interface between a dialect and what all of them share.

use actix_web::web::ServiceConfig;
use actix_web::{HttpRequest, HttpResponse};
use utoipa::openapi::OpenApi;

use super::socket::SocketRoute;
use crate::config::Config;
use crate::domain::Error;

/// One of the chat APIs, as a value.
#[derive(Clone, Copy)]
pub struct Dialect {
    /// Name in logs and metrics.
    pub name: &'static str,
    /// Whether a path without a route belongs to the dialect. It then answers in its own format.
    pub owns: fn(path: &str) -> bool,
    /// Registers the routes of the dialect by their full paths.
    pub routes: fn(&mut ServiceConfig, &Config),
    /// Builds the response to a failed request, with the status of the error's kind.
    pub error: fn(&Error, &HttpRequest) -> HttpResponse,
    /// Returns the WebSockets of the dialect.
    pub sockets: fn(&Config) -> Vec<SocketRoute>,
    /// Returns the dialect's part of the OpenAPI document.
    pub openapi: fn() -> OpenApi,
}

/// All dialects, in the order in which [`Dialect::owns`] is asked, and the site, which owns all other paths.
#[derive(Clone)]
pub struct Registry {
    /// The dialects.
    pub dialects: Vec<Dialect>,
    /// The site: web client, dashboard and documentation.
    pub site: Dialect,
}

impl Registry {
    /// Returns the names of the dialects and the site, in the order of [`Self::index`].
    pub fn names(&self) -> Vec<&'static str> {
        self.all().map(|dialect| dialect.name).collect()
    }

    /// Returns the names of the dialects with WebSockets.
    pub fn socket_dialects(&self, config: &Config) -> Vec<&'static str> {
        let sockets = self.all().flat_map(|owner| (owner.sockets)(config));
        let mut names: Vec<&'static str> = sockets.map(|route| route.codec.name).collect();
        names.sort_unstable();
        names.dedup();
        names
    }

    /// Iterates over the dialects and the site.
    pub fn all(&self) -> impl Iterator<Item = &Dialect> {
        self.dialects.iter().chain([&self.site])
    }

    /// Returns the index of the owner of a path.
    pub fn index(&self, path: &str) -> usize {
        self.dialects.iter().position(|dialect| (dialect.owns)(path)).unwrap_or(self.dialects.len())
    }

    /// Returns the owner of a path.
    pub fn owner(&self, path: &str) -> &Dialect {
        self.dialects.get(self.index(path)).unwrap_or(&self.site)
    }
}
