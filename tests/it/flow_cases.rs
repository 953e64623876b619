//! Runs every folder of `tests/cases/flow/`: a capture must give the flows beside it.
//!
//! `capture.pcap` is written by `recipe.py` of the folder above; `expected.ndjson` is what `flows
//! --ndjson` says of it; `README.md` says what the case is for. `INFRALOCK_BLESS=1` writes
//! `expected.ndjson` anew: read the difference.

use std::path::{Path, PathBuf};

use crate::program::{complained, infralock, said};

/// Bytes of a capture: small enough to be read by eye.
const CAPTURE_BYTES_MAX: u64 = 20_000;

fn folders() -> Vec<PathBuf> {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/cases/flow");
    let entries = std::fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().path());
    let mut folders: Vec<PathBuf> = entries.filter(|path| path.is_dir()).collect();
    folders.sort();
    folders
}

#[test]
fn captures_give_the_flows_beside_them() {
    let bless = std::env::var_os("INFRALOCK_BLESS").is_some();
    let folders = folders();
    assert!(folders.len() >= 10, "{} cases", folders.len());
    for folder in folders {
        let shown = folder.display();
        let bytes = std::fs::metadata(folder.join("capture.pcap")).unwrap().len();
        assert!(bytes <= CAPTURE_BYTES_MAX, "{shown}: {bytes} bytes");
        assert!(folder.join("README.md").exists(), "{shown}: say what it is for");
        let mut program = infralock(&["flows", "capture.pcap", "--ndjson"]);
        let output = program.current_dir(&folder).output().unwrap();
        assert!(output.status.success(), "{shown}: {}", complained(&output));
        let (path, found) = (folder.join("expected.ndjson"), said(&output));
        if bless {
            std::fs::write(&path, &found).unwrap();
        }
        assert_eq!(std::fs::read_to_string(&path).unwrap(), found, "{shown}");
    }
}
