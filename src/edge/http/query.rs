//! Parameters of queries.

use std::borrow::Cow;
use std::future::{Ready, ready};

use actix_web::dev::Payload;
use actix_web::{FromRequest, HttpRequest, web};
use serde::de::DeserializeOwned;

use crate::domain::{Error, Result};

/// Query parameters. An empty one is absent, a value of the wrong type is malformed, unknown parameters are ignored.
pub struct QueryParams<T>(pub T);

impl<T: DeserializeOwned> FromRequest for QueryParams<T> {
    type Error = Error;
    type Future = Ready<Result<Self>>;

    fn from_request(request: &HttpRequest, _: &mut Payload) -> Self::Future {
        ready(read_query(request).map(Self))
    }
}

/// Parses the query of a request, as [`QueryParams`] does.
pub(in crate::edge) fn read_query<T: DeserializeOwned>(request: &HttpRequest) -> Result<T> {
    let query = web::Query::<T>::from_query(&without_empty(request.query_string()));
    query.map(web::Query::into_inner).map_err(|error| Error::Malformed(error.to_string()))
}

/// Removes the parameters without a value.
fn without_empty(query: &str) -> Cow<'_, str> {
    let has_value = |pair: &&str| pair.split_once('=').is_some_and(|(_, value)| !value.is_empty());
    if query.split('&').all(|pair| has_value(&pair)) {
        return query.into();
    }
    query.split('&').filter(has_value).collect::<Vec<_>>().join("&").into()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_parameters_with_a_value_are_left() {
        for (query, left) in [
            ("", ""),
            ("a=1&b=2", "a=1&b=2"),
            ("a=&b=2&c", "b=2"),
            ("&a=1&&", "a=1"),
            ("a=&a=1", "a=1"),
            ("=", ""),
            ("a==", "a=="),
            ("a=%20", "a=%20"),
        ] {
            assert_eq!(without_empty(query), left, "{query}");
        }
    }
}
