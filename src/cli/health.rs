//! `chinwag health`: asks the node on this machine whether it is ready.

use std::io::{Read, Write};
use std::net::{TcpStream, ToSocketAddrs};
use std::process::ExitCode;
use std::time::Duration;

use super::{EXIT_FAILURE, fail, print};
use crate::config::Config;

const HEALTH_TIMEOUT: Duration = Duration::from_secs(3);

/// Requests `/health/ready` from the node on this machine. Written by hand, because no other part of the binary needs
/// an HTTP client.
pub(super) fn run(config: &Config) -> ExitCode {
    let host = match config.server.host.as_str() {
        "0.0.0.0" => "127.0.0.1",
        "::" => "::1",
        host => host,
    };
    match ask((host, config.server.port)) {
        Ok(response) if is_ready(&response) => print("ready"),
        Ok(response) => fail(&response.lines().next().unwrap_or("the response is empty"), EXIT_FAILURE),
        Err(error) => fail(&error, EXIT_FAILURE),
    }
}

/// Asks the node at an address whether it is ready. Returns its response.
///
/// # Errors
/// It does not answer.
pub(super) fn ask(address: impl ToSocketAddrs) -> std::io::Result<String> {
    let mut stream = TcpStream::connect(address)?;
    stream.set_read_timeout(Some(HEALTH_TIMEOUT))?;
    stream.set_write_timeout(Some(HEALTH_TIMEOUT))?;
    stream.write_all(b"GET /health/ready HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n")?;
    let mut response = String::new();
    stream.take(1024).read_to_string(&mut response)?;
    Ok(response)
}

/// Whether a response says that a node is ready.
pub(super) fn is_ready(response: &str) -> bool {
    response.starts_with("HTTP/1.1 200 ")
}
