//! Paths that a file names, resolved to paths from the root of the crate.

use super::tokens::{Token, end_of_item};

/// A path that a file names.
#[derive(Debug, PartialEq)]
pub struct Named {
    pub path: Vec<String>,
    /// Whether it is in a `pub use` of a module of the same folder: a folder's own file hands on what others see.
    pub is_of_facade: bool,
}

/// A name that a module takes from elsewhere, under which others may reach it: `pub use worker::Hub`.
#[derive(Debug, PartialEq)]
pub struct Declared {
    pub name: String,
    pub path: Vec<String>,
}

/// Every path that begins with `crate::`, `super::`, `self::` or a child module, also in groups of a `use`.
pub fn named(module: &[String], code: &[Token], children: &[&str]) -> Vec<Named> {
    let mut found = Vec::new();
    let mut at = 0;
    let mut inline = Inline::default();
    while at < code.len() {
        inline.note(code, at);
        let word = |offset: usize| code.get(at + offset).map_or("", |token| token.text.as_str());
        let is_start = word(1) == "::" && (at == 0 || !matches!(code[at - 1].text.as_str(), "::" | "."));
        let is_visibility = at >= 2 && code[at - 1].text == "in" && code[at - 2].text == "(";
        let is_known = matches!(word(0), "crate" | "super" | "self") || children.contains(&word(0));
        if is_start && is_known && !is_visibility {
            let is_child = children.contains(&word(0));
            let is_of_facade =
                is_child && at >= 2 && code[at - 1].text == "use" && matches!(code[at - 2].text.as_str(), "pub" | ")");
            let (trees, end) = use_trees(code, at);
            let within = inline.path(module);
            let paths = trees.into_iter().filter_map(|tree| resolve(&within, &tree.path));
            found.extend(paths.map(|path| Named { path, is_of_facade }));
            // The braces of a group are no blocks.
            at = end.max(at + 1);
        } else {
            at += 1;
        }
    }
    found
}

/// What the `use` declarations of a module bring in. Those of inline modules are left out.
pub fn declared(module: &[String], code: &[Token]) -> Vec<Declared> {
    let mut found = Vec::new();
    let (mut at, mut depth) = (0, 0);
    while at < code.len() {
        match code[at].text.as_str() {
            "{" => depth += 1,
            "}" => depth -= 1,
            "use" if depth == 0 => {
                let (trees, _) = use_trees(code, at + 1);
                for UseTree { path, name } in trees {
                    let resolved = match path.first().map(String::as_str) {
                        Some("crate" | "super" | "self") => resolve(module, &path),
                        // A child module, or another crate, which no module is called like.
                        _ => Some(module.iter().chain(&path).cloned().collect()),
                    };
                    found.extend(resolved.map(|path| Declared { name, path }));
                }
                at = end_of_item(code, at);
                continue;
            }
            _ => {}
        }
        at += 1;
    }
    found
}

/// One path of a `use`, and the name under which it is known.
struct UseTree {
    path: Vec<String>,
    name: String,
}

/// The paths that begin at `at`, and where they are over.
fn use_trees(code: &[Token], at: usize) -> (Vec<UseTree>, usize) {
    let mut path = Vec::new();
    let mut at = at;
    let word = |at: usize| code.get(at).map_or("", |token| token.text.as_str());
    loop {
        if word(at) == "{" {
            return group(code, at, &path);
        }
        path.push(word(at).to_owned());
        at += 1;
        if word(at) != "::" || !matches!(word(at + 1).chars().next(), Some('{' | '*' | '_' | 'a'..='z' | 'A'..='Z')) {
            break;
        }
        at += 1;
    }
    if path.last().is_some_and(|last| last == "*") {
        path.pop();
    }
    let mut name = path.last().cloned().unwrap_or_default();
    if word(at) == "as" {
        name = word(at + 1).to_owned();
        at += 2;
    }
    (vec![UseTree { path, name }], at)
}

/// The paths of the group that begins at `at`, below `above`.
fn group(code: &[Token], at: usize, above: &[String]) -> (Vec<UseTree>, usize) {
    let mut trees = Vec::new();
    let mut at = at + 1;
    while at < code.len() && code[at].text != "}" {
        if code[at].text == "," {
            at += 1;
            continue;
        }
        let (below, end) = use_trees(code, at);
        for UseTree { path, name } in below {
            let is_itself = path == ["self"];
            let rest = if is_itself { Vec::new() } else { path };
            let path: Vec<String> = above.iter().chain(&rest).cloned().collect();
            let name = if is_itself { above.last().cloned().unwrap_or_default() } else { name };
            trees.push(UseTree { path, name });
        }
        at = end;
    }
    (trees, at + 1)
}

/// A path from the root of the crate. `None` if it leaves the crate.
fn resolve(module: &[String], path: &[String]) -> Option<Vec<String>> {
    let mut resolved = module.to_vec();
    for (index, segment) in path.iter().enumerate() {
        match segment.as_str() {
            "crate" => resolved.clear(),
            "self" => {}
            "super" => {
                resolved.pop()?;
            }
            _ => {
                resolved.extend(path[index..].iter().cloned());
                break;
            }
        }
    }
    Some(resolved)
}

/// Inline modules that are open at a place of a file: `super` leads out of them first.
#[derive(Default)]
struct Inline {
    depth: usize,
    open: Vec<(String, usize)>,
}

impl Inline {
    fn note(&mut self, code: &[Token], at: usize) {
        match code[at].text.as_str() {
            "{" => {
                if at >= 2 && code[at - 2].text == "mod" {
                    self.open.push((code[at - 1].text.clone(), self.depth));
                }
                self.depth += 1;
            }
            "}" => {
                self.depth = self.depth.saturating_sub(1);
                self.open.retain(|(_, depth)| *depth < self.depth);
            }
            _ => {}
        }
    }

    fn path(&self, module: &[String]) -> Vec<String> {
        module.iter().chain(self.open.iter().map(|(name, _)| name)).cloned().collect()
    }
}
