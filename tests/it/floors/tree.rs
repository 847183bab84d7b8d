//! The files of `src` as modules, and what each of them names.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use super::imports::{Declared, Named, declared, named};
use super::tokens::{Token, tokens};

/// A file.
pub struct Source {
    pub lines: usize,
    pub code: Vec<Token>,
}

/// A file that names something of another file, both as module paths: `edge::socket::session`.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Import {
    pub from: String,
    pub to: String,
}

/// All files by their paths below `src`.
pub struct Tree {
    files: BTreeMap<String, Source>,
    /// The file of the crate's root.
    root: &'static str,
    modules: BTreeMap<Vec<String>, Vec<Declared>>,
}

impl Tree {
    pub fn new<'a>(files: impl IntoIterator<Item = (&'a str, &'a str)>) -> Self {
        let source = |text: &str| Source { lines: text.lines().count(), code: tokens(text) };
        let files: BTreeMap<_, _> = files.into_iter().map(|(path, text)| (path.to_owned(), source(text))).collect();
        let root = if files.contains_key("lib.rs") { "lib.rs" } else { "main.rs" };
        let modules = files.iter().map(|(path, source)| {
            let module = module_of(path, root);
            let declared = declared(&module, &source.code);
            (module, declared)
        });
        Self { modules: modules.collect(), root, files }
    }

    /// The files of this crate.
    pub fn of_src() -> Self {
        let mut files = Vec::new();
        read(&folder("src"), "", &mut files);
        Self::new(files.iter().map(|(path, text)| (path.as_str(), text.as_str())))
    }

    /// The files of a benchmark and those that it shares with the others.
    pub fn of_benchmark(name: &str) -> Self {
        let mut files = Vec::new();
        read(&folder("benches").join(name), "", &mut files);
        read(&folder("benches/common"), "common/", &mut files);
        Self::new(files.iter().map(|(path, text)| (path.as_str(), text.as_str())))
    }

    pub fn files(&self) -> impl Iterator<Item = (&str, &Source)> {
        self.files.iter().map(|(path, source)| (path.as_str(), source))
    }

    /// Every import between two files, each once, in order.
    pub fn imports(&self) -> Vec<Import> {
        let mut imports = Vec::new();
        for (path, source) in &self.files {
            let from = module_of(path, self.root);
            let children: Vec<&str> = self.modules.keys().filter_map(|module| child_of(module, &from)).collect();
            for Named { path, is_of_facade } in named(&from, &source.code, &children) {
                let Some(to) = self.file_of(&path) else { continue };
                // What a folder's own file hands on is no use of it.
                if to != from && !is_of_facade {
                    imports.push(Import { from: from.join("::"), to: to.join("::") });
                }
            }
        }
        imports.sort();
        imports.dedup();
        imports
    }

    /// The module whose file defines what a path names. An item that a module only hands on is followed, but not to
    /// another floor: what `service` hands on of `store` is named as a part of `service`.
    fn file_of(&self, path: &[String]) -> Option<Vec<String>> {
        let mut path = path.to_vec();
        // Two modules that hand the same on to each other do not compile.
        for _ in 0..8 {
            let length = (0..=path.len()).rev().find(|length| self.modules.contains_key(&path[..*length]))?;
            let module = path[..length].to_vec();
            let Some(item) = path.get(length) else { return Some(module) };
            let handed_on = self.modules[&module].iter().find(|declared| declared.name == *item);
            let Some(handed_on) = handed_on else { return Some(module) };
            if handed_on.path.first() != module.first() {
                return Some(module);
            }
            path = handed_on.path.iter().chain(&path[length + 1..]).cloned().collect();
        }
        None
    }
}

/// `edge/socket/mod.rs` is `edge::socket`; the root has no name.
fn module_of(path: &str, root: &str) -> Vec<String> {
    if path == root {
        return Vec::new();
    }
    let path = path.trim_end_matches(".rs");
    path.strip_suffix("/mod").unwrap_or(path).split('/').map(str::to_owned).collect()
}

fn child_of<'a>(module: &'a [String], parent: &[String]) -> Option<&'a str> {
    let (name, above) = module.split_last()?;
    (above == parent).then_some(name.as_str())
}

fn folder(name: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join(name)
}

/// Reads the files of a folder under their names behind `prefix`.
fn read(folder: &Path, prefix: &str, into: &mut Vec<(String, String)>) {
    for entry in std::fs::read_dir(folder).expect("the folder is readable") {
        let path = entry.expect("an entry").path();
        let name = format!("{prefix}{}", path.file_name().expect("a name").to_string_lossy());
        if path.is_dir() {
            read(&path, &format!("{name}/"), into);
        } else if name.ends_with(".rs") {
            into.push((name, std::fs::read_to_string(&path).expect("readable")));
        }
    }
}
