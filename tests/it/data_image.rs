//! The image of the data: built once, opened after, built anew when it is not whole, and told.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Command, Output};

use serde_json::Value;

/// Small sets in a folder, and a cache of their own.
struct Machine {
    folder: tempfile::TempDir,
}

impl Machine {
    fn new() -> Self {
        let folder = tempfile::tempdir().unwrap();
        let data = folder.path().join("data");
        fs::create_dir(&data).unwrap();
        for (name, bytes) in crate::intel::small_sets().0 {
            fs::write(data.join(name), bytes).unwrap();
        }
        Self { folder }
    }

    fn run(&self, arguments: &[&str]) -> Output {
        self.run_with_cache(&self.cache(), arguments)
    }

    fn run_with_cache(&self, cache: &Path, arguments: &[&str]) -> Output {
        Command::new(env!("CARGO_BIN_EXE_infralock"))
            .args(arguments)
            .env("INFRALOCK_DATA", self.folder.path().join("data"))
            .env("INFRALOCK_CACHE", cache)
            .env("INFRALOCK_FEEDS", self.folder.path().join("feeds"))
            .output()
            .unwrap()
    }

    fn cache(&self) -> PathBuf {
        self.folder.path().join("cache")
    }

    fn images(&self) -> Vec<PathBuf> {
        let entries = fs::read_dir(self.cache()).unwrap().map(|entry| entry.unwrap().path());
        entries.filter(|path| path.extension().is_some_and(|end| end == "image")).collect()
    }

    /// The AS of an address, as a look-up says it.
    fn asn(&self) -> Value {
        let output = self.run(&["lookup", "11.1.2.9", "--ndjson"]);
        assert!(output.status.success(), "{output:?}");
        serde_json::from_slice::<Value>(&output.stdout).unwrap()["asn"].clone()
    }
}

#[test]
fn an_image_is_built_once_kept_private_and_opened_after() {
    let machine = Machine::new();
    assert_eq!(machine.asn(), 64_496);
    let [image] = &machine.images()[..] else { panic!("one image: {:?}", machine.images()) };
    let before = fs::metadata(image).unwrap().modified().unwrap();
    assert_eq!(machine.asn(), 64_496);
    assert_eq!(fs::metadata(image).unwrap().modified().unwrap(), before, "not built again");
    #[cfg(unix)]
    {
        use std::os::unix::fs::PermissionsExt;
        let mode = |path: &Path| fs::metadata(path).unwrap().permissions().mode() & 0o777;
        assert_eq!((mode(image), mode(&machine.cache())), (0o600, 0o700));
    }
}

#[test]
fn build_says_what_lies_in_the_image_and_verify_that_it_is_whole() {
    let machine = Machine::new();
    let built = machine.run(&["data", "build", "--json"]);
    assert!(built.status.success(), "{built:?}");
    let view: Value = serde_json::from_slice(&built.stdout).unwrap();
    assert_eq!(view["path"], machine.images()[0].display().to_string());
    let layers = view["layers"].as_array().unwrap();
    let layer = |name: &str| layers.iter().find(|layer| layer["name"] == name).unwrap();
    assert_eq!(layer("asn")["ranges_v4"], 1);
    assert_eq!(layer("asn")["date"], "2026-01-02");
    let verified = machine.run(&["data", "verify", "--json"]);
    assert!(verified.status.success(), "{verified:?}");
    let verified: Value = serde_json::from_slice(&verified.stdout).unwrap();
    assert_eq!(verified["wrong"], Value::Array(Vec::new()));
    assert_eq!(verified["image"]["id"], view["id"]);
}

#[test]
fn a_damaged_byte_is_found_by_verify_with_its_section() {
    let machine = Machine::new();
    let built = machine.run(&["data", "build", "--json"]);
    let view: Value = serde_json::from_slice(&built.stdout).unwrap();
    let image = machine.images().remove(0);
    let sections = view["sections"].as_array().unwrap();
    let codes = sections.iter().find(|section| section["name"] == "v4.codes").unwrap();
    let mut bytes = fs::read(&image).unwrap();
    bytes[codes["offset"].as_u64().unwrap() as usize] ^= 1;
    fs::write(&image, bytes).unwrap();
    let verified = machine.run(&["data", "verify"]);
    assert_eq!(verified.status.code(), Some(3), "{verified:?}");
    let told = String::from_utf8_lossy(&verified.stderr);
    assert!(told.contains("[v4.codes]@") && told.contains("checksum"), "{told}");
    assert!(machine.run(&["data", "build"]).status.success());
    assert_eq!(machine.run(&["data", "verify"]).status.code(), Some(0));
}

#[test]
fn an_image_that_is_cut_or_strange_is_built_anew() {
    let machine = Machine::new();
    assert_eq!(machine.asn(), 64_496);
    let image = machine.images().remove(0);
    let whole = fs::read(&image).unwrap();
    for bytes in [&whole[..100], b"something else", b""] {
        fs::write(&image, bytes).unwrap();
        assert_eq!(machine.asn(), 64_496);
        assert_eq!(fs::read(&image).unwrap(), whole, "the same sets give the same bytes");
    }
}

#[test]
fn other_data_have_an_image_of_their_own() {
    let machine = Machine::new();
    assert_eq!(machine.asn(), 64_496);
    fs::remove_file(machine.folder.path().join("data/asn.pack")).unwrap();
    assert_eq!(machine.asn(), Value::Null);
    assert_eq!(machine.images().len(), 2);
}

#[test]
fn where_nothing_can_be_kept_the_image_lies_in_memory() {
    let machine = Machine::new();
    let taken = machine.folder.path().join("a file");
    fs::write(&taken, "").unwrap();
    let output = machine.run_with_cache(&taken, &["lookup", "11.1.2.9", "--ndjson"]);
    let row: Value = serde_json::from_slice(&output.stdout).unwrap();
    assert_eq!(row["asn"], 64_496);
    let output = machine.run_with_cache(&taken, &["data", "build"]);
    assert_eq!(output.status.code(), Some(1));
    let told = String::from_utf8_lossy(&output.stderr);
    assert!(told.contains("cannot be kept"), "{told}");
}
