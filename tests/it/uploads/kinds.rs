//! The type of an upload: images by their content, documents by content and extension.

use reqwest::StatusCode;
use reqwest::multipart::{Form, Part};
use serde_json::Value;

use super::upload;
use crate::support::{World, answered, ok, refused};
use chinwag::conformance::{sample, zip};

#[tokio::test]
async fn pictures_have_the_type_of_their_content_whatever_their_name() {
    let world = World::start(1).await;
    let user = world.user(0, "alice").await;
    let cases = [
        ("photo.jfif", "jpg", "image/jpeg"),
        ("photo.JPE", "jpg", "image/jpeg"),
        ("blob", "png", "image/png"),
        ("photo", "gif", "image/gif"),
        ("photo.", "webp", "image/webp"),
        ("photo.jpg", "png", "image/png"),
        ("photo.jpg ", "gif", "image/gif"),
        ("photo.png.exe", "jpg", "image/jpeg"),
        ("scan.pdf", "webp", "image/webp"),
        ("notes.txt", "png", "image/png"),
    ];
    for (name, kind, media_type) in cases {
        let message = ok(upload(&user, 0, name, sample(kind, 1024), "global").await).await;
        assert_eq!((&message["message_type"], &message["file_name"]), (&"image".into(), &name.trim().into()), "{name}");
        let path = message["file_url"].as_str().expect("an address");
        assert!(path.ends_with(&format!(".{kind}")), "{name} became {path}");
        let served = world.client.get(world.url(0, path)).send().await.expect("answered");
        assert_eq!(
            (served.status(), &served.headers()["content-type"]),
            (StatusCode::OK, &media_type.parse().expect("a type")),
            "{name}"
        );
    }
    world.stop().await;
}

#[tokio::test]
async fn each_document_takes_pictures_by_content() {
    let world = World::start(1).await;
    let user = world.user(0, "alice").await;
    for (path, field, folder) in [("upload/image", "image", "images"), ("upload/file", "file", "files")] {
        let part = Part::bytes(sample("webp", 1024)).file_name("image.jpg");
        let request = world.client.post(world.url(0, &format!("/api/v1/{path}"))).bearer_auth(&user.token);
        let answer = request.multipart(Form::new().part(field, part)).send().await.expect("answered");
        assert_eq!(answer.status(), StatusCode::CREATED);
        let url = answer.json::<Value>().await.expect("JSON")["url"].as_str().expect("an address").to_owned();
        assert!(url.contains(&format!("/uploads/{folder}/")) && url.ends_with(".webp"), "{url}");
    }
    // Document 000 takes pictures only, whatever they are called.
    for (name, kind) in [("a.png", "pdf"), ("a.pdf", "pdf"), ("a.png", "exe"), ("a.txt", "txt")] {
        let part = Part::bytes(sample(kind, 1024)).file_name(name);
        let request = world.client.post(world.url(0, "/api/v1/upload/image")).bearer_auth(&user.token);
        let (status, body) = answered(request.multipart(Form::new().part("image", part)).send().await).await;
        assert_eq!((status, &body["error"]), (400, &"No file provided or file type is not supported".into()), "{name}");
    }
    world.stop().await;
}

#[tokio::test]
async fn pictures_that_would_fill_a_browsers_memory_are_refused() {
    let world = World::start(1).await;
    let user = world.user(0, "alice").await;
    let mut png = sample("png", 1024);
    png[16..24].copy_from_slice(&[0, 0, 0x75, 0x30, 0, 0, 0x75, 0x30]);
    let mut gif = sample("gif", 1024);
    gif[6..10].copy_from_slice(&[0xff; 4]);
    let mut jpg = sample("jpg", 1024);
    let frame = jpg.windows(2).position(|pair| pair == [0xff, 0xc0]).expect("a frame");
    jpg[frame + 5..frame + 9].copy_from_slice(&[0xff; 4]);
    let mut webp = sample("webp", 1024);
    webp[21..25].copy_from_slice(&[0xff, 0xff, 0xff, 0x0f]);
    for (name, bytes) in [("a.png", png), ("a.gif", gif), ("a.jpg", jpg), ("a.webp", webp)] {
        refused(upload(&user, 0, name, bytes, "global").await, 415).await;
    }
    world.stop().await;
}

#[tokio::test]
async fn office_files_and_texts_are_taken_as_programs_write_them() {
    let world = World::start(1).await;
    let user = world.user(0, "alice").await;
    let large = vec![b'x'; 200_000];
    let types = ("[Content_Types].xml", b"<Types/>".as_slice());
    let table = zip(&[types, ("xl/workbook.xml", b"x")]);
    let utf16: Vec<u8> = "\u{feff}你好\r\n".encode_utf16().flat_map(u16::to_le_bytes).collect();
    let cases: [(&str, Vec<u8>, &str); 8] = [
        ("a.docx", zip(&[("word/document.xml", &large), types]), "wordprocessingml.document"),
        ("a.xlsx", zip(&[("xl/media/a.png", &large), ("xl/workbook.xml", b"x"), types]), "spreadsheetml.sheet"),
        (
            "b.docx",
            zip(&[types, ("word/embeddings/a.xlsx", &table), ("word/document.xml", b"x")]),
            "wordprocessingml.document",
        ),
        ("utf8.txt", "你好".into(), "text/plain; charset=utf-8"),
        ("utf16.txt", utf16, "text/plain; charset=utf-16"),
        ("gbk.txt", b"\xc4\xe3\xba\xc3".to_vec(), "text/plain"),
        ("dos.txt", b"dir\r\n\x1a".to_vec(), "text/plain; charset=utf-8"),
        ("letter.txt", b"<p>Dear all,</p>".to_vec(), "text/plain; charset=utf-8"),
    ];
    for (name, bytes, media_type) in cases {
        let message = ok(upload(&user, 0, name, bytes.clone(), "global").await).await;
        let url = world.url(0, message["file_url"].as_str().expect("an address"));
        let served = world.client.get(url).send().await.expect("answered");
        let shown = served.headers()["content-type"].to_str().expect("text").to_owned();
        assert!(shown.ends_with(media_type), "{name}: {shown}");
        assert!(served.headers()["content-disposition"].to_str().expect("text").starts_with("attachment"), "{name}");
        assert_eq!(served.bytes().await.expect("a body"), bytes, "{name}");
    }
    let zipped = zip(&[("a.docx", &zip(&[types, ("word/document.xml", b"x")]))]);
    refused(upload(&user, 0, "a.docx", zipped, "global").await, 415).await;
    refused(upload(&user, 0, "a.txt", b"\xff\xfea\0\x01\0".to_vec(), "global").await, 415).await;
    world.stop().await;
}
