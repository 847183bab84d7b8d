//! Where the tables go: the terminal, a file below `target/`, and a page of the documentation.

use std::path::Path;

use super::Result;
use super::process::output_dir;

pub const PERFORMANCE: &str = "docs/performance.md";
pub const SCALING: &str = "docs/scaling.md";

/// The lines of a page between which tables are recorded.
pub struct Place {
    pub page: &'static str,
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
    let Place { page, first_line, last_line } = place;
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join(page);
    let page = std::fs::read_to_string(&path)?;
    let (before, rest) = page.split_once(first_line).ok_or("the page has no place for the tables")?;
    let (_, after) = rest.split_once(last_line).ok_or("the place for the tables has no end")?;
    std::fs::write(path, format!("{before}{first_line}{tables}{last_line}{after}"))?;
    Ok(())
}
