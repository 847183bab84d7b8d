//! Paths as logs have them.

/// The prefix of webhook tokens, which are parts of paths. `_` may be encoded.
const TOKEN: &[u8] = b"cwh";

/// Returns a path up to the token of a webhook, whether or not there is a route for it.
pub(super) fn shown_path(path: &str) -> &str {
    let token = path.as_bytes().windows(TOKEN.len()).position(|part| part.eq_ignore_ascii_case(TOKEN));
    &path[..token.unwrap_or(path.len())]
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn tokens_of_webhooks_are_not_shown() {
        assert_eq!(shown_path("/api/v1/hooks/cwh_0123"), "/api/v1/hooks/");
        assert_eq!(shown_path("//api/v1/Hook%73/CWH%5f0123/x"), "//api/v1/Hook%73/");
        assert_eq!(shown_path("/api/v1/rooms/2/hooks"), "/api/v1/rooms/2/hooks");
    }
}
