//! MISP warninglists and iporigin: which published lists hold an address.

use infralock::intel::pack::PackWriter;
use infralock::intel::packing::{PackedList, write_lists, write_table};
use infralock::model::{Addr, AddrRange, Family, Prefix};
use infralock::trie::flatten_sets;
use serde::Deserialize;

use crate::sources::{IPORIGIN, MISP};
use crate::{Context, Failure, Packed};

/// Lists of reserved addresses, which `src/model/special.rs` knows, and one that is empty.
const LEFT_OUT: [&str; 7] =
    ["crl-ip", "ipv6-linklocal", "multicast", "rfc1918", "rfc3849", "rfc5735", "rfc6598"];

/// Providers whose ranges iporigin took from repositories that state no licence.
const UNLICENSED: [&str; 12] = [
    "Akamai", "BunnyCDN", "BuyVM", "CDN77", "Cogent", "Contabo", "DataCamp", "GTHost", "GleSYS",
    "Melbicom", "Scalaxy", "Vercel",
];

#[derive(Deserialize)]
struct WarningList {
    version: u64,
    #[serde(rename = "type")]
    kind: String,
    list: Vec<String>,
}

/// Packs the address lists among the MISP warninglists.
pub fn misp(context: &Context) -> Result<Packed, Failure> {
    let archive = context.open(&MISP, |path| path.ends_with("/list.json"))?;
    let (mut lists, mut entries) = (Vec::new(), Vec::new());
    for (path, bytes) in archive.members() {
        let name = path.rsplit('/').nth(1).unwrap_or_default();
        let list: WarningList =
            serde_json::from_slice(bytes).map_err(|e| format!("{name}: {e}"))?;
        if list.kind != "cidr" || LEFT_OUT.contains(&name) {
            continue;
        }
        let number = u32::try_from(lists.len())?;
        for text in &list.list {
            let prefix: Prefix = text.parse().map_err(|e| format!("{name}: {text:?}: {e}"))?;
            entries.push((AddrRange::from(prefix), number));
        }
        lists.push((format!("misp:{name}"), misp_date(list.version)));
    }
    packed(&lists, &entries)
}

/// A list's version is mostly its date: `20251223`, or `25121022` with the hour. Small numbers
/// count editions and date nothing.
fn misp_date(version: u64) -> Option<u64> {
    let (year, month, day) = match version {
        20_000_000..=20_991_231 => (version / 10_000, version / 100 % 100, version % 100),
        // Two digits of the year, month, day, hour: 2021 and later.
        20_991_232..=99_123_123 => {
            (2_000 + version / 1_000_000, version / 10_000 % 100, version / 100 % 100)
        }
        _ => return None,
    };
    days_since_1970(year, month, day)
}

/// Days in the proleptic Gregorian calendar (Hinnant's algorithm); `None`: not a date.
fn days_since_1970(year: u64, month: u64, day: u64) -> Option<u64> {
    if !(1..=12).contains(&month) || !(1..=31).contains(&day) {
        return None;
    }
    let year = if month <= 2 { year - 1 } else { year };
    let (era, of_era) = (year / 400, year % 400);
    let of_year = (153 * ((month + 9) % 12) + 2) / 5 + day - 1;
    (era * 146_097 + of_era * 365 + of_era / 4 - of_era / 100 + of_year).checked_sub(719_468)
}

/// Packs iporigin's table: a header, labels `provider TAB kind`, then records.
pub fn iporigin(context: &Context) -> Result<Packed, Failure> {
    let archive = context.open(&IPORIGIN, |path| path.ends_with("ranges.bin"))?;
    let mut reader = Reader(archive.member("iporigin/data/ranges.bin")?);
    if reader.take(8)? != b"IPORIGIN" || reader.number(2)? != 1 {
        return Err("not an iporigin table of version 1".into());
    }
    let built_secs = reader.number(8)?;
    let labels_len = reader.number(2)?;
    let (v4_len, v6_len) = (reader.number(4)?, reader.number(4)?);
    let mut labels = Vec::new();
    for _ in 0..labels_len {
        let length = usize::try_from(reader.number(2)?)?;
        let label = std::str::from_utf8(reader.take(length)?)?;
        labels.push(label.split('\t').next().unwrap_or_default().to_owned());
    }
    let mut kept: Vec<&str> = labels.iter().map(String::as_str).collect();
    kept.retain(|provider| !UNLICENSED.contains(provider));
    kept.sort_unstable();
    let number_of = |label: u64| -> Result<Option<u32>, Failure> {
        let provider = labels.get(usize::try_from(label)?).ok_or("iporigin: a label too many")?;
        Ok(kept.binary_search(&provider.as_str()).ok().and_then(|at| u32::try_from(at).ok()))
    };
    let mut entries = Vec::new();
    for _ in 0..v4_len {
        let ends = [u128::from(reader.number(4)?), u128::from(reader.number(4)?)];
        if let Some(number) = number_of(reader.number(2)?)? {
            entries.push((range(Family::V4, ends)?, number));
        }
    }
    for _ in 0..v6_len {
        let mut end = || -> Result<u128, Failure> {
            Ok(u128::from_be_bytes(*reader.take(16)?.first_chunk().ok_or("cut off")?))
        };
        let ends = [end()?, end()?];
        if let Some(number) = number_of(reader.number(2)?)? {
            entries.push((range(Family::V6, ends)?, number));
        }
    }
    let date = Some(built_secs / 86_400);
    let slug = |provider: &str| provider.to_lowercase().replace(' ', "-");
    let lists: Vec<PackedList> =
        kept.iter().map(|provider| (format!("iporigin:{}", slug(provider)), date)).collect();
    packed(&lists, &entries)
}

fn range(family: Family, [first, last]: [u128; 2]) -> Result<AddrRange, Failure> {
    let addr = |bits| Addr::from_bits(family, bits);
    let range = addr(first).zip(addr(last)).and_then(|(first, last)| AddrRange::new(first, last));
    Ok(range.ok_or("iporigin: a range upside down")?)
}

fn packed(lists: &[PackedList], entries: &[(AddrRange, u32)]) -> Result<Packed, Failure> {
    let (pieces, combinations) = flatten_sets(entries);
    let mut pack = PackWriter::new();
    write_lists(&mut pack, lists, &combinations);
    write_table(&mut pack, &pieces);
    let is_v4 = |(range, _): &&(AddrRange, u32)| range.first().family() == Family::V4;
    let rows = entries.iter().filter(is_v4).count();
    Ok(Packed { pack, rows, rows_v6: entries.len() - rows })
}

/// Little-endian numbers from the front of bytes.
struct Reader<'a>(&'a [u8]);

impl<'a> Reader<'a> {
    fn take(&mut self, length: usize) -> Result<&'a [u8], Failure> {
        let (part, rest) = self.0.split_at_checked(length).ok_or("iporigin: cut off")?;
        self.0 = rest;
        Ok(part)
    }

    fn number(&mut self, bytes: usize) -> Result<u64, Failure> {
        Ok(self.take(bytes)?.iter().rev().fold(0, |number, &byte| number << 8 | u64::from(byte)))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn versions_are_dates_or_nothing() {
        assert_eq!(days_since_1970(1970, 1, 1), Some(0));
        assert_eq!(days_since_1970(2000, 3, 1), Some(11_017));
        assert_eq!(misp_date(20_251_223), days_since_1970(2025, 12, 23));
        assert_eq!(misp_date(25_121_022), days_since_1970(2025, 12, 10));
        assert_eq!(misp_date(3), None);
        assert_eq!(misp_date(20_259_923), None);
    }
}
