//! Archives as the registries give them: checked against their pinned sha256, then read by member.

use std::collections::BTreeMap;
use std::io::Read;
use std::path::Path;

use crate::Failure;
use crate::sources::Source;

/// Unpacked bytes of one archive; the largest has 210 MB.
const UNPACKED_BYTES_MAX: u64 = 1 << 30;

/// The members of an archive, by path without the first folder for `.tgz` (`package/`).
pub struct Archive {
    members: BTreeMap<String, Vec<u8>>,
    name: &'static str,
}

impl Archive {
    /// Reads and checks an archive; only members whose path `wanted` accepts are kept.
    pub fn open(
        folder: &Path,
        source: &Source,
        wanted: impl Fn(&str) -> bool,
    ) -> Result<Self, Failure> {
        let path = folder.join(source.archive);
        let bytes = crate::read_file(&path)?;
        let found = sha256_hex(&bytes);
        if found != source.sha256 {
            let expected = source.sha256;
            return Err(
                format!("{}: sha256 is {found}, pinned is {expected}", path.display()).into()
            );
        }
        let members = match path.extension().and_then(|extension| extension.to_str()) {
            Some("tgz") => tar_members(&gunzip(&bytes)?, &wanted)?,
            _ => zip_members(&bytes, &wanted)?,
        };
        Ok(Self { members, name: source.archive })
    }

    /// One member's bytes.
    pub fn member(&self, path: &str) -> Result<&[u8], Failure> {
        let missing = || format!("{}: has no member {path}", self.name).into();
        self.members.get(path).map(Vec::as_slice).ok_or_else(missing)
    }

    /// All members that were wanted, by path.
    pub fn members(&self) -> impl Iterator<Item = (&str, &[u8])> {
        self.members.iter().map(|(path, bytes)| (path.as_str(), bytes.as_slice()))
    }
}

/// Lower-case hex of the SHA-256.
pub fn sha256_hex(bytes: &[u8]) -> String {
    use sha2::Digest;
    sha2::Sha256::digest(bytes).iter().map(|byte| format!("{byte:02x}")).collect()
}

/// One gzip member, unpacked.
#[expect(clippy::disallowed_types, reason = "the bytes are pinned by sha256, and limited here")]
pub fn gunzip(bytes: &[u8]) -> Result<Vec<u8>, Failure> {
    read_limited(flate2::read::GzDecoder::new(bytes))
}

#[expect(clippy::disallowed_methods, reason = "limited by `take`")]
fn read_limited(reader: impl Read) -> Result<Vec<u8>, Failure> {
    let mut unpacked = Vec::new();
    let read = reader.take(UNPACKED_BYTES_MAX).read_to_end(&mut unpacked)?;
    if read as u64 == UNPACKED_BYTES_MAX {
        return Err(format!("unpacks to more than {UNPACKED_BYTES_MAX} bytes").into());
    }
    Ok(unpacked)
}

fn zip_members(
    bytes: &[u8],
    wanted: &impl Fn(&str) -> bool,
) -> Result<BTreeMap<String, Vec<u8>>, Failure> {
    let mut archive = zip::ZipArchive::new(std::io::Cursor::new(bytes))?;
    let mut members = BTreeMap::new();
    for index in 0..archive.len() {
        let member = archive.by_index(index)?;
        let path = member.name()?.into_owned();
        if wanted(&path) {
            members.insert(path, read_limited(member)?);
        }
    }
    Ok(members)
}

/// POSIX ustar as npm writes it: 512-byte headers, contents padded to 512.
fn tar_members(
    bytes: &[u8],
    wanted: &impl Fn(&str) -> bool,
) -> Result<BTreeMap<String, Vec<u8>>, Failure> {
    let mut members = BTreeMap::new();
    let mut rest = bytes;
    while let Some((header, after)) = rest.split_first_chunk::<512>() {
        if header.iter().all(|&byte| byte == 0) {
            break;
        }
        let text = |from: usize, to: usize| {
            let field = header[from..to].split(|&byte| byte == 0).next().unwrap_or_default();
            String::from_utf8_lossy(field).trim().to_owned()
        };
        let size = text(124, 136);
        let size = usize::from_str_radix(&size, 8).map_err(|_| format!("tar: size {size:?}"))?;
        let padded = size.next_multiple_of(512).min(after.len());
        let contents = after.get(..size).ok_or("tar: cut off")?;
        // `0` and NUL are files; everything else (folders, extended headers) holds no data of ours.
        if matches!(header[156], b'0' | 0) {
            let path = match text(345, 500) {
                prefix if prefix.is_empty() => text(0, 100),
                prefix => format!("{prefix}/{}", text(0, 100)),
            };
            let path = path.split_once('/').map_or(path.clone(), |(_, rest)| rest.to_owned());
            if wanted(&path) {
                members.insert(path, contents.to_vec());
            }
        }
        rest = &after[padded..];
    }
    Ok(members)
}
