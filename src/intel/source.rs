//! What a data set is and where it is from: the `meta` section of every packed file.

use serde::{Deserialize, Serialize};

use super::pack::{Pack, PackError};

/// A shipped data set.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Source {
    /// The id in claims, JSON and file names: `dbip-city`.
    pub id: String,
    /// What it is, in a few words.
    pub title: String,
    /// The package and version it was packed from.
    pub package: String,
    /// `2026-06-05`; `None`: the source states no date.
    pub date: Option<String>,
    /// SPDX where there is one: `CC-BY-4.0`.
    pub license: String,
    /// The publisher's page.
    pub url: String,
    /// What must be shown where results are shown; empty: nothing.
    pub attribution: String,
    /// IPv4 ranges, or rows where the set has no addresses.
    pub rows: u64,
    /// IPv6 ranges.
    pub rows_v6: u64,
    /// SHA-256 of the archive it was packed from, lower-case hex.
    pub archive_sha256: String,
    /// Bytes of the packed file.
    #[serde(default)]
    pub packed_bytes: u64,
}

impl Source {
    pub(super) fn read(pack: &Pack) -> Result<Self, PackError> {
        let columns = pack.section("meta")?;
        let place = columns.clone();
        let text = columns.rest_as_text()?;
        let source: Self = serde_json::from_str(&text).map_err(|error| place.error(error))?;
        Ok(Self { packed_bytes: pack.packed_bytes() as u64, ..source })
    }
}
