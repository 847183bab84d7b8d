//! Names of a transcript's users on a server that has users already.

use std::collections::BTreeMap;

use serde_json::Value;

use super::transcript::Transcript;

/// Names that mean the server.
const RESERVED: [&str; 1] = ["系统"];
/// Shorter ones are not names but deliberately wrong values.
const SHORTEST: usize = 2;

/// Gives the users of a transcript other names: these in the order of its users, and for all others theirs with an ending.
pub(super) fn rename(text: &str, transcript: &Transcript, given: &[String], ending: &str) -> String {
    let mut names = BTreeMap::new();
    for name in transcript.users.iter().chain(&registered(transcript)) {
        names.insert(name.to_lowercase(), None);
    }
    for (name, given) in transcript.users.iter().zip(given) {
        names.insert(name.to_lowercase(), Some(given.as_str()));
    }
    let mut renamed = String::new();
    let mut rest = text;
    while let Some(first) = rest.chars().next() {
        let is_inside = renamed.ends_with(|it: char| it.is_ascii_alphanumeric());
        match longest(&names, rest).filter(|_| !(is_inside && first.is_ascii_alphanumeric())) {
            Some((length, Some(given))) => {
                renamed += given;
                rest = &rest[length..];
            }
            Some((length, None)) => {
                renamed += &rest[..length];
                renamed += ending;
                rest = &rest[length..];
            }
            None => {
                renamed.push(first);
                rest = &rest[first.len_utf8()..];
            }
        }
    }
    renamed
}

/// The longest name with which a text begins, whatever its case, and what is given in its place.
fn longest<'a>(names: &BTreeMap<String, Option<&'a str>>, text: &str) -> Option<(usize, Option<&'a str>)> {
    let begins = |name: &String| {
        let start = text.get(..name.len()).is_some_and(|start| start.to_lowercase() == *name);
        let goes_on =
            text.get(name.len()..).is_some_and(|rest| rest.starts_with(|it: char| it.is_ascii_alphanumeric()));
        start && !(goes_on && name.ends_with(|it: char| it.is_ascii_alphanumeric()))
    };
    let found = names.iter().filter(|(name, _)| begins(name)).max_by_key(|(name, _)| name.len());
    found.map(|(name, given)| (name.len(), *given))
}

/// Names and addresses that the steps register or look for.
fn registered(transcript: &Transcript) -> Vec<String> {
    let bodies = transcript.steps.iter().filter_map(|step| step.request.as_ref()?.json.as_ref());
    let mut names = Vec::new();
    for body in bodies {
        if let Some(name) = body["username"].as_str() {
            names.push(name.to_owned());
        }
        if let Some((name, _)) = body["email"].as_str().and_then(|email| email.split_once("@example.com")) {
            names.push(name.to_owned());
        }
    }
    names.retain(|name| {
        name.chars().count() >= SHORTEST && !name.starts_with('$') && !RESERVED.contains(&name.as_str())
    });
    names
}

/// The id of a user in a token, where tokens are JWTs that have one.
pub(super) fn id_in(token: &str) -> Option<String> {
    use base64::Engine;
    let claims = token.split('.').nth(1)?;
    let claims = base64::engine::general_purpose::URL_SAFE_NO_PAD.decode(claims.trim_end_matches('=')).ok()?;
    let claims: Value = serde_json::from_slice(&claims).ok()?;
    let ids = ["sub", "user_id", "userId", "uid", "id"].into_iter().map(|name| &claims[name]);
    let ids = ids.map(|id| id.as_str().map_or_else(|| id.to_string(), str::to_owned));
    ids.into_iter().find(|id| !id.is_empty() && id.bytes().all(|byte| byte.is_ascii_digit()))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn renamed(text: &str, given: &[&str]) -> String {
        let steps = r#"[{"request": {"method": "POST", "path": "/", "json": {"username": "newuser", "email": "who@example.com"}}}]"#;
        let transcript = format!(r#"{{"about": "it", "users": ["Bob", "张三"], "steps": {steps}}}"#);
        let transcript = Transcript::parse(&transcript).expect("a transcript");
        let given: Vec<String> = given.iter().map(|&name| name.to_owned()).collect();
        rename(text, &transcript, &given, "x7")
    }

    #[test]
    fn names_get_an_ending_wherever_they_stand() {
        assert_eq!(renamed("Bob 邀请 张三 加入了聊天室", &[]), "Bobx7 邀请 张三x7 加入了聊天室");
        assert_eq!(renamed("NewUser, bob and WHO@example.com", &[]), "NewUserx7, bobx7 and WHOx7@example.com");
        assert_eq!(renamed("Bobby, whole, 系统", &[]), "Bobby, whole, 系统");
    }

    #[test]
    fn given_names_take_their_place() {
        assert_eq!(renamed("Bob, 张三, newuser", &["alice"]), "alice, 张三x7, newuserx7");
    }

    #[test]
    fn a_token_may_say_whose_it_is() {
        let token = |claims: &str| {
            use base64::Engine;
            format!("e30.{}.x", base64::engine::general_purpose::URL_SAFE_NO_PAD.encode(claims))
        };
        assert_eq!(id_in(&token(r#"{"sub": "12"}"#)), Some("12".to_owned()));
        assert_eq!(id_in(&token(r#"{"sub": "alice", "user_id": 7}"#)), Some("7".to_owned()));
        assert_eq!(id_in(&token(r#"{"sub": "alice"}"#)), None);
        assert_eq!(id_in("opaque"), None);
    }
}
