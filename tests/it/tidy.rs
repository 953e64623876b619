//! House rules that no compiler checks: each complaint names file, line, rule and remedy.

use std::collections::BTreeSet;
use std::fmt::Write as _;
use std::path::{Path, PathBuf};

/// The layers, top first: a module may use those above it, never those below (`lib.rs` has the same
/// order, which is checked).
const LAYERS: &[&str] = &[
    "model",
    "bounded",
    "trie",
    "wire",
    "flow",
    "import",
    "intel",
    "geo",
    "analytics",
    "threat",
    "clock",
    "store",
    "export",
    "engine",
    "cli",
];

/// Words the glossary asks us not to use in names and texts, and what to say.
const WORDS: &[(&str, &str)] = &[
    ("cidr block", "prefix"),
    ("netblock", "prefix"),
    ("blacklist", "list or blocklist"),
    ("whitelist", "warninglist"),
    ("threat score", "score"),
    ("finding", "evidence or detection"),
    ("ingest", "import"),
];

const FRAGMENT_KINDS: &[&str] = &["feature", "fix", "change", "data", "security"];

struct Source {
    path: PathBuf,
    text: String,
}

impl Source {
    fn shown(&self) -> String {
        let root = Path::new(env!("CARGO_MANIFEST_DIR"));
        self.path.strip_prefix(root).unwrap_or(&self.path).display().to_string()
    }

    /// The layer of a file under `src/`, `None` for lib.rs and main.rs.
    fn layer(&self) -> Option<String> {
        let shown = self.shown();
        let below = shown.strip_prefix("src/")?;
        let first = below.split('/').next()?;
        (first != "lib.rs" && first != "main.rs").then(|| first.trim_end_matches(".rs").to_owned())
    }

    fn lines(&self) -> impl Iterator<Item = (usize, &str)> {
        self.text.lines().enumerate().map(|(at, line)| (at + 1, line))
    }

    /// Lines that are code: no comments, and nothing from the unit tests on.
    fn code(&self) -> impl Iterator<Item = (usize, &str)> {
        let tests = self.text.lines().position(|line| line.trim() == "#[cfg(test)]");
        self.lines()
            .take(tests.unwrap_or(usize::MAX))
            .filter(|(_, line)| !line.trim_start().starts_with("//"))
    }
}

#[derive(Default)]
struct Complaints(String);

impl Complaints {
    fn add(&mut self, source: &Source, line: usize, rule: &str) {
        writeln!(self.0, "{}:{line}: {rule}", source.shown()).unwrap();
    }

    fn end(self) {
        assert!(self.0.is_empty(), "\n{}", self.0);
    }
}

fn files(folder: &str, ending: &str) -> Vec<Source> {
    let mut found = Vec::new();
    let mut folders = vec![Path::new(env!("CARGO_MANIFEST_DIR")).join(folder)];
    while let Some(folder) = folders.pop() {
        let Ok(entries) = std::fs::read_dir(&folder) else { continue };
        for entry in entries {
            let path = entry.unwrap().path();
            if path.is_dir() {
                if path.file_name().is_some_and(|name| name != "target") {
                    folders.push(path);
                }
            } else if path.to_string_lossy().ends_with(ending)
                && let Ok(text) = std::fs::read_to_string(&path)
            {
                found.push(Source { path, text });
            }
        }
    }
    found.sort_by(|a, b| a.path.cmp(&b.path));
    found
}

#[test]
fn imports_point_one_way() {
    let mut complaints = Complaints::default();
    let depth = |layer: &str| LAYERS.iter().position(|known| *known == layer);
    for source in files("src", ".rs") {
        let Some(layer) = source.layer() else { continue };
        let own = depth(&layer).unwrap_or_else(|| panic!("src/{layer}: name its place in LAYERS"));
        for (line, text) in source.code() {
            for (at, _) in text.match_indices("crate::") {
                let rest = &text[at + "crate::".len()..];
                let end =
                    rest.find(|c: char| !c.is_alphanumeric() && c != '_').unwrap_or(rest.len());
                let used = &rest[..end];
                if depth(used).is_some_and(|used| used > own) {
                    let rule = format!(
                        "{layer} may not use {used}, which stands below it: pass the value in, or \
                         move the code to {used}"
                    );
                    complaints.add(&source, line, &rule);
                }
                let forbidden = ["trie", "wire", "flow", "store"].contains(&used);
                if layer == "cli" && forbidden {
                    complaints.add(
                        &source,
                        line,
                        "cli asks the engine, it does not use this layer",
                    );
                }
            }
        }
    }
    let lib = std::fs::read_to_string(Path::new(env!("CARGO_MANIFEST_DIR")).join("src/lib.rs"));
    let lib = lib.unwrap();
    let order: Vec<usize> = lib
        .lines()
        .filter_map(|line| line.strip_prefix("pub mod ")?.strip_suffix(';'))
        .map(|layer| depth(layer).unwrap_or_else(|| panic!("{layer} is not in LAYERS")))
        .collect();
    assert!(order.is_sorted(), "lib.rs lists the layers in another order than LAYERS");
    complaints.end();
}

#[test]
fn the_core_neither_opens_files_nor_sockets() {
    let mut complaints = Complaints::default();
    let shell = depth_of("clock");
    for source in files("src", ".rs") {
        let Some(layer) = source.layer() else { continue };
        for (line, text) in source.code() {
            let socket =
                ["TcpStream", "TcpListener", "UdpSocket", "UnixStream", "std::os::unix::net"];
            if socket.iter().any(|word| text.contains(word)) {
                complaints.add(&source, line, "no sockets: nothing here needs the network");
            }
            let file = ["std::fs", "File::open", "std::env", "std::process", "stdin()"];
            if depth_of(&layer) < shell && file.iter().any(|word| text.contains(word)) {
                complaints.add(&source, line, "the core does no I/O: take bytes or a reader");
            }
            let allowed = layer == "trie";
            if text.contains("unsafe ") && !allowed {
                complaints.add(&source, line, "unsafe lives in trie::image and trie::simd only");
            }
        }
    }
    complaints.end();
}

fn depth_of(layer: &str) -> usize {
    LAYERS.iter().position(|known| *known == layer).unwrap_or(usize::MAX)
}

#[test]
fn lines_words_and_leftovers() {
    let mut complaints = Complaints::default();
    let own = "tests/it/tidy.rs";
    let mut sources = files("src", ".rs");
    sources.extend(files("tests", ".rs"));
    sources.extend(files("benches", ".rs"));
    sources.extend(files("packaging/data/src", ".rs"));
    for source in sources.iter().filter(|source| source.shown() != own) {
        for (line, text) in source.lines() {
            if text.chars().count() > 100 && !text.contains("://") {
                complaints.add(source, line, "longer than 100 characters: break it");
            }
            let lower = text.to_lowercase();
            for (word, better) in WORDS {
                if lower.contains(word) {
                    complaints.add(source, line, &format!("says \"{word}\": say {better}"));
                }
            }
            let leftover = ["TODO", "FIXME"].iter().any(|word| {
                text.find(word).is_some_and(|at| !text[at + word.len()..].starts_with("(#"))
            });
            if leftover && source.shown().starts_with("src/") {
                complaints.add(source, line, "a leftover without an issue: do it, or TODO(#42)");
            }
        }
    }
    complaints.end();
}

#[test]
fn no_path_of_anyones_machine() {
    let mut complaints = Complaints::default();
    let mut sources = Vec::new();
    for (folder, ending) in [
        ("src", ".rs"),
        ("src", ".md"),
        ("tests", ".rs"),
        ("tests", ".md"),
        ("benches", ".rs"),
        ("packaging", ".rs"),
        ("packaging", ".md"),
        ("datasets", ".md"),
        ("examples", ".md"),
        ("examples", ".rs"),
        ("fuzz", ".rs"),
        (".ci", "run"),
    ] {
        sources.extend(files(folder, ending));
    }
    let own = "tests/it/tidy.rs";
    for source in sources.iter().filter(|source| source.shown() != own) {
        for (line, text) in source.lines() {
            for root in ["/root/", "/work/", "/Users/", "/tmp/wt"] {
                if text.contains(root) {
                    complaints.add(source, line, &format!("{root} is a path of one machine"));
                }
            }
            let home = text.find("/home/").map(|at| &text[at + 6..]);
            if home.is_some_and(|rest| {
                rest.starts_with(|c: char| c.is_ascii_lowercase())
                    && !rest.starts_with("user")
                    && !rest.starts_with("alice")
            }) {
                complaints.add(source, line, "/home/… is a path of one machine");
            }
        }
    }
    complaints.end();
}

#[test]
fn every_file_is_reached_and_listed() {
    let mut complaints = Complaints::default();
    let sources = files("src", ".rs");
    let mods: BTreeSet<String> = sources
        .iter()
        .flat_map(|source| source.text.lines())
        .filter_map(|line| {
            let line = line.trim_start();
            let line =
                line.strip_prefix("pub ").or(line.strip_prefix("pub(crate) ")).unwrap_or(line);
            line.strip_prefix("mod ")?.strip_suffix(';').map(str::to_owned)
        })
        .collect();
    for source in &sources {
        let stem = source.path.file_stem().unwrap().to_string_lossy();
        let name = match &*stem {
            "lib" | "main" => continue,
            "mod" => source.path.parent().unwrap().file_name().unwrap().to_string_lossy(),
            _ => stem,
        };
        if !mods.contains(&*name) {
            complaints.add(source, 1, "no `mod` reaches this file: list it or delete it");
        }
        if !source.text.starts_with("//!") {
            complaints.add(source, 1, "begins without a module doc: say what it is for");
        }
    }
    complaints.end();
}

#[test]
fn fragments_have_a_known_kind() {
    let mut complaints = Complaints::default();
    for source in files("packaging/changes", "") {
        let name = source.path.file_name().unwrap().to_string_lossy().into_owned();
        let kind = name.strip_suffix(".md").and_then(|name| name.rsplit('.').next());
        if !kind.is_some_and(|kind| FRAGMENT_KINDS.contains(&kind)) {
            complaints.add(
                &source,
                1,
                "name it SLUG.KIND.md; kinds: feature fix change data security",
            );
        }
        if source.text.trim().is_empty() {
            complaints.add(&source, 1, "an empty fragment tells nobody anything");
        }
    }
    complaints.end();
}
