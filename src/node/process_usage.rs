//! Memory and processor time of the process, as Linux reports them.

use std::time::Instant;

use crate::metrics::{Gauge, Metrics};

/// Computes the processor load between two readings.
#[derive(Default)]
pub(super) struct ProcessUsage {
    last: Option<(Instant, u64)>,
}

impl ProcessUsage {
    /// Updates the gauges of memory and processor time. Returns the processor load since the last call, in hundredths
    /// of a percent of a core.
    pub(super) fn update(&mut self, metrics: &Metrics) -> u64 {
        let Some((cpu_micros, memory_bytes)) = read_usage() else { return 0 };
        metrics.set(Gauge::Memory, memory_bytes);
        metrics.set(Gauge::Cpu, cpu_micros);
        let now = Instant::now();
        let last = self.last.replace((now, cpu_micros));
        let Some((at, before)) = last else { return 0 };
        let elapsed_micros = u64::try_from((now - at).as_micros()).unwrap_or(u64::MAX).max(1);
        cpu_micros.saturating_sub(before) * 10_000 / elapsed_micros
    }
}

/// Reads processor time in microseconds and resident memory in bytes (proc(5), `/proc/pid/stat`).
fn read_usage() -> Option<(u64, u64)> {
    let stat = std::fs::read_to_string("/proc/self/stat").ok()?;
    // The process name in parentheses may contain any character. Field 3 follows it.
    let fields: Vec<&str> = stat.rsplit_once(')')?.1.split_whitespace().collect();
    let field = |number: usize| fields.get(number - 3).and_then(|text| text.parse::<u64>().ok());
    let constant = |name| nix::unistd::sysconf(name).ok().flatten().and_then(|value| u64::try_from(value).ok());
    let ticks_per_sec = constant(nix::unistd::SysconfVar::CLK_TCK)?;
    let page_bytes = constant(nix::unistd::SysconfVar::PAGE_SIZE)?;
    Some(((field(14)? + field(15)?) * 1_000_000 / ticks_per_sec.max(1), field(24)? * page_bytes))
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;

    #[test]
    fn memory_and_processor_time_are_measured() {
        let (_, memory_bytes) = read_usage().expect("Linux reports both");
        assert!((1 << 20..1 << 40).contains(&memory_bytes), "{memory_bytes}");
        let metrics = Metrics::new(&[], &[]);
        let mut usage = ProcessUsage::default();
        assert_eq!(usage.update(&metrics), 0);
        let started = Instant::now();
        while started.elapsed() < Duration::from_millis(100) {
            std::hint::spin_loop();
        }
        assert!(usage.update(&metrics) > 1000);
    }
}
