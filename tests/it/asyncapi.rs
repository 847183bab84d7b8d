//! Reads `docs/asyncapi.json`: the messages of its channels, and whether a frame is one of them. Transcripts check every
//! frame against it.

mod schema;

use reqwest::StatusCode;
use serde_json::Value;

use self::schema::Schemas;
use crate::support::World;

/// The sender of a message.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Direction {
    FromClient,
    FromServer,
}

/// The document.
pub struct AsyncApi(Value);

impl AsyncApi {
    pub fn read() -> Self {
        let path = concat!(env!("CARGO_MANIFEST_DIR"), "/docs/asyncapi.json");
        let text = std::fs::read_to_string(path).expect("readable");
        Self(serde_json::from_str(&text).expect("JSON"))
    }

    /// The channel of a handshake.
    pub fn channel(path: &str, has_token_in_query: bool) -> &'static str {
        let is_extended = path.contains("ext=1");
        match path.split('?').next() {
            Some("/ws") if is_extended => "webchatExtended",
            Some("/ws") => "webchat",
            Some("/api/v1/ws") => "envelope",
            _ if path.contains("dialect=messenger") || !has_token_in_query => "messenger",
            _ if is_extended => "imtypesExtended",
            _ => "imtypes",
        }
    }

    /// The messages of a channel in both directions, as `channel.message`.
    pub fn messages(&self, channel: &str) -> Vec<String> {
        let messages = self.0["channels"][channel]["messages"].as_object().expect("messages");
        messages.keys().map(|message| format!("{channel}.{message}")).collect()
    }

    /// Which message of a channel a frame is.
    pub fn message(&self, channel: &str, direction: Direction, frame: &Value) -> Result<String, String> {
        let schemas = Schemas::new(&self.0);
        let (mut fits, mut reasons) = (Vec::new(), Vec::new());
        for (name, message) in self.messages_of(channel, direction) {
            match schemas.check(&message["payload"], frame) {
                Ok(()) => fits.push(name),
                Err(reason) => reasons.push(format!("{name}: {reason}")),
            }
        }
        match fits.as_slice() {
            [name] => Ok(name.clone()),
            [] => Err(format!("{frame} is nothing in {channel}: {}", reasons.join("; "))),
            _ => Err(format!("{frame} is {fits:?}")),
        }
    }

    fn messages_of(&self, channel: &str, direction: Direction) -> Vec<(String, &Value)> {
        let action = match direction {
            Direction::FromClient => "receive", // as seen by the server
            Direction::FromServer => "send",
        };
        let here = format!("#/channels/{channel}");
        let operations = self.0["operations"].as_object().expect("operations");
        let operations = operations.values().filter(|it| it["channel"]["$ref"] == here && it["action"] == action);
        let references = operations.flat_map(|it| it["messages"].as_array().expect("messages"));
        let message = |reference: &Value| {
            let path = reference["$ref"].as_str().expect("a reference");
            let name = path.rsplit('/').next().expect("a name").to_owned();
            let message = self.0.pointer(&path[1..]).unwrap_or_else(|| panic!("{path} is missing"));
            let target = message["$ref"].as_str().map(|path| self.0.pointer(&path[1..]).expect("a message"));
            (name, target.unwrap_or(message))
        };
        references.map(message).collect()
    }

    fn channels(&self) -> Vec<&String> {
        self.0["channels"].as_object().expect("channels").keys().collect()
    }
}

#[test]
fn every_message_goes_one_way_and_has_examples_that_fit_it() {
    let asyncapi = AsyncApi::read();
    for channel in asyncapi.channels() {
        let mut count = 0;
        for direction in [Direction::FromClient, Direction::FromServer] {
            for (name, message) in asyncapi.messages_of(channel, direction) {
                count += 1;
                let examples = message["examples"].as_array().unwrap_or_else(|| panic!("{channel}.{name}: no example"));
                assert!(!examples.is_empty(), "{channel}.{name} has an example");
                for example in examples {
                    let fits = asyncapi.message(channel, direction, &example["payload"]);
                    assert_eq!(fits, Ok(name.clone()), "{channel}.{name}");
                }
            }
        }
        assert_eq!(count, asyncapi.messages(channel).len(), "{channel}: each message has one direction");
    }
}

#[tokio::test]
async fn the_document_and_its_page_are_served_and_load_nothing() {
    let world = World::start(1).await;
    let get = async |path: &str, content_type: &str| {
        let answer = world.client.get(world.url(0, path)).send().await.expect("answered");
        assert_eq!(answer.status(), StatusCode::OK, "{path}");
        assert_eq!(answer.headers()["content-type"], content_type);
        answer.text().await.expect("a body")
    };
    let served: Value = serde_json::from_str(&get("/asyncapi.json", "application/json").await).expect("JSON");
    let AsyncApi(document) = AsyncApi::read();
    assert_eq!(served, document);
    let page = get("/docs/sockets", "text/html; charset=utf-8").await;
    for name in document["components"]["messages"].as_object().expect("messages").keys() {
        assert!(page.contains(&format!("id=\"{name}\"")), "{name} is on the page");
    }
    assert!(page.contains("你好啊！") && page.contains("<a href=/docs/sockets/try>"));
    for foreign in ["src=", "@import", "url(", "<link", "<script"] {
        assert!(!page.contains(foreign), "the page loads nothing: {foreign}");
    }
    let openapi = get("/openapi.json", "application/json").await;
    assert!(openapi.contains("/docs/sockets"), "the other page leads here");
    world.stop().await;
}
