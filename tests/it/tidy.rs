//! House rules that no compiler checks: each complaint names file, line, rule and remedy.

use std::collections::BTreeSet;
use std::fmt::Write as _;
use std::path::{Path, PathBuf};

use infralock::flow::apps::PROTOCOLS;
use infralock::import::FORMATS;
use infralock::intel::feed::FORMATS as FEED_FORMATS;
use infralock::threat::detectors::DETECTORS;
use infralock::wire::capture::FORMATS as CAPTURE_FORMATS;
use infralock::wire::link::LINKS;

use crate::fuzz::TARGETS;

/// The layers, top first: a module may use those above it, never those below (`lib.rs` has the same
/// order, which is checked).
const LAYERS: &[&str] = &[
    "model",
    "filter",
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
    "fetch",
    "export",
    "engine",
    "app",
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
                let forbidden = ["trie", "wire", "flow", "store", "fetch"].contains(&used);
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
            if text.contains("ureq") && layer != "fetch" {
                complaints.add(&source, line, "requests are made in fetch alone");
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
    // Where the project lies here, and the home of whoever runs this.
    let home = std::env::var("HOME").unwrap_or_default();
    let roots: Vec<String> = [env!("CARGO_MANIFEST_DIR"), &home]
        .into_iter()
        .filter(|root| root.len() > 1)
        .map(|root| format!("{root}/"))
        .collect();
    for source in sources.iter().filter(|source| source.shown() != own) {
        for (line, text) in source.lines() {
            if let Some(root) = roots.iter().find(|root| text.contains(*root)) {
                complaints.add(source, line, &format!("{root} is a path of this machine"));
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

/// Everything that is in a list for its readers says what it reads, what it misses and where that
/// is written.
#[test]
fn what_is_listed_is_documented() {
    let mut said = Vec::new();
    for about in FORMATS.iter().map(|format| format.about()) {
        said.push((about.id, [about.reads, about.misses, about.source]));
    }
    for about in CAPTURE_FORMATS.iter().map(|format| format.about()) {
        said.push((about.id, [about.reads, about.misses, about.source]));
    }
    let ids: BTreeSet<&str> = said.iter().map(|(id, _)| *id).collect();
    assert_eq!(ids.len(), said.len(), "two formats have one id");
    for about in FEED_FORMATS.iter().map(|format| format.about()) {
        said.push((about.id, [about.reads, about.misses, about.source]));
    }
    for about in PROTOCOLS.iter().map(|protocol| protocol.about()) {
        said.push((about.service, [about.reads, about.misses, about.source]));
    }
    for about in DETECTORS.iter().map(|detector| detector.about()) {
        said.push((about.ids[0], [about.finds, about.misses, about.source]));
    }
    for (id, texts) in said {
        for text in texts {
            assert!(text.len() >= 4 && text.trim() == text, "{id}: says {text:?}: a few words");
        }
    }
}

/// The text of all code that tests: `tests/it` and the unit tests of `src`.
fn test_text() -> String {
    let mut text = String::new();
    for source in files("tests/it", ".rs").iter().filter(|file| file.shown() != "tests/it/tidy.rs")
    {
        text += &source.text;
    }
    for source in files("src", ".rs") {
        text.extend(source.text.split_once("#[cfg(test)]").map(|(_, tests)| tests.to_owned()));
    }
    text
}

#[test]
fn what_is_listed_is_tested() {
    let tests = test_text();
    for about in PROTOCOLS.iter().map(|protocol| protocol.about()) {
        let quoted = format!("\"{}\"", about.service);
        assert!(tests.contains(&quoted), "{}: in no test", about.service);
    }
    let profile = files("src/threat/profiles", "default.toml");
    let profile = &profile.first().expect("the profile stands beside the code").text;
    for id in DETECTORS.iter().flat_map(|detector| detector.about().ids) {
        // A family's rows are weighed by what the list is for, not by its name.
        let id = id.trim_end_matches('*');
        assert!(tests.contains(id), "{id}: in no test");
        let row = format!("[score.rows.\"{id}");
        assert!(profile.contains(&row), "{id}: has no row in src/threat/profiles/default.toml");
    }
    let ids: BTreeSet<&str> = DETECTORS.iter().flat_map(|it| it.about().ids).copied().collect();
    for row in profile.lines().filter_map(|line| line.strip_prefix("[score.rows.\"")) {
        let row = row.split('"').next().unwrap_or_default();
        let family = row.split_once('.').map(|(family, _)| format!("{family}."));
        let is_ours = family.is_some_and(|family| ids.iter().any(|id| id.starts_with(&family)));
        let met = !is_ours || ids.contains(row) || row.starts_with("list.");
        assert!(met, "{row}: weighed in default.toml, and no detector says it");
    }
    let frames: String = files("tests/cases/wire", "frames.txt")
        .iter()
        .map(|case| format!("\n{}", case.text))
        .collect();
    let mut met = BTreeSet::new();
    for link in LINKS {
        for number in link.types {
            assert!(met.insert(number), "link type {number} is listed twice");
            let lead = [" ", "/", "@"].map(|end| format!("\n{number}{end}"));
            let is_met = lead.iter().any(|lead| frames.contains(lead));
            assert!(is_met, "{} ({number}): no frame in tests/cases/wire", link.name);
        }
    }
}

/// A target for each list of parsers, with seeds; no seeds without a target.
#[test]
fn what_reads_strangers_bytes_is_fuzzed() {
    let is_target = |name: &str| TARGETS.iter().any(|target| target.name == name);
    let sources = files("src/import", ".rs");
    for id in FORMATS.iter().map(|format| format.about().id) {
        let quoted = format!("id: \"{id}\"");
        let source = sources.iter().find(|source| source.text.contains(&quoted));
        let file = source.and_then(|source| source.path.file_stem()).unwrap().to_string_lossy();
        let fuzzed = is_target(&file) || is_target(&id.replace('-', "_"));
        assert!(fuzzed, "{id}: no fuzz target of its name or of its file's, {file}");
    }
    for id in CAPTURE_FORMATS.iter().map(|format| format.about().id) {
        assert!(is_target(id), "{id}: no fuzz target");
    }
    for id in FEED_FORMATS.iter().map(|format| format.about().id) {
        let name = format!("feed_{}", id.replace('-', "_"));
        assert!(is_target(&name), "{id}: no fuzz target {name}");
    }
    for about in PROTOCOLS.iter().map(|protocol| protocol.about()) {
        // What is only named has no parser: the target `apps` asks them all.
        let only_named = about.misses == "everything but the name";
        let fuzzed = only_named || is_target(&format!("apps_{}", about.service));
        assert!(fuzzed, "{0}: no fuzz target apps_{0}", about.service);
    }
    for folder in folders("tests/fuzz") {
        let name = folder.file_name().unwrap().to_string_lossy();
        assert!(is_target(&name), "tests/fuzz/{name}: seeds of no target");
    }
}

fn folders(below: &str) -> Vec<PathBuf> {
    let entries = std::fs::read_dir(Path::new(env!("CARGO_MANIFEST_DIR")).join(below)).unwrap();
    entries.map(|entry| entry.unwrap().path()).filter(|path| path.is_dir()).collect()
}

/// Each case says what it is for, and some test runs its folder.
#[test]
fn cases_are_explained_and_run() {
    let tests = test_text();
    for area in folders("tests/cases") {
        let area = area.file_name().unwrap().to_string_lossy().into_owned();
        let below = format!("tests/cases/{area}");
        assert!(tests.contains(&format!("join(\"{below}")), "{below}: no test runs it");
        for case in folders(&below) {
            let readme = std::fs::read_to_string(case.join("README.md")).unwrap_or_default();
            assert!(readme.trim().len() > 40, "{}: README.md, what for, whence", case.display());
        }
    }
}

/// A bench that Cargo.toml does not name is built with a harness that runs nothing of it.
#[test]
fn benches_and_test_files_are_named() {
    let manifest = files("", "Cargo.toml");
    let manifest = manifest.iter().find(|file| file.shown() == "Cargo.toml").unwrap();
    let benches = files("benches", ".rs");
    let listed =
        |name: &str| benches.iter().any(|bench| bench.text.contains(&format!("\nmod {name};")));
    for bench in &benches {
        let folder = bench.path.parent().unwrap().file_name().unwrap().to_string_lossy();
        let name = bench.path.file_stem().unwrap().to_string_lossy();
        let entry = match &*name {
            // What benches share.
            "mod" => continue,
            "main" => format!("name = \"{folder}\"\npath = \"benches/{folder}/main.rs\""),
            name if folder != "benches" => {
                assert!(listed(name), "{}: no `mod` reaches this file", bench.shown());
                continue;
            }
            name => format!("name = \"{name}\""),
        };
        let entry = format!("[[bench]]\n{entry}\nharness = false");
        let shown = bench.shown();
        assert!(manifest.text.contains(&entry), "{shown}: {entry:?} is not in Cargo.toml");
    }
    let tests = test_text();
    for test in files("tests/it", ".rs") {
        let stem = test.path.file_stem().unwrap().to_string_lossy().into_owned();
        let named = stem == "main" || stem == "mod" || tests.contains(&format!("mod {stem};"));
        assert!(named, "{}: no `mod` reaches this file", test.shown());
    }
}
