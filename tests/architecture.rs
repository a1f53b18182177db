//! The floors of the house, held up by a test: `src/lib.rs` is the plan, and a module uses lower floors only.

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::path::Path;

/// Every source file of a crate by its path below `src/`, such as `yaml/node.rs`.
type Sources = BTreeMap<String, String>;

#[test]
fn a_module_uses_only_modules_of_lower_floors() {
    let sources = read_sources(Path::new(env!("CARGO_MANIFEST_DIR")).join("src").as_path());
    assert_eq!(violations(&sources).join("\n"), "");
}

#[test]
fn every_module_has_a_file_and_every_file_a_module() {
    let sources = read_sources(Path::new(env!("CARGO_MANIFEST_DIR")).join("src").as_path());
    let floors = floors(&sources["lib.rs"]);
    for module in floors.keys() {
        assert!(
            sources.contains_key(&format!("{module}.rs")),
            "src/lib.rs names `{module}`, src/{module}.rs is missing"
        );
    }
    for path in sources.keys().filter(|path| !matches!(path.as_str(), "lib.rs" | "main.rs")) {
        assert!(floors.contains_key(module_of(path)), "src/{path} belongs to no module of src/lib.rs");
    }
}

#[test]
fn each_breach_of_the_plan_is_seen() {
    let plan = "// Ground\npub mod text;\n\n// Floor 1\npub mod yaml;\npub mod git;\n\n// Roof\npub mod cli;\n";
    let breaches = [
        ("text.rs", "use crate::yaml::Node;", "text (Ground) uses `yaml` (Floor 1)"),
        ("yaml/node.rs", "fn at() -> crate::git::Oid {}", "yaml (Floor 1) uses `git` (Floor 1)"),
        ("yaml.rs", "use crate::cli::Args;", "yaml (Floor 1) uses `cli` (Roof)"),
        ("yaml.rs", "use crate::{text, git};", "`crate::{` hides what is used"),
        ("yaml.rs", "use super::*;", "a glob hides what is used"),
        ("yaml.rs", "use crate::text::*;", "a glob hides what is used"),
        ("yaml.rs", "fn say() { println!(\"x\"); }", "only cli prints, exits and reads the environment"),
        ("text/disk.rs", "fn stop() { std::process::exit(1); }", "only cli prints, exits and reads the environment"),
        ("text/disk.rs", "fn home() { std::env::var(\"HOME\"); }", "only cli prints, exits and reads the environment"),
    ];
    for (path, text, expected) in breaches {
        let sources = Sources::from([("lib.rs".to_owned(), plan.to_owned()), (path.to_owned(), text.to_owned())]);
        let found = violations(&sources);
        assert!(found.len() == 1 && found[0].contains(expected), "{path} with `{text}` gave {found:?}");
    }
}

#[test]
fn what_the_plan_allows_is_not_reported() {
    let plan = "// Ground\npub mod text;\n\n// Floor 1\npub mod yaml;\n\n// Roof\npub mod cli;\n";
    let allowed = [
        ("yaml.rs", "use crate::text::Span;\nuse crate::yaml::node::Node;"),
        ("yaml/node.rs", "// crate::cli is only spoken of here\nuse rayon::prelude::*;"),
        ("yaml/node.rs", "#[cfg(test)]\nmod tests {\n    use super::*;\n    fn say() { println!(); }\n}"),
        ("cli/validate.rs", "use crate::yaml::Node;\nfn say() { println!(); std::process::exit(2); }"),
    ];
    for (path, text) in allowed {
        let sources = Sources::from([("lib.rs".to_owned(), plan.to_owned()), (path.to_owned(), text.to_owned())]);
        assert_eq!(violations(&sources), Vec::<String>::new(), "{path} with `{text}`");
    }
}

#[test]
fn a_file_of_tests_may_print_but_stays_on_its_floor() {
    let sources = Sources::from(
        [
            ("lib.rs", "// Ground\npub mod text;\n\n// Roof\npub mod cli;\n"),
            ("text.rs", "#[cfg(test)]\nmod tests;\n"),
            ("text/tests.rs", "use super::*;\nfn skip() { println!(); }\nuse crate::cli::Args;"),
        ]
        .map(|(path, text)| (path.to_owned(), text.to_owned())),
    );
    assert_eq!(violations(&sources), ["src/text/tests.rs:3: text (Ground) uses `cli` (Roof)"]);
}

/// A floor: its height and its heading in `src/lib.rs`.
type Floor = (usize, String);

/// Returns the floor of each module that `lib` declares.
///
/// # Panics
/// When a module stands under no heading, or a heading is none of ours: then the plan itself is wrong.
fn floors(lib: &str) -> BTreeMap<String, Floor> {
    let mut height = 0;
    let mut heading = None;
    let mut floors = BTreeMap::new();
    for line in lib.lines() {
        if let Some(words) = line.strip_prefix("// ") {
            let name = words.split(':').next().unwrap_or(words);
            let known = name == "Ground" || name == "Roof" || name.starts_with("Floor ");
            assert!(known, "src/lib.rs: `// {words}` is no heading of a floor");
            heading = Some(name.to_owned());
            height += 1;
        } else if let Some(module) = line.strip_prefix("pub mod ").or_else(|| line.strip_prefix("mod ")) {
            let heading = heading.clone().unwrap_or_else(|| panic!("src/lib.rs: `{line}` stands on no floor"));
            floors.insert(module.trim_end_matches(';').to_owned(), (height, heading));
        }
    }
    floors
}

fn module_of(path: &str) -> &str {
    let first = path.split('/').next().unwrap_or(path);
    first.strip_suffix(".rs").unwrap_or(first)
}

/// Returns what breaks the plan, one sentence each, sorted by file.
fn violations(sources: &Sources) -> Vec<String> {
    let floors = floors(&sources["lib.rs"]);
    let test_files = test_files(sources);
    let mut found = Vec::new();
    for (path, text) in sources.iter().filter(|(path, _)| !matches!(path.as_str(), "lib.rs" | "main.rs")) {
        let module = module_of(path);
        let (height, heading) = &floors[module];
        let mut in_tests = test_files.contains(path);
        for (number, line) in text.lines().enumerate() {
            in_tests |= matches!(line.trim(), "#[cfg(test)]" | "#![cfg(test)]");
            let code = line.split("//").next().unwrap_or(line);
            let mut report = |what: &str| found.push(format!("src/{path}:{}: {what}", number + 1));
            for used in code.split("crate::").skip(1).map(identifier) {
                match floors.get(used) {
                    Some((other, its)) if used != module && other >= height => {
                        report(&format!("{module} ({heading}) uses `{used}` ({its})"));
                    }
                    _ => {}
                }
            }
            if in_tests {
                continue;
            }
            if code.contains("crate::{") {
                report("`crate::{` hides what is used");
            }
            if code.contains("::*") && !code.contains("prelude::*") {
                report("a glob hides what is used");
            }
            if module != "cli" && touches_the_world(code) {
                report("only cli prints, exits and reads the environment");
            }
        }
    }
    found
}

/// Returns the files that only tests are compiled from: those of a `mod name;` below `#[cfg(test)]`, other attributes
/// between them or not.
fn test_files(sources: &Sources) -> BTreeSet<String> {
    let mut files = BTreeSet::new();
    for (path, text) in sources {
        let lines: Vec<&str> = text.lines().map(str::trim).collect();
        for (at, _) in lines.iter().enumerate().filter(|(_, line)| **line == "#[cfg(test)]") {
            let item = lines[at..].iter().find(|line| !line.starts_with("#["));
            if let Some(name) = item.and_then(|item| item.strip_prefix("mod ")).and_then(|rest| rest.strip_suffix(';'))
            {
                files.insert(format!("{}/{name}.rs", path.trim_end_matches(".rs")));
            }
        }
    }
    files
}

fn identifier(text: &str) -> &str {
    let end = text.find(|c: char| !c.is_alphanumeric() && c != '_').unwrap_or(text.len());
    &text[..end]
}

fn touches_the_world(code: &str) -> bool {
    ["print!(", "println!(", "eprint!(", "eprintln!(", "dbg!(", "process::exit(", "env::var", "env::current_dir("]
        .iter()
        .any(|call| {
            code.match_indices(call).any(|(at, _)| !code[..at].ends_with(|c: char| c.is_alphanumeric() || c == '_'))
        })
}

fn read_sources(root: &Path) -> Sources {
    let mut sources = Sources::new();
    for entry in walkdir::WalkDir::new(root).sort_by_file_name() {
        let entry = entry.expect("src/ is readable");
        if entry.path().extension().is_none_or(|extension| extension != "rs") {
            continue;
        }
        let path = entry.path().strip_prefix(root).expect("below src/").to_string_lossy().replace('\\', "/");
        sources.insert(path, fs::read_to_string(entry.path()).expect("sources are UTF-8"));
    }
    sources
}
