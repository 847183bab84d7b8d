//! Ranges of time and their steps.

/// A range of time up to now.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Range {
    /// An hour in steps of a minute.
    Hour,
    /// Six hours in steps of five minutes.
    SixHours,
    /// A day in steps of ten minutes.
    Day,
}

impl Range {
    const ALL: [Self; 3] = [Self::Hour, Self::SixHours, Self::Day];

    /// Parses the name of a range.
    pub fn parse(text: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|range| range.name() == text)
    }

    /// `1h`, `6h` or `24h`.
    pub fn name(self) -> &'static str {
        match self {
            Self::Hour => "1h",
            Self::SixHours => "6h",
            Self::Day => "24h",
        }
    }

    /// The number of steps, and the minutes of each.
    pub(super) fn steps(self) -> (u64, u64) {
        match self {
            Self::Hour => (60, 1),
            Self::SixHours => (72, 5),
            Self::Day => (144, 10),
        }
    }

    /// The length of a step in seconds.
    pub fn step_secs(self) -> u64 {
        self.steps().1 * 60
    }

    /// The minute since 1970 at which the first step begins. The last step is still in progress.
    pub(super) fn first_minute(self, now_ms: u64) -> u64 {
        let (steps, minutes) = self.steps();
        ((now_ms / 60_000 / minutes + 1) * minutes).saturating_sub(steps * minutes)
    }
}
