//! What happens on the old node, through all documents.

use std::time::Duration;

use reqwest::Client;
use reqwest::multipart::{Form, Part};
use serde_json::{Value, json};

use super::questions::{places, question};
use crate::socket::Socket;
use crate::support::{ok, room_id};
use chinwag::conformance::sample;

/// Deliveries are noted a moment after they happened.
pub const SETTLING: Duration = Duration::from_secs(2);

/// The rooms that are asked about, with messages of them in their order.
pub struct Lived {
    pub public: u64,
    pub group: u64,
    pub direct: u64,
    pub in_global: Vec<String>,
    pub in_group: Vec<String>,
    pub in_direct: Vec<String>,
    /// Sends that are tried again.
    pub retries: Vec<Value>,
}

/// A node of the old version.
pub struct Old {
    pub client: Client,
    pub base: String,
}

/// A user of it.
struct Person<'a> {
    old: &'a Old,
    name: &'static str,
    token: String,
}

impl Person<'_> {
    async fn post(&self, path: &str, body: Value) -> Value {
        self.ask("POST", path, body).await
    }

    async fn ask(&self, method: &str, path: &str, body: Value) -> Value {
        let url = format!("{}{path}", self.old.base);
        let request = self.old.client.request(method.parse().expect("a method"), url).bearer_auth(&self.token);
        let answer = request.json(&body).send().await.expect("answered");
        let status = answer.status();
        let text = answer.text().await.expect("a body");
        assert!(status.is_success(), "{} {path}: {status} {text}", self.name);
        serde_json::from_str(&text).unwrap_or(Value::Null)
    }

    /// Sends through document 003; returns the id.
    async fn send(&self, room: &str, content: &str, reply_to: Option<&str>) -> String {
        let body = json!({"message_type": "text", "content": content, "reply_to": reply_to});
        let sent = self.post(&format!("/api/chat/send?room_id={room}"), body).await;
        sent["id"].as_str().expect("an id").to_owned()
    }

    async fn upload(&self, room: &str, name: &'static str) -> String {
        let (_, extension) = name.rsplit_once('.').expect("an extension");
        let part = Part::bytes(sample(extension, 300)).file_name(name);
        let form = Form::new().part("file", part).text("room_id", room.to_owned());
        let request = self.old.client.post(format!("{}/api/chat/upload", self.old.base)).bearer_auth(&self.token);
        ok(request.multipart(form).send().await).await["id"].as_str().expect("an id").to_owned()
    }

    async fn delete(&self, room: &str, id: &str) {
        self.ask("DELETE", &format!("/api/chat/messages/{id}?room_id={room}"), Value::Null).await;
    }

    async fn socket(&self, path: &str) -> Socket {
        Socket::open(&self.old.base, path, Some(&self.token), None).await.expect("accepted")
    }
}

impl Old {
    async fn person(&self, name: &'static str) -> Person<'_> {
        let body = json!({"username": name, "password": "password"});
        let answer = self.client.post(format!("{}/api/v1/auth/login", self.base)).json(&body).send().await;
        let token = ok(answer).await["token"].as_str().expect("a token").to_owned();
        Person { old: self, name, token }
    }

    async fn register(&self) {
        for name in ["alice", "bob", "carol", "dave"] {
            let (path, body) = match name {
                "carol" => {
                    let email = "carol@example.org";
                    ("/api/v1/register", json!({"username": name, "email": email, "password": "password"}))
                }
                _ => ("/api/v1/auth/register", json!({"username": name, "password": "password"})),
            };
            let answer = self.client.post(format!("{}{path}", self.base)).json(&body).send().await.expect("answered");
            assert!(answer.status().is_success(), "{name}");
        }
    }

    /// Everything that happens.
    pub async fn live(&self) -> Lived {
        self.register().await;
        let mut people = Vec::new();
        for name in ["alice", "bob", "carol", "dave"] {
            people.push(self.person(name).await);
        }
        let [alice, bob, carol, dave] = people.as_slice() else { panic!("four people") };
        let (retries, in_global) = self.in_global(alice, bob, carol).await;
        let public = self.in_public(alice, bob, carol, dave).await;
        let (group, in_group) = self.in_group(alice, bob, carol, dave).await;
        let (direct, in_direct) = self.in_direct(alice, bob, carol).await;
        self.inherited(bob, dave).await;
        tokio::time::sleep(SETTLING).await;
        Lived { public, group, direct, in_global, in_group, in_direct, retries }
    }

    /// Returns retries to ask about, and a message.
    async fn in_global(&self, alice: &Person<'_>, bob: &Person<'_>, carol: &Person<'_>) -> (Vec<Value>, Vec<String>) {
        let path = "/api/chat/send?room_id=global";
        let retried = json!({"message_type": "text", "content": "早上好 everyone", "client_id": "first"});
        let first = alice.post(path, retried.clone()).await["id"].as_str().expect("an id").to_owned();
        let reply = bob.send("global", "Good morning", Some(&first)).await;
        let body = json!({"type": "text", "content": "你好 👋", "group_id": "global", "client_id": "hello"});
        carol.post("/api/v1/chat/message", body).await;
        bob.upload("global", "photo.png").await;
        let file = alice.upload("global", "report.pdf").await;
        let withdrawn = json!({"message_type": "text", "content": "a slip", "client_id": "slip"});
        let slip = alice.post(path, withdrawn.clone()).await["id"].as_str().expect("an id").to_owned();
        bob.delete("global", &reply).await;
        alice.delete("global", &file).await;
        alice.delete("global", &slip).await;
        alice.send("global", "a reply to the first", Some(&first)).await;
        let other = json!({"message_type": "text", "content": "another", "client_id": "first"});
        let to_deleted = json!({"message_type": "text", "content": "too late", "reply_to": reply});
        let retries = [retried, withdrawn, other, to_deleted].map(|body| question("alice", "POST", path, body));
        (retries.into(), vec![first])
    }

    async fn in_public(&self, alice: &Person<'_>, bob: &Person<'_>, carol: &Person<'_>, dave: &Person<'_>) -> u64 {
        let form = Form::new().text("room_name", "Garden").text("room_description", "Plants and more");
        let request = self.client.post(format!("{}/api/chat/rooms", self.base)).bearer_auth(&alice.token);
        let made = ok(request.multipart(form).send().await).await;
        let id = made["room_id"].as_str().expect("an id").to_owned();
        let number = u64::from(id.parse::<chinwag::domain::RoomId>().expect("an id").number());
        bob.send(&id, "joining by writing", None).await;
        carol.post(&format!("/api/chat/rooms/{id}/join"), Value::Null).await;
        let rude = dave.send(&id, "rude", None).await;
        alice.delete(&id, &rude).await;
        carol.post(&format!("/api/chat/rooms/{id}/leave"), Value::Null).await;
        for number in 0..6 {
            bob.send(&id, &format!("plant {number}"), None).await;
        }
        let last = dave.send(&id, "gone again", None).await;
        dave.delete(&id, &last).await;
        number
    }

    async fn in_group(
        &self,
        alice: &Person<'_>,
        bob: &Person<'_>,
        carol: &Person<'_>,
        dave: &Person<'_>,
    ) -> (u64, Vec<String>) {
        let made = alice.post("/api/v1/group", json!({"name": "Team", "description": "Work"})).await;
        let id = made["data"]["group_id"].as_str().expect("an id").to_owned();
        let number = u64::from(id.parse::<chinwag::domain::RoomId>().expect("an id").number());
        alice.post(&format!("/api/v1/group/{id}/members"), json!({"user_id": "2"})).await;
        let members = format!("/api/v1/rooms/{number}/members");
        for name in ["carol", "dave"] {
            alice.post(&members, json!({"username": name})).await;
        }
        alice.ask("PUT", &format!("{members}/2"), json!({"role": "admin"})).await;
        bob.ask("DELETE", &format!("{members}/4"), Value::Null).await;

        let mut webchat = alice.socket("/ws?ext=1").await;
        let mut imtypes = bob.socket("/ws/chat?ext=1").await;
        let mut messenger = Socket::open(&self.base, "/ws/chat", None, Some(&carol.token)).await.expect("accepted");
        let first = alice.send(&id, "the plan", None).await;
        webchat.next_of("new_message").await;
        let payload =
            json!({"room_id": number, "content": "an answer", "reply_to": places(&first).0, "client_id": "w"});
        webchat.send(&json!({"type": "send_message", "payload": payload})).await;
        webchat.next_of("new_message").await;
        let file = "https://example.org/plan.pdf";
        let payload = json!({"room_id": number, "message_type": "file", "file_url": file, "file_name": "plan.pdf"});
        webchat.send(&json!({"type": "send_message", "payload": payload})).await;
        webchat.next_of("new_message").await;
        let frame = json!({"id": "im-1", "type": "emoji", "content": "🎉", "conversationId": id, "receiverId": id});
        imtypes.send(&frame).await;
        webchat.next_of("new_message").await;
        let frame = json!({"type": "chat", "chat_type": "room", "receiver_id": number, "message_type": "audio",
            "file_url": "https://example.org/voice.ogg"});
        messenger.send(&frame).await;
        let voice = webchat.next_of("new_message").await["payload"]["id"].clone();
        let second = bob.send(&id, "seen by all", None).await;
        webchat.next_of("new_message").await;
        let third = carol.send(&id, "deleted by an admin", None).await;
        webchat.next_of("new_message").await;
        bob.delete(&id, &third).await;
        webchat.next_of("message_deleted").await;
        let read = json!({"room_id": number, "id": places(&second).0});
        webchat.send(&json!({"type": "mark_read", "payload": read})).await;
        webchat.next_of("message_read").await;
        webchat.send(&json!({"type": "delete_message", "payload": {"room_id": number, "id": voice}})).await;
        webchat.next_of("message_deleted").await;
        carol.ask("PUT", "/api/v1/user/profile", json!({"username": "Caroline", "phone": "+4912345678"})).await;
        let fourth = carol.send(&id, "under another name", None).await;
        webchat.next_of("new_message").await;
        alice.post(&members, json!({"username": "dave"})).await;
        dave.send(&id, "back again", None).await;
        tokio::time::sleep(SETTLING).await;
        (number, vec![first, second, third, fourth])
    }

    async fn in_direct(&self, alice: &Person<'_>, bob: &Person<'_>, carol: &Person<'_>) -> (u64, Vec<String>) {
        let number = alice.post("/api/v1/rooms", json!({"is_private": true, "username": "bob"})).await["id"].clone();
        let number = number.as_u64().expect("a number");
        let id = room_id(number);
        let mut messenger = Socket::open(&self.base, "/ws/chat", None, Some(&bob.token)).await.expect("accepted");
        let first = alice.send(&id, "just us", None).await;
        messenger.next().await;
        let frame = json!({"type": "chat", "chat_type": "private", "reveiver_id": 1, "content": "yes"});
        messenger.send(&frame).await;
        messenger.next().await;
        let mut imtypes = alice.socket("/ws/chat").await;
        imtypes.send(&json!({"type": "text", "content": "from document 004", "receiverId": "2"})).await;
        messenger.next().await;
        let body = json!({"type": "image", "content": "https://example.org/a.png", "receiver_id": "1"});
        bob.post("/api/v1/chat/message", body).await;
        bob.post("/api/chat/history/private", json!({"user_id": 1})).await;
        let last = alice.send(&id, "taken back", None).await;
        alice.delete(&id, &last).await;
        let unread = alice.send(&id, "not read yet", None).await;
        // A room whose only message was deleted.
        let lonely = carol.post("/api/v1/rooms", json!({"is_private": true, "username": "alice"})).await;
        let lonely = room_id(lonely["id"].as_u64().expect("a number"));
        let only = carol.send(&lonely, "never mind", None).await;
        carol.delete(&lonely, &only).await;
        (number, vec![first, last, unread])
    }

    /// A group whose owner left.
    async fn inherited(&self, bob: &Person<'_>, dave: &Person<'_>) {
        let made = dave.post("/api/v1/rooms", json!({"name": "Left behind", "is_private": false})).await;
        let number = made["id"].as_u64().expect("a number");
        dave.post(&format!("/api/v1/rooms/{number}/members"), json!({"username": "bob"})).await;
        dave.ask("DELETE", &format!("/api/v1/rooms/{number}/members/4"), Value::Null).await;
        bob.send(&room_id(number), "mine now", None).await;
    }
}
