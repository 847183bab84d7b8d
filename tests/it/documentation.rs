//! The documents of the APIs, and the pages that show them, which have the same origin as the tokens.

use std::collections::BTreeSet;

use reqwest::StatusCode;
use serde_json::{Value, json};

use crate::support::World;

#[tokio::test]
async fn the_documentation_runs_no_foreign_script() {
    let world = World::start(1).await;
    let swagger = ["/docs/", "/docs/index.html", "/docs/swagger-initializer.js", "/docs/swagger-ui.css"];
    for path in swagger.into_iter().chain(["/docs/sockets", "/docs/sockets/try"]) {
        let answer = world.client.get(world.url(0, path)).send().await.expect("answered");
        assert_eq!(answer.status(), StatusCode::OK, "{path}");
        let policy = answer.headers()["content-security-policy"].to_str().expect("text").to_owned();
        assert!(policy.starts_with("default-src 'none'"), "{path}: {policy}");
        let scripts = policy.split(';').find(|part| part.trim().starts_with("script-src"));
        assert!(scripts.is_none_or(|scripts| scripts.trim() == "script-src 'self'"), "{path}: {policy}");
        let html = answer.text().await.expect("a body");
        let is_inline = html.contains("<script>") || html.contains("onload=") || html.contains("onclick=");
        assert!(!path.ends_with("html") || !is_inline, "{path}");
    }
    let answer = world.client.get(world.url(0, "/docs/nothing-here")).send().await.expect("answered");
    assert_eq!(answer.status(), StatusCode::NOT_FOUND);
    let answer = world.client.get(world.url(0, "/openapi.json")).send().await.expect("answered");
    assert!(answer.json::<Value>().await.expect("JSON")["paths"].is_object());
    world.stop().await;
}

/// What the limits, the store and the parser of bodies answer to any request is documented for each route, in the form of
/// its dialect.
#[test]
fn every_route_documents_what_any_may_answer() {
    let operations = operations();
    for Operation { name, method, operation } in &operations {
        let answers = &operation["responses"];
        let form = |status: &str| &answers[status]["content"]["application/json"]["schema"];
        let refusal = if answers["401"].is_object() { form("401") } else { form("400") };
        let with_body = operation["requestBody"].is_object().then_some(["413", "415"]);
        let changes = (method != "get").then_some("507");
        for status in ["429", "500", "503"].into_iter().chain(changes).chain(with_body.into_iter().flatten()) {
            assert!(refusal["$ref"].is_string() && form(status) == refusal, "{name}: {status}");
        }
        for (status, answer) in answers.as_object().expect("statuses") {
            let has = |header: &str| answer["headers"][header]["schema"].is_object();
            assert_eq!(has("Retry-After"), ["429", "503"].contains(&status.as_str()), "{name}: {status}");
            assert_eq!(has("WWW-Authenticate"), status == "401", "{name}: {status}");
            assert!(status.as_str() < "400" || form(status) == refusal, "{name}: {status}");
        }
    }
    assert!(operations.len() >= 45, "{} operations", operations.len());
}

/// Generators of clients name functions after the ids, and lose an operation whose id is another's.
#[test]
fn every_operation_has_an_id_of_its_own() {
    let mut ids = BTreeSet::new();
    for Operation { name, operation, .. } in operations() {
        let id = operation["operationId"].as_str().expect("an id").to_owned();
        let tag = operation["tags"][0].as_str().unwrap_or_default();
        assert!(id.starts_with(&format!("{tag}_")), "{name}: {id}");
        assert!(ids.insert(id.clone()), "{name}: {id} is the id of another operation");
    }
}

#[test]
fn every_operation_has_the_tag_of_its_document_and_says_who_may_call_it() {
    let document = document();
    let server = &document["servers"][0]["url"];
    assert_eq!(server, "/");
    assert_eq!(document["components"]["securitySchemes"]["bearer"]["scheme"], "bearer");
    let described = |tag: &Value| {
        let tags = document["tags"].as_array().expect("tags");
        let described = tags.iter().find(|known| known["name"] == *tag).expect("a tag of the document");
        described["description"].as_str().is_some_and(|text| text.starts_with("Document 00"))
    };
    for Operation { name, operation, .. } in operations() {
        let tags = operation["tags"].as_array().expect("tags");
        assert!(tags.len() == 1 && described(&tags[0]), "{name}: {tags:?}");
        let needs_token = operation["security"] == json!([{"bearer": []}]);
        let is_open = name.ends_with("/register") || name.ends_with("/login") || name.ends_with("/hooks/{token}");
        assert!(needs_token != is_open && (needs_token || operation["security"] == json!([{}])), "{name}");
    }
}

/// A field of an answer is `null` or left out, never both: clients need to look for one thing only.
#[test]
fn fields_of_answers_are_null_or_absent() {
    let document = document();
    let schemas = &document["components"]["schemas"];
    let mut names = BTreeSet::new();
    for Operation { operation, .. } in operations() {
        references(&operation["responses"], schemas, &mut names);
    }
    let mut fields = 0;
    for name in &names {
        let schema = &schemas[name.as_str()];
        let parts = schema["allOf"].as_array().map_or(vec![schema], |parts| parts.iter().collect());
        for (part, (field, about)) in parts.iter().flat_map(|part| properties(part).map(move |field| (part, field))) {
            fields += 1;
            let required = part["required"].as_array().is_some_and(|names| names.iter().any(|name| name == field));
            let is_one = |kinds: &Value| kinds.as_array().is_some_and(|kinds| kinds.iter().any(is_null));
            let nullable = is_one(&about["type"]) || is_one(&about["oneOf"]);
            assert!(required || !nullable, "{name}.{field} may be null and absent");
        }
    }
    assert!(fields >= 150, "{fields} fields");
    let last_message = &schemas["ChatRoom"]["properties"]["last_message"]["oneOf"];
    assert!(last_message.as_array().is_some_and(|kinds| kinds.iter().any(is_null)), "{last_message}");
}

/// Texts that are refused for their length say how long they may be.
#[test]
fn texts_of_requests_have_their_limits() {
    let document = document();
    let schemas = &document["components"]["schemas"];
    for (schema, field, limits) in [
        ("Credentials", "username", (Some(1), 32)),
        ("Credentials", "password", (Some(6), 71)),
        ("RegisterBody", "username", (Some(1), 32)),
        ("RegisterBody", "email", (Some(3), 254)),
        ("RegisterBody", "password", (Some(6), 71)),
        ("RegisterBody", "phone", (None, 32)),
        ("LoginBody", "email", (Some(1), 254)),
        ("LoginBody", "password", (Some(6), 71)),
        ("ProfileBody", "username", (Some(1), 32)),
        ("PasswordBody", "new", (Some(6), 71)),
        ("MessageBody", "content", (Some(1), 5000)),
        ("SendBody", "content", (Some(1), 5000)),
        ("GroupBody", "name", (Some(1), 100)),
        ("CreateRoomForm", "room_name", (Some(1), 100)),
        ("NewRoom", "name", (Some(1), 100)),
        ("RoomPatch", "description", (None, 500)),
        ("MePatch", "username", (Some(1), 32)),
    ] {
        let field_schema = &schemas[schema]["properties"][field];
        let found = (field_schema["minLength"].as_u64(), field_schema["maxLength"].as_u64());
        assert_eq!(found, (limits.0, Some(limits.1)), "{schema}.{field}");
    }
}

/// An operation of the OpenAPI document.
struct Operation {
    name: String,
    method: String,
    operation: Value,
}

fn document() -> Value {
    serde_json::to_value(chinwag::node::openapi()).expect("JSON")
}

fn operations() -> Vec<Operation> {
    let document = document();
    let mut operations = Vec::new();
    for (path, item) in document["paths"].as_object().expect("paths") {
        for (method, operation) in item.as_object().expect("methods") {
            let name = format!("{method} {path}");
            operations.push(Operation { name, method: method.clone(), operation: operation.clone() });
        }
    }
    operations
}

fn properties(schema: &Value) -> impl Iterator<Item = (&String, &Value)> {
    schema["properties"].as_object().into_iter().flatten()
}

fn is_null(kind: &Value) -> bool {
    kind == "null" || kind["type"] == "null"
}

/// Collects the names of the schemas to which a part of the document refers, and of those to which they refer.
fn references(part: &Value, schemas: &Value, names: &mut BTreeSet<String>) {
    match part {
        Value::Object(fields) => {
            let name = fields.get("$ref").and_then(Value::as_str).and_then(|path| path.rsplit('/').next());
            if let Some(name) = name.filter(|name| names.insert((*name).to_owned())) {
                assert!(schemas[name].is_object(), "no schema {name}");
                references(&schemas[name], schemas, names);
            }
            fields.values().for_each(|field| references(field, schemas, names));
        }
        Value::Array(items) => items.iter().for_each(|item| references(item, schemas, names)),
        _ => {}
    }
}
