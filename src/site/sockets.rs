//! `/asyncapi.json`: the WebSockets as AsyncAPI; `/docs/sockets`: the same as a static page. The page to try them by hand,
//! `/docs/sockets/try`, is part of the web client.
//!
//! The document is written by hand. `tests/it/asyncapi.rs` and the transcripts check the code against it.

use std::fmt::Write;
use std::sync::LazyLock;

use actix_web::HttpResponse;
use actix_web::http::header;
use serde_json::{Map, Value};

const DOCUMENT: &str = include_str!("../../docs/asyncapi.json");
const STYLE: &str = include_str!("sockets.css");
/// The page needs an inline style and nothing else.
const POLICY: &str = "default-src 'none'; style-src 'unsafe-inline'";

static PAGE: LazyLock<String> = LazyLock::new(|| page(&parsed()));

fn parsed() -> Value {
    serde_json::from_str(DOCUMENT).expect("a test reads it")
}

pub(super) async fn document() -> HttpResponse {
    HttpResponse::Ok().insert_header((header::CONTENT_TYPE, "application/json")).body(DOCUMENT)
}

pub(super) async fn shown() -> HttpResponse {
    HttpResponse::Ok()
        .insert_header((header::CONTENT_TYPE, "text/html; charset=utf-8"))
        .insert_header((header::CONTENT_SECURITY_POLICY, POLICY))
        .body(PAGE.as_str())
}

fn page(document: &Value) -> String {
    let mut html = String::from("<!doctype html><html lang=en><meta charset=utf-8><title>Chinwag: WebSockets</title>");
    html.push_str("<meta name=viewport content=\"width=device-width\"><style>");
    html.push_str(STYLE);
    html.push_str("</style><main><h1>WebSockets</h1><p>");
    html.push_str(&prose(&document["info"]["description"]));
    html.push_str(
        " The document: <a href=/asyncapi.json>asyncapi.json</a>. HTTP: <a href=/docs/>docs</a>. \
         <a href=/docs/sockets/try>Try them by hand</a>.",
    );
    let mut channels: Vec<(&str, &Value)> = entries(&document["channels"]).collect();
    channels.sort_by_key(|(_, channel)| text(&channel["title"]));
    for (name, channel) in channels {
        push_channel(&mut html, document, name, channel);
    }
    html.push_str("<h2>Messages</h2>");
    for (name, message) in entries(&document["components"]["messages"]) {
        push_message(&mut html, document, name, message);
    }
    html.push_str("</main></html>");
    html
}

fn push_channel(html: &mut String, document: &Value, name: &str, channel: &Value) {
    let (title, address) = (prose(&channel["title"]), escaped(text(&channel["address"])));
    put(html, format_args!("<section><h2>{title}: <code>{address}</code></h2>"));
    put(html, format_args!("<p>{}</p>", prose(&channel["description"])));
    let binding = &channel["bindings"]["ws"];
    push_fields(html, document, "Query", &binding["query"]);
    push_fields(html, document, "Headers", &binding["headers"]);
    let here = format!("#/channels/{name}");
    for (action, heading) in [("receive", "Client to server"), ("send", "Server to client")] {
        put(html, format_args!("<h3>{heading}</h3><ul>"));
        let operations = entries(&document["operations"]).filter(|(_, it)| it["action"] == action);
        let operations = operations.filter(|(_, it)| it["channel"]["$ref"] == here.as_str());
        for reference in operations.flat_map(|(_, it)| it["messages"].as_array().into_iter().flatten()) {
            let target = text(&resolved(document, reference)["$ref"]);
            let id = target.rsplit('/').next().unwrap_or_default();
            let message = &document["components"]["messages"][id];
            let (title, summary) = (prose(&message["title"]), prose(&message["summary"]));
            put(html, format_args!("<li><a href=\"#{id}\">{title}</a> {summary}"));
        }
        html.push_str("</ul>");
    }
    html.push_str("</section>");
}

fn push_message(html: &mut String, document: &Value, name: &str, message: &Value) {
    put(html, format_args!("<article id=\"{name}\"><h3>{} <small>{name}</small></h3>", prose(&message["title"])));
    put(html, format_args!("<p>{}</p>", prose(&message["summary"])));
    let payload = resolved(document, &message["payload"]);
    push_fields(html, document, "Keys", payload);
    let inner = resolved(document, &payload["properties"]["payload"]);
    push_fields(html, document, "Keys of <code>payload</code>", inner);
    for example in message["examples"].as_array().into_iter().flatten() {
        let example = serde_json::to_string_pretty(&example["payload"]).unwrap_or_default();
        put(html, format_args!("<pre>{}</pre>", escaped(&example)));
    }
    html.push_str("</article>");
}

/// A table of an object's keys.
fn push_fields(html: &mut String, document: &Value, heading: &str, schema: &Value) {
    if entries(&schema["properties"]).next().is_none() {
        return;
    }
    let required = schema["required"].as_array();
    put(html, format_args!("<table><caption>{heading}</caption>"));
    for (key, rule) in entries(&schema["properties"]) {
        let rule = resolved(document, rule);
        let is_optional = !required.is_some_and(|keys| keys.iter().any(|it| it == key));
        let mark = if is_optional { " <small>optional</small>" } else { "" };
        let (form, about) = (escaped(&form(rule)), prose(&rule["description"]));
        put(html, format_args!("<tr><th><code>{key}</code>{mark}<td><code>{form}</code><td>{about}"));
    }
    html.push_str("</table>");
}

/// The type of a value, in a few words.
fn form(rule: &Value) -> String {
    if let Some(value) = rule.get("const") {
        return value.to_string();
    }
    if let Some(values) = rule["enum"].as_array() {
        return values.iter().map(Value::to_string).collect::<Vec<_>>().join(" ");
    }
    match &rule["type"] {
        Value::Array(types) => types.iter().map(text).collect::<Vec<_>>().join(" or "),
        one => text(one).to_owned(),
    }
}

fn resolved<'a>(document: &'a Value, value: &'a Value) -> &'a Value {
    let target = value["$ref"].as_str().and_then(|path| document.pointer(path.trim_start_matches('#')));
    target.unwrap_or(value)
}

fn entries(value: &Value) -> impl Iterator<Item = (&str, &Value)> {
    value.as_object().into_iter().flat_map(Map::iter).map(|(key, value)| (key.as_str(), value))
}

fn text(value: &Value) -> &str {
    value.as_str().unwrap_or_default()
}

/// A text of the document as HTML. Text between backticks is code.
fn prose(value: &Value) -> String {
    let mut html = String::new();
    for (index, part) in text(value).split('`').enumerate() {
        match index % 2 {
            0 => html.push_str(&escaped(part)),
            _ => put(&mut html, format_args!("<code>{}</code>", escaped(part))),
        }
    }
    html
}

fn escaped(text: &str) -> String {
    text.replace('&', "&amp;").replace('<', "&lt;").replace('>', "&gt;")
}

fn put(html: &mut String, arguments: std::fmt::Arguments<'_>) {
    html.write_fmt(arguments).expect("a String takes everything");
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn texts_of_the_document_stay_texts() {
        assert_eq!(prose(&json!("a `<b>` & c")), "a <code>&lt;b&gt;</code> &amp; c");
        assert_eq!(form(&json!({"type": ["string", "null"]})), "string or null");
        assert_eq!(form(&json!({"enum": ["a", null]})), "\"a\" null");
    }

    #[test]
    fn every_link_leads_somewhere() {
        let page = page(&parsed());
        for link in page.split("href=\"#").skip(1) {
            let id = link.split('"').next().expect("an end");
            assert!(page.contains(&format!("id=\"{id}\"")), "{id}");
        }
    }
}
