//! Notifies the service manager that started this process (systemd), through the socket in `NOTIFY_SOCKET`:
//! that it serves, that it still answers, that it reads its settings again, and that it stops. See sd_notify(3).
//!
//! Written by hand: it is few lines, and the crates for it do not know the abstract addresses of containers.

use std::env;
use std::ffi::OsStr;
use std::os::linux::net::SocketAddrExt;
use std::os::unix::ffi::OsStrExt;
use std::os::unix::net::{SocketAddr, UnixDatagram};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};

use rustix::time::{ClockId, clock_gettime};
use tokio::time::MissedTickBehavior;
use tracing::warn;

use super::pulse::Pulse;

/// Environment variables of its address and watchdog interval, and of the process for which that interval is.
pub(super) const VARIABLES: [&str; 3] = ["NOTIFY_SOCKET", "WATCHDOG_USEC", "WATCHDOG_PID"];
/// After this time a node that Redis leaves alone is said to serve nevertheless: it answers what it can, and its health checks
/// say what is wrong.
const NOT_READY: Duration = Duration::from_secs(30);
const POLL: Duration = Duration::from_millis(50);

/// The service manager that expects notifications of this process.
pub struct ServiceManager {
    socket: UnixDatagram,
    address: SocketAddr,
    /// The process is killed when it sends no notification for this time.
    watchdog: Option<Duration>,
    is_ready: AtomicBool,
}

impl ServiceManager {
    /// Finds it in the environment. `None` when none is waiting.
    pub fn of_this_process() -> Option<Arc<Self>> {
        let address = env::var_os(VARIABLES[0])?;
        let watchdog = watchdog(|name| env::var(name).ok(), std::process::id());
        match Self::at(&address, watchdog) {
            Ok(manager) => Some(Arc::new(manager)),
            Err(error) => {
                warn!(%error, "cannot notify the service manager: NOTIFY_SOCKET is not an address");
                None
            }
        }
    }

    fn at(address: &OsStr, watchdog: Option<Duration>) -> std::io::Result<Self> {
        let address = match address.as_bytes().strip_prefix(b"@") {
            Some(name) => SocketAddr::from_abstract_name(name)?,
            None => SocketAddr::from_pathname(address)?,
        };
        let socket = UnixDatagram::unbound()?;
        socket.set_nonblocking(true)?;
        Ok(Self { socket, address, watchdog, is_ready: AtomicBool::new(false) })
    }

    fn say(&self, state: &str) {
        if let Err(error) = self.socket.send_to_addr(state.as_bytes(), &self.address) {
            warn!(%error, state, "could not notify the service manager");
        }
    }

    /// Says that the node serves once it is ready, and then, twice in the time of the watchdog, that its workers answer.
    pub(super) async fn report(self: Arc<Self>, pulse: Arc<Pulse>, is_ready: impl Fn() -> bool) {
        let started = Instant::now();
        while !((is_ready() || started.elapsed() > NOT_READY) && pulse.beats(POLL).await) {
            tokio::time::sleep(POLL).await;
        }
        self.say("READY=1");
        self.is_ready.store(true, Ordering::Release);
        let Some(watchdog) = self.watchdog else { return std::future::pending().await };
        let mut beats = tokio::time::interval(watchdog / 2);
        beats.set_missed_tick_behavior(MissedTickBehavior::Delay);
        loop {
            beats.tick().await;
            match pulse.beats(beats.period()).await {
                true => self.say("WATCHDOG=1"),
                false => warn!("a worker does not answer: the watchdog of the service manager ends a node like this"),
            }
        }
    }

    /// Says that the node reads its settings again, and when it has done so.
    pub fn during_reload(&self, reload: impl FnOnce()) {
        // A node that does not serve yet need only say that it will.
        let is_ready = self.is_ready.load(Ordering::Acquire);
        if is_ready {
            self.say(&format!("RELOADING=1\nMONOTONIC_USEC={}", monotonic_usec()));
        }
        reload();
        if is_ready {
            self.say("READY=1");
        }
    }

    /// Says that the node stops. It may take the whole time for that.
    pub(super) fn stopping(&self) {
        self.say("STOPPING=1");
    }
}

/// The time of the watchdog, if it is one for this process.
fn watchdog(variable: impl Fn(&str) -> Option<String>, pid: u32) -> Option<Duration> {
    let [_, usec, of] = VARIABLES;
    let usec = variable(usec)?.parse().ok().filter(|usec| *usec > 0)?;
    let is_ours = variable(of).is_none_or(|of| of == pid.to_string());
    is_ours.then(|| Duration::from_micros(usec))
}

fn monotonic_usec() -> i64 {
    let now = clock_gettime(ClockId::Monotonic);
    now.tv_sec * 1_000_000 + now.tv_nsec / 1000
}

#[cfg(test)]
mod tests {
    use super::*;

    fn watchdog_of(usec: Option<&str>, pid: Option<&str>) -> Option<Duration> {
        watchdog(|name| if name == VARIABLES[1] { usec } else { pid }.map(str::to_owned), 7)
    }

    #[test]
    fn a_watchdog_of_another_process_is_not_answered() {
        let second = Some(Duration::from_secs(1));
        assert_eq!(watchdog_of(Some("1000000"), None), second);
        assert_eq!(watchdog_of(Some("1000000"), Some("7")), second);
        assert_eq!(watchdog_of(Some("1000000"), Some("8")), None);
        for usec in [None, Some("0"), Some("-1"), Some("soon")] {
            assert_eq!(watchdog_of(usec, None), None, "{usec:?}");
        }
    }

    /// Notifies a service manager at this address. Returns what it received.
    fn heard(listener: &UnixDatagram, address: &str) -> String {
        ServiceManager::at(address.as_ref(), None).expect("an address").stopping();
        let mut state = [0; 64];
        let length = listener.recv(&mut state).expect("told");
        String::from_utf8_lossy(&state[..length]).into_owned()
    }

    #[test]
    fn addresses_are_paths_or_abstract() {
        let name = format!("chinwag-test-{:016x}", fastrand::u64(..));
        let address = SocketAddr::from_abstract_name(&name).expect("an address");
        let listener = UnixDatagram::bind_addr(&address).expect("bound");
        assert_eq!(heard(&listener, &format!("@{name}")), "STOPPING=1");

        let path = env::temp_dir().join(name);
        let listener = UnixDatagram::bind(&path).expect("bound");
        assert_eq!(heard(&listener, path.to_str().expect("text")), "STOPPING=1");
        std::fs::remove_file(path).expect("removed");
    }
}
