//! Cursors that look like ones of the server and never were any.

use reqwest::Method;

use crate::support::{User, World, answered};

const HIGHEST: u64 = u64::MAX;

/// The lists with cursors, and texts in the form of theirs.
fn lists() -> [(&'static str, Vec<String>); 5] {
    let texts = |texts: &[&str]| texts.iter().map(|&text| text.to_owned()).collect();
    let mut ids: Vec<String> = texts(&["0-0", "0-1", "1-0", "00-00", "01-01", "%2B0-%2B0", "%2B1-%2B1"]);
    ids.extend([format!("{HIGHEST}-{HIGHEST}"), format!("{HIGHEST}-0"), format!("0-{HIGHEST}")]);
    [
        ("/api/v1/admin/audit", ids.clone()),
        ("/api/v1/admin/users", texts(&["00", "ff", "FF", "6f", "c3", "f09f98", "00ff00"])),
        ("/api/v1/admin/rooms", texts(&["1", "01", "%2B1", "4294967295"])),
        ("/api/chat/online-users", ids),
        ("/api/chat/rooms", texts(&["1", "01", "%2B1", "4294967295"])),
    ]
}

#[tokio::test]
async fn any_text_in_the_form_of_a_cursor_is_one() {
    let world = World::start(1).await;
    let user = world.user(0, "operator").await;
    world.promote("operator").await;
    let mut wrong = Vec::new();
    for (path, cursors) in lists() {
        for cursor in cursors {
            let path = format!("{path}?cursor={cursor}");
            let (status, body) = get(&user, &path).await;
            if status != 200 {
                wrong.push(format!("{path}: {status} {body}"));
            }
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
    world.stop().await;
}

async fn get(user: &User<'_>, path: &str) -> (u16, serde_json::Value) {
    answered(user.at(0, Method::GET, path).send().await).await
}
