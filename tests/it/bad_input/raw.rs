//! Requests that no HTTP client sends: broken, cut short, endless, or silent.

use std::io::{ErrorKind, Read, Write};
use std::net::{Shutdown, TcpStream};
use std::thread;
use std::time::{Duration, Instant};

use super::Target;
use crate::support::{PATIENCE, eventually};
use chinwag::conformance::sample;

/// The longest that a client may wait for a response or the end of its connection. A node waits at most 20 s for a
/// silent client.
const LONGEST: Duration = Duration::from_secs(35);
const CHUNK: usize = 64 * 1024;
const MIB: usize = 1024 * 1024;

/// How a connection ended.
#[derive(Debug, PartialEq)]
enum End {
    /// With a response of this status.
    Answer(u16),
    /// Without a response.
    Closed,
    /// Not at all.
    Hangs,
}

struct Connection(TcpStream);

impl Connection {
    fn open(base: &str) -> Self {
        let stream = TcpStream::connect(base.trim_start_matches("http://")).expect("the node listens");
        stream.set_read_timeout(Some(LONGEST)).expect("a time");
        stream.set_write_timeout(Some(PATIENCE)).expect("a time");
        Self(stream)
    }

    /// Sends as much as the node reads: it may respond and close earlier.
    fn send(mut self, bytes: &[u8]) -> Self {
        for chunk in bytes.chunks(CHUNK) {
            if self.0.write_all(chunk).is_err() {
                break;
            }
        }
        self
    }

    /// Waits for a complete response or the end of the connection. This side stays open.
    fn end(mut self) -> (End, String) {
        let (mut bytes, mut buffer) = (Vec::new(), [0; 4096]);
        let outcome = loop {
            match self.0.read(&mut buffer) {
                Ok(0) => break End::Closed,
                Ok(length) => bytes.extend(&buffer[..length]),
                Err(error) if matches!(error.kind(), ErrorKind::WouldBlock | ErrorKind::TimedOut) => break End::Hangs,
                Err(_) => break End::Closed,
            }
            if let Some(status) = status_of_whole(&bytes) {
                break End::Answer(status);
            }
        };
        (outcome, String::from_utf8_lossy(&bytes).into_owned())
    }

    /// Closes the connection without reading. With data in flight, the node sees a reset.
    fn leave(self) {
        self.0.shutdown(Shutdown::Both).expect("open until now");
    }
}

/// The status of a complete response.
fn status_of_whole(bytes: &[u8]) -> Option<u16> {
    let answer = String::from_utf8_lossy(bytes).to_ascii_lowercase();
    let (head, body) = answer.split_once("\r\n\r\n")?;
    let length = head.lines().find_map(|line| line.strip_prefix("content-length: ")).expect("answers say their length");
    let is_whole = body.len() >= length.parse::<usize>().expect("a length");
    is_whole.then(|| head["http/1.1 ".len()..][..3].parse().expect("a status"))
}

impl Target {
    /// A request's head with 张三's token and `rest` as further lines.
    fn head(&self, method_and_path: &str, rest: &str) -> Vec<u8> {
        let token = &self.known.token;
        format!(
            "{method_and_path} HTTP/1.1\r\nHost: a\r\nConnection: close\r\nAuthorization: Bearer {token}\r\n{rest}\r\n"
        )
        .into_bytes()
    }

    fn form_head(&self, path: &str, rest: &str) -> Vec<u8> {
        self.head(
            &format!("POST /api/chat/{path}"),
            &format!("Content-Type: multipart/form-data; boundary=b\r\n{rest}"),
        )
    }

    async fn assert_no_files(&self) {
        eventually("no file is left", async || self.files().is_empty()).await;
    }
}

const FILE_PDF: &str = "--b\r\nContent-Disposition: form-data; name=\"file\"; filename=\"a.pdf\"\r\n\r\n";
const FILE_PNG: &str = "--b\r\nContent-Disposition: form-data; name=\"file\"; filename=\"a.png\"\r\n\r\n";

#[tokio::test]
async fn broken_http_is_refused_and_closed() {
    let target = Target::start().await;
    let get = "GET /api/chat/stats HTTP/1.1\r\nHost: a\r\n";
    let post = "POST /api/chat/send HTTP/1.1\r\nHost: a\r\nContent-Type: application/json\r\n";
    let chunked = format!("{post}Transfer-Encoding: chunked\r\n\r\n");
    let cases: Vec<(&str, Vec<u8>)> = vec![
        ("a sentence", b"Hello, is this the chat?\r\n\r\n".to_vec()),
        ("a method only", b"GET\r\n\r\n".to_vec()),
        ("HTTP/9.9", b"GET / HTTP/9.9\r\n\r\n".to_vec()),
        ("HTTP/2", b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n".to_vec()),
        ("TLS", b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03\r\n\r\n".to_vec()),
        ("NULs", vec![0; 64]),
        ("bytes in the path", b"GET /api/chat/\xff\xfe HTTP/1.1\r\nHost: a\r\n\r\n".to_vec()),
        ("NUL in the path", b"GET /api/chat/\0 HTTP/1.1\r\nHost: a\r\n\r\n".to_vec()),
        ("a space in the path", b"GET /api/chat/a b HTTP/1.1\r\nHost: a\r\n\r\n".to_vec()),
        ("a path of 200 KiB", format!("GET /{} HTTP/1.1\r\nHost: a\r\n\r\n", "x".repeat(200 * 1024)).into()),
        ("a header without colon", format!("{get}nonsense\r\n\r\n").into()),
        ("a header with NUL", format!("{get}X-A: a\0b\r\n\r\n").into()),
        ("a header's name with a space", format!("{get}X A: b\r\n\r\n").into()),
        ("a header of 200 KiB", format!("{get}X-A: {}\r\n\r\n", "x".repeat(200 * 1024)).into()),
        ("headers without end", format!("{get}{}", "X-A: b\r\n".repeat(50_000)).into()),
        ("500 headers", format!("{get}{}\r\n", "X-A: b\r\n".repeat(500)).into()),
        ("length negative", format!("{post}Content-Length: -1\r\n\r\n").into()),
        ("length a word", format!("{post}Content-Length: many\r\n\r\n").into()),
        ("length with a sign", format!("{post}Content-Length: +2\r\n\r\n{{}}").into()),
        ("length beyond 64 bits", format!("{post}Content-Length: 99999999999999999999\r\n\r\n").into()),
        ("two lengths", format!("{post}Content-Length: 2\r\nContent-Length: 3\r\n\r\n{{}}").into()),
        ("length and chunks", format!("{post}Content-Length: 2\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n").into()),
        ("an unknown encoding", format!("{post}Transfer-Encoding: nonsense\r\n\r\n0\r\n\r\n").into()),
        ("a chunk's size that is none", format!("{chunked}zz\r\n{{}}\r\n0\r\n\r\n").into()),
        ("a chunk's size beyond 64 bits", format!("{chunked}fffffffffffffffff\r\n{{}}\r\n0\r\n\r\n").into()),
        ("a chunk longer than its size", format!("{chunked}1\r\n{{}}\r\n0\r\n\r\n").into()),
    ];
    let mut wrong = Vec::new();
    for (name, bytes) in cases {
        let (end, answer) = Connection::open(&target.node.base).send(&bytes).end();
        if !matches!(end, End::Answer(400..=499) | End::Closed) {
            wrong.push(format!("{name}: {end:?} {answer}"));
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
    target.assert_serves().await;
}

#[tokio::test]
async fn bodies_without_a_length_are_limited_all_the_same() {
    let target = Target::start().await;
    let in_chunks = |bytes: &[u8]| -> Vec<u8> {
        let chunk = |bytes: &[u8]| [format!("{:x}\r\n", bytes.len()).as_bytes(), bytes, b"\r\n"].concat();
        bytes.chunks(CHUNK).flat_map(chunk).chain(*b"0\r\n\r\n").collect()
    };
    let length = |bytes: usize| format!("Content-Length: {bytes}\r\n");
    let json = |rest: &str| target.head("POST /api/chat/send", &format!("Content-Type: application/json\r\n{rest}"));
    let form = |file: &str, contents: Vec<u8>| [file.as_bytes(), &contents, b"\r\n--b--\r\n"].concat();
    let text = |bytes: usize| format!(r#"{{"message_type":"text","content":"{}"}}"#, "x".repeat(bytes)).into_bytes();
    let chunks = "Transfer-Encoding: chunked\r\n";
    let cases = [
        ("JSON in chunks", json(chunks), in_chunks(&text(128 * 1024))),
        ("JSON in chunks without end", json(chunks), in_chunks(&text(MIB))[..MIB].to_vec()),
        ("a name in chunks", target.form_head("rooms", chunks), in_chunks(&form(FILE_PDF, vec![b'x'; 5 * MIB]))),
        (
            "a document in chunks",
            target.form_head("upload", chunks),
            in_chunks(&form(FILE_PDF, sample("pdf", 10 * MIB + 1))),
        ),
        (
            "a picture in chunks",
            target.form_head("upload", chunks),
            in_chunks(&form(FILE_PNG, sample("png", 10 * MIB + 1))),
        ),
        ("40 MiB said and sent", target.form_head("upload", &length(40 * MIB)), vec![b'x'; 40 * MIB]),
        ("40 MiB said", target.form_head("upload", &length(40 * MIB)), FILE_PDF.into()),
        ("4 EiB said", target.form_head("upload", &length(1 << 62)), FILE_PDF.into()),
        ("4 EiB of JSON said", json(&length(1 << 62)), b"{".to_vec()),
    ];
    // All at the same time: the node waits for the rest of some bodies before it responds.
    let waiting = cases.map(|(name, head, body)| {
        let connection = Connection::open(&target.node.base);
        (name, thread::spawn(move || connection.send(&head).send(&body).end()))
    });
    let mut wrong = Vec::new();
    for (name, thread) in waiting {
        let (end, answer) = thread.join().expect("no panic");
        if end != End::Answer(413) || !answer.contains(r#"{"detail":""#) {
            wrong.push(format!("{name}: {end:?} {answer}"));
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
    target.assert_no_files().await;
    target.assert_serves().await;
}

#[tokio::test]
async fn clients_that_go_away_leave_nothing_behind() {
    let target = Target::start().await;
    let head = |path: &str| target.form_head(path, "Content-Length: 5000000\r\n");
    let chunks = target.form_head("upload", "Transfer-Encoding: chunked\r\n");
    let pdf = |bytes: usize| [FILE_PDF.as_bytes(), &sample("pdf", bytes)].concat();
    let png = |bytes: usize| [FILE_PNG.as_bytes(), &sample("png", bytes)].concat();
    let second_part = "\r\n--b\r\nContent-Disposition: form-data; name=\"room_id\"\r\n\r\nglo";
    let requests = [
        target.head("POST /api/chat/send", "Content-Type: application/json\r\nContent-Length: 100\r\n"),
        [head("upload"), b"--b\r\nContent-Dis".to_vec()].concat(),
        [head("upload"), pdf(1024)].concat(),
        [head("upload"), pdf(MIB)].concat(),
        [head("upload"), png(MIB)].concat(),
        [head("upload"), pdf(MIB), second_part.into()].concat(),
        [head("upload"), png(MIB), second_part.into()].concat(),
        [head("rooms"), second_part.into()].concat(),
        [chunks, b"100000\r\n".to_vec(), pdf(MIB / 2)].concat(),
    ];
    for request in &requests {
        // Immediately, and after the node had time to begin with the request.
        Connection::open(&target.node.base).send(request).leave();
        let connection = Connection::open(&target.node.base).send(request);
        target.assert_serves_statistics().await;
        connection.leave();
        // Shuts down the sending side and waits for a response.
        let connection = Connection::open(&target.node.base).send(request);
        connection.0.shutdown(Shutdown::Write).expect("open");
        let (end, answer) = connection.end();
        assert!(matches!(end, End::Answer(400..=499) | End::Closed), "{end:?} {answer}");
    }
    target.assert_no_files().await;
    target.assert_serves().await;
}

#[tokio::test]
async fn clients_that_fall_silent_are_given_up() {
    let target = Target::start().await;
    let length = "Content-Length: 1000\r\n";
    let json = target.head("POST /api/chat/send", &format!("Content-Type: application/json\r\n{length}"));
    let log_in = "POST /api/v1/auth/login HTTP/1.1\r\nHost: a\r\nContent-Length: 1000\r\n\r\n{\"username\":";
    let form = |path: &str, body: &str| [target.form_head(path, length), body.into()].concat();
    let text_field = "--b\r\nContent-Disposition: form-data; name=\"room_name\"\r\n\r\nproject";
    let cases = [
        ("before a word", Vec::new()),
        ("in the head", b"GET /api/chat/stats HTTP/1.1\r\nHost".to_vec()),
        ("in JSON", [json, b"{\"message_type\":".to_vec()].concat()),
        ("while logging in", log_in.into()),
        ("before a form", form("upload", "")),
        ("in a part's head", form("upload", "--b\r\nContent-")),
        ("in a file", form("upload", &format!("{FILE_PDF}%PDF-1.7"))),
        ("behind a file", form("upload", &format!("{FILE_PDF}%PDF-1.7\r\n--b\r\n"))),
        ("in a field beside the file", form("upload", text_field)),
        ("before a room's form", form("rooms", "")),
        ("in a room's name", form("rooms", text_field)),
    ];
    let waiting = cases.map(|(name, bytes)| {
        let connection = Connection::open(&target.node.base).send(&bytes);
        (name, thread::spawn(move || connection.end()))
    });
    // A head sent byte by byte: a client that is never silent for long.
    let mut dribble = Connection::open(&target.node.base);
    let dribbling = thread::spawn(move || {
        let started = Instant::now();
        while started.elapsed() < LONGEST && dribble.0.write_all(b"G").is_ok() {
            thread::sleep(Duration::from_millis(500));
        }
        started.elapsed()
    });

    let mut wrong = Vec::new();
    for (name, thread) in waiting {
        let (end, answer) = thread.join().expect("no panic");
        if !matches!(end, End::Answer(400..=499) | End::Closed) {
            wrong.push(format!("silent {name}: {end:?} {answer}"));
        }
    }
    if dribbling.join().expect("no panic") >= LONGEST {
        wrong.push("a head byte by byte is read for ever".to_owned());
    }

    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
    target.assert_no_files().await;
    target.assert_serves().await;
}
