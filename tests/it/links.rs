//! Addresses that become links and images: no scheme that runs or reads something where they are shown.

use reqwest::StatusCode;
use serde_json::{Value, json};

use crate::support::{User, World, answered};

const DANGEROUS: [&str; 12] = [
    "javascript:alert(document.cookie)",
    "JaVaScRiPt:alert(1)",
    " javascript:alert(1)",
    "\u{1}javascript:alert(1)",
    "java\tscript:alert(1)",
    "java\nscript:alert(1)",
    "vbscript:msgbox(1)",
    "data:text/html,<script>alert(1)</script>",
    "DATA:image/svg+xml;base64,PHN2Zy8+",
    "file:///etc/passwd",
    "blob:https://example.com/1",
    "view-source:https://example.com",
];
/// Addresses that are no links, though nothing runs.
const UNUSABLE: [&str; 7] =
    ["x", "//example.com/a.png", "https://", "/uploads/../docs", "ftp://example.com/a", "/etc/passwd", "mailto:a@b"];
const USABLE: [&str; 3] = ["https://example.com/a.png?b#c", "HTTP://example.com", "/uploads/images/a.png"];

async fn put_avatar(world: &World, user: &User<'_>, avatar: &str) -> u16 {
    let request = world.client.put(world.url(0, "/api/v1/user/profile")).bearer_auth(&user.token);
    answered(request.json(&json!({"avatar": avatar})).send().await).await.0
}

#[tokio::test]
async fn avatars_are_links() {
    let world = World::start(1).await;
    let user = world.user(0, "alice").await;
    let group = async |avatar: &str| user.ask(0, "/api/v1/group", &json!({"name": "a", "avatar": avatar})).await.0;
    for bad in DANGEROUS.into_iter().chain(UNUSABLE) {
        assert_eq!((put_avatar(&world, &user, bad).await, group(bad).await), (400, 400), "{bad:?}");
    }
    for good in USABLE.into_iter().chain([""]) {
        assert_eq!((put_avatar(&world, &user, good).await, group(good).await), (200, 200), "{good:?}");
    }
    world.stop().await;
}

#[tokio::test]
async fn addresses_of_files_are_links() {
    let world = World::start(1).await;
    let user = world.user(0, "alice").await;
    let room = user.make_group(0, "a", &[]).await;
    let mut extended = world.webchat(0, &user, "ext=1").await;
    let mut messenger = world.messenger(0, &user).await;
    for bad in DANGEROUS.into_iter().chain(UNUSABLE) {
        for kind in ["text", "file", "image", "audio"] {
            let payload = json!({"room_id": room, "content": "x", "message_type": kind, "file_url": bad});
            extended.send(&json!({"type": "send_message", "payload": payload})).await;
            let refusal = extended.next_of("error").await["payload"].clone();
            assert_eq!((&refusal["code"], &refusal["field"]), (&json!("invalid"), &json!("file_url")), "{bad:?}");
            let body = json!({"type": "chat", "chat_type": "room", "reveiver_id": room, "content": "x", "message_type": kind, "file_url": bad});
            messenger.send(&body).await;
            let refusal = messenger.next_of("error").await;
            assert_eq!((&refusal["code"], &refusal["message"]), (&json!(400), &json!("参数无效: file_url")), "{bad:?}");
        }
    }
    for good in USABLE {
        let payload = json!({"room_id": room, "content": "x", "message_type": "file", "file_url": good});
        extended.send(&json!({"type": "send_message", "payload": payload})).await;
        extended.next_of("new_message").await;
    }
    world.stop().await;
}

#[tokio::test]
async fn the_text_of_a_picture_or_file_is_no_dangerous_address() {
    let world = World::start(1).await;
    let user = world.user(0, "alice").await;
    let room = user.make_group(0, "a", &[]).await;
    let id = crate::support::room_id(room);
    let mut webchat = world.webchat(0, &user, "").await;
    let mut flat = world.imtypes(0, &user, "").await;
    for bad in DANGEROUS {
        webchat
            .send(&json!({"type": "send_message", "payload": {"room_id": room, "content": bad, "is_image": true}}))
            .await;
        assert_eq!(webchat.next_of("error").await["payload"]["message"], "Content is not valid", "{bad:?}");
        for kind in ["image", "file"] {
            let body = json!({"type": kind, "content": bad, "group_id": id});
            assert_eq!(user.ask(0, "/api/v1/chat/message", &body).await.0, 400, "{bad:?}");
            let body = json!({"message_type": kind, "content": bad});
            let answer = user.post(0, &format!("send?room_id={id}")).json(&body).send().await.expect("answered");
            assert_eq!(answer.status(), StatusCode::BAD_REQUEST, "{bad:?}");
            flat.send(&json!({"type": kind, "content": bad, "receiverId": id})).await;
            assert_eq!(flat.next_of("system").await["content"], "字段无效: content", "{bad:?}");
        }
        // Text is only shown, and passes verbatim.
        assert_eq!(user.send(0, &id, bad).await["content"], bad);
        assert_eq!(webchat.next_of("new_message").await["payload"]["content"], bad);
        assert_eq!(flat.next_of("text").await["content"], bad);
    }
    let captions = ["javascript", "see data: none", "数据: 见附件", "{\"url\": \"javascript:x\"}", "no address"];
    for caption in captions {
        let body = json!({"message_type": "image", "content": caption});
        let sent: Value =
            crate::support::ok(user.post(0, &format!("send?room_id={id}")).json(&body).send().await).await;
        assert_eq!(sent["content"], caption);
    }
    world.stop().await;
}
