//! Progress and cancel of long work.

/// Where a job stands.
#[derive(Clone, Debug, PartialEq)]
pub struct Step<'a> {
    /// The file being read, as the analyst named it.
    pub name: &'a str,
    /// Packed bytes of it read so far.
    pub bytes: u64,
    /// Its size; `None` for a stream.
    pub bytes_total: Option<u64>,
    /// Which file it is, from 1.
    pub file: usize,
    /// How many files there are.
    pub files: usize,
}

/// Sees how a job goes on, and may stop it.
pub trait Monitor {
    /// Called every megabyte or so.
    fn step(&self, step: &Step<'_>);

    /// Whether to stop: the job ends soon and keeps what is done.
    fn is_cancelled(&self) -> bool;
}

/// Shows nothing and never stops.
#[derive(Clone, Copy, Debug, Default)]
pub struct Silent;

impl Monitor for Silent {
    fn step(&self, _step: &Step<'_>) {}

    fn is_cancelled(&self) -> bool {
        false
    }
}
