//! A minimal dialect: accepts `{"say": text}` and pushes `"name: text"`.

use actix_web::web::{self, ServiceConfig};
use actix_web::{HttpResponse, ResponseError};
use chinwag::config::Config;
use chinwag::domain::{
    Content, Description, Error, Event, FileName, Message, MessageKind, NewMessage, Result, RoomId, RoomName,
};
use chinwag::edge::{
    Authenticated, Command, Context, Dialect, FileForm, JsonBody, SocketCodec, SocketRoute, json, read_frame, resource,
};
use chinwag::fanout::{Frame, ResumeReplies};
use chinwag::service::{Folder, NewUpload, Receiver};
use serde::Deserialize;

/// The dialect.
pub const DIALECT: Dialect = Dialect {
    name: "echo",
    owns: |path| path.starts_with("/api/echo"),
    routes: |routes: &mut ServiceConfig, _: &Config| {
        routes
            .service(resource("/api/echo/rooms").route(web::post().to(open_room)))
            .service(resource("/api/echo/files").route(web::post().to(keep_file)))
            .service(resource("/api/echo/{room}").route(web::post().to(say)));
    },
    error: |error, _| HttpResponse::build(error.status_code()).body(format!("no: {error}")),
    sockets: |_| vec![SocketRoute { path: "/api/echo".to_owned(), claims: |_| true, codec: CODEC }],
    openapi: Default::default,
};

pub const CODEC: SocketCodec = SocketCodec {
    name: "echo",
    has_extension: false,
    decode: |text, _| {
        let to = Receiver::Room(RoomId::GLOBAL);
        Ok(Command::send(to, message(read_frame(text)?)?).into())
    },
    encode: |event, _| match &event.what {
        Event::Message(message) => Some(Frame::Same(json(&echo(message)))),
        _ => None,
    },
    encode_own: |_, _| None,
    answer: |_, _, _| None,
    refuse: |_, _| json(&"I do not understand"),
    resume_replies: |_, _| ResumeReplies::default(),
    resumes: |_| Vec::new(),
};

#[derive(Deserialize)]
struct Said {
    say: String,
}

fn message(said: Said) -> Result<NewMessage> {
    let text = Content::parse(said.say)?;
    Ok(NewMessage::new(MessageKind::Text, text))
}

fn echo(message: &Message) -> String {
    format!("{}: {}", message.sender.name, message.text)
}

async fn say(
    user: Authenticated,
    path: web::Path<String>,
    body: JsonBody<Said>,
    context: web::Data<Context>,
) -> Result<HttpResponse> {
    let room = path.parse().map_err(|_| Error::RoomNotFound)?;
    let sent = context.services.messages.send(room, &user.caller, message(body.0)?).await?;
    Ok(HttpResponse::Ok().body(echo(&sent)))
}

async fn open_room(user: Authenticated, body: JsonBody<Said>, context: web::Data<Context>) -> Result<HttpResponse> {
    let name = RoomName::parse(&body.0.say)?;
    let room = context.services.rooms.create_public(&user.caller, &name, &Description::default()).await?;
    Ok(HttpResponse::Ok().body(room.to_string()))
}

async fn keep_file(user: Authenticated, form: FileForm, context: web::Data<Context>) -> Result<HttpResponse> {
    let uploads = &context.services.uploads;
    let read = form.read("file", uploads.max_bytes(), async |name, bytes| {
        let name = FileName::parse(&name.unwrap_or_default())?;
        uploads.receive(&user.caller, NewUpload { folder: Folder::Files, name, announced_bytes: None }, bytes).await
    });
    let (file, fields) = read.await;
    fields?;
    let kept = match file {
        Some(file) => uploads.publish(file).await.url,
        None => String::new(),
    };
    Ok(HttpResponse::Ok().body(kept))
}
