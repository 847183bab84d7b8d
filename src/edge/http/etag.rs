//! `ETag` and `If-None-Match`.

use actix_web::HttpRequest;
use actix_web::http::header::{EntityTag, Header, IfNoneMatch};

/// The tags of `If-None-Match`. Empty if the header is absent or invalid, and for `*`, which no cache sends.
pub fn known_tags(request: &HttpRequest) -> Vec<EntityTag> {
    match IfNoneMatch::parse(request) {
        Ok(IfNoneMatch::Items(tags)) => tags,
        Ok(IfNoneMatch::Any) | Err(_) => Vec::new(),
    }
}

/// Whether the client has the version with this tag. The comparison is weak, because a proxy may have compressed the
/// response.
pub fn is_known(request: &HttpRequest, tag: &EntityTag) -> bool {
    known_tags(request).iter().any(|known| known.weak_eq(tag))
}

#[cfg(test)]
mod tests {
    use actix_web::http::header;
    use actix_web::test::TestRequest;

    use super::*;

    #[test]
    fn any_of_the_tags_is_known_weak_or_strong() {
        let is_known = |value: &str| {
            let request = TestRequest::default().insert_header((header::IF_NONE_MATCH, value)).to_http_request();
            is_known(&request, &EntityTag::new_strong("b-1".to_owned()))
        };
        assert!(is_known(r#""b-1""#));
        assert!(is_known(r#""a", W/"b-1""#));
        assert!(!is_known(r#""b-2""#));
        assert!(!is_known("nonsense"));
    }
}
