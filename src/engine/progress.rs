//! Progress and cancel of long work.

use crate::model::Visible;

/// What a job does with a file.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Doing {
    /// Reads what is in it.
    #[default]
    Reading,
    /// Finds out, by its hash, whether it is one that was read before.
    Hashing,
}

/// Where a job stands.
#[derive(Clone, Debug, PartialEq)]
pub struct Step<'a> {
    /// What is done with the file.
    pub doing: Doing,
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

impl Step<'_> {
    /// How much of the file is read, 0 to 1; `None`: cannot tell.
    pub fn part(&self) -> Option<f64> {
        let total = self.bytes_total.filter(|&total| total > 0)?;
        Some((self.bytes as f64 / total as f64).min(1.0))
    }

    /// `2 of 3  access.log  61 %  182 MB/s  4 s left`, `secs` after the file was begun.
    pub fn sentence(&self, secs: f64) -> String {
        let name = Visible(self.name);
        let rate = self.bytes as f64 / 1e6 / secs.max(1e-3);
        let mut line = match self.files {
            1 => format!("{name}  "),
            files => format!("{} of {files}  {name}  ", self.file),
        };
        if self.doing == Doing::Hashing {
            line.insert_str(0, "comparing ");
        }
        match self.part() {
            Some(part) => {
                let left = (secs / part.max(1e-3)) * (1.0 - part);
                line += &format!("{:.0} %  {rate:.0} MB/s  {left:.0} s left", part * 100.0);
            }
            // What comes out of a case is counted in files.
            None if self.bytes == 0 => {}
            None => line += &format!("{:.0} MB  {rate:.0} MB/s", self.bytes as f64 / 1e6),
        }
        line
    }
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
