//! Measures growth from outside: nodes and Redis masters, rooms and users, sockets on one node and in one room. Run by
//! `scripts/bench scale`; `docs/scaling.md` explains the tables. Timings are shown, never asserted.
//!
//! - [`extent`] how much is measured; [`topology`] nodes and masters; [`crowd`] many sockets on one node
//! - [`growth`] what an operation costs, of [`operation`]s at [`site`]s; [`idle`] sockets without messages, and their
//!   return; [`room`] one large room
//! - [`common`] what it shares with the other benchmarks

#[path = "../common/mod.rs"]
mod common;
mod crowd;
mod extent;
mod growth;
mod idle;
mod operation;
mod room;
mod site;
mod topology;

use common::machine::{description, redis_version};
use common::page::{Place, SCALING, publish, record};
use common::process::{Scratch, prepare_this_process};
use common::{Result, arguments, on_one_thread};
use extent::Extent;

const USAGE: &str = "usage: scripts/bench scale [growth | idle | room] [quick | record]   \
                     or: scripts/bench scale (idle | room) SOCKETS";

/// A part of the measurement, with a table or two of its own.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Part {
    Growth,
    Idle,
    Room,
}

impl Part {
    const ALL: [Self; 3] = [Self::Growth, Self::Idle, Self::Room];

    /// Its name on the command line.
    fn word(self) -> &'static str {
        match self {
            Self::Growth => "growth",
            Self::Idle => "idle",
            Self::Room => "room",
        }
    }

    fn place(self) -> Place {
        let (first_line, last_line) = match self {
            Self::Growth => ("<!-- scripts/bench scale growth record -->\n", "<!-- end growth -->\n"),
            Self::Idle => ("<!-- scripts/bench scale idle record -->\n", "<!-- end idle -->\n"),
            Self::Room => ("<!-- scripts/bench scale room record -->\n", "<!-- end room -->\n"),
        };
        Place { page: SCALING, first_line, last_line }
    }

    async fn measure(self, scratch: &Scratch, extent: &Extent) -> Result<String> {
        let dir = scratch.0.join(self.word());
        std::fs::create_dir_all(&dir)?;
        match self {
            Self::Growth => growth::measure(&dir, extent).await,
            Self::Idle => idle::measure(&dir, extent).await,
            Self::Room => room::measure(&dir, extent).await,
        }
    }
}

fn main() -> Result<()> {
    let arguments = arguments();
    let mut words: Vec<&str> = arguments.iter().map(String::as_str).collect();
    let named = words.first().and_then(|word| Part::ALL.into_iter().find(|part| part.word() == *word));
    let parts = match named {
        Some(part) => {
            words.remove(0);
            vec![part]
        }
        None => Part::ALL.to_vec(),
    };
    let has_sockets = parts == [Part::Idle] || parts == [Part::Room];
    match words.as_slice() {
        [] => run(&parts, &Extent::full(), false),
        ["quick"] => run(&parts, &Extent::quick(), false),
        ["record"] => run(&parts, &Extent::full(), true),
        [sockets] if has_sockets => {
            let sockets = sockets.parse().map_err(|_| USAGE)?;
            run(&parts, &Extent::full().with_sockets(sockets), false)
        }
        _ => Err(USAGE.into()),
    }
}

/// Measures the parts one after the other, and prints and maybe records their tables.
fn run(parts: &[Part], extent: &Extent, is_recorded: bool) -> Result<()> {
    prepare_this_process()?;
    let scratch = Scratch::make()?;
    for part in parts {
        let tables = on_one_thread(part.measure(&scratch, extent))?;
        let text = format!("{}\n\n{tables}", heading()?);
        publish(&text, &format!("scale-{}.md", part.word()))?;
        if is_recorded {
            record(&text, &part.place())?;
        }
    }
    Ok(())
}

fn heading() -> Result<String> {
    let date = jiff::Timestamp::now().strftime("%Y-%m-%d");
    let build = if cfg!(debug_assertions) { "DEBUG build" } else { "release build" };
    Ok(format!("{date} · {}, Redis {}, {build}", description()?, redis_version()?))
}
