//! The rules. Each returns what breaks it.

use std::collections::{BTreeMap, BTreeSet};

use super::tokens::{Token, end_of_item};
use super::tree::{Import, Tree};

/// Every module at the top of `src` and its floor. A module may import what is below its own floor.
const FLOORS: [(&str, u8); 16] = [
    ("config", 0),
    ("conformance", 0),
    ("domain", 0),
    ("metrics", 0),
    ("spans", 0),
    ("websocket", 0),
    ("outbound", 1),
    ("store", 1),
    ("fanout", 2),
    ("service", 2),
    ("edge", 3),
    ("dialects", 4),
    ("site", 4),
    ("node", 5),
    ("cli", 6),
    ("main", 7),
];

/// Lines of a file, and of a function from its head to its end.
pub const MAX_FILE: usize = 400;
pub const MAX_FUNCTION: usize = 60;

fn floor(module: &str) -> Option<u8> {
    FLOORS.iter().find(|(name, _)| *name == module).map(|(_, floor)| *floor)
}

fn top(module: &str) -> &str {
    module.split("::").next().unwrap_or_default()
}

/// Modules without a floor. `lib.rs` is the map of the modules and has none.
pub fn unknown_modules(tree: &Tree) -> Vec<String> {
    let tops: BTreeSet<&str> =
        tree.files().map(|(path, _)| path.split('/').next().unwrap_or_default().trim_end_matches(".rs")).collect();
    tops.into_iter().filter(|name| *name != "lib" && floor(name).is_none()).map(str::to_owned).collect()
}

/// Imports from a module on the same floor or above.
pub fn upward_imports(tree: &Tree) -> Vec<String> {
    let mut upward = Vec::new();
    for import in tree.imports() {
        let (from, to) = (top(&import.from), top(&import.to));
        let (Some(own), Some(other)) = (floor(from), floor(to)) else { continue };
        if from != to && other >= own {
            upward.push(format!("{} imports {}", import.from, import.to));
        }
    }
    upward
}

/// Files that import each other, directly or through others.
#[derive(Debug, PartialEq, Eq)]
pub struct Circle {
    pub modules: Vec<String>,
    /// The imports that make it.
    pub imports: Vec<Import>,
}

/// Every circle. What a folder's own file defines is common ground of the files below it: imports between the two count
/// in neither direction.
pub fn circles(tree: &Tree) -> Vec<Circle> {
    let is_below = |module: &str, folder: &str| {
        folder.is_empty() || module.strip_prefix(folder).is_some_and(|rest| rest.starts_with("::"))
    };
    let mut edges = tree.imports();
    edges.retain(|Import { from, to }| !is_below(from, to) && !is_below(to, from));
    let reach: BTreeMap<&str, BTreeSet<&str>> =
        edges.iter().map(|edge| (edge.from.as_str(), reachable(&edge.from, &edges))).collect();
    let reaches = |from: &str, to: &str| reach.get(from).is_some_and(|reached| reached.contains(to));
    let mut circles: Vec<Circle> = Vec::new();
    for module in reach.keys().copied().filter(|module| reaches(module, module)) {
        if circles.iter().any(|circle| circle.modules.iter().any(|other| other == module)) {
            continue;
        }
        let modules: Vec<&str> = reach[module].iter().copied().filter(|other| reaches(other, module)).collect();
        let is_inside = |edge: &&Import| modules.contains(&edge.from.as_str()) && modules.contains(&edge.to.as_str());
        let imports = edges.iter().filter(is_inside).cloned().collect();
        circles.push(Circle { modules: modules.into_iter().map(str::to_owned).collect(), imports });
    }
    circles
}

fn reachable<'a>(from: &'a str, edges: &'a [Import]) -> BTreeSet<&'a str> {
    let mut found = BTreeSet::new();
    let mut open = vec![from];
    while let Some(module) = open.pop() {
        let next = edges.iter().filter(|edge| edge.from == module).map(|edge| edge.to.as_str());
        open.extend(next.filter(|to| found.insert(*to)));
    }
    found
}

/// Files that are too long, with their lines.
pub fn large_files(tree: &Tree) -> Vec<(String, usize)> {
    let files = tree.files().map(|(path, source)| (path.to_owned(), source.lines));
    files.filter(|(_, lines)| *lines > MAX_FILE).collect()
}

/// Functions that are too long, as `path::name`, with their lines.
pub fn long_functions(tree: &Tree) -> Vec<(String, usize)> {
    let functions = tree.files().flat_map(|(path, source)| {
        functions(&source.code).map(move |(name, lines)| (format!("{path}::{name}"), lines))
    });
    functions.filter(|(_, lines)| *lines > MAX_FUNCTION).collect()
}

/// The medians of lines of files and of functions.
pub fn medians(tree: &Tree) -> (usize, usize) {
    let files = tree.files().map(|(_, source)| source.lines).collect();
    let functions = tree.files().flat_map(|(_, source)| functions(&source.code).map(|(_, lines)| lines)).collect();
    (median(files), median(functions))
}

fn median(mut values: Vec<usize>) -> usize {
    values.sort_unstable();
    values.get(values.len() / 2).copied().unwrap_or_default()
}

/// Name and lines of every function with a body.
fn functions(code: &[Token]) -> impl Iterator<Item = (&str, usize)> {
    code.windows(2).enumerate().filter(|(_, pair)| pair[0].text == "fn").filter_map(|(at, pair)| {
        let last = code.get(end_of_item(code, at) - 1)?;
        let is_named = pair[1].text.starts_with(|c: char| c.is_alphabetic() || c == '_');
        (is_named && last.text == "}").then_some((pair[1].text.as_str(), last.line - pair[0].line + 1))
    })
}
