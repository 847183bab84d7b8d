//! An OpenTelemetry collector that keeps the spans it receives. It reads just as much of the protocol buffers of OTLP as the
//! tests ask for.

use std::collections::HashMap;
use std::sync::{Arc, Mutex};

use tokio::io::{AsyncBufReadExt, AsyncReadExt, AsyncWriteExt, BufReader};
use tokio::net::{TcpListener, TcpStream};

use crate::support::eventually;

/// A collector on this machine.
pub struct Collector {
    port: u16,
    spans: Arc<Mutex<Vec<Span>>>,
}

/// A span as the collector receives it.
#[derive(Clone, Debug)]
pub struct Span {
    pub node: String,
    pub service: String,
    pub trace: String,
    pub id: String,
    pub parent: String,
    pub name: String,
    pub attributes: HashMap<String, String>,
    pub times: (u64, u64),
    pub has_failed: bool,
}

impl Collector {
    pub async fn start() -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.expect("a port");
        let port = listener.local_addr().expect("an address").port();
        let spans = Arc::<Mutex<Vec<Span>>>::default();
        let received = Arc::clone(&spans);
        tokio::spawn(async move {
            while let Ok((stream, _)) = listener.accept().await {
                tokio::spawn(serve(BufReader::new(stream), Arc::clone(&received)));
            }
        });
        Self { port, spans }
    }

    pub fn endpoint(&self) -> String {
        format!("http://127.0.0.1:{}", self.port)
    }

    pub fn spans(&self) -> Vec<Span> {
        self.spans.lock().expect("no panic").clone()
    }

    /// The spans of a trace.
    pub fn of(&self, trace: &str) -> Vec<Span> {
        self.spans().into_iter().filter(|span| span.trace == trace).collect()
    }

    /// The spans of a trace, as soon as there are so many.
    pub async fn trace(&self, trace: &str, number: usize) -> Vec<Span> {
        let mut spans = Vec::new();
        eventually("the spans are exported", async || {
            spans = self.of(trace);
            spans.len() >= number
        })
        .await;
        spans
    }
}

async fn serve(mut stream: BufReader<TcpStream>, spans: Arc<Mutex<Vec<Span>>>) {
    while let Some(body) = read(&mut stream).await {
        spans.lock().expect("no panic").extend(spans_of(&body));
        let answer = "HTTP/1.1 200 OK\r\ncontent-type: application/x-protobuf\r\ncontent-length: 0\r\n\r\n";
        if stream.write_all(answer.as_bytes()).await.is_err() {
            return;
        }
    }
}

async fn read(stream: &mut BufReader<TcpStream>) -> Option<Vec<u8>> {
    let mut line = String::new();
    stream.read_line(&mut line).await.ok().filter(|length| *length > 0)?;
    assert_eq!(line.trim_end(), "POST /v1/traces HTTP/1.1");
    let mut length = 0;
    loop {
        let mut line = String::new();
        stream.read_line(&mut line).await.ok()?;
        let Some((name, value)) = line.trim_end().split_once(": ") else { break };
        if name.eq_ignore_ascii_case("content-length") {
            length = value.parse().expect("a number");
        }
    }
    let mut body = vec![0; length];
    stream.read_exact(&mut body).await.ok()?;
    Some(body)
}

/// The spans of an `ExportTraceServiceRequest`.
fn spans_of(request: &[u8]) -> Vec<Span> {
    let mut spans = Vec::new();
    for of_node in parts(request, 1) {
        let resource: HashMap<String, String> = parts(of_node, 1).flat_map(|it| parts(it, 1)).map(attribute).collect();
        let of_node = parts(of_node, 2).flat_map(|scope| parts(scope, 2));
        spans.extend(of_node.map(|span| read_span(span, &resource)));
    }
    spans
}

fn read_span(span: &[u8], resource: &HashMap<String, String>) -> Span {
    let hex = |number| parts(span, number).flatten().map(|byte| format!("{byte:02x}")).collect();
    let number = |wanted| fields(span).find(|(field, _)| *field == wanted).map_or(0, |(_, value)| value.number());
    let of_resource = |name| resource.get(name).cloned().unwrap_or_default();
    Span {
        node: of_resource("service.instance.id"),
        service: of_resource("service.name"),
        trace: hex(1),
        id: hex(2),
        parent: hex(4),
        name: parts(span, 5).map(text).collect(),
        times: (number(7), number(8)),
        attributes: parts(span, 9).map(attribute).collect(),
        has_failed: parts(span, 15).flat_map(fields).any(|(field, value)| field == 3 && value.number() == 2),
    }
}

/// A `KeyValue` whose value is a text.
fn attribute(pair: &[u8]) -> (String, String) {
    let value = parts(pair, 2).flat_map(|value| parts(value, 1)).map(text).collect();
    (parts(pair, 1).map(text).collect(), value)
}

fn text(bytes: &[u8]) -> String {
    String::from_utf8(bytes.to_vec()).expect("text")
}

/// The value of a field of a protocol buffer.
enum Value<'a> {
    Number(u64),
    Part(&'a [u8]),
}

impl Value<'_> {
    fn number(&self) -> u64 {
        match self {
            Self::Number(number) => *number,
            Self::Part(_) => 0,
        }
    }
}

/// The texts and messages in this field.
fn parts(message: &[u8], wanted: u64) -> impl Iterator<Item = &[u8]> {
    fields(message).filter_map(move |(field, value)| match value {
        Value::Part(part) if field == wanted => Some(part),
        Value::Part(_) | Value::Number(_) => None,
    })
}

fn fields(mut message: &[u8]) -> impl Iterator<Item = (u64, Value<'_>)> {
    std::iter::from_fn(move || {
        let tag = (!message.is_empty()).then(|| variable(&mut message))?;
        let value = match tag & 7 {
            0 => Value::Number(variable(&mut message)),
            1 => Value::Number(u64::from_le_bytes(take(&mut message, 8).try_into().expect("eight bytes"))),
            2 => {
                let length = variable(&mut message) as usize;
                Value::Part(take(&mut message, length))
            }
            _ => Value::Number(u32::from_le_bytes(take(&mut message, 4).try_into().expect("four bytes")).into()),
        };
        Some((tag >> 3, value))
    })
}

fn variable(message: &mut &[u8]) -> u64 {
    let mut number = 0;
    for shift in (0..).step_by(7) {
        let byte = take(message, 1)[0];
        number |= u64::from(byte & 0x7f) << shift;
        if byte < 0x80 {
            break;
        }
    }
    number
}

fn take<'a>(message: &mut &'a [u8], length: usize) -> &'a [u8] {
    let (taken, rest) = message.split_at(length);
    *message = rest;
    taken
}
