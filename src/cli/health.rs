//! `chinwag health`: asks the node on this machine whether it is ready.

use std::io::{Read, Write};
use std::net::TcpStream;
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
    let response = TcpStream::connect((host, config.server.port)).and_then(|mut stream| {
        stream.set_read_timeout(Some(HEALTH_TIMEOUT))?;
        stream.set_write_timeout(Some(HEALTH_TIMEOUT))?;
        stream.write_all(b"GET /health/ready HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n")?;
        let mut response = String::new();
        stream.take(1024).read_to_string(&mut response)?;
        Ok(response)
    });
    match response {
        Ok(response) if response.starts_with("HTTP/1.1 200 ") => print("ready"),
        Ok(response) => fail(&response.lines().next().unwrap_or("the response is empty"), EXIT_FAILURE),
        Err(error) => fail(&error, EXIT_FAILURE),
    }
}
