//! The lower limits to compare with: the append script alone, called by `redis-benchmark`, and an actix server that
//! returns a fixed body.

use std::ffi::OsStr;
use std::io::{BufRead, BufReader, Write};
use std::net::TcpStream;
use std::os::unix::ffi::OsStrExt;
use std::process::Command;
use std::time::{Duration, Instant};

use actix_web::{App, HttpResponse, HttpServer, web};

use crate::common::Result;
use crate::common::client::Connection;
use crate::common::machine::cpu_of;
use crate::common::process::Process;
use crate::rig::{CONNECTIONS, Rig};
use crate::round::Round;

const MONITOR_TIMEOUT: Duration = Duration::from_secs(5);
/// Calls before the measured ones, from whose rate the number of measured calls is derived.
const TRIAL_CALLS: u64 = 20_000;
/// As long as a response of `stats`.
const BODY: &str = r#"{"online_users_count":100,"total_messages_today":123456,"active_rooms":100}"#;

/// Serves the fixed body until it is killed.
pub fn serve(port: u16) -> Result<()> {
    let server = HttpServer::new(|| App::new().default_service(web::to(fixed))).workers(1).disable_signals();
    Ok(actix_web::rt::System::new().block_on(server.bind(("127.0.0.1", port))?.run())?)
}

async fn fixed() -> HttpResponse {
    HttpResponse::Ok().content_type("application/json").body(BODY)
}

/// The words of one `EVALSHA` that stores a message, captured from Redis: they are what the node sends, however the
/// script changes.
pub struct ScriptCall(Vec<Vec<u8>>);

impl ScriptCall {
    /// Watches Redis while the node handles `request`.
    pub async fn capture(rig: &Rig, connection: &mut Connection, request: &[u8]) -> Result<Self> {
        let mut stream = TcpStream::connect(("127.0.0.1", rig.redis.port))?;
        stream.set_read_timeout(Some(MONITOR_TIMEOUT))?;
        stream.write_all(b"MONITOR\r\n")?;
        let mut lines = BufReader::new(stream).lines();
        lines.next().ok_or("MONITOR is not acknowledged")??;
        connection.exchange(request).await?.expect(200)?;
        for line in lines {
            // 1700000000.000000 [0 127.0.0.1:5000] "EVALSHA" "…" …; for calls of a script the client is "lua".
            let line = line?;
            let (_, words) = line.split_once("] ").ok_or("an unexpected line of MONITOR")?;
            let words = unquote(words);
            if words.first().is_some_and(|word| word.eq_ignore_ascii_case(b"EVALSHA")) {
                return Ok(Self(words));
            }
        }
        Err("no script call was seen".into())
    }

    /// Calls it for `duration` over as many connections as the HTTP load has, `per_write` calls in one write.
    pub fn drive(&self, redis: &Process, per_write: u32, duration: Duration) -> Result<Round> {
        let trial = self.benchmark(redis, per_write, TRIAL_CALLS)?;
        let calls = (trial.rate * duration.as_secs_f64()) as u64;
        self.benchmark(redis, per_write, calls.max(TRIAL_CALLS))
    }

    fn benchmark(&self, redis: &Process, per_write: u32, calls: u64) -> Result<Round> {
        let mut command = Command::new("redis-benchmark");
        command.args(["-p", &redis.port.to_string(), "-c", &CONNECTIONS.to_string(), "-n", &calls.to_string()]);
        command
            .args(["-P", &per_write.to_string(), "--csv", "-e"])
            .args(self.0.iter().map(|word| OsStr::from_bytes(word)));
        let (started, before) = (Instant::now(), cpu_of(redis.pid())?);
        let output = command.output()?;
        let (elapsed, cpu) = (started.elapsed(), cpu_of(redis.pid())? - before);
        let text = String::from_utf8_lossy(&output.stdout);
        if !output.status.success() || text.contains("ERR") {
            return Err(format!("redis-benchmark: {text}{}", String::from_utf8_lossy(&output.stderr)).into());
        }
        // "…","rps","avg","min","p50","p95","p99","max"; the name may contain commas.
        let line = text.lines().last().ok_or("redis-benchmark printed nothing")?;
        let columns: Vec<&str> = line.rsplit(',').take(4).map(|column| column.trim_matches('"')).collect();
        let [_, p99_ms, _, p50_ms] = columns[..] else { return Err(format!("redis-benchmark printed {line}").into()) };
        Ok(Round {
            rate: calls as f64 / elapsed.as_secs_f64(),
            p50_ms: p50_ms.parse()?,
            p99_ms: p99_ms.parse()?,
            node_us: 0.0,
            redis_us: cpu.as_secs_f64() * 1e6 / calls as f64,
            others: None,
        })
    }
}

/// The words of a line of `MONITOR`: in double quotes, with backslash escapes.
fn unquote(line: &str) -> Vec<Vec<u8>> {
    let (mut words, mut word, mut bytes) = (Vec::new(), None::<Vec<u8>>, line.bytes());
    while let Some(byte) = bytes.next() {
        match (byte, &mut word) {
            (b'"', None) => word = Some(Vec::new()),
            (b'"', Some(_)) => words.extend(word.take()),
            (b'\\', Some(word)) => word.extend(unescape(&mut bytes)),
            (byte, Some(word)) => word.push(byte),
            (_, None) => {}
        }
    }
    words
}

fn unescape(bytes: &mut impl Iterator<Item = u8>) -> Option<u8> {
    Some(match bytes.next()? {
        b'n' => b'\n',
        b'r' => b'\r',
        b't' => b'\t',
        b'a' => 7,
        b'b' => 8,
        b'x' => {
            let mut digit = || char::from(bytes.next()?).to_digit(16);
            u8::try_from(digit()? * 16 + digit()?).ok()?
        }
        other => other,
    })
}
