//! Where the tables go: the terminal, a file below `target/`, and the page about performance.

use std::path::Path;

use super::Result;
use super::process::output_dir;

/// The page that holds the recorded tables, each between two lines.
const PAGE: &str = "docs/performance.md";

/// The lines of [`PAGE`] between which tables are recorded.
pub struct Place {
    pub first_line: &'static str,
    pub last_line: &'static str,
}

/// Prints tables and writes them to a file of this name.
pub fn publish(tables: &str, file: &str) -> Result<()> {
    println!("{tables}");
    let path = output_dir().join(file);
    std::fs::write(&path, tables)?;
    eprintln!("written to {}", path.display());
    Ok(())
}

/// Replaces the tables at a place of the page.
pub fn record(tables: &str, place: &Place) -> Result<()> {
    let Place { first_line, last_line } = place;
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join(PAGE);
    let page = std::fs::read_to_string(&path)?;
    let (before, rest) = page.split_once(first_line).ok_or("the page has no place for the tables")?;
    let (_, after) = rest.split_once(last_line).ok_or("the place for the tables has no end")?;
    std::fs::write(path, format!("{before}{first_line}{tables}{last_line}{after}"))?;
    Ok(())
}
