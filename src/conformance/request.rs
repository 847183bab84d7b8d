//! Requests of a transcript.

use reqwest::header::{HeaderMap, HeaderName, HeaderValue};
use reqwest::multipart::{Form, Part};
use reqwest::{Method, RequestBuilder};
use serde_json::Value;

use super::client::Server;
use super::memory::Memory;
use super::samples::sample;
use super::symbols::Unknown;
use super::transcript::{File, Request};

/// A request whose names and ids are replaced.
pub(super) struct Filled {
    pub(super) path: String,
    headers: HeaderMap,
    json: Option<Value>,
    form: Vec<(String, String)>,
}

impl Filled {
    pub(super) fn of(request: &Request, memory: &Memory) -> Result<Self, Unknown> {
        let mut headers = HeaderMap::new();
        for (name, value) in &request.headers {
            let wrong = |_| Unknown(format!("the header {name}"));
            let value = HeaderValue::from_str(&memory.fill_text(value)?).map_err(wrong)?;
            headers.insert(name.parse::<HeaderName>().map_err(|_| Unknown(format!("the header {name}")))?, value);
        }
        let fields = request.form.iter().flatten();
        let form = fields.map(|(name, value)| Ok((name.clone(), memory.fill_field(name, value)?)));
        Ok(Self {
            path: memory.fill_path(&request.path)?,
            headers,
            json: request.json.as_ref().map(|body| memory.fill(body)).transpose()?,
            form: form.collect::<Result<_, Unknown>>()?,
        })
    }

    pub(super) fn builder(&self, server: &Server, request: &Request, token: Option<&str>) -> RequestBuilder {
        let method = request.method.parse().unwrap_or(Method::GET);
        let mut builder = server.http.request(method, server.url(&self.path));
        if let Some(token) = token {
            builder = builder.bearer_auth(token);
        }
        // Replaces the client's header, so that a step may have a token of its own.
        builder = builder.headers(self.headers.clone());
        if let Some(body) = &self.json {
            return builder.json(body);
        }
        if request.form.is_none() && request.file.is_none() {
            return builder;
        }
        let fields = self.form.iter().cloned();
        let mut form = fields.fold(Form::new(), |form, (name, value)| form.text(name, value));
        if let Some(File { field, name, size, content }) = &request.file {
            let extension = name.rsplit_once('.').map_or("", |(_, extension)| extension);
            let bytes = sample(content.as_deref().unwrap_or(extension), *size);
            form = form.part(field.clone(), Part::bytes(bytes).file_name(name.clone()));
        }
        builder.multipart(form)
    }
}

/// Whether an answer has what all users of a server made.
pub(super) fn is_shared(request: &Request) -> bool {
    let (path, query) = request.path.split_once('?').unwrap_or((&request.path, ""));
    let is_global = !query.contains("room_id=") || query.contains("room_id=global");
    match path {
        "/api/chat/messages" => is_global,
        "/api/chat/rooms" => request.method == "GET",
        "/api/chat/history/room" => request.json.as_ref().is_some_and(|body| body["room_id"] == 1),
        path => path == "/api/chat/online-users",
    }
}

pub(super) fn shortened(text: &str) -> String {
    const LONGEST: usize = 300;
    match text.char_indices().nth(LONGEST) {
        Some((end, _)) => format!("{}…", &text[..end]),
        None => text.to_owned(),
    }
}
