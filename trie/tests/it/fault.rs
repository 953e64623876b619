//! A file that is cut while it is mapped ends the process, but not without a word.
#![cfg(all(unix, not(miri)))]
#![allow(clippy::disallowed_methods, reason = "it starts itself once more, to be ended")]

use std::os::unix::process::ExitStatusExt;
use std::process::Command;

use infralock_trie::{Builder, Image, Layer, Prefix, Runs, explain_bus_errors};

const CHILD: &str = "INFRALOCK_TRIE_CUT_FILE";
const SIGBUS: i32 = 7;

#[test]
fn a_file_that_is_cut_while_it_is_mapped_is_explained() {
    if let Some(path) = std::env::var_os(CHILD) {
        explain_bus_errors("the image was cut\n");
        let image = Image::open(path.as_ref()).unwrap();
        std::fs::OpenOptions::new().write(true).open(&path).unwrap().set_len(0).unwrap();
        // Reads what is gone.
        panic!("answered {:?}", image.v4().get(0x0a00_0001));
    }
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("cut.image");
    let mut builder = Builder::new();
    let v4 = Runs::from_prefixes(vec![(Prefix::new(0x0a00_0000, 8).unwrap(), 1)]).unwrap();
    builder.insert(Layer { name: "one".into(), v4, ..Layer::default() });
    let mut file = std::fs::File::create(&path).unwrap();
    builder.build(|_, _| true).unwrap().write_to(&mut file).unwrap();
    let own = std::env::current_exe().unwrap();
    let name = "fault::a_file_that_is_cut_while_it_is_mapped_is_explained";
    let output = Command::new(own)
        .args(["--exact", name, "--nocapture"])
        .env(CHILD, &path)
        .output()
        .unwrap();
    let told = String::from_utf8_lossy(&output.stderr);
    assert!(told.contains("the image was cut"), "{told}");
    assert_eq!(output.status.signal().map(|signal| signal & 0x7f), Some(SIGBUS), "{output:?}");
}
