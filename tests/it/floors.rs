//! The floor rules of `src/lib.rs`: imports go down only.

use std::path::{Path, PathBuf};

/// Modules with a floor; the others (`app`, `config`, …) stand beside the house.
const FLOORS: [(&str, u8); 8] = [
    ("domain", 0),
    ("metrics", 0),
    ("store", 1),
    ("fanout", 2),
    ("service", 2),
    ("edge", 3),
    ("dialects", 4),
    ("site", 4),
];

fn floor(module: &str) -> Option<u8> {
    FLOORS.iter().find(|(name, _)| *name == module).map(|(_, floor)| *floor)
}

fn sources(folder: &Path, into: &mut Vec<PathBuf>) {
    for entry in std::fs::read_dir(folder).expect("src is readable") {
        let path = entry.expect("an entry").path();
        if path.is_dir() {
            sources(&path, into);
        } else if path.extension().is_some_and(|extension| extension == "rs") {
            into.push(path);
        }
    }
}

/// Every `crate::module` in a text, also in a grouped `use crate::{a, b}`.
fn imports(text: &str) -> Vec<String> {
    text.match_indices("crate::")
        .flat_map(|(at, found)| {
            let rest = &text[at + found.len()..];
            let group = rest.strip_prefix('{').and_then(|rest| rest.split('}').next()).unwrap_or(rest);
            let items: Vec<String> = match rest.starts_with('{') {
                true => group.split(',').map(|item| first_word(item.trim())).collect(),
                false => vec![first_word(rest)],
            };
            items
        })
        .collect()
}

fn first_word(text: &str) -> String {
    text.chars().take_while(|c| c.is_alphanumeric() || *c == '_').collect()
}

#[test]
fn imports_go_down_only() {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("src");
    let mut files = Vec::new();
    sources(&root, &mut files);
    let mut upward = Vec::new();
    let mut checked = 0;
    for file in files {
        let place = file.strip_prefix(&root).expect("under src").to_string_lossy().into_owned();
        let module = first_word(&place);
        let Some(own) = floor(&module) else { continue };
        for import in imports(&std::fs::read_to_string(&file).expect("readable")) {
            let Some(other) = floor(&import) else { continue };
            checked += 1;
            if import != module && other >= own {
                upward.push(format!("{place} imports {import}"));
            }
        }
    }
    assert!(checked > 30, "the test finds the imports: {checked}");
    assert!(upward.is_empty(), "{upward:#?}");
}

#[test]
fn dialects_know_neither_store_nor_each_other() {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("src/dialects");
    let mut files = Vec::new();
    sources(&root, &mut files);
    for file in files {
        let text = std::fs::read_to_string(&file).expect("readable").replace("crate::dialects::common", "");
        let place = file.display();
        for forbidden in ["crate::store", "crate::dialects", "fanout::worker", "redis::"] {
            assert!(!text.contains(forbidden), "{place} names {forbidden}");
        }
    }
}
