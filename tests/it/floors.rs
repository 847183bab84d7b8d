//! The rules of the code in `src`: imports go down only, no folder has cyclic imports, files and functions stay
//! small. Each rule is a pure function over the [`Tree`] of files, so that the tests at the end can show what it finds.

mod imports;
mod rules;
mod tokens;
mod tree;

use self::rules::{Circle, circles, large_files, long_functions, medians, unknown_modules, upward_imports};
use self::tree::Tree;

/// Circles that are to be opened. This list only shrinks: an entry without a circle fails the test.
const KNOWN_CIRCLES: [&[&str]; 0] = [];

/// Files of more than 400 lines, each with its reason.
const LARGE_FILES: [(&str, &str); 1] = [("store/redis/keys.rs", "the table of all keys")];

/// Functions of more than 60 lines, each with its reason.
const LONG_FUNCTIONS: [(&str, &str); 0] = [];

#[test]
fn every_module_has_a_floor() {
    assert_eq!(unknown_modules(&Tree::of_src()), Vec::<String>::new());
}

#[test]
fn imports_go_down_only() {
    let tree = Tree::of_src();
    let imports = tree.imports();
    assert!(imports.len() > 300, "the test finds the imports: {}", imports.len());
    assert_eq!(upward_imports(&tree), Vec::<String>::new());
}

#[test]
fn dialects_know_neither_store_nor_each_other() {
    let mut found = Vec::new();
    let tree = Tree::of_src();
    for import in tree.imports().iter().filter(|import| import.from.starts_with("dialects::")) {
        let own = import.from.splitn(3, "::").take(2).collect::<Vec<_>>().join("::");
        let is_foreign = import.to.starts_with("dialects::")
            && !import.to.starts_with("dialects::common")
            && !import.to.starts_with(&own);
        if is_foreign || import.to.starts_with("store") || import.to.starts_with("fanout::worker") {
            found.push(format!("{} imports {}", import.from, import.to));
        }
    }
    for (path, source) in tree.files().filter(|(path, _)| path.starts_with("dialects/")) {
        if source.code.windows(2).any(|pair| pair[0].text == "redis" && pair[1].text == "::") {
            found.push(format!("{path} names redis"));
        }
    }
    assert_eq!(found, Vec::<String>::new());
}

#[test]
fn no_folder_has_a_circle_of_imports() {
    let found = circles(&Tree::of_src());
    let is_part =
        |circle: &Circle, known: &[&str]| circle.modules.iter().all(|module| known.contains(&module.as_str()));
    let is_new = |circle: &&Circle| !KNOWN_CIRCLES.iter().any(|known| is_part(circle, known));
    let new: Vec<&Circle> = found.iter().filter(is_new).collect();
    assert!(new.is_empty(), "{new:#?}");
    for known in KNOWN_CIRCLES {
        let is_there = found.iter().any(|circle| is_part(circle, known));
        assert!(is_there, "{known:?} has no circle any more: remove it from KNOWN_CIRCLES");
    }
}

#[test]
fn benchmarks_have_no_circle_of_imports() {
    for name in ["http", "ws"] {
        let tree = Tree::of_benchmark(name);
        assert!(tree.imports().len() > 30, "the test finds the imports of {name}");
        assert_eq!(circles(&tree), [], "{name}");
    }
}

#[test]
fn files_and_functions_are_small() {
    let tree = Tree::of_src();
    assert_eq!(names(large_files(&tree)), LARGE_FILES.map(|(path, _)| path));
    assert_eq!(names(long_functions(&tree)), LONG_FUNCTIONS.map(|(name, _)| name));
    let (file, function) = medians(&tree);
    println!("median of files {file} lines, of functions {function} lines");
    assert!((60..=220).contains(&file), "median of files: {file} lines");
    assert!(function <= 10, "median of functions: {function} lines");
}

fn names(found: Vec<(String, usize)>) -> Vec<String> {
    found.into_iter().map(|(name, _)| name).collect()
}

// The rules find what is planted.

const HOUSE: [(&str, &str); 6] = [
    ("lib.rs", "pub mod domain; pub mod store; pub mod edge;"),
    ("domain/mod.rs", "pub struct Id; pub struct Error;"),
    ("store/mod.rs", "mod rooms; mod stored; pub use rooms::Rooms; use crate::domain::Error;"),
    ("store/rooms.rs", "use super::stored::Entry; use crate::domain::{Error, Id}; pub struct Rooms(Entry);"),
    ("store/stored.rs", "use super::Error; pub struct Entry;"),
    ("edge/mod.rs", "fn serve(rooms: crate::store::Rooms) {}"),
];

/// The house with more code at the end of a file, or with one more file.
fn house_with(path: &str, code: &str) -> Tree {
    let mut files = std::collections::BTreeMap::from(HOUSE.map(|(path, text)| (path, text.to_owned())));
    files.entry(path).or_default().push_str(&format!("\n{code}"));
    Tree::new(files.iter().map(|(path, text)| (*path, text.as_str())))
}

fn modules_of_circles(tree: &Tree) -> Vec<Vec<String>> {
    circles(tree).into_iter().map(|circle| circle.modules).collect()
}

#[test]
fn a_sound_house_breaks_no_rule() {
    let tree = Tree::new(HOUSE);
    let expected = [
        ("edge", "store::rooms"),
        ("store", "domain"),
        ("store::rooms", "domain"),
        ("store::rooms", "store::stored"),
        ("store::stored", "store"),
    ];
    let imports: Vec<_> = tree.imports().into_iter().map(|import| (import.from, import.to)).collect();
    assert_eq!(imports, expected.map(|(from, to)| (from.to_owned(), to.to_owned())));
    assert_eq!((upward_imports(&tree), circles(&tree), unknown_modules(&tree)), (vec![], vec![], vec![]));
}

#[test]
fn a_planted_upward_import_is_found() {
    for code in [
        "use crate::edge;",
        "use crate::{domain::Id, edge::{self}};",
        "fn f() -> crate::edge::Context { todo!() }",
        "use super::super::edge::*;",
        "mod inner { use super::super::super::edge::Context; }",
    ] {
        assert_eq!(upward_imports(&house_with("store/rooms.rs", code)), ["store::rooms imports edge"], "{code}");
    }
    let beside = house_with("dialects/webchat/mod.rs", "use crate::site::Page;");
    assert_eq!(upward_imports(&beside), Vec::<String>::new(), "there is no such module");
    for code in
        ["// crate::edge", "/// [`crate::edge`]", r#"const A: &str = "crate::edge";"#, "pub(in crate::edge) fn f() {}"]
    {
        assert_eq!(upward_imports(&house_with("store/rooms.rs", code)), Vec::<String>::new(), "{code}");
    }
    let of_tests = "#[cfg(test)] mod tests { use crate::edge; }";
    assert_eq!(upward_imports(&house_with("store/rooms.rs", of_tests)), Vec::<String>::new());
}

#[test]
fn a_planted_circle_is_found() {
    let both = [["store::rooms", "store::stored"]];
    // Directly, by the whole path, by what the folder's own file hands on, and in the middle of an expression.
    for code in [
        "use super::rooms::Rooms;",
        "use crate::store::rooms;",
        "use super::Rooms;",
        "fn f() { let rooms = super::rooms::Rooms::new('\"', b'\\'', '\u{1f600}'); }",
    ] {
        assert_eq!(modules_of_circles(&house_with("store/stored.rs", code)), both, "{code}");
    }
    // Over other files, one of them in a folder.
    let mut files: Vec<(&str, &str)> = HOUSE.to_vec();
    files[4].1 = "use super::keys::Keys;";
    files.push(("store/keys.rs", "use super::redis::scripts::Script;"));
    files.push(("store/redis/scripts.rs", "use super::super::rooms::Rooms;"));
    let all = [["store::keys", "store::redis::scripts", "store::rooms", "store::stored"]];
    assert_eq!(modules_of_circles(&Tree::new(files)), all);
}

#[test]
fn planted_modules_files_and_functions_are_found() {
    assert_eq!(unknown_modules(&house_with("helpers/mod.rs", "")), ["helpers"]);
    assert_eq!(unknown_modules(&house_with("helpers.rs", "")), ["helpers"]);
    let long = format!("fn short() {{}}\nfn long(\n    a: [u8; 3],\n) {{\n{}}}\n", "    f();\n".repeat(60));
    assert_eq!(long_functions(&house_with("store/rooms.rs", &long)), [("store/rooms.rs::long".to_owned(), 64)]);
    let large = "// a line\n".repeat(401);
    assert_eq!(large_files(&house_with("edge/large.rs", &large)), [("edge/large.rs".to_owned(), 402)]);
}
