//! What the kernel counts: CPU time and memory of processes, and what else the cores did meanwhile.

use std::process::Command;
use std::time::Duration;

use super::Result;

/// Servers and Redis run on one core, the load on another, as far as there are two.
pub const SERVER_CORE: usize = 0;
pub const LOAD_CORE: usize = 1;

/// What `/proc` counts in; fixed on Linux, whatever the kernel's own clock.
const TICKS_PER_SEC: f64 = 100.0;

/// CPU time of a process, to the nanosecond; that of its ended threads is in it.
pub fn cpu_of(pid: u32) -> Result<Duration> {
    let clock = nix::time::clock_getcpuclockid(nix::unistd::Pid::from_raw(i32::try_from(pid)?))?;
    Ok(clock.now()?.into())
}

/// Resident memory of a process, KB.
pub fn memory_kb_of(pid: u32) -> Result<u64> {
    let status = std::fs::read_to_string(format!("/proc/{pid}/status"))?;
    let line = status.lines().find_map(|line| line.strip_prefix("VmRSS:")).ok_or("no VmRSS")?;
    Ok(line.trim().trim_end_matches(" kB").parse()?)
}

/// Bytes that a process has had written to disks.
pub fn disk_bytes_of(pid: u32) -> Result<u64> {
    let io = std::fs::read_to_string(format!("/proc/{pid}/io"))?;
    let line = io.lines().find_map(|line| line.strip_prefix("write_bytes:")).ok_or("no write_bytes")?;
    Ok(line.trim().parse()?)
}

/// Time that all cores together spent on anything at all, the hypervisor's theft included.
pub fn busy() -> Result<Duration> {
    let text = std::fs::read_to_string("/proc/stat")?;
    let line = text.lines().next().ok_or("/proc/stat is empty")?;
    // user nice system idle iowait irq softirq steal
    let ticks = line.split_whitespace().skip(1).map(str::parse).collect::<std::result::Result<Vec<u64>, _>>()?;
    let busy: u64 = ticks.iter().take(8).enumerate().filter(|(i, _)| !matches!(i, 3 | 4)).map(|(_, t)| t).sum();
    Ok(Duration::from_secs_f64(busy as f64 / TICKS_PER_SEC))
}

/// Cores of the machine, whatever this process is pinned to.
pub fn cores() -> Result<usize> {
    let text = std::fs::read_to_string("/proc/stat")?;
    Ok(text.lines().filter(|line| line.starts_with("cpu")).count() - 1)
}

/// One line for the report: cores and system.
pub fn description() -> Result<String> {
    let release = std::fs::read_to_string("/etc/os-release")?;
    let system = release.lines().find_map(|line| line.strip_prefix("PRETTY_NAME=")).unwrap_or("Linux");
    let cpu = std::fs::read_to_string("/proc/cpuinfo")?;
    let model = cpu.lines().find_map(|line| line.strip_prefix("model name")?.split_once(':')).map_or("", |(_, m)| m);
    Ok(format!("{} cores ({}), {}", cores()?, model.trim(), system.trim_matches('"')))
}

/// The version of the installed Redis.
pub fn redis_version() -> Result<String> {
    let output = Command::new("redis-server").arg("--version").output()?;
    let text = String::from_utf8(output.stdout)?;
    let version = text.split_whitespace().find_map(|word| word.strip_prefix("v="));
    Ok(version.ok_or("Redis does not tell its version")?.to_owned())
}
