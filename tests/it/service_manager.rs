//! Notifications to the service manager (systemd) that starts a node: the test listens in its place.

use std::os::linux::net::SocketAddrExt;
use std::os::unix::net::{SocketAddr, UnixDatagram};
use std::time::{Duration, Instant};

use nix::sys::signal::Signal;
use nix::time::{ClockId, clock_gettime};

use crate::process::{Process, Starting, external};
use crate::support::{scratch, shared_redis, unique};

/// Longer than anything takes on a busy machine.
const PATIENCE: Duration = Duration::from_secs(60);
const WATCHDOG: Duration = Duration::from_secs(3);

struct Listener(UnixDatagram);

impl Listener {
    /// Starts to listen. Returns what a service manager puts into the environment of a process.
    fn start() -> (Self, [(&'static str, String); 2]) {
        let name = unique("chinwag-notify");
        let address = SocketAddr::from_abstract_name(&name).expect("an address");
        let socket = UnixDatagram::bind_addr(&address).expect("bound");
        socket.set_read_timeout(Some(PATIENCE)).expect("set");
        let watchdog = WATCHDOG.as_micros().to_string();
        (Self(socket), [("NOTIFY_SOCKET", format!("@{name}")), ("WATCHDOG_USEC", watchdog)])
    }

    /// Waits for the next thing that is said.
    fn next(&self) -> String {
        let mut state = [0; 256];
        let length = self.0.recv(&mut state).expect("the node says something");
        String::from_utf8(state[..length].to_vec()).expect("text")
    }

    /// The same, but for signs of life.
    fn next_news(&self) -> String {
        loop {
            let state = self.next();
            if state != "WATCHDOG=1" {
                return state;
            }
        }
    }
}

#[tokio::test]
async fn a_service_manager_hears_that_a_node_serves_lives_reloads_and_stops() {
    let (listener, variables) = Listener::start();
    let environment = [external(shared_redis()), variables.to_vec()].concat();
    let mut node = Process::start(&environment, &scratch());
    assert_eq!(listener.next(), "READY=1");
    let ready = reqwest::get(format!("{}/health/ready", node.base)).await.expect("answered");
    assert_eq!(ready.status(), 200);

    assert_eq!(listener.next(), "WATCHDOG=1");
    let heard = Instant::now();
    assert_eq!(listener.next(), "WATCHDOG=1");
    assert!(heard.elapsed() < WATCHDOG, "twice in its time");

    node.signal(Signal::SIGHUP);
    let reloading = listener.next_news();
    let usec = reloading.strip_prefix("RELOADING=1\nMONOTONIC_USEC=").unwrap_or_else(|| panic!("{reloading}"));
    let (said, now) = (usec.parse().expect("a number"), clock_gettime(ClockId::CLOCK_MONOTONIC).expect("a time"));
    assert!(Duration::from(now) - Duration::from_micros(said) < PATIENCE, "{reloading}");
    assert_eq!(listener.next_news(), "READY=1");
    node.says("SIGHUP: no setting").await;

    node.signal(Signal::SIGTERM);
    assert_eq!(listener.next_news(), "STOPPING=1");
    assert_eq!(node.wait(), Some(0));
}

/// Stopped, a process answers nobody, nor does it say that it lives.
#[tokio::test]
async fn a_service_manager_does_not_hear_of_a_node_that_hangs() {
    let (listener, variables) = Listener::start();
    let environment = [external(shared_redis()), variables.to_vec()].concat();
    let node = Process::start(&environment, &scratch());
    assert_eq!([listener.next(), listener.next()], ["READY=1", "WATCHDOG=1"]);
    node.signal(Signal::SIGSTOP);
    listener.0.set_read_timeout(Some(WATCHDOG)).expect("set");
    // What was on its way.
    while listener.0.recv(&mut [0; 256]).is_ok() {}
    node.signal(Signal::SIGCONT);
    listener.0.set_read_timeout(Some(PATIENCE)).expect("set");
    assert_eq!(listener.next(), "WATCHDOG=1");
}

#[tokio::test]
async fn a_node_does_not_serve_before_redis_does() {
    let (listener, variables) = Listener::start();
    // Nothing listens there.
    let environment = [external("redis://127.0.0.1:1"), variables.to_vec()].concat();
    let starting = Starting::here(&environment, &scratch());
    starting.says("waiting for Redis").await;
    listener.0.set_nonblocking(true).expect("set");
    listener.0.recv(&mut [0; 256]).expect_err("nothing is said");
}
