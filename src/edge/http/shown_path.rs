//! Paths as logs have them.

/// The paths of webhooks, each of which ends with a token.
const HOOKS: &str = "/api/v1/hooks/";

/// Returns a path without the token of a webhook.
pub(super) fn shown_path(path: &str) -> &str {
    if path.starts_with(HOOKS) { HOOKS } else { path }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn tokens_of_webhooks_are_not_shown() {
        assert_eq!(shown_path("/api/v1/hooks/cwh_0123"), HOOKS);
        assert_eq!(shown_path("/api/v1/rooms/2/hooks"), "/api/v1/rooms/2/hooks");
    }
}
