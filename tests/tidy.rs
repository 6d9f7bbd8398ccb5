//! Keeps the house tidy: what each source file says first, which layer knows which, and where
//! `unsafe` may stand.
//!
//! Not under Miri, which has no files.
#![cfg(not(miri))]

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::path::{Path, PathBuf};

fn root() -> &'static Path {
    Path::new(env!("CARGO_MANIFEST_DIR"))
}

/// The Rust files under a folder of the package, by path relative to the package.
fn sources(folder: &str) -> BTreeMap<String, String> {
    let mut files = BTreeMap::new();
    let mut folders = vec![root().join(folder)];
    while let Some(folder) = folders.pop() {
        let Ok(entries) = fs::read_dir(&folder) else { continue };
        for entry in entries {
            let path: PathBuf = entry.expect("a readable folder").path();
            if path.is_dir() && !path.ends_with("target") {
                folders.push(path);
            } else if path.extension().is_some_and(|extension| extension == "rs") {
                let name = path.strip_prefix(root()).expect("below").to_string_lossy().into_owned();
                files.insert(name, fs::read_to_string(&path).expect("text"));
            }
        }
    }
    files
}

/// A file's code without comments and without what strings say.
fn code(text: &str) -> String {
    let mut code = String::new();
    for line in text.lines() {
        let line = line.split("//").next().unwrap_or_default();
        for (n, part) in line.split('"').enumerate() {
            if n % 2 == 0 {
                code.push_str(part);
            }
        }
        code.push('\n');
    }
    code
}

fn words(code: &str) -> impl Iterator<Item = &str> {
    code.split(|c: char| !c.is_alphanumeric() && c != '_').filter(|word| !word.is_empty())
}

/// The modules that a file declares, each with whether its `mod` line allows unsafe code.
fn modules(text: &str) -> Vec<(String, bool)> {
    let mut declared = Vec::new();
    let mut attributes = String::new();
    let mut open = false;
    for line in text.lines() {
        let line = line.trim();
        if line.starts_with("#[") || open {
            attributes.push_str(line);
            open = !line.ends_with(']');
            continue;
        }
        let name = line.strip_suffix(';').and_then(|line| {
            let line = line.strip_prefix("pub ").unwrap_or(line);
            line.strip_prefix("mod ")
        });
        if let Some(name) = name {
            declared.push((name.to_string(), attributes.contains("allow(unsafe_code")));
        }
        if !line.starts_with("//") {
            attributes.clear();
        }
    }
    declared
}

/// The file of a module that `parent` declares.
fn file_of(parent: &str, module: &str) -> String {
    let folder = if parent == "src/lib.rs" {
        "src".to_string()
    } else {
        parent.strip_suffix(".rs").expect("a Rust file").to_string()
    };
    format!("{folder}/{module}.rs")
}

#[test]
fn every_file_opens_by_saying_what_it_is() {
    let mut count = 0;
    for folder in ["src", "tests", "examples", "benches", "fuzz"] {
        for (name, text) in sources(folder) {
            assert!(text.starts_with("//! "), "{name} does not open with `//!`");
            count += 1;
        }
    }
    assert!(count > 25, "{count} files are too few: the walk misses some");
}

#[test]
fn no_file_is_longer_than_600_lines() {
    for folder in ["src", "tests", "examples", "benches", "fuzz"] {
        for (name, text) in sources(folder) {
            let is_a_list = name == "src/compile_fail.rs";
            assert!(is_a_list || text.lines().count() <= 600, "{name} is too long to read");
        }
    }
}

#[test]
fn every_file_of_the_library_is_declared_once() {
    let files = sources("src");
    let mut declared = BTreeSet::from(["src/lib.rs".to_string()]);
    for (name, text) in &files {
        for (module, _) in modules(text) {
            assert!(declared.insert(file_of(name, &module)), "{module} is declared twice");
        }
    }
    let present: BTreeSet<String> = files.into_keys().collect();
    assert_eq!(declared, present);
}

/// The layers from below, and beside them what they may all use.
const LAYERS: [&str; 5] =
    ["table", "handle_hash_map", "counted_hash_map", "rc_hash_map", "interner"];

/// Public names of layers, which say as much as a path does.
const NAMES: [(&str, &[&str]); 4] = [
    ("handle_hash_map", &["HandleHashMap"]),
    ("counted_hash_map", &["CountedHashMap", "CountedHandle", "PutResult"]),
    ("rc_hash_map", &["RcHashMap", "WeakRef", "EntryMut", "RawRef"]),
    ("interner", &["Interner", "Interned", "WeakInterned"]),
];

fn layer_of(name: &str) -> Option<usize> {
    let module = name.strip_prefix("src/")?.split(['/', '.']).next()?;
    LAYERS.iter().position(|layer| *layer == module)
}

#[test]
fn layers_know_only_what_is_below_them() {
    let mut checked = 0;
    for (name, text) in sources("src") {
        let beside = name.starts_with("src/tokens") || name.starts_with("src/error");
        let Some(own) = layer_of(&name).or(beside.then_some(0)) else { continue };
        checked += 1;
        let code = code(&text);
        let used: BTreeSet<&str> = words(&code).collect();
        for above in &LAYERS[own + 1..] {
            assert!(!used.contains(above), "{name} knows {above}, which is above it");
            let names = NAMES.iter().filter(|(layer, _)| layer == above);
            for forbidden in names.flat_map(|(_, names)| *names) {
                assert!(!used.contains(forbidden), "{name} knows {forbidden}, which is above it");
            }
        }
        if beside {
            assert!(!used.contains("table"), "{name} knows the table");
        }
        if name.starts_with("src/table") {
            assert!(!used.contains("tokens"), "the table knows the tokens");
        }
    }
    assert!(checked >= 10, "{checked} files are too few");
}

#[test]
fn unsafe_stands_only_where_a_mod_line_allows_it() {
    let files = sources("src");
    let root_text = &files["src/lib.rs"];
    assert!(
        root_text.contains("#![deny(unsafe_code)]") || root_text.contains("forbid(unsafe_code")
    );
    // A module that may passes it on to what it declares, unless that forbids it.
    let mut allowed = BTreeSet::new();
    let mut queue = vec![("src/lib.rs".to_string(), false)];
    while let Some((file, may)) = queue.pop() {
        if may {
            allowed.insert(file.clone());
        }
        for (module, allows) in modules(&files[&file]) {
            let file = file_of(&file, &module);
            let forbids = files[&file].contains("#![forbid(unsafe_code)]");
            queue.push((file, (may || allows) && !forbids));
        }
    }
    assert!((1..=9).contains(&allowed.len()), "the inventory: {allowed:?}");
    for (name, text) in &files {
        let code = code(text);
        let uses = words(&code).any(|word| word == "unsafe");
        assert!(!uses || allowed.contains(name), "{name} holds unsafe code unannounced");
        if !allowed.contains(name) {
            let says = ["#![forbid(unsafe_code)]", "#![deny(unsafe_code)]"];
            assert!(says.iter().any(|says| text.contains(says)), "{name} does not rule unsafe out");
        }
    }
}

#[test]
fn the_top_layer_and_the_errors_forbid_unsafe() {
    let files = sources("src");
    for name in ["src/interner.rs", "src/error.rs"] {
        assert!(files[name].contains("#![forbid(unsafe_code)]"), "{name}");
    }
}

#[test]
fn every_exception_gives_its_reason() {
    let mut count = 0;
    for folder in ["src", "tests"] {
        for (name, text) in sources(folder) {
            let one_line: String = text.lines().map(str::trim).collect::<Vec<_>>().join(" ");
            for opening in ["#[allow(", "#![allow(", "#[expect("] {
                for attribute in one_line.split(opening).skip(1) {
                    let attribute = attribute.split(")]").next().unwrap_or_default();
                    if attribute.starts_with('"') || attribute.starts_with("unsafe_code\"") {
                        continue;
                    }
                    assert!(attribute.contains("reason ="), "{name}: {opening}{attribute}");
                    count += 1;
                }
            }
        }
    }
    assert!(count >= 5, "{count} exceptions are too few: the search misses some");
}

#[test]
fn every_unsafe_block_says_why_it_may() {
    for (name, text) in sources("src") {
        let lines: Vec<&str> = text.lines().collect();
        for (n, line) in lines.iter().enumerate() {
            let plain = code(line);
            let block = plain.contains("unsafe {") || plain.contains("unsafe impl");
            if !block {
                continue;
            }
            let near = lines[n.saturating_sub(6)..=n].iter();
            assert!(
                near.into_iter().any(|line| line.contains("SAFETY:")),
                "{name}:{}: no `SAFETY:` near",
                n + 1
            );
        }
    }
}

#[test]
fn no_test_is_ignored() {
    let needle = ["#[ign", "ore"].concat();
    for (name, text) in sources("tests").into_iter().chain(sources("src")) {
        assert!(!text.contains(&needle), "{name}");
    }
}

#[test]
fn every_invariant_is_cited_by_code_and_by_a_test() {
    let design = fs::read_to_string(root().join("design.md")).expect("text");
    let numbers: BTreeSet<String> = design
        .lines()
        .filter_map(|line| line.strip_prefix("| I")?.split(' ').next())
        .map(|number| format!("I{number}"))
        .filter(|name| name[1..].parse::<u32>().is_ok())
        .collect();
    assert!(numbers.len() >= 8, "{numbers:?}");
    for folder in ["src", "tests"] {
        let cited: BTreeSet<String> = sources(folder)
            .values()
            .flat_map(|text| text.split(|c: char| !c.is_alphanumeric()).map(str::to_owned))
            .collect();
        for number in &numbers {
            assert!(cited.contains(number), "{number} is not cited below {folder}/");
        }
    }
}
