//! The hash of a whole file, with progress and cancel: by it a file is known again.

use std::fs::File;
use std::io::{self, ErrorKind, Read};
use std::path::Path;

use sha2::{Digest, Sha256};

use super::progress::{Doing, Monitor, Step};

/// Bytes between two looks at progress and cancel: a few milliseconds of hashing.
const CHUNK_BYTES: usize = 1 << 20;

/// The SHA-256 of a file as its import would tell it, in lower-case hex; `None`: it was stopped.
///
/// # Errors
/// The file cannot be read.
pub(super) fn sha256_of(
    path: &Path,
    name: &str,
    monitor: &dyn Monitor,
) -> io::Result<Option<String>> {
    let mut file = File::open(path)?;
    let bytes_total = file.metadata().ok().map(|found| found.len());
    let (mut hash, mut bytes) = (Sha256::new(), 0);
    let mut chunk = vec![0; CHUNK_BYTES];
    loop {
        if monitor.is_cancelled() {
            return Ok(None);
        }
        let count = match file.read(&mut chunk) {
            Ok(0) => return Ok(Some(hex(&hash.finalize()))),
            Ok(count) => count,
            Err(error) if error.kind() == ErrorKind::Interrupted => continue,
            Err(error) => return Err(error),
        };
        hash.update(chunk.get(..count).unwrap_or_default());
        bytes += count as u64;
        let doing = Doing::Hashing;
        monitor.step(&Step { doing, name, bytes, bytes_total, file: 1, files: 1 });
    }
}

/// The same of bytes at hand.
pub(super) fn sha256_of_bytes(bytes: &[u8]) -> String {
    hex(&Sha256::digest(bytes))
}

fn hex(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::engine::Silent;
    use std::cell::RefCell;

    /// Stops after so many steps, and keeps their sentences.
    struct StopsAfter(usize, RefCell<Vec<String>>);

    impl Monitor for StopsAfter {
        fn step(&self, step: &Step<'_>) {
            self.1.borrow_mut().push(step.sentence(1.0));
        }

        fn is_cancelled(&self) -> bool {
            self.1.borrow().len() >= self.0
        }
    }

    #[test]
    fn a_file_is_hashed_in_steps_and_can_be_stopped() {
        let file = tempfile::NamedTempFile::new().unwrap();
        std::fs::write(file.path(), vec![7; CHUNK_BYTES * 2 + 1]).unwrap();
        let whole = sha256_of(file.path(), "x.pcap", &Silent).unwrap();
        assert_eq!(whole, Some(sha256_of_bytes(&vec![7; CHUNK_BYTES * 2 + 1])));
        let all = StopsAfter(9, RefCell::default());
        sha256_of(file.path(), "x.pcap", &all).unwrap();
        let told = all.1.into_inner();
        assert_eq!(told.len(), 3);
        assert_eq!(told[0], "comparing x.pcap  50 %  1 MB/s  1 s left");
        let stopped = StopsAfter(1, RefCell::default());
        assert_eq!(sha256_of(file.path(), "x.pcap", &stopped).unwrap(), None);
        assert_eq!(stopped.1.into_inner().len(), 1);
    }
}
